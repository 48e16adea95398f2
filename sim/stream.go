package sim

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// Streams follow TCP where a protocol can tell. Opening one costs what
// [netmodel.Model.StreamConnect] says (one round trip), a message what
// StreamTransmit says; messages arrive in order. A connection serves both
// directions: who receives on it answers on it. While the path is cut, in
// either direction, the sending end tries again with back-off; without
// progress for Config.StreamTimeout it gives up. A process that is gone makes
// its host refuse segments, so that the sender hears of it after a round trip;
// of a host that is gone it hears nothing and times out. When a process ends,
// its host tells the other ends of its connections. A frozen or blocked process
// does not matter to its host, which goes on receiving for it.

// streamIdle is how long a connection stays open unused: the contract has no
// way to close one, and nobody keeps sockets for ever.
const streamIdle = 5 * time.Minute

// What a stream charges the network beyond the frame: four bytes of length,
// and for each segment 20 bytes of IPv4, 20 of TCP and 12 of its time stamps.
const (
	streamLength  = 4
	segmentHeader = 52
)

func streamSize(body int) int {
	n := streamLength + protocol.FrameOverhead + body
	return n + (n+netmodel.DefaultMSS-1)/netmodel.DefaultMSS*segmentHeader
}

// streams is a node's side of all its connections.
type streams struct {
	ends []*end // ascending by peer
	// opened and written count, by peer, connections and messages: they are
	// the k by which the network model decides what happens.
	opened, written map[uint32]uint32
	sweepAt         int // number of ends at which idle ones are looked for
}

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
	peer   uint32
	phase  phase
	tx, rx uint64
	fresh  bool // nothing went over tx yet, and this end opened it
	shaken bool // the handshake is under way
	doomed bool // breaks when it wakes
	// born tells which life of the peer tx leads to.
	born  uint32
	queue []queued
	// wakeAt is when the end's evWake is due, 0 if none is.
	wakeAt int64
	// stalled is since when nothing gets through, -1 if it does; tries counts
	// the attempts since.
	stalled int64
	tries   int

	free     int64 // when the last message was put on the wire whole
	arrival  int64 // when it arrives
	lastUsed int64
}

type queued struct {
	msg  protocol.Message
	size int
}

// segment is what travels between the ends: a message, or the news that a
// connection does not exist (any more).
type segment struct {
	payload
	conn, other uint64
	born        uint32
	first       bool
	frame       bool
	reset       bool
}

func (s *streams) find(peer uint32) *end {
	if i, ok := slices.BinarySearchFunc(s.ends, peer, compareEnd); ok {
		return s.ends[i]
	}
	return nil
}

func compareEnd(e *end, peer uint32) int {
	switch {
	case e.peer < peer:
		return -1
	case e.peer > peer:
		return 1
	}
	return 0
}

// to returns the end towards a peer, made if need be.
func (s *streams) to(peer uint32, now int64) *end {
	i, ok := slices.BinarySearchFunc(s.ends, peer, compareEnd)
	if ok {
		return s.ends[i]
	}
	if len(s.ends) >= max(s.sweepAt, 16) {
		s.ends = slices.DeleteFunc(s.ends, func(e *end) bool {
			// The peer may hold on a little longer than this end.
			return len(e.queue) == 0 && now-e.lastUsed > 2*int64(streamIdle)
		})
		s.sweepAt = 2 * len(s.ends)
		i, _ = slices.BinarySearchFunc(s.ends, peer, compareEnd)
	}
	e := &end{peer: peer, stalled: -1, lastUsed: now}
	s.ends = slices.Insert(s.ends, i, e)
	return e
}

// next counts one more use of a peer.
func next(counts *map[uint32]uint32, peer uint32) uint32 {
	if *counts == nil {
		*counts = map[uint32]uint32{}
	}
	k := (*counts)[peer]
	(*counts)[peer] = k + 1
	return k
}

func (c *env) SendStream(to protocol.NodeID, m protocol.Message) error {
	if m.Size() > protocol.MaxStreamMessage {
		return c.refuse(m, protocol.MaxStreamMessage)
	}
	if c.n.flags&flagBlocked != 0 {
		c.w.cold[c.idx].hold.block(to, m, true)
		return nil
	}
	c.stream(to, m)
	return nil
}

// stream puts a message on the stream to a node.
func (c *env) stream(to protocol.NodeID, m protocol.Message) {
	size := streamSize(m.Size())
	c.n.sent++
	c.n.sentBytes += uint64(size)
	c.sh.count.streamSent++
	c.sh.count.streamBytes += uint64(size)
	c.sh.count.kind(m.Kind()).sent(int32(size))
	dst, ok := c.w.index(to)
	if !ok {
		c.lose(NoNode, m, int32(size), LostNobody)
		return
	}
	if c.w.encodes {
		m = c.encode(m, 0)
	}
	if dst == c.idx {
		c.loopStream(m, size)
		return
	}
	e := c.w.coldOf(c.idx).streams.to(dst, c.now)
	if e.phase == open && len(e.queue) == 0 && c.now-e.lastUsed > int64(streamIdle) {
		e.close()
	}
	e.lastUsed = c.now
	e.queue = append(e.queue, queued{m, size})
	switch e.phase {
	case closed:
		e.phase, e.fresh = connecting, true
		e.tx = uint64(c.idx+1)<<32 | uint64(c.n.seq)
		c.n.seq++
		e.free, e.arrival = 0, 0
		c.connect(e)
	case open:
		if e.wakeAt == 0 {
			c.write(e)
		}
	}
}

// loopStream delivers what a node sends to itself.
func (c *env) loopStream(m protocol.Message, size int) {
	at := c.later(int64(netmodel.Loopback))
	slot := c.sh.parcels.put(payload{m, c.idx, int32(size)})
	what := uint32(evUpcall)
	if c.w.encodes {
		what |= whatFrame
	}
	c.sh.q.push(event{time: at, key: c.nextKey(at), dst: c.idx, what: what, arg: uint64(slot)})
}

// cut tells whether nothing gets through between this node and a peer.
func (c *env) cut(peer uint32) bool {
	return c.w.net.Cut(c.idx, peer) || c.w.net.Cut(peer, c.idx)
}

// oneWay is the latency of the path to a peer, without a draw.
func (c *env) oneWay(peer uint32) int64 {
	return max(c.w.net.RTT(c.idx, peer)/2, c.w.lookahead, 1)
}

func (c *env) wake(e *end, after int64) {
	e.wakeAt = c.later(after)
	c.own(evWake, e.wakeAt, uint64(e.peer))
}

// connect tries to open the connection.
func (c *env) connect(e *end) {
	if e.stalled < 0 {
		e.stalled = c.now
	}
	if c.cut(e.peer) {
		c.stall(e)
		return
	}
	k := next(&c.w.cold[c.idx].streams.opened, e.peer)
	delay, ok := c.w.net.StreamConnect(c.idx, e.peer, c.now, k)
	if left := c.patience(e); !ok || delay > left {
		e.doomed, delay = true, left
	}
	e.shaken = true
	c.wake(e, delay)
}

// patience is for how much longer a stalled end tries.
func (c *env) patience(e *end) int64 { return e.stalled + c.w.streamTimeout - c.now }

// stall puts off the next attempt.
func (c *env) stall(e *end) {
	if e.stalled < 0 {
		e.stalled = c.now
	}
	e.tries++
	wait := max(c.w.net.StreamRetry(c.idx, e.peer, e.tries), int64(time.Millisecond))
	c.wake(e, min(wait, c.patience(e)))
}

// write puts on the wire what waits, as far as the path takes it now.
func (c *env) write(e *end) {
	for len(e.queue) > 0 {
		if e.free > c.now {
			c.wake(e, e.free-c.now)
			return
		}
		if c.cut(e.peer) {
			c.stall(e)
			return
		}
		q := e.queue[0]
		k := next(&c.w.cold[c.idx].streams.written, e.peer)
		delay, ok := c.w.net.StreamTransmit(c.idx, e.peer, int64(q.size), c.now, c.w.streamTimeout, k)
		if !ok {
			e.doomed = true
			c.wake(e, min(delay, c.w.streamTimeout))
			return
		}
		e.queue[0] = queued{}
		e.queue = e.queue[1:]
		e.stalled, e.tries = -1, 0
		// The delay is the time to put the message on the wire and the
		// latency of its last byte.
		e.free = c.now + max(0, delay-c.oneWay(e.peer))
		e.arrival = max(c.later(delay), e.arrival+1, c.now+c.w.lookahead)
		e.lastUsed = c.now
		c.sendSegment(e.peer, e.arrival, segment{
			payload: payload{q.msg, c.idx, int32(q.size)},
			conn:    e.tx, born: e.born, first: e.fresh, frame: c.w.encodes,
		})
		e.fresh = false
	}
	e.queue = nil
}

// sendSegment makes a segment reach another node at a time.
func (c *env) sendSegment(to uint32, at int64, s segment) {
	e := event{time: at, key: c.nextKey(at), dst: to, what: uint32(evSegment)}
	if sh := c.w.shardOf(to); sh != c.sh {
		out := &c.sh.out[sh.number]
		out.note(&e)
		out.segments = append(out.segments, transit[segment]{e, s})
		return
	}
	e.arg = uint64(c.sh.segments.put(s))
	c.sh.q.push(e)
}

// streamWakes carries on with an end that waited.
func (sh *shard) streamWakes(ev *event) {
	n := &sh.w.nodes[ev.dst]
	if n.flags&flagUp == 0 || !sh.w.current(ev) {
		return
	}
	e := sh.w.cold[ev.dst].streams.find(uint32(ev.arg))
	if e == nil || e.wakeAt != ev.time {
		return
	}
	e.wakeAt = 0
	c := &sh.ctx
	c.enter(ev.dst, ev.time, ev.key)
	switch {
	case e.doomed, e.stalled >= 0 && c.patience(e) <= 0:
		c.breakEnd(e)
	case e.phase == open:
		c.write(e)
	case !e.shaken:
		c.connect(e)
	default:
		c.connected(e)
	}
}

// connected is the end of a handshake: a round trip after its beginning it
// shows what answered.
func (c *env) connected(e *end) {
	e.shaken = false
	peer := &c.w.nodes[e.peer]
	switch {
	case peer.state == Up || peer.state == Leaving:
		e.phase, e.born = open, peer.born
		e.stalled, e.tries = -1, 0
		c.write(e)
	case peer.silent:
		c.stall(e)
	default: // refused
		c.breakEnd(e)
	}
}

func (e *end) close() {
	*e = end{peer: e.peer, stalled: -1, lastUsed: e.lastUsed}
}

// breakEnd ends the connection at this end and tells the process.
func (c *env) breakEnd(e *end) {
	c.loseQueue(e)
	e.close()
	c.sh.process(&event{time: c.at, key: c.key, dst: c.idx, what: uint32(evBroken), arg: uint64(e.peer)})
}

func (c *env) loseQueue(e *end) {
	for _, q := range e.queue {
		c.loseStream(e.peer, c.idx, q.msg, q.size)
	}
	e.queue = nil
}

func (c *env) loseStream(to, from uint32, m protocol.Message, size int) {
	c.sh.count.lost[LostStream]++
	if c.w.cfg.Tracer != nil {
		r := TraceRecord{
			Time: c.at, Key: c.key, What: TraceLost, Loss: LostStream, Stream: true,
			Node: to, From: from, Size: int32(size),
		}
		r.describe(m)
		c.sh.trace(r)
	}
}

// segmentArrived is the host's part of receiving.
func (sh *shard) segmentArrived(ev *event) {
	s := sh.segments.take(uint32(ev.arg))
	n := &sh.w.nodes[ev.dst]
	c := &sh.ctx
	c.enter(ev.dst, ev.time, ev.key)
	up := n.flags&flagUp != 0
	if s.reset {
		if up {
			c.resetArrived(&s)
		}
		return
	}
	if !up || n.born != s.born {
		c.refuseSegment(&s)
		return
	}
	e := sh.w.coldOf(ev.dst).streams.to(s.from, c.now)
	if s.first {
		e.accept(s.conn, sh.w.nodes[s.from].born)
	}
	if s.conn != e.tx && s.conn != e.rx {
		c.refuseSegment(&s)
		return
	}
	e.lastUsed = c.now
	what := uint32(evUpcall)
	if s.frame {
		what |= whatFrame
	}
	slot := sh.parcels.put(s.payload)
	sh.process(&event{time: ev.time, key: ev.key, dst: ev.dst, what: what, arg: uint64(slot)})
}

// accept takes up a connection that the peer opened. What this end sent on an
// earlier one that the peer had opened goes on over the new one.
func (e *end) accept(conn uint64, born uint32) {
	switch {
	case e.phase == closed:
		e.close()
		e.phase, e.tx, e.born = open, conn, born
	case e.phase == open && e.tx == e.rx:
		e.tx, e.born = conn, born
	}
	e.rx = conn
}

// refuseSegment answers a message of a connection that does not exist here. If
// the answer cannot come back, the sender's time-out stands in for it.
func (c *env) refuseSegment(s *segment) {
	c.loseStream(c.idx, s.from, s.msg, int(s.size))
	delay := c.oneWay(s.from)
	if (c.n.state == Crashed && c.n.silent) || c.cut(s.from) {
		delay = max(delay, c.w.streamTimeout)
	}
	c.sendSegment(s.from, c.later(delay), segment{payload: payload{from: c.idx}, conn: s.conn, reset: true})
}

// resetArrived breaks the end that a reset is about.
func (c *env) resetArrived(s *segment) {
	cold := c.w.cold[c.idx]
	if cold == nil {
		return
	}
	e := cold.streams.find(s.from)
	if e == nil || e.phase == closed {
		return
	}
	names := func(conn uint64) bool { return conn != 0 && (conn == s.conn || conn == s.other) }
	switch {
	case names(e.tx) && e.phase == open:
		c.breakEnd(e)
	case names(e.rx):
		e.rx = 0
	}
}

// endStreams ends all connections of a process that ends; if its host lives,
// that tells the other ends.
func (c *env) endStreams(tell bool) {
	cold := c.w.cold[c.idx]
	if cold == nil {
		return
	}
	for _, e := range cold.streams.ends {
		c.loseQueue(e)
		if tell && e.phase != closed && (e.phase == open || e.rx != 0) && !c.cut(e.peer) {
			at := max(c.later(c.oneWay(e.peer)), e.arrival+1)
			c.sendSegment(e.peer, at, segment{payload: payload{from: c.idx}, conn: e.tx, other: e.rx, reset: true})
		}
	}
	cold.streams.ends, cold.streams.sweepAt = nil, 0
}
