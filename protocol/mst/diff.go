package mst

import "bytes"

// Difference is a key that two trees do not agree on: one of them lacks it, or
// the digests differ.
type Difference struct {
	// Key must not be written to; who keeps it keeps its page.
	Key []byte
	// Mine and Theirs are the digests in the two trees, zero where the key is
	// not there.
	Mine, Theirs       Digest
	HasMine, HasTheirs bool
}

// Diff calls visit for each key that mine and theirs, which must have the same
// profile, do not agree on, in ascending order, until it returns false. Equal
// subtrees are skipped by their hashes: it costs the pages above the
// differences only.
func Diff(mine, theirs Tree, visit func(Difference) bool) {
	a, b := newCursor(mine.root), newCursor(theirs.root)
	for {
		switch {
		case a.sub != nil && b.sub != nil:
			switch {
			case a.sub == b.sub || a.sub.hash == b.sub.hash:
				a.skip()
				b.skip()
			case a.sub.level >= b.sub.level:
				same := a.sub.level == b.sub.level
				a.enter()
				if same {
					b.enter()
				}
			default:
				b.enter()
			}
		case a.sub != nil:
			a.enter()
		case b.sub != nil:
			b.enter()
		case a.key == nil && b.key == nil:
			return
		default:
			if !merge(&a, &b, visit) {
				return
			}
		}
	}
}

// merge handles two cursors that are both at an entry or the end.
func merge(a, b *cursor, visit func(Difference) bool) bool {
	order := 0
	switch {
	case a.key == nil:
		order = 1
	case b.key == nil:
		order = -1
	default:
		order = bytes.Compare(a.key, b.key)
	}
	d := Difference{HasMine: order <= 0, HasTheirs: order >= 0}
	same := order == 0 && bytes.Equal(a.digest, b.digest)
	if d.HasTheirs {
		d.Key, d.Theirs = b.key, digestOf(b.digest)
		b.skip()
	}
	if d.HasMine {
		d.Key, d.Mine = a.key, digestOf(a.digest)
		a.skip()
	}
	return same || visit(d)
}

// cursor is a place in a tree: before a subtree, at an entry, or at the end.
type cursor struct {
	sub         *page  // the subtree that comes next
	key, digest []byte // otherwise the entry that comes next; a nil key at the end
	path        []place
}

// place is where a cursor is in a page: at slot i, that is the i-th gap and
// then the i-th entry, which begins at off.
type place struct {
	page *page
	i    int32
	off  int32
	past bool // the gap
}

func newCursor(root *page) cursor {
	return cursor{sub: root}
}

// enter goes from before a subtree to its first slot.
func (c *cursor) enter() {
	c.path = append(c.path, place{page: c.sub})
	c.sub = nil
	c.settle()
}

// skip goes past the subtree or the entry that comes next.
func (c *cursor) skip() {
	if c.sub != nil {
		c.sub = nil
	} else if n := len(c.path); n > 0 {
		at := &c.path[n-1]
		_, _, end := row(at.page.rows, int(at.off), at.page.ds)
		at.i, at.off, at.past = at.i+1, int32(end), false
	}
	c.settle()
}

// settle finds what comes next.
func (c *cursor) settle() {
	c.key, c.digest = nil, nil
	for n := len(c.path); n > 0; n-- {
		at := &c.path[n-1]
		if !at.past {
			at.past = true
			if c.sub = at.page.kid(int(at.i)); c.sub != nil {
				return
			}
		}
		if at.i < at.page.count {
			c.key, c.digest, _ = row(at.page.rows, int(at.off), at.page.ds)
			return
		}
		c.path = c.path[:n-1]
	}
}
