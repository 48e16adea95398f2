package sim

import (
	"fmt"
	"math"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// env is the Env of whatever node an event happens to: one per shard, so
// that a node needs none of its own. It is pointed at the node for each event.
type env struct {
	w   *World
	sh  *shard
	n   *node
	idx uint32
	// emitted counts the events that were emitted during this event.
	emitted uint32
	// at and key are the event's place in the total order. now is at, or
	// later if the node has waited for a slow disk since.
	at  int64
	key uint64
	now int64

	packet netmodel.Packet
	fate   netmodel.Fate
}

var _ protocol.Env = (*env)(nil)

// enter points the context at a node, for an event of the given place.
func (c *env) enter(i uint32, at int64, key uint64) {
	c.n = &c.w.nodes[i]
	c.idx = i
	c.at, c.now = at, at
	c.key = key
	c.emitted = 0
}

func (c *env) ID() protocol.NodeID { return c.w.id(c.idx) }

func (c *env) Now() protocol.Time {
	if c.n.flags&flagClock != 0 {
		return protocol.Time(c.w.cold[c.idx].clock.read(c.now))
	}
	return protocol.Time(c.now)
}

func (c *env) Rand() *protocol.Rand { return &c.n.rand }

func (c *env) MaxDatagram() int { return c.w.maxDatagram }

// nextKey gives an event of this node, at a time, its place in the order.
func (c *env) nextKey(at int64) uint64 {
	seq := c.n.seq
	c.n.seq = seq + 1
	return orderKey(c.w.orderSeed, at, c.idx, seq)
}

// later returns now+d, at least a nanosecond and at most endOfTime away.
func (c *env) later(d int64) int64 {
	if uint64(d) < uint64(endOfTime) {
		return c.now + max(d, 1)
	}
	if d < 0 {
		return c.now + 1
	}
	return c.now + endOfTime
}

// endOfTime is further away than any world runs, and far enough from the end of
// int64 for sums.
const endOfTime = int64(1) << 61

func (c *env) After(d time.Duration, t protocol.Timer) {
	wait := int64(d)
	if c.n.flags&flagClock != 0 && wait > 0 {
		wait = c.w.cold[c.idx].clock.worldTime(wait)
	}
	at := c.later(wait)
	c.sh.q.push(event{time: at, key: c.nextKey(at), dst: c.idx, what: timerWhat(t.Kind), arg: t.Arg})
}

// own queues an event of the world's machinery at this node.
func (c *env) own(what eventType, at int64, arg uint64) {
	c.sh.q.push(event{time: at, key: c.nextKey(at), dst: c.idx, what: uint32(what), arg: arg})
}

func (c *env) Emit(e protocol.Event) {
	c.sh.count.emitted++
	c.report(e)
}

// report records an event of this node, of the protocol or of the world.
func (c *env) report(e protocol.Event) {
	a := fold(uint64(e.Peer)^mix0, e.Args[0]^mix5)
	b := fold(e.Args[1]^mix1, e.Args[2]^mix4) + uint64(c.idx)
	c.sh.sum.record(c.at, c.key, uint64(c.emitted), uint64(TraceEvent)<<16|uint64(e.Kind), a, b)
	c.emitted++
	if c.w.observed {
		c.observe(e)
	}
}

func (c *env) observe(e protocol.Event) {
	if c.w.cfg.Observer != nil {
		c.sh.observe(c.key, protocol.Record{Time: c.at, Node: c.w.id(c.idx), Index: c.idx, Event: e})
	}
	if c.w.cfg.Tracer != nil {
		c.sh.trace(TraceRecord{Time: c.at, Key: c.key, What: TraceEvent, Node: c.idx, From: NoNode, Event: e})
	}
}

func (c *env) Store() protocol.Store {
	return diskEnv{c, c.disk()}
}

func (c *env) Seeds() []protocol.Peer { return c.w.seedLists.list(c.w.seeds[c.idx]) }

func (c *env) Contact(id protocol.NodeID) []byte {
	if i, ok := c.w.index(id); ok {
		return c.w.contact(i)
	}
	return nil
}

// Introduce has nothing to do: this world knows where everybody is.
func (c *env) Introduce(protocol.NodeID, []byte) {}

func (c *env) Send(to protocol.NodeID, m protocol.Message) error {
	size := m.Size()
	if size > c.w.maxDatagram {
		return c.refuse(m, c.w.maxDatagram)
	}
	if c.n.flags&flagBlocked != 0 {
		c.w.cold[c.idx].hold.block(to, m, false)
		return nil
	}
	c.datagram(to, m, int32(size)+c.w.datagramHeader)
	return nil
}

// refuse returns the error of a message that is too large.
func (c *env) refuse(m protocol.Message, most int) error {
	c.sh.count.refused++
	return fmt.Errorf("send message kind %#04x: got %d bytes, want at most %d: %w",
		uint16(m.Kind()), m.Size(), most, protocol.ErrTooLarge)
}

// datagram puts a message of a size, headers included, on the network.
func (c *env) datagram(to protocol.NodeID, m protocol.Message, size int32) {
	c.n.sent++
	c.n.sentBytes += uint64(size)
	count := &c.sh.count
	count.datagrams++
	count.datagramBytes += uint64(size)
	count.kind(m.Kind()).sent(size)
	dst, ok := c.w.index(to)
	if !ok {
		c.lose(NoNode, m, size, LostNobody)
		return
	}
	d := departure{msg: m, now: c.now, from: c.idx, seq: c.n.seq, to: dst, size: size}
	c.n.seq += 2 // one for a copy that the network may make
	if !c.sh.deferring || dst == c.idx {
		c.depart(&d)
		return
	}
	c.sh.departures = append(c.sh.departures, d)
	if len(c.sh.departures) == 1 {
		c.sh.departBy = c.at + c.w.lookahead
	}
}

// departure is a datagram that a node has sent, before the network has decided
// what becomes of it.
type departure struct {
	msg      protocol.Message
	now      int64
	from, to uint32
	seq      uint32
	size     int32
}

// depart has the network decide what becomes of a datagram.
func (c *env) depart(d *departure) {
	p, f := &c.packet, &c.fate
	p.From, p.To, p.Size, p.Now = d.from, d.to, d.size, d.now
	p.K = c.sh.pairs.countPair(&c.w.nodes[d.from], d.to, len(c.w.nodes))
	c.w.net.Datagram(p, f)
	if f.Lost != 0 {
		c.lose(d.to, d.msg, d.size, Loss(f.Lost)-1)
		return
	}
	if c.w.encodes || f.Corrupt != 0 || f.Duplicate >= 0 {
		c.unusual(d)
		return
	}
	c.dispatch(d, c.w.arrival, f.Delay, d.seq, d.msg)
}

// unusual sends off a datagram that travels as bytes, is damaged or doubled.
func (c *env) unusual(d *departure) {
	// For what is said of an error: the context may be another event's by now.
	at, idx := c.at, c.idx
	c.at, c.idx = d.now, d.from
	defer func() { c.at, c.idx = at, idx }()
	fate := c.fate
	intact, what := d.msg, c.w.arrival
	if c.w.encodes {
		intact = c.encode(d.msg, 0)
		what |= whatFrame
	}
	if fate.Corrupt != 0 {
		c.dispatch(d, what|whatFrame|whatDamaged, fate.Delay, d.seq, c.encode(d.msg, fate.Corrupt))
	} else {
		c.dispatch(d, what, fate.Delay, d.seq, intact)
	}
	if fate.Duplicate >= 0 {
		c.sh.count.duplicated++
		c.dispatch(d, what, fate.Duplicate, d.seq+1, intact)
	}
}

// dispatch makes a datagram, as m, arrive after a delay.
func (c *env) dispatch(d *departure, what uint32, delay int64, seq uint32, m protocol.Message) {
	if delay < c.w.lookahead && d.to != d.from {
		c.fail(fmt.Errorf("network model gave a delay of %d ns from %d to %d, but promised at least %d", delay, d.from, d.to, c.w.lookahead))
		return
	}
	at := d.now + max(delay, 1)
	e := event{time: at, key: orderKey(c.w.orderSeed, at, d.from, seq), dst: d.to, what: what}
	p := payload{msg: m, from: d.from, size: d.size}
	if to := c.w.shardOf(d.to); to != c.sh {
		out := &c.sh.out[to.number]
		out.note(&e)
		out.parcels = append(out.parcels, transit[payload]{e, p})
		return
	}
	e.arg = uint64(c.sh.parcels.put(p))
	c.sh.q.push(e)
}

// departAll has the network decide about all datagrams whose departure was put
// off. That is done in batches because nearly every one of them touches a place
// of its own in the tables of pairs: so they are fetched from memory side by
// side and not one after the other.
func (sh *shard) departAll() {
	sum := pair(0)
	for i := range sh.departures {
		d := &sh.departures[i]
		sum += sh.pairs.touch(&sh.w.nodes[d.from], d.to)
	}
	sh.sink += uint64(sum)
	for i := range sh.departures {
		sh.ctx.depart(&sh.departures[i])
		sh.departures[i].msg = nil
	}
	sh.departures = sh.departures[:0]
	sh.departBy = math.MaxInt64
}

// lose counts a message that will not arrive.
func (c *env) lose(to uint32, m protocol.Message, size int32, why Loss) {
	c.sh.count.lost[why]++
	if c.w.cfg.Tracer != nil {
		r := TraceRecord{Time: c.at, Key: c.key, What: TraceLost, Loss: why, Node: to, From: c.idx, Size: size}
		r.describe(m)
		c.sh.trace(r)
	}
}
