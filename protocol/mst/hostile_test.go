package mst

import (
	"bytes"
	"errors"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Pages that a right tree does not have are refused although their hashes
// are asked for: the other side lies about its root.
func TestWalkRefusesWrongPages(t *testing.T) {
	p := MustProfile(Options{Base: 4, HashSize: 16, DigestSize: 8})
	keyOf := func(level, k int) []byte {
		for ; ; k++ {
			if key := keyNo(k); p.Level(key) == level {
				return key
			}
		}
	}
	leaf := func(key []byte, level uint8) *page {
		return &page{level: level, ds: 8, count: 1, rows: append(wire.AppendBytes(nil, key), make([]byte, 8)...), fresh: true}
	}
	low := keyOf(0, 0)
	lower, higher := keyOf(0, 1), keyOf(0, 1)
	for k := 0; bytes.Compare(lower, higher) >= 0; k++ {
		lower, higher = keyOf(0, k), keyOf(0, k+100)
	}
	two := leaf(higher, 0)
	two.rows, two.count = append(two.rows, leaf(lower, 0).rows...), 2
	twice := leaf(lower, 0)
	twice.rows, twice.count = append(twice.rows, twice.rows...), 2
	under := func(key []byte, kids ...*page) *page {
		pg := leaf(key, 1)
		pg.kids = kids
		return pg
	}
	one := keyOf(1, 0)
	second := keyOf(1, 1)
	for k := 0; bytes.Compare(second, one) <= 0; k++ {
		second = keyOf(1, k)
	}
	above, below := low, low
	for k := 0; bytes.Compare(above, one) <= 0; k++ {
		above = keyOf(0, k)
	}
	for k := 0; bytes.Compare(below, one) >= 0; k++ {
		below = keyOf(0, k)
	}
	for name, wrong := range map[string]*page{
		"a key of a higher level":             leaf(one, 0),
		"a key of a lower level":              leaf(low, 1),
		"keys out of order":                   two,
		"a key twice":                         twice,
		"a child at level 0":                  {level: 0, ds: 8, count: 1, rows: leaf(low, 0).rows, kids: []*page{leaf(low, 0), nil}, fresh: true},
		"a key above its gap":                 under(one, leaf(above, 0), nil),
		"a key below its gap":                 under(one, nil, leaf(below, 0)),
		"a child of the same level":           under(one, nil, leaf(second, 1)),
		"a long key in a page":                leaf(make([]byte, DefaultKey+1), 0),
		"a child's key that the page has too": under(one, nil, leaf(one, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			theirs := New(p, nil)
			theirs.root = seal(wrong, p, nil, &scratch{})
			pull := NewPuller(New(p, nil), theirs.Root(), PullOptions{})
			for !pull.Done() {
				w := pull.Next(1)[0]
				answer, _ := theirs.Answer(nil, w)
				if err := pull.Receive(w.ID, answer); err != nil {
					if !errors.Is(err, protocol.ErrMalformed) {
						t.Errorf("got %v, want ErrMalformed", err)
					}
					if name == "a child at level 0" && pull.pages > 0 {
						t.Errorf("took the page above the child")
					}
					return
				}
			}
			t.Errorf("the walk went through")
		})
	}
	right := New(p, nil)
	right.root = seal(under(one, leaf(below, 0), leaf(above, 0)), p, nil, &scratch{})
	if _, found := walk(t, NewPuller(New(p, nil), right.Root(), PullOptions{}), right, 10); len(found) != 3 {
		t.Errorf("got %d keys of a right tree, want 3", len(found))
	}
}

// One page in two gaps is asked for once at a time, and is wrong in one.
func TestWalkRefusesAPageInTwoPlaces(t *testing.T) {
	p := MustProfile(Options{Base: 4, HashSize: 16, DigestSize: 8})
	right := buildNo(p, nil, 500)
	root := right.root
	if root.count < 2 || root.kid(0) == nil {
		t.Fatal("want a root with two entries and a first child")
	}
	wrong := root.part(0, int(root.count), root.rows)
	wrong.kids = make([]*page, root.count+1)
	wrong.kids[0], wrong.kids[1] = root.kids[0], root.kids[0]
	theirs := New(p, nil)
	theirs.root = seal(wrong, p, nil, &scratch{})
	pull := NewPuller(New(p, nil), theirs.Root(), PullOptions{})
	for range 2 {
		wants := pull.Next(100)
		if len(wants) != 1 {
			t.Fatalf("got %d wants, want 1", len(wants))
		}
		answer, _ := theirs.Answer(nil, wants[0])
		if err := pull.Receive(wants[0].ID, answer); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range pull.Next(100) {
		if w.ID != idOf(root.kids[0].hash) {
			continue
		}
		answer, _ := theirs.Answer(nil, Want{ID: w.ID, Form: FormPage})
		if err := pull.Receive(w.ID, answer); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("got %v for a page in the wrong gap, want ErrMalformed", err)
		}
		return
	}
	t.Errorf("the page was not asked for again")
}

// A summary of more slots than the page has leads to a request that the other
// side can not answer; Retry asks for the whole page.
func TestRetryAfterAFalseSummary(t *testing.T) {
	theirs := treeOf(Options{}, grind(0, 5)...)
	mine := treeOf(Options{}, grind(0, 6)...)
	pull := NewPuller(mine, theirs.Root(), PullOptions{SummaryLevels: maxLevel + 1})
	w := pull.Next(1)[0]
	if w.Form != FormSummary {
		t.Fatalf("got form %d, want a summary", w.Form)
	}
	answer, _ := theirs.Answer(nil, w)
	longer := append(bytes.Clone(answer), 1, 2, 3, 4, 5, 6, 7, 8)
	longer[2]++
	if err := pull.Receive(w.ID, longer); err != nil {
		t.Fatal(err)
	}
	w = pull.Next(1)[0]
	if _, ok := theirs.Answer(nil, w); ok || w.Form != FormSlots {
		t.Fatalf("got an answer to %+v", w)
	}
	pull.Retry()
	if w = pull.Next(1)[0]; w.Form != FormPage {
		t.Errorf("got form %d after Retry, want the page", w.Form)
	}
	pull.Retry()
	if _, found := walk(t, pull, theirs, 1); len(found) != 1 {
		t.Errorf("got %d differences, want 1", len(found))
	}
}
