package mst

import (
	"encoding/binary"
	"sync"
)

// DefaultPoolCapacity is how many pages a pool keeps if not told otherwise.
const DefaultPoolCapacity = 1 << 17

// Pool is where the trees of one process find pages that they can share, by
// their hashes. It is safe for concurrent use. What is in it changes memory and
// speed, never a tree's contents: a page is put in only when it is complete,
// and a page that is found has the hash, thus the contents, of the page that
// it is taken for.
//
// A pool keeps what was used most recently: it forgets half of its pages at a
// time, those that were not asked for since the last time. A page that was
// forgotten lives on in the trees that hold it.
type Pool struct {
	limit  int // pages of a generation, per shard
	shards [poolShards]poolShard
}

const poolShards = 64

// poolShard holds two generations of pages: what is asked for in the old one
// moves to the young one; when the young one is full, it becomes the old one.
type poolShard struct {
	mu           sync.Mutex
	young, old   map[Hash]*page
	hits, misses uint64
}

// NewPool returns a pool that keeps at most about capacity pages that no tree
// holds any longer; 0 means DefaultPoolCapacity. A page takes B times the
// size of an entry on average.
func NewPool(capacity int) *Pool {
	if capacity <= 0 {
		capacity = DefaultPoolCapacity
	}
	return &Pool{limit: max(capacity/(2*poolShards), 1)}
}

// PoolStats says how a pool is doing.
type PoolStats struct {
	Pages        int    // kept at present
	Hits, Misses uint64 // so far
}

// Stats returns the pool's figures. They depend on timing and must not reach
// anything that has to be reproducible.
func (p *Pool) Stats() PoolStats {
	var st PoolStats
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		st.Pages += len(s.young) + len(s.old)
		st.Hits += s.hits
		st.Misses += s.misses
		s.mu.Unlock()
	}
	return st
}

func (p *Pool) shard(h *Hash) *poolShard {
	return &p.shards[binary.LittleEndian.Uint64(h[:])%poolShards]
}

// find returns the page with hash h, nil if the pool does not have it.
func (p *Pool) find(h Hash) *page {
	s := p.shard(&h)
	s.mu.Lock()
	defer s.mu.Unlock()
	pg := s.find(h, p.limit)
	if pg != nil {
		s.hits++
	} else {
		s.misses++
	}
	return pg
}

// keep returns the pool's page with hash h: pg, unless another worker was
// faster.
func (p *Pool) keep(h Hash, pg *page) *page {
	s := p.shard(&h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(h, p.limit); found != nil {
		return found
	}
	s.insert(h, pg, p.limit)
	return pg
}

func (s *poolShard) find(h Hash, limit int) *page {
	if pg := s.young[h]; pg != nil {
		return pg
	}
	pg := s.old[h]
	if pg != nil {
		delete(s.old, h)
		s.insert(h, pg, limit)
	}
	return pg
}

func (s *poolShard) insert(h Hash, pg *page, limit int) {
	if len(s.young) >= limit {
		s.young, s.old = nil, s.young
	}
	if s.young == nil {
		s.young = make(map[Hash]*page)
	}
	s.young[h] = pg
}
