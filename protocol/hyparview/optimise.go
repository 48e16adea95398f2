package hyparview

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// role is a node's part in an exchange of links: i and o, c and d are
// neighbours before it, i and c, d and o after it.
type role uint8

const (
	// scanner: the initiator measures candidates.
	scanner role = iota
	// initiator: i has asked a candidate.
	initiator
	// candidate: c has asked its worst neighbour.
	candidate
	// prober: d measures its way to o.
	prober
	// disconnected: d has asked o.
	disconnected
)

// swap is an exchange in which a node takes part, one at a time. The old
// neighbour o answers at once and keeps nothing.
type swap struct {
	initiator, old, candidate, disconnected protocol.NodeID
	contact                                 Peer // of the initiator, for the old neighbour
	at                                      protocol.Time
	cost                                    int64 // of the new link, in nanoseconds
	seq                                     uint32
	turn                                    uint32
	role                                    role
}

// concerns reports whether a peer may take itself for a neighbour already as
// this exchange goes on.
func (s *swap) concerns(peer protocol.NodeID) bool {
	switch s.role {
	case initiator:
		return peer == s.candidate
	case disconnected:
		return peer == s.old
	}
	return false
}

func (n *Node) startOptimising(env protocol.Env) {
	if n.cfg().Optimise {
		env.After(env.Rand().DurationN(n.cfg().OptimiseInterval.Std()), protocol.Timer{Kind: timerOptimise})
	}
}

// optimise measures a few passive nodes, if this node's view is full.
func (n *Node) optimise(env protocol.Env) {
	env.After(n.cfg().OptimiseInterval.Std(), protocol.Timer{Kind: timerOptimise})
	if n.swap != nil || len(n.peers) < n.cfg().ActiveSize || n.worst(0, 0) < 0 || len(n.passive) == 0 {
		return
	}
	n.beginSwap(env, swap{role: scanner, at: env.Now()}, 1)
	for _, id := range sampleOf(env, nil, n.passive, n.cfg().PassiveScan, 0) {
		n.sendOnce(env, id, &Ping{Seq: n.swap.turn})
	}
}

// beginSwap takes part in an exchange, for at most some reply time-outs.
func (n *Node) beginSwap(env protocol.Env, s swap, timeouts time.Duration) {
	s.turn = n.next()
	if s.seq == 0 {
		s.seq = s.turn
	}
	n.swap = &s
	env.After(timeouts*n.cfg().ReplyTimeout.Std(), protocol.Timer{Kind: timerSwap, Arg: uint64(s.turn)})
}

func (n *Node) endSwap(env protocol.Env) {
	n.swap = nil
	n.fill(env)
}

// worst returns the index of the longest link that may be exchanged, and is not
// to one of two peers; -1 if there is none.
func (n *Node) worst(not, nor protocol.NodeID) int {
	at := -1
	for i := min(n.cfg().Unbiased, len(n.peers)); i < len(n.peers); i++ {
		l := &n.links[i]
		if l.roundTrip == 0 || n.peers[i] == not || n.peers[i] == nor {
			continue
		}
		if at < 0 || l.roundTrip > n.links[at].roundTrip {
			at = i
		}
	}
	return at
}

func (n *Node) receiveSwap(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	switch m := m.(type) {
	case *Ping:
		n.sendOnce(env, from, &Pong{Seq: m.Seq})
	case *Pong:
		n.ponged(env, from, m)
	case *Optimization:
		n.optimizationAsked(env, from, m)
	case *OptimizationReply:
		n.optimizationAnswered(env, from, m)
	case *Replace:
		n.replaceAsked(env, from, m)
	case *ReplaceReply:
		n.replaceAnswered(env, from, m)
	case *Switch:
		n.switchAsked(env, from, m)
	case *SwitchReply:
		n.switchAnswered(env, from, m)
	}
}

// ponged: a round trip to somebody who is no neighbour has been measured.
func (n *Node) ponged(env protocol.Env, from protocol.NodeID, m *Pong) {
	s := n.swap
	if s == nil || s.turn != m.Seq {
		return
	}
	cost := max(1, int64(env.Now().Sub(s.at)))
	switch {
	case s.role == scanner:
		// All were asked at one time, so the first to answer is the closest.
		old := n.worst(from, 0)
		if old < 0 || n.index(from) >= 0 || len(n.peers) < n.cfg().ActiveSize ||
			cost+int64(n.cfg().OptimiseThreshold) >= n.links[old].roundTrip {
			n.endSwap(env)
			return
		}
		n.beginSwap(env, swap{role: initiator, old: n.peers[old], candidate: from, cost: cost}, 4)
		n.send(env, from, &Optimization{Seq: n.swap.seq, Old: named(env, n.swap.old)})
	case s.role == prober && s.old == from:
		c := n.index(s.candidate)
		if c < 0 || n.index(from) >= 0 || cost >= n.links[c].roundTrip {
			n.refuseReplace(env)
			return
		}
		next := *s
		next.role, next.cost = disconnected, cost
		n.beginSwap(env, next, 1)
		n.send(env, from, &Switch{Seq: s.seq, Initiator: s.contact})
	}
}

// swapTimedOut: somebody did not answer. Who did something that this node did
// not hear of learns it by keep-alives.
func (n *Node) swapTimedOut(env protocol.Env) {
	s := n.swap
	switch s.role {
	case candidate:
		n.sendOnce(env, s.initiator, &OptimizationReply{Seq: s.seq})
	case prober, disconnected:
		n.refuseReplace(env)
		return
	}
	n.endSwap(env)
}
