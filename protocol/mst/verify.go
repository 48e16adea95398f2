package mst

import (
	"errors"
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// ErrProof is returned for a proof that is well-formed and proves something
// else than it is asked for. What is not well-formed gives
// [protocol.ErrMalformed].
var ErrProof = errors.New("proof does not hold")

// Entry is a key and its digest.
type Entry struct {
	Key    []byte
	Digest Digest
}

// VerifyKey checks a proof of [Tree.ProveKey] against the root of a tree of
// this profile. If it holds, present says whether the tree has key. An error
// wraps ErrMalformed or ErrProof.
func (p *Profile) VerifyKey(root Hash, key, proof []byte) (digest Digest, present bool, err error) {
	entries, err := p.verify(root, spanOf(key), proof)
	if err != nil || len(entries) == 0 {
		return Digest{}, false, err
	}
	return entries[0].Digest, true, nil
}

// VerifyRange checks a proof of [Tree.ProveRange] against the root of a tree
// of this profile. If it holds, the entries are all that the tree has with
// start <= key < end, in ascending order; they refer to proof. An error wraps
// ErrMalformed or ErrProof.
func (p *Profile) VerifyRange(root Hash, start, end, proof []byte) ([]Entry, error) {
	return p.verify(root, span{start, end}, proof)
}

func (p *Profile) verify(root Hash, s span, proof []byte) ([]Entry, error) {
	switch {
	case s.isEmpty():
		return nil, fmt.Errorf("mst proof: got the empty range from %x to %x: %w", s.start, s.end, ErrProof)
	case len(proof) > MaxProof:
		return nil, fmt.Errorf("mst proof: got %d bytes, want at most %d: %w", len(proof), MaxProof, protocol.ErrMalformed)
	}
	v := &verifier{reader: newReader(p, proof), span: s}
	if n := v.Uint8(); n != proofVersion {
		v.Fail("got proof version %d, want %d", n, proofVersion)
	}
	if !root.IsZero() {
		v.page(root, anywhere)
	}
	if err := v.Finish(); err != nil {
		if v.wrong != nil {
			err = v.wrong
		}
		return nil, fmt.Errorf("mst proof: %w", err)
	}
	return v.entries, nil
}

// verifier reads a proof from front to back. Everything that it takes for true
// is in a page whose hash leads to the root; that a right tree has keys in
// order and of their pages' levels is checked where it is shown.
type verifier struct {
	*reader
	span    span
	entries []Entry
	wrong   error
	scratch scratch
}

// refuse records that the proof does not hold.
func (v *verifier) refuse(format string, args ...any) {
	if !v.Failed() {
		v.wrong = fmt.Errorf("at byte %d: %s: %w", v.offset(), fmt.Sprintf(format, args...), ErrProof)
		v.Fail("refused")
	}
}

// shown are the groups of a page that a proof shows.
type shown struct {
	from, to int // groups
	first    int // slot
	slots    []slot
	marks    []int // where each group begins, and the end
}

// page checks the proof of the page with this hash, which is in g.
func (v *verifier) page(want Hash, g gap) {
	level, count := v.header(g)
	groups := groupsOf(count)
	from, n := v.Uvarint(), v.Uvarint()
	if n == 0 || n > uint64(groups) || from > uint64(groups)-n {
		v.Fail("got %d groups from %d, want some of %d", n, from, groups)
	}
	if v.Failed() {
		return
	}
	sh := v.groups(level, count, int(from), int(from+n), g)
	if v.Failed() {
		return
	}
	tree := v.tree(0, groups, &sh)
	if got := v.p.sumHeader(level, count, tree); !v.Failed() && got != want {
		v.refuse("got hash %v, want %v", got, want)
	}
	w, ok := windowOf(v.span, sh.first, count, func(i int) []byte {
		if i >= sh.first+len(sh.slots) {
			return nil
		}
		return sh.slots[i-sh.first].key
	})
	if !ok || w.first/groupSlots != sh.from || w.last/groupSlots != sh.to-1 {
		v.refuse("got groups %d to %d of a page, want those that the range meets", sh.from, sh.to-1)
	}
	if v.Failed() {
		return
	}
	for i := w.first; i <= w.last && !v.Failed(); i++ {
		sl := &sh.slots[i-sh.first]
		if i >= w.down && !sl.kid.IsZero() {
			below := gap{lo: g.lo, hi: g.hi, below: int(level)}
			if i > 0 {
				below.lo = sh.slots[i-1-sh.first].key
			}
			if i < count {
				below.hi = sl.key
			}
			v.page(sl.kid, below)
		}
		if i < count && v.span.has(sl.key) {
			v.entries = append(v.entries, Entry{Key: sl.key, Digest: digestOf(sl.digest)})
		}
	}
}

// groups reads the groups of a page that the proof shows.
func (v *verifier) groups(level uint8, count, from, to int, g gap) shown {
	sh := shown{from: from, to: to, first: from * groupSlots}
	last := g.lo
	for i := sh.first; i < min(to*groupSlots, count+1) && !v.Failed(); i++ {
		if i%groupSlots == 0 {
			sh.marks = append(sh.marks, v.offset())
		}
		sl := v.slot(level, i == count)
		if i < count {
			v.inOrder(last, sl.key, g.hi)
			last = sl.key
		}
		sh.slots = append(sh.slots, sl)
	}
	sh.marks = append(sh.marks, v.offset())
	return sh
}

// tree returns the root over the groups lo to hi-1 of a page: from the groups
// that are shown, and hashes in place of those that are not.
func (v *verifier) tree(lo, hi int, sh *shown) Hash {
	switch {
	case hi <= sh.from || sh.to <= lo:
		return v.hash()
	case hi-lo == 1:
		i := lo - sh.from
		return v.p.sumGroup(v.b[sh.marks[i]:sh.marks[i+1]], &v.scratch)
	}
	k := lo + leftOf(hi-lo)
	left := v.tree(lo, k, sh)
	return v.p.sumInner(left, v.tree(k, hi, sh))
}
