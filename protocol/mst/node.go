package mst

import (
	"bytes"
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// gap is where a page may be: between two keys, exclusive, of a page of a
// higher level. A nil key is no bound.
type gap struct {
	lo, hi []byte
	below  int // the level above
}

// anywhere is the gap of a root.
var anywhere = gap{below: maxLevel + 1}

// node is a page of somebody else's tree: children are known by their hashes.
type node struct {
	level   uint8
	keys    [][]byte
	digests [][]byte
	kids    []Hash // nil if there are none, else one more than keys; zero for an empty gap
}

func (n *node) kid(i int) Hash {
	if n.kids == nil {
		return Hash{}
	}
	return n.kids[i]
}

// gap returns the i-th gap of a page that is in g.
func (n *node) gap(i int, g gap) gap {
	g.below = int(n.level)
	if i > 0 {
		g.lo = n.keys[i-1]
	}
	if i < len(n.keys) {
		g.hi = n.keys[i]
	}
	return g
}

// reader reads what strangers sent.
type reader struct {
	wire.Reader
	b []byte
	p *Profile
}

func newReader(p *Profile, b []byte) *reader {
	return &reader{Reader: wire.NewReader(b), b: b, p: p}
}

func (r *reader) offset() int { return len(r.b) - r.Left() }

// fixed reads n bytes. The result refers to the input.
func (r *reader) fixed(n int) []byte {
	from := r.offset()
	for range n / 8 {
		r.Uint64()
	}
	for range n % 8 {
		r.Uint8()
	}
	if r.Failed() {
		return nil
	}
	return r.b[from : from+n : from+n]
}

func (r *reader) hash() (h Hash) {
	copy(h[:], r.fixed(int(r.p.hashSize)))
	if h.IsZero() {
		r.Fail("got a hash of zeros")
	}
	return h
}

// header reads the level and the number of entries of a page in g.
func (r *reader) header(g gap) (level uint8, count int) {
	level = r.Uint8()
	if int(level) >= g.below {
		r.Fail("got a page of level %d, want less than %d", level, g.below)
	}
	v := r.Uvarint()
	if v == 0 || v > uint64(r.p.maxCount) {
		r.Fail("got a page of %d entries, want 1 to %d", v, r.p.maxCount)
		return level, 0
	}
	return level, int(v)
}

// slot is a gap of a page and the entry after it; the last one has none.
type slot struct {
	kid         Hash
	key, digest []byte
}

func (r *reader) slot(level uint8, last bool) (s slot) {
	if r.Bool() {
		s.kid = r.hash()
		if level == 0 {
			r.Fail("got a page of level 0 with a child")
		}
	}
	if !last {
		s.key, s.digest = r.entry()
		if !r.Failed() && r.p.level(s.key) != level {
			r.Fail("got key %x of level %d in a page of level %d", s.key, r.p.level(s.key), level)
		}
	}
	return s
}

// entry reads a key and its digest.
func (r *reader) entry() (key, digest []byte) {
	n := r.Uvarint()
	if n > uint64(r.p.maxKey) {
		r.Fail("got a key of %d bytes, want at most %d", n, r.p.maxKey)
		return nil, nil
	}
	return r.fixed(int(n)), r.fixed(int(r.p.digestSize))
}

// inOrder records a mistake unless lo < key < hi; nil is no bound.
func (r *reader) inOrder(lo, key, hi []byte) {
	if r.Failed() {
		return
	}
	if lo != nil && bytes.Compare(lo, key) >= 0 || hi != nil && bytes.Compare(key, hi) >= 0 {
		r.Fail("got key %x, want one between %x and %x", key, lo, hi)
	}
}

// decodePage reads the encoding of the page with this hash, which is in g. It
// accepts what appendPage writes of a page of a right tree, and nothing else.
// The result refers to b.
func (p *Profile) decodePage(b []byte, want Hash, g gap, s *scratch) (*node, error) {
	n, err := p.parsePage(b, g, s)
	if err != nil {
		return nil, fmt.Errorf("mst page: %w", err)
	}
	if got := p.sumGroups(n.level, len(n.keys), b, s); got != want {
		return nil, fmt.Errorf("mst page: got hash %v, want %v: %w", got, want, protocol.ErrMalformed)
	}
	return n, nil
}

// parsePage does what decodePage does but for the hash, and leaves the page's
// groups in s.marks.
func (p *Profile) parsePage(b []byte, g gap, s *scratch) (*node, error) {
	r := newReader(p, b)
	if v := r.Uint8(); v != pageVersion {
		r.Fail("got page version %d, want %d", v, pageVersion)
	}
	n := &node{}
	var count int
	n.level, count = r.header(g)
	if least := count*(2+int(p.digestSize)) + 1; r.Left() < least {
		r.Fail("got %d bytes for %d entries, want at least %d", r.Left(), count, least)
	}
	if r.Failed() {
		return nil, r.Finish()
	}
	n.keys, n.digests = make([][]byte, 0, count), make([][]byte, 0, count)
	s.marks = s.marks[:0]
	last := g.lo
	for i := 0; i <= count && !r.Failed(); i++ {
		if i%groupSlots == 0 {
			s.marks = append(s.marks, r.offset())
		}
		sl := r.slot(n.level, i == count)
		if !sl.kid.IsZero() && n.kids == nil {
			n.kids = make([]Hash, count+1)
		}
		if n.kids != nil {
			n.kids[i] = sl.kid
		}
		if i < count {
			r.inOrder(last, sl.key, g.hi)
			n.keys, n.digests = append(n.keys, sl.key), append(n.digests, sl.digest)
			last = sl.key
		}
	}
	s.marks = append(s.marks, len(b))
	return n, r.Finish()
}
