package mst

import (
	"bytes"
	"slices"

	"github.com/starling-sim/starling/protocol/wire"
)

// Editor makes many changes to a tree before anything is hashed. It changes
// the pages that it has made itself in place and copies the others, so the
// tree that it began with stays as it is. It is not safe for concurrent use.
type Editor struct {
	tree    Tree // the profile and pool; the root is the one being worked on
	scratch scratch
	row     []byte
}

// Edit returns an Editor that begins with t.
func (t Tree) Edit() *Editor { return &Editor{tree: t} }

// Put sets the digest of key, which must satisfy [Profile.CheckKey]; it panics
// otherwise. The editor does not keep key.
func (e *Editor) Put(key []byte, digest Digest) {
	p := e.tree.profile
	if err := p.CheckKey(key); err != nil {
		panic(err)
	}
	e.row = append(wire.AppendBytes(e.row[:0], key), digest[:p.digestSize]...)
	e.tree.root = e.put(e.tree.root, key, p.level(key))
}

// Delete removes key if it is there.
func (e *Editor) Delete(key []byte) {
	e.tree.root = e.remove(e.tree.root, key)
}

// Get returns the digest of key at present.
func (e *Editor) Get(key []byte) (Digest, bool) { return e.tree.Get(key) }

// Commit hashes the pages that changed since the last Commit, and only these,
// and returns the tree as it is now. The editor can be used further.
func (e *Editor) Commit() Tree {
	e.tree.root = seal(e.tree.root, e.tree.profile, e.tree.pool, &e.scratch)
	return e.tree
}

// seal gives the fresh pages below pg their hashes and returns pg or, if the
// pool has it already, the pool's page with the same contents.
func seal(pg *page, p *Profile, pool *Pool, s *scratch) *page {
	if pg == nil || !pg.fresh {
		return pg
	}
	pg.size = int(pg.count)
	some := false
	for i, kid := range pg.kids {
		if kid != nil {
			kid = seal(kid, p, pool, s)
			pg.kids[i] = kid
			pg.size += kid.size
			some = true
		}
	}
	if !some {
		pg.kids = nil
	}
	pg.hash = p.sum(p, pg, s)
	pg.rows, pg.kids = trim(pg.rows), trim(pg.kids)
	pg.fresh = false
	if pool == nil {
		return pg
	}
	return pool.keep(pg.hash, pg)
}

// trim returns s without much room at its end.
func trim[T any](s []T) []T {
	if cap(s)-len(s) > len(s)/8 {
		return append(make([]T, 0, len(s)), s...)
	}
	return s
}

// own returns p if the editor may write to it, otherwise a copy with room for
// one more entry.
func (e *Editor) own(p *page) *page {
	if p.fresh {
		return p
	}
	c := &page{level: p.level, ds: p.ds, count: p.count, fresh: true}
	c.rows = append(make([]byte, 0, len(p.rows)+len(e.row)), p.rows...)
	if p.kids != nil {
		c.kids = append(make([]*page, 0, len(p.kids)+1), p.kids...)
	}
	return c
}

func (p *page) setKid(i int, kid *page) {
	if p.kids == nil {
		if kid == nil {
			return
		}
		p.kids = make([]*page, p.count+1)
	}
	p.kids[i] = kid
}

// put puts e.row, whose key is of the level, below p. It returns p itself
// if that was there already.
func (e *Editor) put(p *page, key []byte, level uint8) *page {
	if p == nil || level > p.level {
		left, right := split(p, key)
		ds := e.tree.profile.digestSize
		n := &page{level: level, ds: ds, count: 1, fresh: true, rows: slices.Clone(e.row)}
		if left != nil || right != nil {
			n.kids = []*page{left, right}
		}
		return n
	}
	i, off, found := p.find(key)
	if level < p.level {
		kid := p.kid(i)
		changed := e.put(kid, key, level)
		if changed == kid {
			return p
		}
		p = e.own(p)
		p.setKid(i, changed)
		return p
	}
	if found {
		end := off + len(e.row)
		if bytes.Equal(p.rows[off:end], e.row) {
			return p
		}
		p = e.own(p)
		copy(p.rows[off:end], e.row)
		return p
	}
	left, right := split(p.kid(i), key)
	p = e.own(p)
	p.rows = slices.Insert(p.rows, off, e.row...)
	p.count++
	if p.kids != nil { // otherwise there was nothing to split
		p.kids[i] = left
		p.kids = slices.Insert(p.kids, i+1, right)
	}
	return p
}

// remove removes key below p; it returns p itself if it was not there.
func (e *Editor) remove(p *page, key []byte) *page {
	if p == nil {
		return nil
	}
	i, off, found := p.find(key)
	if !found {
		kid := p.kid(i)
		changed := e.remove(kid, key)
		if changed == kid {
			return p
		}
		p = e.own(p)
		p.setKid(i, changed)
		return p
	}
	joined := e.join(p.kid(i), p.kid(i+1))
	if p.count == 1 {
		return joined
	}
	p = e.own(p)
	_, _, end := row(p.rows, off, p.ds)
	p.rows = slices.Delete(p.rows, off, end)
	if p.kids != nil {
		p.kids = slices.Delete(p.kids, i, i+1)
	}
	p.count--
	p.setKid(i, joined)
	return p
}

// split returns the trees of the keys of p below and above key, which is of a
// higher level than p. What is not cut is not copied.
func split(p *page, key []byte) (left, right *page) {
	if p == nil {
		return nil, nil
	}
	i, off, _ := p.find(key)
	kid := p.kid(i)
	kidLeft, kidRight := split(kid, key)
	switch {
	case i == 0 && kidLeft == nil:
		return nil, p
	case i == int(p.count) && kidRight == nil:
		return p, nil
	}
	left, right = kidLeft, kidRight
	if i > 0 {
		left = p.part(0, i, p.rows[:off])
		left.setKid(i, kidLeft)
	}
	if i < int(p.count) {
		right = p.part(i, int(p.count), p.rows[off:])
		right.setKid(0, kidRight)
	}
	return left, right
}

// part returns a fresh page of the entries from to to, which are rows, with
// the children between and beside them.
func (p *page) part(from, to int, rows []byte) *page {
	n := &page{level: p.level, ds: p.ds, count: int32(to - from), fresh: true}
	n.rows = slices.Clone(rows)
	if p.kids != nil {
		n.kids = slices.Clone(p.kids[from : to+1])
	}
	return n
}

// join returns the tree of the keys of a and of b, all of which are above
// those of a. It is the opposite of split.
func (e *Editor) join(a, b *page) *page {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.level > b.level:
		a = e.own(a)
		last := int(a.count)
		a.setKid(last, e.join(a.kid(last), b))
		return a
	case a.level < b.level:
		b = e.own(b)
		b.setKid(0, e.join(a, b.kid(0)))
		return b
	}
	n := &page{level: a.level, ds: a.ds, count: a.count + b.count, fresh: true}
	n.rows = slices.Concat(a.rows, b.rows)
	middle := e.join(a.kid(int(a.count)), b.kid(0))
	if a.kids != nil || b.kids != nil {
		n.kids = make([]*page, n.count+1)
		copy(n.kids, a.kids)
		copy(n.kids[a.count:], b.kids)
		n.kids[a.count] = middle
	}
	return n
}
