package mst

import (
	"bytes"

	"github.com/starling-sim/starling/protocol/wire"
)

const proofVersion = 1

// MaxProof is the length in bytes above which a verifier refuses a proof.
const MaxProof = 16 << 20

// span is a range of keys, start <= key < end; a nil end is none.
type span struct{ start, end []byte }

// spanOf is the range that holds key alone: no string lies between key and key
// followed by a zero byte.
func spanOf(key []byte) span {
	return span{start: key, end: append(bytes.Clone(key), 0)}
}

func (s span) isEmpty() bool { return s.end != nil && bytes.Compare(s.start, s.end) >= 0 }

func (s span) has(key []byte) bool {
	return bytes.Compare(key, s.start) >= 0 && (s.end == nil || bytes.Compare(key, s.end) < 0)
}

// endsWith reports whether nothing of the range is above key, which is in it or
// above it.
func (s span) endsWith(key []byte) bool {
	if s.end == nil {
		return false
	}
	n := len(s.end) - 1
	return bytes.Compare(key, s.end) >= 0 || s.end[n] == 0 && bytes.Equal(key, s.end[:n])
}

// window is what of a page a proof about a range must show. The slots from
// first to last: those whose gap or key the range meets, and the one before
// unless the range begins with a key of the page. Of them, the gaps from down
// to last are those where keys of the range may be.
type window struct{ first, down, last int }

// windowOf finds the window among the slots from from of a page with so many
// entries; key(i) is the key of slot i. ok is false if keys run out, that is
// if key returns nil, before the window is complete.
func windowOf(s span, from, count int, key func(i int) []byte) (w window, ok bool) {
	i := from
	for ; i < count; i++ {
		k := key(i)
		if k == nil {
			return w, false
		}
		if c := bytes.Compare(k, s.start); c >= 0 {
			w.first, w.down = i-1, i
			if c == 0 {
				w.first, w.down = i, i+1
			}
			break
		}
	}
	if i == count {
		w.first, w.down = i-1, i
	}
	w.first = max(w.first, 0)
	for ; i < count; i++ {
		k := key(i)
		if k == nil {
			return w, false
		}
		if s.endsWith(k) {
			break
		}
	}
	w.last = i
	return w, true
}

// ProveKey returns a proof that key is in the tree with the digest it has, or
// that it is not. See [Profile.VerifyKey].
func (t Tree) ProveKey(key []byte) []byte { return t.prove(spanOf(key)) }

// ProveRange returns a proof of what the tree has with start <= key < end; a
// nil end means no end. It returns nil if the range is empty. See
// [Profile.VerifyRange].
func (t Tree) ProveRange(start, end []byte) []byte { return t.prove(span{start, end}) }

func (t Tree) prove(s span) []byte {
	if s.isEmpty() {
		return nil
	}
	pr := prover{p: t.profile, span: s, b: []byte{proofVersion}}
	pr.page(t.root)
	return pr.b
}

type prover struct {
	p       *Profile
	span    span
	b       []byte
	scratch scratch
}

func (pr *prover) page(pg *page) {
	if pg == nil {
		return
	}
	keys := make([][]byte, 0, pg.count)
	for off := 0; off < len(pg.rows); {
		key, _, end := row(pg.rows, off, pg.ds)
		keys = append(keys, key)
		off = end
	}
	w, _ := windowOf(pr.span, 0, len(keys), func(i int) []byte { return keys[i] })

	s := &pr.scratch
	s.page, s.marks = pr.p.appendPage(s.page[:0], pg, s.marks[:0])
	from, to := w.first/groupSlots, w.last/groupSlots+1
	pr.b = append(pr.b, pg.level)
	pr.b = wire.AppendUvarint(pr.b, uint64(pg.count))
	pr.b = wire.AppendUvarint(pr.b, uint64(from))
	pr.b = wire.AppendUvarint(pr.b, uint64(to-from))
	pr.b = append(pr.b, s.page[s.marks[from]:s.marks[to]]...)
	pr.siblings(0, len(s.marks)-1, from, to)
	for i := w.down; i <= w.last; i++ {
		pr.page(pg.kid(i))
	}
}

// siblings appends the hashes that it takes to get from the groups from to
// to-1 to the root of the subtree over lo to hi-1, from left to right.
func (pr *prover) siblings(lo, hi, from, to int) {
	switch {
	case hi <= from || to <= lo:
		s := &pr.scratch
		h := pr.p.sumTree(s.page, s.marks[lo:hi+1], s)
		pr.b = append(pr.b, h[:pr.p.hashSize]...)
	case hi-lo > 1:
		k := lo + leftOf(hi-lo)
		pr.siblings(lo, k, from, to)
		pr.siblings(k, hi, from, to)
	}
}
