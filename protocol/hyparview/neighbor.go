package hyparview

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// request is a request for a link that is not answered yet. There is at most
// one of this node's own.
type request struct {
	peer     protocol.NodeID // 0 if there is none
	seq      uint32
	turn     uint32 // of the timer, if somebody else's
	priority Priority
	again    bool // it was sent twice
}

// fill asks a passive node for a link while there are too few of them: one at a
// time, and everybody at most once until the next shuffle.
func (n *Node) fill(env protocol.Env) {
	idle := n.request.peer == 0
	if n.leaving || !idle && n.request.priority != PriorityBridge || !n.room() {
		return
	}
	peer, ok := n.candidate(env)
	if !ok {
		if len(n.peers) == 0 {
			n.armJoin(env, 0)
		}
		return
	}
	if !idle {
		n.markTried(n.request.peer) // a bridge, which has time; its answer comes too late
	}
	n.markTried(peer)
	n.ask(env, peer, PriorityLow)
}

// candidate returns a random passive node that was not asked yet. If there is
// none, membership may know somebody.
func (n *Node) candidate(env protocol.Env) (peer protocol.NodeID, ok bool) {
	t := n.look()
	tried := t.tried
	if len(tried) >= maxTried*n.cfg().PassiveSize || t.refusals >= maxRefusals*n.cfg().ActiveSize && !n.needy() {
		return 0, false // enough until the next shuffle, whoever else turned up
	}
	fits := 0
	for _, id := range n.passive {
		if id != n.request.peer && !slices.Contains(tried, id) {
			if fits++; env.Rand().IntN(fits) == 0 {
				peer = id
			}
		}
	}
	if fits > 0 {
		return peer, true
	}
	if n.below == nil {
		return 0, false
	}
	others := n.below.Sample(env, 1, func(id protocol.NodeID) bool {
		return id == env.ID() || id == n.request.peer || n.index(id) >= 0 || slices.Contains(tried, id)
	})
	if len(others) == 0 {
		return 0, false
	}
	return others[0], true
}

// maxTried bounds the peers that are asked between two shuffles, in sizes of the
// passive view.
const maxTried = 2

// maxRefusals bounds the refusals between two shuffles, in sizes of the active
// view, of a node that is not needy: hardly anybody has room, and a link less is
// no hurry.
const maxRefusals = 2

// needy tells whether a node lacks more than one link, as those of a small island
// do, or lost one to a failure, which others of its links may have met too.
func (n *Node) needy() bool {
	return n.look().failure || len(n.peers)+1 < n.cfg().ActiveSize
}

// ask asks a peer for a link. Whoever has none cannot be refused.
func (n *Node) ask(env protocol.Env, peer protocol.NodeID, priority Priority) {
	if len(n.peers) == 0 {
		priority = PriorityHigh
	}
	n.request = request{peer: peer, seq: n.next(), priority: priority}
	n.send(env, peer, &Neighbor{Seq: n.request.seq, Priority: priority})
	env.After(n.cfg().ReplyTimeout.Std(), protocol.Timer{Kind: timerRequest, Arg: uint64(n.request.seq)})
}

// unanswered: the request's time is over, or its stream broke.
func (n *Node) unanswered(env protocol.Env) {
	r := n.request
	n.request = request{}
	env.Emit(protocol.Event{Kind: EventRefused, Peer: r.peer, Args: [3]uint64{1, uint64(r.priority)}})
	if n.strike(r.peer) && len(n.look().failed) < maxFailed {
		n.remember(env, r.peer)
	}
	if r.priority == PriorityBridge && !n.hasFailed(r.peer) {
		n.answers, n.insists = 0, true // a seed does not answer: something may be wrong
	}
	n.fill(env)
}

// asked: somebody wants a link.
func (n *Node) asked(env protocol.Env, from protocol.NodeID, m *Neighbor) {
	if n.leaving {
		n.send(env, from, &Disconnect{Cause: CauseLeaving})
		return
	}
	full := len(n.peers) >= n.cfg().ActiveSize
	if i := n.index(from); i >= 0 {
		if n.links[i].seq == m.Seq {
			n.send(env, from, &NeighborReply{Seq: m.Seq, Accepted: true})
			return // the same once more
		}
		n.renew(env, i, m.Seq)
		return
	}
	switch {
	case m.Priority == PriorityHigh:
		n.accept(env, from, m.Seq, CauseEvicted)
	case n.room(), from == n.request.peer && !full:
		n.accept(env, from, m.Seq, CauseEvicted)
	case m.Priority == PriorityBridge && n.mayBridge(env):
		n.accept(env, from, m.Seq, CauseRotated)
	case m.Priority == PriorityLow && n.cfg().PurgeBeforeAnswer && n.look().deferred.peer == 0:
		n.deferAnswer(env, from, m.Seq)
	default:
		n.send(env, from, &NeighborReply{Seq: m.Seq})
	}
}

// accept gives a peer the link that it asked for, and gives up another for the
// given cause if that is what it takes.
func (n *Node) accept(env protocol.Env, peer protocol.NodeID, seq uint32, cause Cause) {
	n.makeRoom(env, cause)
	// The answer goes first: who is told of the new neighbour may talk to it.
	n.send(env, peer, &NeighborReply{Seq: seq, Accepted: true})
	n.add(env, peer, seq)
}

// renew gives a peer the link that it has already, as far as this node knows: the
// link goes on, and nobody above need know.
func (n *Node) renew(env protocol.Env, i int, seq uint32) {
	n.links[i].seq = seq
	n.send(env, n.peers[i], &NeighborReply{Seq: seq, Accepted: true})
}

// answered: the answer to this node's own request, or to its Join, or to one of
// which it knows nothing any more.
func (n *Node) answered(env protocol.Env, from protocol.NodeID, m *NeighborReply) {
	r := n.request
	own := r.peer == from && r.seq == m.Seq
	if own {
		n.request = request{}
		switch {
		case r.priority != PriorityBridge:
		case !n.hasFailed(from):
			n.answers, n.insists = min(n.answers+1, maxAnswers), false // a seed's
		case m.Accepted:
			n.calm, n.answers = 0, 0 // one bridge may not last: seeds come next
		}
	}
	full := len(n.peers) >= n.cfg().ActiveSize
	switch {
	case n.leaving:
		n.send(env, from, &Disconnect{Cause: CauseLeaving})
		return
	case !m.Accepted:
		if own {
			// The one who refuses stays where it is: it lives, and may have room
			// another time.
			if r.priority == PriorityLow {
				n.note().refusals++
			}
			env.Emit(protocol.Event{Kind: EventRefused, Peer: from, Args: [3]uint64{0, uint64(r.priority)}})
		}
	case n.index(from) >= 0: // agreed in the meantime
	case own && r.priority == PriorityBridge:
		n.makeRoom(env, CauseRotated)
		n.add(env, from, m.Seq)
		env.Emit(protocol.Event{Kind: EventReconnect, Peer: from})
		n.note().bridge = from
	case !own && (m.Seq != n.joinSeq || n.joinSeq == 0):
		n.send(env, from, &Disconnect{Cause: CauseNotNeighbor})
	case full:
		n.send(env, from, &Disconnect{Cause: CauseFull})
		n.addPassive(env, from)
	default:
		n.add(env, from, m.Seq)
	}
	if own {
		n.fill(env)
	}
}

// deferAnswer has a full node test its links before it refuses.
func (n *Node) deferAnswer(env protocol.Env, from protocol.NodeID, seq uint32) {
	d := request{peer: from, seq: seq, turn: n.next()}
	n.note().deferred = d
	n.testLinks(env)
	env.After(n.cfg().ReplyTimeout.Std()/2, protocol.Timer{Kind: timerDeferred, Arg: uint64(d.turn)})
}

// grantDeferred grants the deferred request if there is room for it now.
func (n *Node) grantDeferred(env protocol.Env) {
	d := n.look().deferred
	if d.peer == 0 || !n.room() || n.index(d.peer) >= 0 {
		return
	}
	n.dropDeferred(d.peer)
	n.accept(env, d.peer, d.seq, CauseEvicted)
}

// endDeferred: the test's time is over. Who did not answer has failed.
func (n *Node) endDeferred(env protocol.Env) {
	n.failThose(env, func(l *link) bool { return l.tested })
	d := n.look().deferred
	if d.peer != 0 && n.index(d.peer) < 0 {
		n.send(env, d.peer, &NeighborReply{Seq: d.seq})
	}
	if n.trouble != nil {
		n.trouble.deferred = request{}
		n.tidy()
	}
}
