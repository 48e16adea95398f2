package sim

import "github.com/starling-sim/starling/protocol"

// hold is what waits at a node whose process is paused, slow, or waiting for
// its disk.
type hold struct {
	paused bool
	model  PauseModel
	// service is what each event costs a slow process, in ns.
	service int64
	// busyUntil is when the process is done with what it does now.
	busyUntil int64
	// ending says that the process ends with the pause: its goodbye is over.
	ending bool
	// serving says that an evServe is on its way.
	serving bool

	backlog backlog

	outgoing []outgoing
}

// outgoing is a message that a process with blocked output tried to send.
type outgoing struct {
	to     protocol.NodeID
	msg    protocol.Message
	stream bool
}

func (h *hold) block(to protocol.NodeID, m protocol.Message, stream bool) {
	h.outgoing = append(h.outgoing, outgoing{to, m, stream})
}

// stopped says that the process takes nothing from its backlog.
func (h *hold) stopped() bool { return h.paused && h.model != PauseSlow }

// processSlowly deals with an event of a process that is gone, paused or busy.
func (sh *shard) processSlowly(n *node, e *event) {
	if n.flags&flagUp == 0 {
		sh.discard(e, LostNobody)
		return
	}
	isTimer := e.kind() == evTimer
	if isTimer && !sh.w.current(e) {
		return
	}
	h := sh.w.cold[e.dst].hold
	c := &sh.ctx
	c.enter(e.dst, e.time, e.key)
	switch {
	case isTimer && h.paused && h.model == PauseBlockedIO:
		// Timers run, but not while the process waits for its disk.
		if h.busyUntil > e.time {
			late := *e
			late.time, late.key = h.busyUntil, c.nextKey(h.busyUntil)
			sh.q.push(late)
			return
		}
		sh.perform(c, e)
	case !h.paused && h.backlog.len() == 0 && h.busyUntil <= e.time:
		n.flags &^= flagHeld
		sh.perform(c, e)
	case e.kind() == evDeliver && h.backlog.datagrams >= sh.w.inboxLimit:
		sh.discard(e, LostInbox)
	default:
		h.backlog.append(*e)
		c.scheduleService(h)
	}
}

// scheduleService makes the process take the next event from its backlog when it
// is done with the present one and, if it is slow, with that one too: what an
// event brings about happens at the end of its service.
func (c *env) scheduleService(h *hold) {
	if h.serving || h.stopped() || h.backlog.len() == 0 {
		return
	}
	h.serving = true
	h.backlog.choose()
	at := max(c.now, h.busyUntil)
	if h.paused {
		at += h.service
	}
	at = max(at, c.at+1)
	h.busyUntil = at
	c.own(evServe, at, 0)
}

// serve makes a busy process deal with the next event of its backlog.
func (sh *shard) serve(e *event) {
	n := &sh.w.nodes[e.dst]
	if n.flags&flagUp == 0 || !sh.w.current(e) {
		return
	}
	h := sh.w.cold[e.dst].hold
	h.serving = false
	if h.stopped() || h.backlog.len() == 0 {
		return
	}
	c := &sh.ctx
	c.enter(e.dst, e.time, e.key)
	if h.busyUntil > e.time {
		c.scheduleService(h)
		return
	}
	next := h.backlog.pop()
	sh.perform(c, &next)
	if n.flags&flagUp == 0 {
		return
	}
	if h.backlog.len() == 0 && !h.paused && h.busyUntil <= e.time {
		n.flags &^= flagHeld
		return
	}
	c.scheduleService(h)
}

// wait makes the process of the context's node wait for d ns, as for its disk.
func (c *env) wait(d int64) {
	c.now = c.later(d)
	c.w.holdOf(c.idx).busyUntil = c.now
	c.n.flags |= flagHeld
}

// pause, resume and drop are called by control events.

func (c *env) pause(p Pause) {
	h := c.w.holdOf(c.idx)
	h.paused, h.model, h.service = true, p.Model, int64(p.Service)
	c.n.flags |= flagHeld
	if p.Model == PauseBlockedIO {
		c.n.flags |= flagBlocked
	}
}

func (c *env) resume() {
	h := c.w.cold[c.idx].hold
	h.paused, h.service = false, 0
	c.n.flags &^= flagBlocked
	blocked := h.outgoing
	h.outgoing = nil
	for _, o := range blocked {
		c.transmit(o)
	}
	if h.backlog.len() == 0 && h.busyUntil <= c.now {
		c.n.flags &^= flagHeld
		return
	}
	c.scheduleService(h)
}

// transmit sends what was blocked. Its size was checked when it was sent.
func (c *env) transmit(o outgoing) {
	if o.stream {
		c.stream(o.to, o.msg)
		return
	}
	c.datagram(o.to, o.msg, int32(o.msg.Size())+c.w.datagramHeader)
}

// dropHeld lets go of everything that waits at a node whose process ends.
func (c *env) dropHeld() {
	cold := c.w.cold[c.idx]
	if cold == nil || cold.hold == nil {
		return
	}
	h := cold.hold
	for h.backlog.len() > 0 {
		e := h.backlog.pop()
		e.time, e.key = c.at, c.key
		c.sh.discard(&e, LostNobody)
	}
	cold.hold = nil
}
