package mst

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

// Who may write keys tries many and keeps those whose levels hurt. With a salt
// that he does not know he keeps keys of the levels of any others.

var salted = Options{DigestSize: 8, Salt: []byte("nobody knows this salt, not even")}

var unsalted = Options{DigestSize: 8}

// grind returns n keys that have the level in the unsalted profile.
func grind(level, n int) [][]byte {
	p := MustProfile(unsalted)
	var keys [][]byte
	for k := uint64(0); len(keys) < n; k++ {
		if key := binary.BigEndian.AppendUint64(nil, k); p.Level(key) == level {
			keys = append(keys, key)
		}
	}
	return keys
}

func treeOf(o Options, keys ...[]byte) Tree {
	e := New(MustProfile(o), nil).Edit()
	for _, k := range keys {
		e.Put(k, digestNo(o, 1))
	}
	return e.Commit()
}

// largest returns the number of entries of the largest page.
func largest(pg *page) int {
	if pg == nil {
		return 0
	}
	n := int(pg.count)
	for _, kid := range pg.kids {
		n = max(n, largest(kid))
	}
	return n
}

func TestGroundKeysDeepenOnlyTheUnsaltedTree(t *testing.T) {
	// One key of each level from 0 to 4, which is what 70,000 honest keys have.
	var keys [][]byte
	for level := range 5 {
		keys = append(keys, grind(level, 1)...)
	}
	if got := treeOf(unsalted, keys...).Height(); got != 5 {
		t.Errorf("unsalted: got height %d of 5 keys, want 5", got)
	}
	if got := treeOf(salted, keys...).Height(); got > 2 {
		t.Errorf("salted: got height %d of 5 keys, want at most 2", got)
	}
	// 200 keys of level 2 among 1000: honest keys have about 4.
	keys = grind(2, 200)
	for k := range 800 {
		keys = append(keys, keyNo(k))
	}
	for o, most := range map[*Options]int{&salted: 15, &unsalted: 1000} {
		p, high := MustProfile(*o), 0
		for _, k := range keys {
			if p.Level(k) >= 2 {
				high++
			}
		}
		if high > most || o == &unsalted && high < 200 {
			t.Errorf("salt of %d bytes: got %d of %d keys at level 2 or above, want at most %d", len(o.Salt), high, len(keys), most)
		}
	}
}

// Keys of level 0 alone all go into one page. The cap refuses it.
func TestGroundKeysBlowUpOnlyTheUnsaltedPage(t *testing.T) {
	keys := grind(0, 2000)
	bad, good := treeOf(unsalted, keys...), treeOf(salted, keys...)
	if got := largest(bad.root); got != 2000 {
		t.Errorf("unsalted: got a largest page of %d entries, want 2000", got)
	}
	if got := largest(good.root); got > 250 {
		t.Errorf("salted: got a largest page of %d entries, want at most 250", got)
	}
	pull := NewPuller(New(bad.profile, nil), bad.Root(), PullOptions{})
	for _, w := range pull.Next(1) {
		answer, _ := bad.Answer(nil, w)
		if err := pull.Receive(w.ID, answer); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("got %v for a page of 2000 entries, want ErrMalformed", err)
		}
	}
	if _, _, err := bad.profile.VerifyKey(bad.Root(), keys[0], bad.ProveKey(keys[0])); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("got %v for a proof in a page of 2000 entries, want ErrMalformed", err)
	}
	if _, found := walk(t, NewPuller(New(good.profile, nil), good.Root(), PullOptions{}), good, 100); len(found) != 2000 {
		t.Errorf("salted: got %d keys, want 2000", len(found))
	}
}

// The cap is exact, and honest pages stay far below it.
func TestPageCap(t *testing.T) {
	keys := grind(0, 903)
	slices.SortFunc(keys, bytes.Compare)
	for n, ok := range map[int]bool{902: true, 903: false} {
		tree := treeOf(unsalted, keys[:n]...)
		pull := NewPuller(New(tree.profile, nil), tree.Root(), PullOptions{})
		w := pull.Next(1)[0]
		answer, _ := tree.Answer(nil, w)
		if err := pull.Receive(w.ID, answer); (err == nil) != ok {
			t.Errorf("a page of %d entries: got %v", n, err)
		}
	}
	for base, most := range map[int]int{2: 84, 4: 202, 8: 436, 16: 902, 32: 1833, 64: 3697, 128: 7423, 256: 14876} {
		p := MustProfile(Options{Base: base})
		if p.MaxCount() != most {
			t.Errorf("base %d: got a cap of %d entries, want %d", base, p.MaxCount(), most)
		}
		if got := largest(buildNo(p, nil, 20_000).root); got > most/3 {
			t.Errorf("base %d: got a page of %d of 20000 keys, want at most a third of %d", base, got, most)
		}
	}
}

// Nodes with different salts refuse each other's pages.
func TestOtherSaltIsRefused(t *testing.T) {
	theirs := buildNo(MustProfile(salted), nil, 500)
	pull := NewPuller(New(MustProfile(unsalted), nil), theirs.Root(), PullOptions{})
	for _, w := range pull.Next(1) {
		answer, _ := theirs.Answer(nil, w)
		if err := pull.Receive(w.ID, answer); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("got %v, want ErrMalformed", err)
		}
	}
}
