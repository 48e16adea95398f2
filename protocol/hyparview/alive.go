package hyparview

import "github.com/starling-sim/starling/protocol"

func (n *Node) startKeepAlive(env protocol.Env) {
	if interval := n.cfg().KeepAliveInterval.Std(); interval > 0 {
		env.After(env.Rand().DurationN(interval), protocol.Timer{Kind: timerKeepAlive})
	}
}

// heard notes that a neighbour said something.
func (n *Node) heard(from protocol.NodeID) {
	if i := n.index(from); i >= 0 {
		l := &n.links[i]
		l.heard, l.doubted, l.misses = true, false, 0
	}
}

// keepAlive looks at all links: who left too many KeepAlives unanswered has
// failed, who was not heard of gets another. Where round trips matter everybody
// gets one.
func (n *Node) keepAlive(env protocol.Env) {
	env.After(n.cfg().KeepAliveInterval.Std(), protocol.Timer{Kind: timerKeepAlive})
	n.failSilent(env)
	n.nextKeepAlive(env)
	m := &KeepAlive{Seq: n.keepAliveSeq}
	for i, peer := range n.peers {
		l := &n.links[i]
		if !l.heard {
			l.misses++
		}
		if !l.heard || n.cfg().Optimise {
			n.send(env, peer, m)
		}
		l.heard = false
	}
}

// testLinks sends everybody a KeepAlive now.
func (n *Node) testLinks(env protocol.Env) {
	n.nextKeepAlive(env)
	m := &KeepAlive{Seq: n.keepAliveSeq}
	for i, peer := range n.peers {
		n.links[i].misses++
		n.send(env, peer, m)
	}
}

func (n *Node) nextKeepAlive(env protocol.Env) {
	n.keepAliveSeq, n.keepAliveAt = n.next(), env.Now()
}

// failSilent gives up the links that were silent for too long.
func (n *Node) failSilent(env protocol.Env) {
	for i := 0; i < len(n.peers); {
		if int(n.links[i].misses) < n.cfg().KeepAliveMisses {
			i++
			continue
		}
		n.peerFailed(env, n.peers[i])
		i = 0 // a link may have been added
	}
}

// measured: an answer to a KeepAlive.
func (n *Node) measured(env protocol.Env, from protocol.NodeID, m *KeepAliveReply) {
	if i := n.index(from); i >= 0 && m.Seq != 0 && m.Seq == n.keepAliveSeq {
		// The clock may have been set back.
		n.links[i].roundTrip = max(1, int64(env.Now().Sub(n.keepAliveAt)))
	}
}

// doubt gives a peer whose stream broke a second chance: one side may only have
// closed a stream that had been idle for long. What was sent last is sent again,
// over a new stream; if that breaks too the peer has failed, which a crash shows
// within another round trip.
func (n *Node) doubt(env protocol.Env, peer protocol.NodeID) bool {
	if i := n.index(peer); i >= 0 && !n.links[i].doubted {
		n.links[i].doubted = true
		// That this side has the link may be what was lost.
		n.send(env, peer, &NeighborReply{Seq: n.links[i].seq, Accepted: true})
		n.send(env, peer, &KeepAlive{}) // number 0 measures nothing
		return true
	}
	if r := &n.request; r.peer == peer && n.index(peer) < 0 && !r.again {
		r.again = true
		n.send(env, peer, &Neighbor{Seq: r.seq, Priority: r.priority})
		return true
	}
	return false
}
