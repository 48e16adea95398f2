package hyparview

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// index returns a neighbour's place in the active view, -1 if it is none.
func (n *Node) index(peer protocol.NodeID) int { return slices.Index(n.peers, peer) }

// add makes a peer a neighbour. There must be room.
func (n *Node) add(env protocol.Env, peer protocol.NodeID, seq uint32) {
	if n.peers == nil {
		n.peers = make([]protocol.NodeID, 0, n.cfg().ActiveSize)
		n.links = make([]link, 0, n.cfg().ActiveSize)
	}
	n.peers = append(n.peers, peer)
	n.links = append(n.links, link{seq: seq, heard: true})
	if n.request.peer == peer {
		n.request = request{} // both sides asked
	}
	n.removePassive(peer)
	n.forgetFailure(peer)
	if len(n.peers) == n.cfg().ActiveSize {
		n.forgetTried()
		if n.trouble != nil {
			n.trouble.failure = false
			n.tidy()
		}
	}
	n.joinTries = 0
	env.Emit(protocol.Event{Kind: EventNeighborUp, Peer: peer, Args: [3]uint64{uint64(len(n.peers))}})
	if !n.joined {
		n.joined = true
		env.Emit(protocol.Event{Kind: EventJoined, Peer: peer})
	}
	n.changed(env, peer, true)
}

// drop ends a link on this side. Whoever calls it looks after the rest: what the
// peer is told, and a successor.
func (n *Node) drop(env protocol.Env, i int, cause Cause) {
	peer := n.peers[i]
	n.peers = slices.Delete(n.peers, i, i+1)
	n.links = slices.Delete(n.links, i, i+1)
	env.Emit(protocol.Event{Kind: EventNeighborDown, Peer: peer, Args: [3]uint64{uint64(cause), uint64(len(n.peers))}})
	if len(n.peers) == 0 && !n.leaving {
		env.Emit(protocol.Event{Kind: EventIsolated, Args: [3]uint64{uint64(cause)}})
	}
	n.changed(env, peer, false)
}

// makeRoom gives up a random link if the view is full.
func (n *Node) makeRoom(env protocol.Env, cause Cause) {
	if len(n.peers) < n.cfg().ActiveSize {
		return
	}
	i := env.Rand().IntN(len(n.peers))
	peer := n.peers[i]
	n.send(env, peer, &Disconnect{Cause: cause})
	n.drop(env, i, cause)
	n.addPassive(env, peer)
}

// room reports whether a link may be added without giving one up. A request
// that is under way holds its place, and so does an exchange.
func (n *Node) room() bool {
	taken := len(n.peers)
	if n.request.peer != 0 && n.request.priority != PriorityBridge {
		taken++
	}
	if n.swap != nil && n.swap.role == initiator && n.index(n.swap.old) < 0 {
		taken++
	}
	return taken < n.cfg().ActiveSize
}

// checkLink answers a message that belongs to a link from one who is no
// neighbour, so that no view stays asymmetric. One whose answer is awaited may
// be a neighbour already, in its own eyes.
func (n *Node) checkLink(env protocol.Env, from protocol.NodeID) bool {
	if n.index(from) >= 0 {
		return true
	}
	if from != n.request.peer && (n.swap == nil || !n.swap.concerns(from)) {
		n.send(env, from, &Disconnect{Cause: n.strangerCause()})
	}
	return false
}

func (n *Node) strangerCause() Cause {
	if n.leaving {
		return CauseLeaving
	}
	return CauseNotNeighbor
}

// disconnected: the other side has no link to this node (any more).
func (n *Node) disconnected(env protocol.Env, from protocol.NodeID, cause Cause) {
	if cause == CauseLeaving {
		n.removePassive(from)
		n.forgetFailure(from)
		n.dropDeferred(from)
		if n.request.peer == from {
			n.request = request{}
		}
	}
	if i := n.index(from); i >= 0 {
		n.drop(env, i, cause)
		if cause != CauseLeaving {
			n.addPassive(env, from)
		}
		if len(n.peers) == 0 {
			n.forgetTried() // what was refused with low priority may be granted now
		}
		switch cause {
		case CauseEvicted, CauseRotated, CauseSwitched, CauseFull:
			// It has no room: to ask it now would have somebody else evicted.
			n.markTried(from)
		}
	}
	n.grantDeferred(env)
	if len(n.peers) == 0 || cause != CauseEvicted {
		// Who was evicted waits for its next shuffle: newcomers evict many, and
		// links made at once would all be among those nearby.
		n.fill(env)
	}
}

// peerFailed: the peer does not live, as far as anybody can tell.
func (n *Node) peerFailed(env protocol.Env, peer protocol.NodeID) {
	if n.leaving {
		return
	}
	n.dropDeferred(peer)
	if i := n.index(peer); i >= 0 {
		n.drop(env, i, CauseFailed)
		n.remember(env, peer)
		n.forgetTried() // others may have lost a link too
		n.note().failure = true
		n.calm, n.answers = 0, 0
		// If it lives, and is only hard to reach, it should not keep the link.
		n.sendOnce(env, peer, &Disconnect{Cause: CauseFailed})
		n.grantDeferred(env)
	}
	if n.request.peer == peer {
		n.unanswered(env)
		return
	}
	n.fill(env)
}

// memberChanged: the membership protocol below says that a member came or went.
func (n *Node) memberChanged(env protocol.Env, member protocol.NodeID, present bool) {
	if present || n.leaving {
		return
	}
	if b, ok := n.below.(interface{ Table() membertable.Table }); ok {
		if m, known := b.Table().Get(member); known && m.Status == membertable.Left {
			n.disconnected(env, member, CauseLeaving)
			return
		}
	}
	n.removePassive(member)
	n.peerFailed(env, member)
}
