package sim

import (
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

// sweepStreams frees what nodes keep of connections that are idle for long. It
// happens at times that depend on nothing else, for it shows: what the peer still
// sends on such a connection is refused.
func (w *World) sweepStreams() {
	for _, cold := range w.cold {
		if cold != nil {
			cold.streams.sweep(w.now, w.streamIdle)
		}
	}
	w.sweepAt = w.now + w.streamIdle
}

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
	if e.phase == open && e.wait == 0 && c.now-e.lastUsed > c.w.streamIdle {
		e.rest()
	}
	e.lastUsed = c.now
	q := queued{m, size}
	if e.phase == open && e.wait == 0 && c.put(e, &q) {
		return
	}
	c.sh.waits.of(e).queue.append(q)
	if e.phase == closed {
		e.phase, e.fresh = connecting, true
		e.tx = uint64(c.idx+1)<<32 | uint64(c.n.seq)
		c.n.seq++
		c.connect(e)
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
	at := c.later(after)
	c.sh.waits.of(e).wakeAt = at
	c.own(evWake, at, uint64(e.peer))
}

// connect tries to open the connection.
func (c *env) connect(e *end) {
	w := c.sh.waits.of(e)
	if w.stalled < 0 {
		w.stalled = c.now
	}
	if c.cut(e.peer) {
		c.stall(e)
		return
	}
	k := e.opened
	e.opened++
	delay, ok := c.w.net.StreamConnect(c.idx, e.peer, c.now, k)
	if left := c.patience(w); !ok || delay > left {
		e.doomed, delay = true, left
	}
	e.shaken = true
	c.wake(e, delay)
}

// patience is for how much longer a stalled end tries.
func (c *env) patience(w *waiting) int64 { return w.stalled + c.w.streamTimeout - c.now }

// stall puts off the next attempt.
func (c *env) stall(e *end) {
	w := c.sh.waits.of(e)
	if w.stalled < 0 {
		w.stalled = c.now
	}
	w.tries++
	wait := max(c.w.net.StreamRetry(c.idx, e.peer, w.tries), int64(time.Millisecond))
	c.wake(e, min(wait, c.patience(w)))
}

// write puts on the wire what waits, as far as the path takes it now.
func (c *env) write(e *end) {
	w := c.sh.waits.at(e.wait)
	for w.queue.len() > 0 {
		if !c.put(e, w.queue.first()) {
			return
		}
		w.queue.pop()
		w.stalled, w.tries = -1, 0
	}
	c.sh.waits.release(e)
}

// put puts a message on the wire of an open connection; false means that the
// path does not take it now, and that the end will wake.
func (c *env) put(e *end, q *queued) bool {
	if e.free > c.now {
		c.wake(e, e.free-c.now)
		return false
	}
	if c.cut(e.peer) {
		c.stall(e)
		return false
	}
	k := e.written
	e.written++
	delay, ok := c.w.net.StreamTransmit(c.idx, e.peer, int64(q.size), c.now, c.w.streamTimeout, k)
	if !ok {
		e.doomed = true
		c.wake(e, min(delay, c.w.streamTimeout))
		return false
	}
	// The delay is the time to put the message on the wire and the latency of
	// its last byte.
	e.free = c.now + max(0, delay-c.oneWay(e.peer))
	e.arrival = max(c.later(delay), e.arrival+1, c.now+c.w.lookahead)
	e.lastUsed = e.arrival // it is in use for as long as the message is on its way
	c.sendSegment(e.peer, e.arrival, segment{
		payload: payload{q.msg, c.idx, int32(q.size)},
		conn:    e.tx, born: e.born, first: e.fresh, frame: c.w.encodes,
	})
	e.fresh = false
	return true
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
	if e == nil || e.wait == 0 {
		return
	}
	w := sh.waits.at(e.wait)
	if w.wakeAt != ev.time {
		return
	}
	w.wakeAt = 0
	c := &sh.ctx
	c.enter(ev.dst, ev.time, ev.key)
	switch {
	case e.doomed, w.stalled >= 0 && c.patience(w) <= 0:
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
		w := c.sh.waits.at(e.wait)
		w.stalled, w.tries = -1, 0
		c.write(e)
	case peer.silent:
		c.stall(e)
	default: // refused
		c.breakEnd(e)
	}
}

// breakEnd ends the connection at this end and tells the process.
func (c *env) breakEnd(e *end) {
	c.loseQueue(e)
	e.lose()
	c.sh.process(&event{time: c.at, key: c.key, dst: c.idx, what: uint32(evBroken), arg: uint64(e.peer)})
}

func (c *env) loseQueue(e *end) {
	if e.wait == 0 {
		return
	}
	w := c.sh.waits.at(e.wait)
	for w.queue.len() > 0 {
		q := w.queue.pop()
		c.loseStream(e.peer, c.idx, q.msg, q.size)
	}
	c.sh.waits.release(e)
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
