package hyparview

import "github.com/starling-sim/starling/protocol"

// optimizationAsked: this node is c.
func (n *Node) optimizationAsked(env protocol.Env, from protocol.NodeID, m *Optimization) {
	introduce(env, m.Old)
	if n.leaving || n.swap != nil || n.index(from) >= 0 || from == n.request.peer || m.Old.ID == env.ID() {
		n.sendOnce(env, from, &OptimizationReply{Seq: m.Seq})
		return
	}
	if n.room() {
		n.send(env, from, &OptimizationReply{Seq: m.Seq, Accepted: true})
		n.add(env, from, m.Seq)
		return
	}
	d := n.worst(m.Old.ID, from)
	if d < 0 || n.request.peer != 0 {
		n.sendOnce(env, from, &OptimizationReply{Seq: m.Seq})
		return
	}
	n.beginSwap(env, swap{role: candidate, seq: m.Seq, initiator: from, old: m.Old.ID, disconnected: n.peers[d]}, 3)
	n.send(env, n.peers[d], &Replace{Seq: m.Seq, Initiator: named(env, from), Old: m.Old})
}

// replaceAsked: this node is d.
func (n *Node) replaceAsked(env protocol.Env, from protocol.NodeID, m *Replace) {
	introduce(env, m.Initiator)
	introduce(env, m.Old)
	c := n.index(from)
	if !n.checkLink(env, from) || n.swap != nil || m.Old.ID == env.ID() || m.Initiator.ID == env.ID() ||
		n.index(m.Old.ID) >= 0 || c < min(n.cfg().Unbiased, len(n.peers)) || n.links[c].roundTrip == 0 {
		n.sendOnce(env, from, &ReplaceReply{Seq: m.Seq})
		return
	}
	n.beginSwap(env, swap{role: prober, seq: m.Seq, old: m.Old.ID, candidate: from, contact: m.Initiator, at: env.Now()}, 1)
	n.sendOnce(env, m.Old.ID, &Ping{Seq: n.swap.turn})
}

func (n *Node) refuseReplace(env protocol.Env) {
	n.sendOnce(env, n.swap.candidate, &ReplaceReply{Seq: n.swap.seq})
	n.endSwap(env)
}

// switchAsked: this node is o. If it still is the initiator's neighbour, it
// takes the sender in its place, and tells the initiator.
func (n *Node) switchAsked(env protocol.Env, from protocol.NodeID, m *Switch) {
	introduce(env, m.Initiator)
	i := n.index(m.Initiator.ID)
	if n.leaving || i < 0 || n.swap != nil || n.index(from) >= 0 || from == n.request.peer {
		n.sendOnce(env, from, &SwitchReply{Seq: m.Seq})
		return
	}
	n.send(env, m.Initiator.ID, &Disconnect{Cause: CauseSwitched})
	n.drop(env, i, CauseSwitched)
	n.addPassive(env, m.Initiator.ID)
	n.send(env, from, &SwitchReply{Seq: m.Seq, Accepted: true})
	n.add(env, from, m.Seq)
}

// switchAnswered: this node is d. It gives up c for o.
func (n *Node) switchAnswered(env protocol.Env, from protocol.NodeID, m *SwitchReply) {
	s := n.swap
	if s == nil || s.role != disconnected || s.seq != m.Seq || s.old != from {
		if m.Accepted && n.index(from) < 0 {
			n.send(env, from, &Disconnect{Cause: n.strangerCause()})
		}
		return
	}
	if !m.Accepted {
		n.refuseReplace(env)
		return
	}
	n.swap = nil
	if c := n.index(s.candidate); c >= 0 {
		n.send(env, s.candidate, &ReplaceReply{Seq: s.seq, Accepted: true})
		previous := n.links[c].roundTrip
		n.drop(env, c, CauseSwitched)
		n.addPassive(env, s.candidate)
		n.finishSwap(env, from, s, previous)
	} else {
		n.sendOnce(env, s.candidate, &ReplaceReply{Seq: s.seq})
		n.finishSwap(env, from, s, 0)
	}
}

// finishSwap takes the neighbour that an exchange has given this node; it has
// the link already.
func (n *Node) finishSwap(env protocol.Env, peer protocol.NodeID, s *swap, previous int64) {
	switch {
	case n.index(peer) >= 0:
	case n.leaving || len(n.peers) >= n.cfg().ActiveSize:
		n.send(env, peer, &Disconnect{Cause: CauseFull})
	default:
		n.add(env, peer, s.seq)
		n.links[len(n.links)-1].roundTrip = s.cost
		env.Emit(protocol.Event{Kind: EventOptimised, Peer: peer, Args: [3]uint64{uint64(s.cost), uint64(previous)}})
	}
	n.fill(env)
}

// replaceAnswered: this node is c. A neighbour that has given it up is none any
// more, whatever became of the exchange.
func (n *Node) replaceAnswered(env protocol.Env, from protocol.NodeID, m *ReplaceReply) {
	if m.Accepted {
		if d := n.index(from); d >= 0 {
			n.drop(env, d, CauseSwitched)
			n.addPassive(env, from)
			n.markTried(from)
		}
	}
	s := n.swap
	if s == nil || s.role != candidate || s.seq != m.Seq || s.disconnected != from {
		n.fill(env)
		return
	}
	n.swap = nil
	if !m.Accepted || n.leaving || n.index(s.initiator) >= 0 || len(n.peers) >= n.cfg().ActiveSize {
		n.sendOnce(env, s.initiator, &OptimizationReply{Seq: s.seq})
	} else {
		n.send(env, s.initiator, &OptimizationReply{Seq: s.seq, Accepted: true})
		n.add(env, s.initiator, s.seq)
	}
	n.fill(env)
}

// optimizationAnswered: this node is i. It gives up o, if o has not given it up
// already, for c.
func (n *Node) optimizationAnswered(env protocol.Env, from protocol.NodeID, m *OptimizationReply) {
	s := n.swap
	if s == nil || s.role != initiator || s.seq != m.Seq || s.candidate != from {
		if m.Accepted && n.index(from) < 0 {
			n.send(env, from, &Disconnect{Cause: n.strangerCause()})
		}
		return
	}
	if !m.Accepted {
		n.endSwap(env)
		return
	}
	n.swap = nil
	previous := int64(0)
	if o := n.index(s.old); o >= 0 {
		previous = n.links[o].roundTrip
		n.send(env, s.old, &Disconnect{Cause: CauseSwitched})
		n.drop(env, o, CauseSwitched)
		n.addPassive(env, s.old)
	}
	n.finishSwap(env, from, s, previous)
}
