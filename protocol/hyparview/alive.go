package hyparview

import "github.com/starling-sim/starling/protocol"

func (n *Node) startKeepAlive(env protocol.Env) {
	if interval := n.cfg().KeepAliveInterval.Std(); interval > 0 {
		env.After(env.Rand().DurationN(interval), protocol.Timer{Kind: timerKeepAlive})
	}
}

// heard notes that a node said something.
func (n *Node) heard(env protocol.Env, from protocol.NodeID) {
	if i := n.index(from); i >= 0 {
		l := &n.links[i]
		l.heard, l.doubted, l.tested, l.misses = true, false, false, 0
		return
	}
	n.acquit(from)
	// If it was asked for a link its answer decides: who refuses a bridge is to
	// be asked again.
	if n.hasFailed(from) && from != n.request.peer && !n.leaving {
		n.forgetFailure(from)
		n.addPassive(env, from)
	}
}

// keepAlive looks at all links: who left too many KeepAlives unanswered has
// failed, who was not heard of gets another. Where round trips matter everybody
// gets one.
func (n *Node) keepAlive(env protocol.Env) {
	env.After(n.cfg().KeepAliveInterval.Std(), protocol.Timer{Kind: timerKeepAlive})
	n.failThose(env, func(l *link) bool { return int(l.misses) >= n.cfg().KeepAliveMisses })
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

// testLinks sends everybody a KeepAlive now. Who has not been heard of by the end
// of the test has failed.
func (n *Node) testLinks(env protocol.Env) {
	n.nextKeepAlive(env)
	m := &KeepAlive{Seq: n.keepAliveSeq}
	for i, peer := range n.peers {
		n.links[i].tested = true
		n.send(env, peer, m)
	}
}

func (n *Node) nextKeepAlive(env protocol.Env) {
	n.keepAliveSeq, n.keepAliveAt = n.next(), env.Now()
}

// failThose gives up the links that have failed.
func (n *Node) failThose(env protocol.Env, failed func(l *link) bool) {
	var peers []protocol.NodeID // the view changes as they go
	for i := range n.links {
		if failed(&n.links[i]) {
			peers = append(peers, n.peers[i])
		}
	}
	for _, peer := range peers {
		n.peerFailed(env, peer)
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
