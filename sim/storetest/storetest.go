// Package storetest is a conformance suite for implementations of
// [protocol.Store]: what a store answers, and what a crash leaves of it, is
// held against a map and a list of what was applied.
package storetest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// Disk is what a store stands on. If it is an io.Closer, it is closed when it has
// been searched, so that not all are open at a time.
type Disk interface {
	// Store returns the store; after a Crash, that of the next process.
	Store() protocol.Store
	// Crash ends the process that uses the store, as by a loss of power.
	Crash()
}

// Chooser is a Disk that decides what a crash leaves.
type Chooser interface {
	// Survived returns how many of the batches that were not synced the last
	// crash left.
	Survived() int
}

// Run tests the stores of the disks that open returns, each empty.
func Run(t *testing.T, open func(t *testing.T) Disk) {
	t.Run("search", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { search(rt, open(t), values) })
	})
	t.Run("copies", func(t *testing.T) { copies(t, open(t).Store()) })
	t.Run("empty values", func(t *testing.T) { emptyValues(t, open(t).Store()) })
	t.Run("scan stops", func(t *testing.T) { scanStops(t, open(t).Store()) })
}

// RunLarge does the same search with values that do not stay in the memory of a
// store that keeps there what is new.
func RunLarge(t *testing.T, open func(t *testing.T) Disk) {
	rapid.Check(t, func(rt *rapid.T) { search(rt, open(t), largeValues) })
}

// model is the naive twin: the state that is sure to survive a crash, and the
// batches since.
type model struct {
	synced   map[string]string
	unsynced [][]protocol.Write
}

// after returns the state with the first n unsynced batches.
func (m *model) after(n int) map[string]string {
	state := maps.Clone(m.synced)
	for _, writes := range m.unsynced[:n] {
		for _, w := range writes {
			if w.Delete {
				delete(state, string(w.Key))
			} else {
				state[string(w.Key)] = string(w.Value)
			}
		}
	}
	return state
}

func (m *model) now() map[string]string { return m.after(len(m.unsynced)) }

func (m *model) sync() { m.synced, m.unsynced = m.now(), nil }

// crashed takes up the state that a crash left, which must be one of those that
// were passed through since the last sync: the one that the disk has chosen, if
// it chooses.
func (m *model) crashed(d Disk, state map[string]string) error {
	least, most := 0, len(m.unsynced)
	if c, ok := d.(Chooser); ok {
		least = c.Survived()
		most = least
	}
	for n := least; n <= most; n++ {
		if maps.Equal(state, m.after(n)) {
			m.synced, m.unsynced = state, nil
			return nil
		}
	}
	return fmt.Errorf("after a crash: got %v, want what was synced, %v, and the first %d to %d of %d batches",
		shown(state), shown(m.synced), least, most, len(m.unsynced))
}

// shown returns pairs in order, large values by their size and first bytes.
func shown(state map[string]string) []string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(state)) {
		pairs = append(pairs, show(k, state[k]))
	}
	return pairs
}

func show(k, v string) string {
	if len(v) > 32 {
		return fmt.Sprintf("%q=%q and %d bytes more", k, v[:8], len(v)-8)
	}
	return fmt.Sprintf("%q=%q", k, v)
}

var (
	keys   = rapid.StringMatching(`[ab\x00\xff]{0,3}`)
	values = rapid.StringN(0, 8, 16)
	// largeValues fill the 256 KiB that Pebble begins with, and are at times too
	// large for half of the 1 MiB that it ends with.
	largeValues = rapid.Custom(func(t *rapid.T) string {
		size := rapid.SampledFrom([]int{0, 0, 1, 3_000, 60_000, 150_000, 530_000}).Draw(t, "size")
		return strings.Repeat(string(rune('a'+rapid.IntRange(0, 25).Draw(t, "letter"))), size)
	})
)

// search goes through random histories.
func search(t *rapid.T, d Disk, values *rapid.Generator[string]) {
	if c, ok := d.(io.Closer); ok {
		defer func() { must(t, c.Close()) }()
	}
	m := &model{synced: map[string]string{}}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		s := d.Store()
		switch rapid.IntRange(0, 9).Draw(t, "step") {
		case 0, 1, 2, 3:
			b := drawBatch(t, values)
			must(t, s.Apply(b))
			m.unsynced = append(m.unsynced, slices.Clone(b.Writes()))
		case 4:
			must(t, s.Sync())
			m.sync()
		case 5:
			d.Crash()
			if err := m.crashed(d, contents(t, d.Store())); err != nil {
				t.Fatal(err)
			}
		case 6, 7:
			key := keys.Draw(t, "key")
			v, ok, err := s.Get([]byte(key))
			must(t, err)
			if want, wantOK := m.now()[key]; ok != wantOK || string(v) != want {
				t.Fatalf("get: got %s, %v, want %s, %v", show(key, string(v)), ok, show(key, want), wantOK)
			}
		default:
			checkScan(t, s, m.now())
		}
	}
	checkScan(t, d.Store(), m.now())
}

func drawBatch(t *rapid.T, values *rapid.Generator[string]) *protocol.Batch {
	var b protocol.Batch
	for range rapid.IntRange(0, 4).Draw(t, "writes") {
		key := []byte(keys.Draw(t, "key"))
		if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
			b.Delete(key)
		} else {
			b.Set(key, []byte(values.Draw(t, "value")))
		}
	}
	return &b
}

// checkScan compares a scan over a random range with the sorted map.
func checkScan(t *rapid.T, s protocol.Store, want map[string]string) {
	start, end := []byte(keys.Draw(t, "start")), []byte(keys.Draw(t, "end"))
	if rapid.Bool().Draw(t, "to the end") {
		end = nil
	}
	var got, wanted []string // keys, and whether the values are right
	must(t, s.Scan(start, end, func(k, v []byte) bool {
		got = append(got, fmt.Sprintf("%q %v", k, string(v) == want[string(k)]))
		return true
	}))
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if k >= string(start) && (end == nil || k < string(end)) {
			wanted = append(wanted, fmt.Sprintf("%q true", k))
		}
	}
	if !slices.Equal(got, wanted) {
		t.Fatalf("scan from %q to %q: got %v, want %v", start, end, got, wanted)
	}
}

func contents(t *rapid.T, s protocol.Store) map[string]string {
	state := map[string]string{}
	must(t, s.Scan(nil, nil, func(k, v []byte) bool {
		state[string(k)] = string(v)
		return true
	}))
	return state
}

// copies: the store keeps no reference to a batch, and what Get returns is the
// caller's.
func copies(t *testing.T, s protocol.Store) {
	key, value := []byte("key"), []byte("value")
	var b protocol.Batch
	b.Set(key, value)
	must(t, s.Apply(&b))
	key[0], value[0] = 'x', 'x'
	got, ok, err := s.Get([]byte("key"))
	must(t, err)
	if !ok || string(got) != "value" {
		t.Fatalf("after the batch was changed: got %q, %v", got, ok)
	}
	got[0] = 'y'
	if again, _, _ := s.Get([]byte("key")); !bytes.Equal(again, []byte("value")) {
		t.Errorf("after what Get returned was changed: got %q", again)
	}
}

func emptyValues(t *testing.T, s protocol.Store) {
	var b protocol.Batch
	b.Set([]byte("nil"), nil)
	b.Set([]byte("empty"), []byte{})
	b.Set(nil, []byte("empty key"))
	must(t, s.Apply(&b))
	for _, key := range []string{"nil", "empty", ""} {
		if v, ok, err := s.Get([]byte(key)); err != nil || !ok || (key != "" && len(v) != 0) {
			t.Errorf("get %q: got %q, %v, %v, want a value", key, v, ok, err)
		}
	}
}

func scanStops(t *testing.T, s protocol.Store) {
	var b protocol.Batch
	for _, k := range "abc" {
		b.Set([]byte(string(k)), nil)
	}
	must(t, s.Apply(&b))
	seen := 0
	must(t, s.Scan(nil, nil, func(_, _ []byte) bool {
		seen++
		return seen < 2
	}))
	if seen != 2 {
		t.Errorf("scan went on to %d keys, want 2", seen)
	}
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}
