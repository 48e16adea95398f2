package mst

import (
	"encoding/binary"

	"github.com/starling-sim/starling/protocol/wire"
)

// Form is how a page is asked for, and answered.
type Form uint8

// The forms. Their numbers are on the wire.
const (
	// FormPage: the whole page.
	FormPage Form = 1
	// FormSummary: eight bytes for each slot of the page.
	FormSummary Form = 2
	// FormSlots: some slots of a page whose summary is known.
	FormSlots Form = 3
)

// PageID is the first eight bytes of a page's hash: with Want.After it tells
// pages of one tree apart. The answer is checked against the whole hash.
type PageID [8]byte

func idOf(h Hash) (id PageID) {
	copy(id[:], h[:])
	return id
}

// Want asks for a page of a tree, or a part of it.
type Want struct {
	ID   PageID
	Form Form
	// After is the key before the page, nil for a page at the beginning: who
	// is asked finds the page on the path there and needs no index.
	After []byte
	// Indices are those of the slots wanted by FormSlots, ascending.
	Indices []uint16
}

// Size returns the number of bytes that Append adds.
func (w Want) Size() int {
	n := 1 + len(w.ID) + 1
	if w.After != nil {
		n += wire.UvarintSize(uint64(len(w.After)+1)) - 1 + len(w.After)
	}
	if w.Form == FormSlots {
		n += wire.UvarintSize(uint64(len(w.Indices)))
		last := -1
		for _, i := range w.Indices {
			n += wire.UvarintSize(uint64(int(i) - last - 1))
			last = int(i)
		}
	}
	return n
}

// Append appends the want as it travels.
func (w Want) Append(b []byte) []byte {
	b = append(append(b, byte(w.Form)), w.ID[:]...)
	if w.After == nil {
		b = append(b, 0)
	} else {
		b = append(wire.AppendUvarint(b, uint64(len(w.After)+1)), w.After...)
	}
	if w.Form == FormSlots {
		b = wire.AppendUvarint(b, uint64(len(w.Indices)))
		last := -1
		for _, i := range w.Indices {
			b = wire.AppendUvarint(b, uint64(int(i)-last-1))
			last = int(i)
		}
	}
	return b
}

// ReadWant reads what [Want.Append] wrote. The result does not refer to the
// reader's input.
func ReadWant(r *wire.Reader) Want {
	w := Want{Form: Form(r.Uint8())}
	if w.Form < FormPage || w.Form > FormSlots {
		r.Fail("got form %d, want %d to %d", w.Form, FormPage, FormSlots)
	}
	binary.BigEndian.PutUint64(w.ID[:], r.Uint64())
	n := r.Uvarint()
	if n > MaxKey+1 || n > uint64(r.Left()+1) {
		r.Fail("got a key of %d bytes, want at most %d and %d left", n-1, MaxKey, r.Left())
	}
	if n > 0 && !r.Failed() {
		w.After = make([]byte, n-1)
		for i := range w.After {
			w.After[i] = r.Uint8()
		}
	}
	if w.Form != FormSlots {
		return w
	}
	count := r.Count(1, MaxMaxCount+1)
	if count == 0 {
		r.Fail("got no slots wanted")
	}
	next := uint64(0)
	for range count {
		v := r.Uvarint()
		if v > 1<<16 || next+v >= 1<<16 {
			r.Fail("got index %d, want less than %d", next+v, 1<<16)
		}
		if r.Failed() {
			return w
		}
		w.Indices = append(w.Indices, uint16(next+v))
		next += v + 1
	}
	return w
}

// Answer appends the answer to w; ok is false if t does not have what is
// wanted, because it is another tree than w is about.
func (t Tree) Answer(b []byte, w Want) (answer []byte, ok bool) {
	pg := t.lookup(w)
	if pg == nil {
		return b, false
	}
	b = append(b, byte(w.Form))
	switch w.Form {
	case FormSlots:
		return t.profile.appendSlots(b, pg, w.Indices)
	case FormSummary:
		return t.profile.appendSummary(b, pg), true
	}
	b, _ = t.profile.appendPage(b, pg, nil)
	return b, true
}

// lookup returns the page that w is about, nil if it is not in t.
func (t Tree) lookup(w Want) *page {
	pg := t.root
	for pg != nil && idOf(pg.hash) != w.ID {
		i := 0
		if w.After != nil {
			var found bool
			if i, _, found = pg.find(w.After); found {
				i++
			}
		}
		pg = pg.kid(i)
	}
	return pg
}
