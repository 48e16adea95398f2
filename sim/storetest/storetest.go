// Package storetest is a conformance suite for implementations of
// [protocol.Store]: what a store answers, and what a crash leaves of it, is
// held against a map and a list of what was applied.
package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// Disk is what a store stands on.
type Disk interface {
	// Store returns the store; after a Crash, that of the next process.
	Store() protocol.Store
	// Crash ends the process that uses the store, as by a loss of power.
	Crash()
}

// Run tests the stores of the disks that open returns, each empty.
func Run(t *testing.T, open func(t *testing.T) Disk) {
	t.Run("search", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { search(rt, open(t)) })
	})
	t.Run("copies", func(t *testing.T) { copies(t, open(t).Store()) })
	t.Run("empty values", func(t *testing.T) { emptyValues(t, open(t).Store()) })
	t.Run("scan stops", func(t *testing.T) { scanStops(t, open(t).Store()) })
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
// were passed through since the last sync.
func (m *model) crashed(state map[string]string) error {
	for n := range len(m.unsynced) + 1 {
		if maps.Equal(state, m.after(n)) {
			m.synced, m.unsynced = state, nil
			return nil
		}
	}
	return fmt.Errorf("after a crash: got %v, want what was synced, %v, and the first few of %d batches", state, m.synced, len(m.unsynced))
}

var (
	keys   = rapid.StringMatching(`[ab\x00\xff]{0,3}`)
	values = rapid.StringN(0, 8, 16)
)

// search goes through random histories.
func search(t *rapid.T, d Disk) {
	m := &model{synced: map[string]string{}}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		s := d.Store()
		switch rapid.IntRange(0, 9).Draw(t, "step") {
		case 0, 1, 2, 3:
			b := drawBatch(t)
			must(t, s.Apply(b))
			m.unsynced = append(m.unsynced, slices.Clone(b.Writes()))
		case 4:
			must(t, s.Sync())
			m.sync()
		case 5:
			d.Crash()
			if err := m.crashed(contents(t, d.Store())); err != nil {
				t.Fatal(err)
			}
		case 6, 7:
			key := keys.Draw(t, "key")
			v, ok, err := s.Get([]byte(key))
			must(t, err)
			if want, wantOK := m.now()[key]; ok != wantOK || string(v) != want {
				t.Fatalf("get %q: got %q, %v, want %q, %v", key, v, ok, want, wantOK)
			}
		default:
			checkScan(t, s, m.now())
		}
	}
	checkScan(t, d.Store(), m.now())
}

func drawBatch(t *rapid.T) *protocol.Batch {
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
	var got, wanted []string
	must(t, s.Scan(start, end, func(k, v []byte) bool {
		got = append(got, fmt.Sprintf("%q=%q", k, v))
		return true
	}))
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if k >= string(start) && (end == nil || k < string(end)) {
			wanted = append(wanted, fmt.Sprintf("%q=%q", k, want[k]))
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
