package mst

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/starling-sim/starling/protocol/wire"
)

// Builder builds a tree from keys in ascending order. It hashes every page
// once, and holds one unfinished page of each level.
type Builder struct {
	tree    Tree
	open    []*page // the unfinished pages: levels descend, each is in the last gap of the one before
	last    []byte  // key
	started bool
	row     []byte
	scratch scratch
}

// NewBuilder returns a Builder of a tree. The pool may be nil.
func NewBuilder(profile *Profile, pool *Pool) *Builder {
	return &Builder{tree: New(profile, pool)}
}

// Add adds a key, which the builder does not keep. It returns an error if the
// key is not above the last one or is not allowed.
func (b *Builder) Add(key []byte, digest Digest) error {
	p := b.tree.profile
	if b.started && bytes.Compare(key, b.last) <= 0 {
		return fmt.Errorf("mst build: got key %x after %x, want ascending order", key, b.last)
	}
	if err := p.CheckKey(key); err != nil {
		return err
	}
	b.last, b.started = append(b.last[:0], key...), true
	b.row = append(wire.AppendBytes(b.row[:0], key), digest[:p.digestSize]...)

	level := p.level(key)
	kid := b.close(int(level))
	n := len(b.open)
	if n == 0 || b.open[n-1].level > level {
		b.open = append(b.open, &page{level: level, ds: p.digestSize, fresh: true})
		n++
	}
	pg := b.open[n-1]
	if pg.kids == nil && level > 0 {
		pg.kids = make([]*page, 0, p.Base()+1)
	}
	if level > 0 {
		pg.kids = append(pg.kids, kid)
	}
	if pg.rows == nil {
		pg.rows = make([]byte, 0, p.Base()*len(b.row))
	}
	pg.rows = append(pg.rows, b.row...)
	pg.count++
	return nil
}

// close seals the open pages below a level and returns the highest.
func (b *Builder) close(level int) *page {
	var kid *page
	for n := len(b.open); n > 0 && int(b.open[n-1].level) < level; n-- {
		pg := b.open[n-1]
		if pg.level > 0 {
			pg.kids = append(pg.kids, kid)
		}
		kid = b.seal(pg)
		b.open = slices.Delete(b.open, n-1, n)
	}
	return kid
}

// seal is seal for a page whose children are sealed.
func (b *Builder) seal(pg *page) *page {
	return seal(pg, b.tree.profile, b.tree.pool, &b.scratch)
}

// Finish returns the tree of what was added. The builder must not be used
// again.
func (b *Builder) Finish() Tree {
	b.tree.root = b.close(maxLevel + 1)
	return b.tree
}
