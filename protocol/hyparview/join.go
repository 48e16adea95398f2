package hyparview

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// join asks a random seed to take this node in. Without a seed but itself a node
// is the first of all, and waits.
func (n *Node) join(env protocol.Env) {
	seed, ok := n.seed(env)
	if !ok {
		return
	}
	env.Introduce(seed.ID, seed.Contact)
	n.joinSeq = n.next()
	n.send(env, seed.ID, &Join{Seq: n.joinSeq})
	n.armJoin(env, n.cfg().ReplyTimeout.Std())
}

// maxJoinTries bounds the back-off: up to 2^3 = 8 times the interval.
const maxJoinTries = 3

// armJoin has the node rejoin later, unless it is about to already.
func (n *Node) armJoin(env protocol.Env, after time.Duration) {
	if n.joinTimer != 0 {
		return
	}
	n.joinTimer = n.next()
	wait := n.cfg().RejoinInterval.Std() << min(n.joinTries, maxJoinTries)
	// A crowd that lost its contact at one time does not come back at one time.
	wait = wait/2 + env.Rand().DurationN(wait)
	env.After(after+wait, protocol.Timer{Kind: timerJoin, Arg: uint64(n.joinTimer)})
}

// rejoin is for a node without a link: it asks a seed, and once more everybody
// it knows.
func (n *Node) rejoin(env protocol.Env) {
	if len(n.peers) > 0 {
		return
	}
	n.joinTries = min(n.joinTries+1, 200)
	env.Emit(protocol.Event{Kind: EventRejoin, Args: [3]uint64{uint64(n.joinTries)}})
	n.join(env)
	n.forgetTried()
	n.fill(env)
}

// seed returns a random seed that is not this node nor a neighbour.
func (n *Node) seed(env protocol.Env) (seed protocol.Peer, ok bool) {
	seeds := env.Seeds()
	fits := 0
	for i := range seeds {
		if id := seeds[i].ID; id != env.ID() && n.index(id) < 0 {
			if fits++; env.Rand().IntN(fits) == 0 {
				seed = seeds[i]
			}
		}
	}
	return seed, fits > 0
}

// takeIn is what the contact does for a newcomer (paper, algorithm 1).
func (n *Node) takeIn(env protocol.Env, newcomer protocol.NodeID, m *Join) {
	if n.leaving {
		n.send(env, newcomer, &Disconnect{Cause: CauseLeaving})
		return
	}
	if i := n.index(newcomer); i >= 0 {
		if n.links[i].seq == m.Seq {
			n.send(env, newcomer, &NeighborReply{Seq: m.Seq, Accepted: true})
			return // the same once more
		}
		n.renew(env, i, m.Seq)
	} else if !n.pausing(env) {
		n.accept(env, newcomer, m.Seq, CauseEvicted)
	}
	// The walks begin at the view as it is now: who has just been evicted is
	// nobody to forward to.
	for _, peer := range n.peers {
		if peer != newcomer {
			n.send(env, peer, &ForwardJoin{Newcomer: named(env, newcomer), Seq: m.Seq, TTL: uint8(n.cfg().ActiveWalk)})
		}
	}
}

// pausing tells whether a contact leaves a newcomer to the ends of its walks: a
// full one that has given up a link for another newcomer within join_pause. If a
// crowd joins through one contact, its neighbours would else be newcomers who know
// nobody yet; the walks would end among them, and the overlay would be a long
// tube.
func (n *Node) pausing(env protocol.Env) bool {
	if len(n.peers) < n.cfg().ActiveSize {
		return false
	}
	now := env.Now()
	if since := now.Sub(n.tookInAt); n.tookIn && since >= 0 && since < n.cfg().JoinPause.Std() {
		return true
	}
	n.tookInAt, n.tookIn = now, true
	return false
}

// walkJoin passes a newcomer's walk on, or ends it.
func (n *Node) walkJoin(env protocol.Env, from protocol.NodeID, m *ForwardJoin) {
	if n.leaving {
		return
	}
	newcomer := m.Newcomer.ID
	introduce(env, m.Newcomer)
	// No walk is longer than this node's own are.
	if ttl := min(m.TTL, uint8(n.cfg().ActiveWalk)); ttl > 0 && len(n.peers) > 1 {
		if int(ttl) == n.cfg().PassiveWalk {
			n.addPassive(env, newcomer)
		}
		if next, ok := n.randomNeighbor(env, from, newcomer); ok {
			n.send(env, next, &ForwardJoin{Newcomer: m.Newcomer, Seq: m.Seq, TTL: ttl - 1})
			return
		}
	}
	if newcomer != env.ID() && n.index(newcomer) < 0 {
		n.accept(env, newcomer, m.Seq, CauseEvicted)
	}
}

// randomNeighbor returns a random neighbour that is neither of two.
func (n *Node) randomNeighbor(env protocol.Env, not, nor protocol.NodeID) (peer protocol.NodeID, ok bool) {
	fits := 0
	for _, p := range n.peers {
		if p != not && p != nor {
			if fits++; env.Rand().IntN(fits) == 0 {
				peer = p
			}
		}
	}
	return peer, fits > 0
}
