package membertable

import "sync"

// DefaultPoolCapacity is how many parts a pool keeps if not told otherwise.
const DefaultPoolCapacity = 1 << 16

// Pool is where the tables of one process find parts that they can share. It
// is safe for concurrent use. What is in it changes memory and speed, never a
// table's contents.
//
// A pool keeps what was used most recently: it forgets half of its parts at a
// time, those that were not asked for since the last time. A part that was
// forgotten lives on in the tables that hold it.
type Pool struct {
	nodes   interner[node]
	records interner[record]
}

// NewPool returns a pool that by itself keeps at most about capacity parts of
// tables reachable, and as many rows (a part is a subtree: up to 64 references
// to rows, or 16 to smaller parts; some 500 bytes); 0 means DefaultPoolCapacity.
func NewPool(capacity int) *Pool {
	if capacity <= 0 {
		capacity = DefaultPoolCapacity
	}
	p := &Pool{}
	p.nodes.limit = max(capacity/(2*poolShards), 1)
	p.records.limit = p.nodes.limit
	return p
}

// PoolStats says how a pool is doing.
type PoolStats struct {
	Parts, Rows  int    // kept at present
	Hits, Misses uint64 // look-ups of parts so far
}

// Stats returns the pool's figures. They depend on timing and must not reach
// anything that has to be reproducible.
func (p *Pool) Stats() PoolStats {
	var s PoolStats
	s.Parts, s.Hits, s.Misses = p.nodes.stats()
	s.Rows, _, _ = p.records.stats()
	return s
}

func (p *Pool) findNode(h Hash, level uint8) *node {
	if p == nil {
		return nil
	}
	return p.nodes.find(h.at(level))
}

// keepNode returns the pool's node for n's contents: n, unless another worker
// was faster.
func (p *Pool) keepNode(n *node) *node {
	if p == nil {
		return n
	}
	return p.nodes.keep(n.hash.at(n.level), n)
}

// shareRecord returns a record equal to the change's that tables may hold.
func (p *Pool) shareRecord(c *change) *record {
	if c.known != nil {
		return c.known
	}
	if p != nil {
		if found := p.records.find(c.hash); found != nil {
			return found
		}
	}
	own := new(record)
	*own = c.record
	if p == nil {
		return own
	}
	return p.records.keep(own.hash, own)
}

// at returns the key of a subtree with hash h at a level: the same rows can be
// a leaf here and, one level up, the only child of an inner node.
func (h Hash) at(level uint8) Hash {
	return Hash{Hi: h.Hi, Lo: h.Lo + uint64(level)*0x9e3779b97f4a7c15}
}

const poolShards = 64

// interner finds values by the hash of their contents.
type interner[T any] struct {
	limit  int // of a generation, in values per shard
	shards [poolShards]shard[T]
}

// shard holds two generations of values: whoever is asked for in the old one
// moves to the young one; when the young one is full, it becomes the old one.
type shard[T any] struct {
	mu           sync.Mutex
	young, old   generation[T]
	hits, misses uint64
}

func (in *interner[T]) find(h Hash) *T {
	s := &in.shards[h.Hi%poolShards]
	s.mu.Lock()
	v := s.find(h, in.limit)
	if v != nil {
		s.hits++
	} else {
		s.misses++
	}
	s.mu.Unlock()
	return v
}

func (in *interner[T]) keep(h Hash, v *T) *T {
	s := &in.shards[h.Hi%poolShards]
	s.mu.Lock()
	if found := s.find(h, in.limit); found != nil {
		v = found
	} else {
		s.insert(h, v, in.limit)
	}
	s.mu.Unlock()
	return v
}

func (in *interner[T]) stats() (kept int, hits, misses uint64) {
	for i := range in.shards {
		s := &in.shards[i]
		s.mu.Lock()
		kept += s.young.used + s.old.used
		hits += s.hits
		misses += s.misses
		s.mu.Unlock()
	}
	return kept, hits, misses
}

func (s *shard[T]) find(h Hash, limit int) *T {
	if v := s.young.find(h); v != nil {
		return v
	}
	v := s.old.find(h)
	if v != nil {
		s.insert(h, v, limit)
	}
	return v
}

func (s *shard[T]) insert(h Hash, v *T, limit int) {
	if s.young.used >= limit {
		s.young, s.old = s.old, s.young
		s.young.clear()
	}
	s.young.insert(h, v)
}

// generation is a hash table with open addressing from which nothing is ever
// taken out but everything. The slots hold the hash, so that a miss touches
// nothing else.
type generation[T any] struct {
	slots []slot[T] // none, or a power of two
	used  int
}

type slot[T any] struct {
	hash  Hash
	value *T
}

// place returns the slot that holds h or is free for it.
func (g *generation[T]) place(h Hash) *slot[T] {
	mask := uint64(len(g.slots) - 1)
	for i := h.Lo & mask; ; i = (i + 1) & mask {
		if s := &g.slots[i]; s.value == nil || s.hash == h {
			return s
		}
	}
}

func (g *generation[T]) find(h Hash) *T {
	if g.used == 0 {
		return nil
	}
	return g.place(h).value
}

// insert puts in a value whose hash is not there.
func (g *generation[T]) insert(h Hash, v *T) {
	if 4*(g.used+1) > 3*len(g.slots) {
		g.enlarge()
	}
	*g.place(h) = slot[T]{h, v}
	g.used++
}

func (g *generation[T]) enlarge() {
	before := g.slots
	g.slots = make([]slot[T], max(2*len(before), 16))
	for _, s := range before {
		if s.value != nil {
			*g.place(s.hash) = s
		}
	}
}

func (g *generation[T]) clear() {
	clear(g.slots)
	g.used = 0
}
