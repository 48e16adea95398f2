package mst

import "bytes"

// cutter finds, for the ascending keys of somebody else's page and a subtree
// of ours, what of the subtree lies in each gap between the keys.
type cutter struct {
	keys [][]byte
	// pieces are the trees of our keys in the gaps: one more than keys. They
	// are canonical: a piece has the hash of another tree if and only if the
	// contents are equal. Pages along a cut are fresh.
	pieces []*page
	// mine are our digests of the keys, nil where we do not have the key.
	mine [][]byte
}

func cut(pg *page, keys [][]byte) cutter {
	c := cutter{keys: keys, pieces: make([]*page, len(keys)+1), mine: make([][]byte, len(keys))}
	c.cut(pg, 0, len(keys))
	return c
}

// cut cuts pg, all of whose keys lie between keys[from-1] and keys[to], into
// pieces[from] to pieces[to].
func (c *cutter) cut(pg *page, from, to int) {
	if pg == nil || from == to {
		c.pieces[from] = pg
		return
	}
	run := cutRun{page: pg, first: pg.kid(0)}
	off := 0
	for i := 0; ; i++ {
		var key, digest []byte
		end := off
		if i < int(pg.count) {
			key, digest, end = row(pg.rows, off, pg.ds)
		}
		// The keys in the i-th gap: the next until entry i.
		next, hit := from, false
		for next < to && !hit {
			order := -1
			if key != nil {
				order = bytes.Compare(c.keys[next], key)
			}
			if order > 0 {
				break
			}
			hit = order == 0
			if !hit {
				next++
			}
		}
		last := pg.kid(i)
		if next > from {
			c.cut(pg.kid(i), from, next)
			c.pieces[from] = run.close(i, off, c.pieces[from])
			last = c.pieces[next]
			run = cutRun{page: pg, i: i, off: off, first: last}
			from = next
		}
		if i == int(pg.count) {
			c.pieces[from] = run.close(i, off, last)
			return
		}
		if hit {
			c.mine[from] = digest
			c.pieces[from] = run.close(i, off, last)
			run = cutRun{page: pg, i: i + 1, off: end, first: pg.kid(i + 1)}
			from++
		}
		off = end
	}
}

// cutRun is a run of a page's entries that goes into one piece: from entry i,
// at off, with the subtree first before it.
type cutRun struct {
	page   *page
	i, off int
	first  *page
}

// close ends the run before entry i, at off, with the subtree last after it.
func (r cutRun) close(i, off int, last *page) *page {
	switch {
	case i == r.i:
		return last
	case r.i == 0 && i == int(r.page.count) && r.first == r.page.kid(0) && last == r.page.kid(i):
		return r.page
	}
	n := r.page.part(r.i, i, r.page.rows[r.off:off])
	n.setKid(0, r.first)
	n.setKid(i-r.i, last)
	return n
}
