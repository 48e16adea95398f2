package sim

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// streams is a node's side of all its connections. A million nodes may each
// keep a few open: so an end is one cache line without pointers, and what only
// some ends need is kept elsewhere.
type streams struct {
	ends []end // in the order in which they were made
	more *moreStreams
}

// moreStreams is what a node with few ends does without.
type moreStreams struct {
	// index finds an end by its peer: an open-addressing table of places in
	// ends, plus 1. It is in use while there are more than fewEnds.
	index []uint32
	// gone are the counters of ends that exist no more, ascending by peer.
	gone []uses
}

// fewEnds is the number of ends up to which looking at all is as good.
const fewEnds = 16

type phase uint8

const (
	closed phase = iota
	connecting
	open
)

// end is one end of the connections between two nodes. Each has a number that
// never comes again. What the node sends goes over tx; rx is the connection
// that the peer opened last, which may be the same.
type end struct {
	uses
	born     uint32 // tells which life of the peer tx leads to
	tx, rx   uint64
	free     int64 // when the last message was put on the wire whole
	arrival  int64 // when it arrives
	lastUsed int64
	wait     uint32 // number of what waits (see waits), 0 if nothing does
	phase    phase
	fresh    bool // nothing went over tx yet, and this end opened it
	shaken   bool // the handshake is under way
	doomed   bool // breaks when it wakes
}

// uses counts a node's connections to a peer and its messages on them. They are
// the k by which the network model decides what happens, so they outlive the
// end.
type uses struct {
	peer            uint32
	opened, written uint32
}

// find returns the end towards a peer, nil if there is none. It stays where it
// is until the next one is made.
func (s *streams) find(peer uint32) *end {
	if len(s.ends) > fewEnds {
		if at := s.more.index[s.slot(peer)]; at > 0 {
			return &s.ends[at-1]
		}
		return nil
	}
	for i := range s.ends {
		if s.ends[i].peer == peer {
			return &s.ends[i]
		}
	}
	return nil
}

// slot returns the place in the index that a peer has or would get.
func (s *streams) slot(peer uint32) uint32 {
	index := s.more.index
	mask := uint32(len(index) - 1)
	i := peer * 0x9e3779b9
	i ^= i >> 15
	for {
		i &= mask
		if at := index[i]; at == 0 || s.ends[at-1].peer == peer {
			return i
		}
		i++
	}
}

// to returns the end towards a peer, made if need be.
func (s *streams) to(peer uint32, now int64) *end {
	if e := s.find(peer); e != nil {
		return e
	}
	if n := len(s.ends); n == cap(s.ends) {
		s.ends = append(make([]end, 0, n+growth(n)), s.ends...)
	}
	s.ends = append(s.ends, end{uses: s.gone(peer), lastUsed: now})
	if n := len(s.ends); n > fewEnds {
		if s.more == nil || n*2 > len(s.more.index) {
			s.reindex()
		} else {
			s.more.index[s.slot(peer)] = uint32(n)
		}
	}
	return &s.ends[len(s.ends)-1]
}

// sweep lets go of ends that have been idle for long, unless there are so few of
// them that it would not be worth the while.
func (s *streams) sweep(now, after int64) {
	// The peer may hold on a little longer than this end.
	idle := func(e *end) bool { return e.wait == 0 && now-e.lastUsed > 2*after }
	idlers := 0
	for i := range s.ends {
		if idle(&s.ends[i]) {
			idlers++
		}
	}
	if idlers == 0 || idlers < len(s.ends)/4 {
		return
	}
	gone := make([]uses, 0, idlers)
	kept := make([]end, 0, len(s.ends)-idlers+growth(len(s.ends)-idlers))
	for i := range s.ends {
		if e := &s.ends[i]; idle(e) {
			gone = append(gone, e.uses)
		} else {
			kept = append(kept, *e)
		}
	}
	s.ends = kept
	s.remember(gone)
	if len(s.ends) > fewEnds {
		s.reindex()
	} else if s.more != nil {
		s.more.index = nil
	}
}

// growth is for how many ends more there is made room at a time.
func growth(n int) int { return max(2, n/4) }

func (s *streams) reindex() {
	if s.more == nil {
		s.more = &moreStreams{}
	}
	size := 4 * fewEnds
	for size < 3*len(s.ends) {
		size *= 2
	}
	if size == len(s.more.index) {
		clear(s.more.index)
	} else {
		s.more.index = make([]uint32, size)
	}
	for i := range s.ends {
		s.more.index[s.slot(s.ends[i].peer)] = uint32(i + 1)
	}
}

// clear forgets all ends, but not what they counted.
func (s *streams) clear() {
	if len(s.ends) == 0 {
		return
	}
	counted := make([]uses, len(s.ends))
	for i := range s.ends {
		counted[i] = s.ends[i].uses
	}
	s.remember(counted)
	s.ends, s.more.index = nil, nil
}

// remember keeps the counters of ends that go.
func (s *streams) remember(counted []uses) {
	if s.more == nil {
		s.more = &moreStreams{}
	}
	counted = slices.DeleteFunc(counted, func(u uses) bool { return u.opened|u.written == 0 })
	if len(counted) == 0 {
		return
	}
	slices.SortFunc(counted, func(a, b uses) int { return comparePeer(a, b.peer) })
	old := s.more.gone
	merged := make([]uses, 0, len(old)+len(counted))
	for _, u := range counted {
		for len(old) > 0 && old[0].peer < u.peer {
			merged, old = append(merged, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].peer == u.peer {
			old = old[1:] // u has gone on counting from there
		}
		merged = append(merged, u)
	}
	s.more.gone = append(merged, old...)
}

// gone returns the counters of earlier ends towards a peer.
func (s *streams) gone(peer uint32) uses {
	if s.more != nil {
		if i, ok := slices.BinarySearchFunc(s.more.gone, peer, comparePeer); ok {
			return s.more.gone[i]
		}
	}
	return uses{peer: peer}
}

func comparePeer(u uses, peer uint32) int {
	switch {
	case u.peer < peer:
		return -1
	case u.peer > peer:
		return 1
	}
	return 0
}

// carry makes what waits belong to another shard.
func (s *streams) carry(from, to *waits) {
	for i := range s.ends {
		if e := &s.ends[i]; e.wait > 0 {
			e.wait = to.put(from.take(e.wait))
		}
	}
}

// close makes the end as if new; nothing may wait.
func (e *end) close() { *e = end{uses: e.uses, lastUsed: e.lastUsed} }

// rest closes an end that was idle for long. What the peer still sends on the
// connection arrives: it has not heard that it was closed.
func (e *end) rest() {
	last := e.rx
	if last == 0 {
		last = e.tx
	}
	e.close()
	e.rx = last
}

// lose closes the connection that this end sends on. One that the peer opened for
// itself stands.
func (e *end) lose() {
	last := e.rx
	if last == e.tx {
		last = 0
	}
	e.close()
	e.rx = last
}

// waiting is what an end has only while messages wait for it.
type waiting struct {
	queue  fifo[queued]
	wakeAt int64 // when the end's evWake is due, 0 if none is
	// stalled is since when nothing gets through, -1 if it does; tries counts
	// the attempts since.
	stalled int64
	tries   int
}

type queued struct {
	msg  protocol.Message
	size int
}

// waits is what waits at all ends of a shard's nodes, by number, from 1 on.
type waits struct {
	slots []*waiting
	free  []uint32
	spare []*waiting
}

const (
	// Spare ones are kept so that a world in which some always wait does not
	// allocate, and few of them, for at times everybody waits.
	mostSpare      = 1024
	mostSpareQueue = 64
)

func (w *waits) at(number uint32) *waiting { return w.slots[number-1] }

func (w *waits) put(x *waiting) (number uint32) {
	if n := len(w.free); n > 0 {
		number = w.free[n-1]
		w.free = w.free[:n-1]
		w.slots[number-1] = x
		return number
	}
	w.slots = append(w.slots, x)
	return uint32(len(w.slots))
}

func (w *waits) take(number uint32) *waiting {
	x := w.slots[number-1]
	w.slots[number-1] = nil
	w.free = append(w.free, number)
	return x
}

// of returns what waits at an end, made if need be.
func (w *waits) of(e *end) *waiting {
	if e.wait > 0 {
		return w.at(e.wait)
	}
	x := &waiting{}
	if n := len(w.spare); n > 0 {
		x = w.spare[n-1]
		w.spare = w.spare[:n-1]
	}
	x.stalled = -1
	e.wait = w.put(x)
	return x
}

// release ends the waiting at an end; its queue must be empty.
func (w *waits) release(e *end) {
	x := w.take(e.wait)
	e.wait = 0
	if len(w.spare) < mostSpare && x.queue.room() <= mostSpareQueue {
		*x = waiting{queue: x.queue}
		w.spare = append(w.spare, x)
	}
}
