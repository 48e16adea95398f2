package mst

import (
	"encoding/binary"
	"sync"
	"weak" //starling:exempt goroutine what is collected when changes memory and speed only
)

// Pool is where the trees of one process find pages that they can share, by
// their hashes. It is safe for concurrent use. What is in it changes memory and
// speed, never a tree's contents: a page is put in only when it is complete,
// and a page that is found has the hash, thus the contents, of the page that
// it is taken for.
//
// A pool keeps nothing alive: it holds weak pointers, so it has every page that
// some tree holds, and those that none holds until the garbage collector finds
// them.
type Pool struct {
	shards [poolShards]poolShard
}

const (
	poolShards = 64
	// minSweep is how many pages a shard has at least before it looks for
	// those that are gone.
	minSweep = 64
)

type poolShard struct {
	mu           sync.Mutex
	pages        map[Hash]weak.Pointer[page]
	sweepAt      int // pages, gone or not
	hits, misses uint64
}

// NewPool returns an empty pool. Pages is how many pages it is expected to
// know, to make room for; 0 if that is not known.
func NewPool(pages int) *Pool {
	p := &Pool{}
	each := max(pages, 0) / poolShards
	for i := range p.shards {
		p.shards[i].pages, p.shards[i].sweepAt = make(map[Hash]weak.Pointer[page], each), max(each, minSweep)
	}
	return p
}

// PoolStats says how a pool is doing.
type PoolStats struct {
	Pages        int    // known at present; some may be gone
	Hits, Misses uint64 // so far
}

// Stats returns the pool's figures. They depend on timing and must not reach
// anything that has to be reproducible.
func (p *Pool) Stats() PoolStats {
	var st PoolStats
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		st.Pages += len(s.pages)
		st.Hits += s.hits
		st.Misses += s.misses
		s.mu.Unlock()
	}
	return st
}

func (p *Pool) shard(h *Hash) *poolShard {
	return &p.shards[binary.LittleEndian.Uint64(h[:])%poolShards]
}

// keep returns the pool's page with hash h: pg, if it had none.
func (p *Pool) keep(h Hash, pg *page) *page {
	s := p.shard(&h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.pages[h].Value(); found != nil {
		s.hits++
		return found
	}
	s.misses++
	if len(s.pages) >= s.sweepAt {
		s.sweep()
	}
	s.pages[h] = weak.Make(pg)
	return pg
}

// sweep takes out the pages that are gone. It runs when a shard has twice as
// many as the last one left, so that it costs each page little.
func (s *poolShard) sweep() {
	for h, pg := range s.pages { //starling:exempt maprange each page is looked at by itself
		if pg.Value() == nil {
			delete(s.pages, h)
		}
	}
	s.sweepAt = max(2*len(s.pages), minSweep)
}
