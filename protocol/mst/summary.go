package mst

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/starling-sim/starling/protocol/wire"
)

// A summary is the level and the number of entries of a page and eight bytes
// for each slot. The short digests prove nothing and need not: the page that
// is put together from slots of both sides must have the hash.

// appendSummary appends the summary of a page.
func (p *Profile) appendSummary(b []byte, pg *page) []byte {
	b = wire.AppendUvarint(append(b, pg.level), uint64(pg.count))
	var scratch [256]byte
	for i, off := 0, 0; i <= int(pg.count); i++ {
		var slot []byte
		slot, off = p.appendSlot(scratch[:0], pg, i, off)
		b = wire.AppendUint64(b, shortDigest(pg.hash, slot))
	}
	return b
}

// appendSlots appends the number of slots and the slots with these indices; ok
// is false if there are not as many.
func (p *Profile) appendSlots(b []byte, pg *page, indices []uint16) (_ []byte, ok bool) {
	b = wire.AppendUvarint(b, uint64(len(indices)))
	next := 0
	for i, off := 0, 0; i <= int(pg.count) && next < len(indices); i++ {
		before := len(b)
		b, off = p.appendSlot(b, pg, i, off)
		if i == int(indices[next]) {
			next++
		} else {
			b = b[:before]
		}
	}
	return b, next == len(indices)
}

// shortDigest stands for a slot in the summary of a page. That the page's hash
// goes in gives each page digests of its own.
func shortDigest(page Hash, slot []byte) uint64 {
	var b [256]byte
	b[0] = tagSummary
	n := 1 + copy(b[1:], page[:MinHashSize])
	sum := sha256.Sum256(append(b[:n], slot...))
	return binary.BigEndian.Uint64(sum[:])
}

// summary takes a summary: slots like ours need not be sent.
func (p *Puller) summary(w *wanted, b []byte) error {
	r := newReader(p.tree.profile, b)
	level, count := r.header(w.gap)
	if r.Left() != 8*(count+1) {
		r.Fail("got %d bytes for %d entries, want %d", r.Left(), count, 8*(count+1))
	}
	if r.Failed() {
		return fmt.Errorf("mst summary: %w", r.Finish())
	}
	mine := make(map[uint64][]byte)
	p.slotsAt(w.mine, level, func(slot []byte) { mine[shortDigest(w.hash, slot)] = slot })
	w.level, w.slots, w.need = level, make([][]byte, count+1), nil
	for i := range w.slots {
		if w.slots[i] = mine[r.Uint64()]; w.slots[i] == nil {
			w.need = append(w.need, uint16(i))
		}
	}
	p.answered(w)
	if len(w.need) > 0 {
		p.again(w, FormSlots)
		return nil
	}
	p.assemble(w)
	return nil
}

// slotsAt calls visit for the slots of the pages of a level below pg, of which
// there is one if it has that level itself.
func (p *Puller) slotsAt(pg *page, level uint8, visit func(slot []byte)) {
	switch {
	case pg == nil || pg.level < level:
	case pg.level > level:
		for _, kid := range pg.kids {
			p.slotsAt(kid, level, visit)
		}
	default:
		b, last := make([]byte, 0, len(pg.rows)+len(pg.kids)*int(p.tree.profile.hashSize)+int(pg.count)+1), 0
		for i, off := 0, 0; i <= int(pg.count); i++ {
			b, off = p.tree.profile.appendSlot(b, pg, i, off)
			visit(b[last:len(b):len(b)])
			last = len(b)
		}
	}
}

// slots takes the slots that the summary showed to be unknown. If they do not
// fit it, either of them is false, and the whole page is asked for.
func (p *Puller) slots(w *wanted, b []byte) error {
	r := newReader(p.tree.profile, b)
	count := r.Count(1, len(w.need))
	if count != len(w.need) {
		r.Fail("got %d slots, want %d", count, len(w.need))
	}
	got := make([][]byte, 0, count)
	for i := range count {
		from := r.offset()
		r.slot(w.level, int(w.need[i]) == len(w.slots)-1)
		if r.Failed() {
			break
		}
		got = append(got, append([]byte(nil), b[from:r.offset()]...))
	}
	p.answered(w)
	if err := r.Finish(); err != nil {
		p.again(w, FormPage)
		return fmt.Errorf("mst slots: %w", err)
	}
	for i, at := range w.need {
		w.slots[at] = got[i]
	}
	p.assemble(w)
	return nil
}

// assemble puts the page together and handles it like one that was sent. If
// it does not have the hash, because of a false summary or because two slots
// have one short digest, the whole page is asked for.
func (p *Puller) assemble(w *wanted) {
	b := wire.AppendUvarint([]byte{pageVersion, w.level}, uint64(len(w.slots)-1))
	for _, slot := range w.slots {
		b = append(b, slot...)
	}
	n, err := p.tree.profile.decodePage(b, w.hash, w.gap, &p.scratch)
	if err != nil {
		p.again(w, FormPage)
		return
	}
	p.page(w, n)
}
