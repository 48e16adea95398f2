package mst

import (
	"bytes"
	"cmp"
	"encoding/binary"
)

// page is a page of the paper: a maximal run of keys of one level between two
// neighbouring keys of higher levels, and the subtrees in the gaps before,
// between and after its keys. All keys of a gap are of lower levels; the
// subtree of a gap without keys is nil. So a set of keys has exactly one tree.
//
// The entries are kept as their encoding (key length, key, digest), one after
// the other, and the hashes of the children are theirs: nothing in a page is a
// pointer but the children, and it is hashed and sent nearly as it lies.
//
// A page is fresh while the one Editor that made it still works on it; all
// pages above a fresh page are fresh. When it is sealed it gets its hash and
// never changes again.
type page struct {
	hash  Hash
	rows  []byte
	kids  []*page // nil if there are none, else count+1
	size  int     // keys of the subtree; known once sealed
	count int32   // entries, at least 1
	level uint8
	ds    uint8 // digest size, in bytes
	fresh bool
}

// kid returns the subtree in the i-th gap, that before the i-th entry.
func (p *page) kid(i int) *page {
	if p.kids == nil {
		return nil
	}
	return p.kids[i]
}

// row returns the entry at an offset of rows, and where the next one begins.
func row(rows []byte, off int, ds uint8) (key, digest []byte, end int) {
	n := int(rows[off])
	off++
	if n >= 0x80 {
		v, w := binary.Uvarint(rows[off-1:])
		n, off = int(v), off-1+w
	}
	end = off + n + int(ds)
	return rows[off : off+n : off+n], rows[off+n : end : end], end
}

// find returns the index and the offset of the first entry whose key is not
// below key, and whether it is key.
func (p *page) find(key []byte) (i, off int, found bool) {
	rows, ds, head := p.rows, int(p.ds), headOf(key)
	for i = range int(p.count) {
		n, from := int(rows[off]), off+1
		if n >= 0x80 {
			v, w := binary.Uvarint(rows[off:])
			n, from = int(v), off+w
		}
		k := rows[from : from+n]
		// Most keys differ in their first eight bytes.
		order := 0
		if len(k) >= 8 && len(key) >= 8 {
			order = cmp.Compare(binary.BigEndian.Uint64(k), head)
		}
		if order == 0 {
			order = bytes.Compare(k, key)
		}
		if order >= 0 {
			return i, off, order == 0
		}
		off = from + n + ds
	}
	return int(p.count), off, false
}

// headOf returns the first eight bytes of key, if it has as many.
func headOf(key []byte) uint64 {
	if len(key) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key)
}

func digestOf(b []byte) (d Digest) {
	copy(d[:], b)
	return d
}

// get returns the digest of key below p, nil if it is not there.
func (p *page) get(key []byte) []byte {
	for p != nil {
		i, off, found := p.find(key)
		if found {
			_, d, _ := row(p.rows, off, p.ds)
			return d
		}
		p = p.kid(i)
	}
	return nil
}

// each calls visit for the entries below p with start <= key < end in order
// until it returns false, and returns false then. A nil end is none.
func (p *page) each(start, end []byte, visit func(key, digest []byte) bool) bool {
	if p == nil {
		return true
	}
	i, off, _ := p.find(start)
	for ; ; i++ {
		if !p.kid(i).each(start, end, visit) {
			return false
		}
		if i == int(p.count) {
			return true
		}
		k, d, next := row(p.rows, off, p.ds)
		if end != nil && bytes.Compare(k, end) >= 0 {
			return true
		}
		if !visit(k, d) {
			return false
		}
		off, start = next, nil
	}
}
