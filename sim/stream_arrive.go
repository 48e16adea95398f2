package sim

import "slices"

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
	// In an order that does not depend on who was there first.
	ends := cold.streams.ends
	slices.SortFunc(ends, func(a, b end) int { return comparePeer(a.uses, b.peer) })
	for i := range ends {
		e := &ends[i]
		c.loseQueue(e)
		if tell && e.phase != closed && (e.phase == open || e.rx != 0) && !c.cut(e.peer) {
			at := max(c.later(c.oneWay(e.peer)), e.arrival+1)
			c.sendSegment(e.peer, at, segment{payload: payload{from: c.idx}, conn: e.tx, other: e.rx, reset: true})
		}
	}
	cold.streams.clear()
}
