package sim

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// shard is a part of the nodes with everything that one worker needs to carry
// out their events: while a window is open, nobody else touches it.
type shard struct {
	w      *World
	number int
	ctx    env

	q        *queue
	parcels  slab[payload]
	segments slab[segment]
	waits    waits
	pairs    pairArena
	// out holds, by shard, what goes to nodes of other shards. When a window
	// opens it becomes in, out of which the others take it while this shard
	// fills a new out.
	out, in []outbox

	sum   traceSum
	count tally

	// direct says that records go to the observer and the tracer at once, and
	// not into the buffers until the window closes.
	direct  bool
	records []orderedRecord
	traces  []TraceRecord

	// departures are datagrams whose departure is put off, at most until an
	// event at departBy or later; deferring says that this may be done.
	departures []departure
	departBy   int64
	deferring  bool
	popped     event
	sink       uint64 // so that reads ahead are not optimised away

	err error
}

// departureBatch is the number of departures that are put off at most.
const departureBatch = 32

// payload is what a datagram carries, or a message that a stream delivers.
type payload struct {
	msg  protocol.Message
	from uint32
	size int32 // as charged to the network
}

type outbox struct {
	parcels  []transit[payload]
	segments []transit[segment]
	// least is the least time of all events in it, if there are any.
	least int64
}

func (o *outbox) note(e *event) {
	if len(o.parcels)+len(o.segments) == 0 || e.time < o.least {
		o.least = e.time
	}
}

// transit is an event of another shard with what it will refer to there.
type transit[T any] struct {
	e event
	v T
}

// orderedRecord is a record with the rest of its place in the order.
type orderedRecord struct {
	key uint64
	protocol.Record
}

func (r *orderedRecord) before(o *orderedRecord) bool {
	return r.Time < o.Time || (r.Time == o.Time && r.key < o.key)
}

// run carries out events before limit, at most budget of them; it returns
// whether none is left.
func (sh *shard) run(limit int64, budget int) bool {
	sh.deferring = sh.w.lookahead > 0 && sh.w.cfg.Tracer == nil
	sh.departBy = math.MaxInt64
	for budget > 0 && sh.err == nil {
		done, n := sh.runUntil(min(limit, sh.departBy), budget)
		budget -= n
		if len(sh.departures) == 0 {
			if done {
				sh.deferring = false
				return true
			}
			continue
		}
		sh.departAll()
	}
	sh.deferring = false
	return false
}

// runUntil carries out events before limit, at most budget, until a batch of
// departures waits or something is to depart before limit. It returns whether
// no event before limit is left, and the number carried out.
func (sh *shard) runUntil(limit int64, budget int) (done bool, n int) {
	q := sh.q
	for n < budget && len(sh.departures) < departureBatch && sh.err == nil {
		var e *event
		if len(q.near) > 0 || q.next == len(q.run) {
			var ok bool
			if sh.popped, ok = q.pop(limit); !ok {
				return true, n
			}
			e = &sh.popped
		} else {
			// The usual case, without a copy: the next event of the bucket.
			e = &q.run[q.next]
			if e.time >= limit {
				return true, n
			}
			if q.next%lookAhead == 0 && sh.w.large {
				sh.readAhead(q.run[q.next:min(q.next+lookAhead, len(q.run))])
			}
			q.next++
		}
		sh.handle(e)
		n++
		limit = min(limit, sh.departBy)
	}
	return false, n
}

// lookAhead is the number of events whose nodes are read ahead together.
const lookAhead = 16

// readAhead reads what the next events will touch: their nodes, then their
// protocols and messages. In a large world none of that is in the cache, and
// what is fetched side by side takes little longer than one of it.
func (sh *shard) readAhead(next []event) {
	sum := byte(0)
	for i := range next {
		sum += sh.w.nodes[next[i].dst].flags
	}
	for i := range next {
		sum += firstByte(sh.w.nodes[next[i].dst].proto)
		if next[i].kind() == evDeliver {
			sum += byte(sh.parcels.slots[next[i].arg].from)
		}
	}
	sh.sink += uint64(sum)
}

// firstByte reads the first byte of what an interface points to.
func firstByte(p protocol.Protocol) byte {
	if p == nil {
		return 0
	}
	// An interface is two words, the second of which points to the value (or
	// is it, for a type that is itself a pointer). Go has no other way to
	// prefetch.
	return *(*[2]*byte)(unsafe.Pointer(&p))[1]
}

// handle carries out one event.
func (sh *shard) handle(e *event) {
	switch e.kind() {
	case evTimer, evDeliver:
		sh.process(e)
	case evArrive:
		sh.arrive(e)
	case evServe:
		sh.serve(e)
	case evSegment:
		sh.segmentArrived(e)
	case evWake:
		sh.streamWakes(e)
	case evUpcall: // what a node sent to itself
		if !sh.w.current(e) {
			sh.discard(e, LostStream)
			return
		}
		sh.process(e)
	case evBroken: // never waits in the queue
	}
}

// process hands an event to the node's process, unless that is gone or busy.
func (sh *shard) process(e *event) {
	n := &sh.w.nodes[e.dst]
	if n.flags&(flagUp|flagHeld) != flagUp {
		sh.processSlowly(n, e)
		return
	}
	c := &sh.ctx
	c.n, c.idx = n, e.dst
	c.at, c.now, c.key = e.time, e.time, e.key
	c.emitted = 0
	sh.perform(c, e)
}

// perform makes the process of the context's node deal with an event.
func (sh *shard) perform(c *env, e *event) {
	switch e.kind() {
	case evTimer:
		if c.w.current(e) {
			c.fire(protocol.Timer{Kind: protocol.TimerKind(e.what >> 16), Arg: e.arg})
		}
	case evDeliver:
		p := sh.parcels.take(uint32(e.arg))
		if e.what&whatFrame != 0 && !c.decode(&p, e.what&whatDamaged != 0, false) {
			return
		}
		sh.count.datagramsIn++
		c.deliver(&p, 0)
	case evUpcall:
		p := sh.parcels.take(uint32(e.arg))
		if e.what&whatFrame != 0 && !c.decode(&p, false, true) {
			return
		}
		sh.count.streamIn++
		c.deliver(&p, 1)
	case evBroken:
		c.broken(uint32(e.arg))
	}
}

// Sub-numbers of the records of one event: what the event itself is comes
// before what was emitted during it.
const subSelf = 1<<32 - 1

func (c *env) fire(t protocol.Timer) {
	c.sh.sum.record(c.at, c.key, subSelf, uint64(TraceTimer)<<16|uint64(t.Kind), uint64(c.idx), t.Arg)
	c.sh.count.timers++
	if c.w.cfg.Tracer != nil {
		c.sh.trace(TraceRecord{Time: c.at, Key: c.key, What: TraceTimer, Node: c.idx, From: NoNode, Timer: t})
	}
	c.n.proto.Timer(c, t)
}

func (c *env) deliver(p *payload, stream uint64) {
	kind := p.msg.Kind()
	c.sh.sum.record(c.at, c.key, subSelf, uint64(TraceDelivered)<<16|uint64(kind),
		uint64(p.from)<<32|uint64(c.idx), uint64(p.size)<<1|stream)
	c.sh.count.kind(kind).delivered++
	if c.w.cfg.Tracer != nil {
		c.sh.trace(TraceRecord{
			Time: c.at, Key: c.key, What: TraceDelivered, Stream: stream != 0,
			Node: c.idx, From: p.from, Kind: kind, Size: p.size, Message: p.msg,
		})
	}
	c.n.proto.Receive(c, c.w.id(p.from), p.msg)
}

func (c *env) broken(peer uint32) {
	c.sh.sum.record(c.at, c.key, subSelf, uint64(TraceStreamBroken)<<16, uint64(peer)<<32|uint64(c.idx), 0)
	c.sh.count.streamsBroken++
	if c.w.cfg.Tracer != nil {
		c.sh.trace(TraceRecord{Time: c.at, Key: c.key, What: TraceStreamBroken, Node: c.idx, From: peer})
	}
	if h, ok := c.n.proto.(protocol.StreamBreakHandler); ok {
		h.StreamBroken(c, c.w.id(peer))
	}
}

// arrive takes a datagram through the receiver's downlink.
func (sh *shard) arrive(e *event) {
	p := &sh.parcels.slots[e.arg]
	at, ok := sh.w.net.Arrive(e.dst, p.size, e.time)
	if !ok {
		sh.discard(e, LostDownlink)
		return
	}
	forward := *e
	forward.what = e.what&^0xff | uint32(evDeliver)
	if at <= e.time {
		sh.process(&forward)
		return
	}
	c := &sh.ctx
	c.enter(e.dst, e.time, e.key)
	forward.time, forward.key = at, c.nextKey(at)
	sh.q.push(forward)
}

// discard lets go of an event that never reaches its process.
func (sh *shard) discard(e *event, why Loss) {
	switch e.kind() {
	case evDeliver, evArrive, evUpcall:
	default:
		return
	}
	p := sh.parcels.take(uint32(e.arg))
	sh.count.lost[why]++
	if sh.w.cfg.Tracer != nil {
		r := TraceRecord{
			Time: e.time, Key: e.key, What: TraceLost, Loss: why, Stream: e.kind() == evUpcall,
			Node: e.dst, From: p.from, Size: p.size,
		}
		r.describe(p.msg)
		sh.trace(r)
	}
}

// frame is a message as bytes.
type frame struct{ bytes []byte }

func (f *frame) Kind() protocol.MessageKind { return 0 }
func (f *frame) Size() int                  { return len(f.bytes) }
func (f *frame) Append(b []byte) []byte     { return append(b, f.bytes...) }

// encode returns a message as bytes, damaged unless damage is 0.
func (c *env) encode(m protocol.Message, damage uint64) *frame {
	b := protocol.AppendFrame(make([]byte, 0, protocol.FrameOverhead+m.Size()), m)
	if len(b) != protocol.FrameOverhead+m.Size() {
		c.fail(fmt.Errorf("encode message kind %#04x (%T): got %d bytes, want the %d that Size says",
			uint16(m.Kind()), m, len(b)-protocol.FrameOverhead, m.Size()))
	}
	if damage != 0 {
		c.sh.count.corrupted++
		b = netmodel.Damage(b, damage)
	}
	return &frame{b}
}

// decode turns a payload back into a message; false means that it cannot be
// read and is lost.
func (c *env) decode(p *payload, damaged, stream bool) bool {
	bytes := p.msg.(*frame).bytes
	m, err := c.w.cfg.Decoders.Decode(bytes)
	if err == nil {
		p.msg = m
		return true
	}
	if !damaged {
		c.fail(fmt.Errorf("message from node %d went through its bytes: %w", p.from, err))
		return false
	}
	why := LostMalformed
	switch {
	case errors.Is(err, protocol.ErrVersion):
		why = LostVersion
	case errors.Is(err, protocol.ErrUnknownKind):
		why = LostUnknownKind
	}
	c.sh.count.lost[why]++
	if c.w.cfg.Tracer != nil {
		c.sh.trace(TraceRecord{
			Time: c.at, Key: c.key, What: TraceLost, Loss: why, Stream: stream,
			Node: c.idx, From: p.from, Size: p.size,
		})
	}
	return false
}

// fail ends the run with an error that says where it came from.
func (c *env) fail(err error) {
	c.sh.fail(fmt.Errorf("at %v, node %d: %w", time.Duration(c.at), c.idx, err))
}

func (sh *shard) fail(err error) {
	if sh.err == nil {
		sh.err = err
	}
}

// observe passes a record on, now or when the window closes.
func (sh *shard) observe(key uint64, r protocol.Record) {
	if sh.direct {
		sh.w.cfg.Observer.Observe(r)
		return
	}
	sh.records = append(sh.records, orderedRecord{key, r})
}

func (sh *shard) trace(r TraceRecord) {
	if sh.direct {
		sh.w.cfg.Tracer.Trace(&r)
		return
	}
	sh.traces = append(sh.traces, r)
}
