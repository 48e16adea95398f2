package hyparview

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Node is one node's state machine. Links are two slices, in step, and what is
// seldom needed is apart, so that a million nodes fit a machine.
type Node struct {
	shared *builder

	peers []protocol.NodeID // the active view, oldest first
	links []link            // links[i] is the link to peers[i]

	passive []protocol.NodeID
	offered []protocol.NodeID // the passive nodes in the last shuffle

	request   request
	trouble   *trouble // nil if there is none
	swap      *swap
	listeners []func(env protocol.Env, peer protocol.NodeID, present bool)
	below     membership

	keepAliveAt protocol.Time // when the last KeepAlives went out
	bridgedAt   protocol.Time // when this node last gave up a link for a bridge
	tookInAt    protocol.Time // when it last gave up a link for a newcomer

	seq          uint32 // last number given to a request, a shuffle, a timer
	keepAliveSeq uint32
	joinSeq      uint32
	shuffleSeq   uint32
	joinTimer    uint32 // that counts, 0 if none
	joinTries    uint8
	calm         uint8 // looks at whom to reconnect to since a neighbour last failed
	answers      uint8 // that seeds gave since then, in a row
	joined       bool
	leaving      bool
	insists      bool // a seed did not answer: this node goes on asking
	bridged      bool // bridgedAt is set
	tookIn       bool // tookInAt is set
}

// link is what a node keeps of a neighbour.
type link struct {
	roundTrip int64  // last measured, in nanoseconds, 0 if never
	seq       uint32 // of the request the link goes back to
	misses    uint8  // KeepAlives since something was heard
	heard     bool   // something was, since the last look
	doubted   bool   // its stream broke, and nothing was heard since
	tested    bool   // it was sent a test, and nothing was heard since
}

var (
	_ protocol.Protocol           = (*Node)(nil)
	_ protocol.StreamBreakHandler = (*Node)(nil)
	_ protocol.Leaver             = (*Node)(nil)
)

// membership is what a node makes use of if it is below it: word of who failed,
// and somebody to ask when the passive view has nobody left.
type membership interface {
	Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID
	OnChange(f func(env protocol.Env, member protocol.NodeID, present bool))
}

func newNode(shared *builder, lower []protocol.Protocol) *Node {
	n := &Node{shared: shared}
	for _, p := range lower {
		if m, ok := p.(membership); ok {
			n.below = m
			m.OnChange(n.memberChanged)
			break
		}
	}
	return n
}

func (n *Node) cfg() *Config { return &n.shared.cfg }

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) {
	// A node's lives begin at different numbers, so that none takes an answer
	// to another's request for its own.
	n.seq = uint32(env.Rand().Uint64())
	env.After(env.Rand().DurationN(n.cfg().ShuffleInterval.Std()), protocol.Timer{Kind: timerShuffle})
	n.startKeepAlive(env)
	n.armReconnect(env)
	n.startOptimising(env)
	n.join(env)
}

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	if from == env.ID() {
		return
	}
	n.heard(env, from)
	switch m := m.(type) {
	case *Join:
		n.takeIn(env, from, m)
	case *ForwardJoin:
		n.checkLink(env, from)
		n.walkJoin(env, from, m)
	case *Neighbor:
		n.asked(env, from, m)
	case *NeighborReply:
		n.answered(env, from, m)
	case *Disconnect:
		n.disconnected(env, from, m.Cause)
	case *Shuffle:
		// Whoever lost touch with the overlay gets its answer before it is told
		// that it has no link here.
		n.walkShuffle(env, from, m)
		n.checkLink(env, from)
	case *ShuffleReply:
		n.shuffled(env, m)
	case *KeepAlive:
		if n.checkLink(env, from) {
			n.send(env, from, &KeepAliveReply{Seq: m.Seq})
		}
	case *KeepAliveReply:
		n.measured(env, from, m)
	default:
		n.receiveSwap(env, from, m)
	}
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	if n.leaving {
		return
	}
	switch t.Kind {
	case timerShuffle:
		n.shuffle(env)
	case timerRequest:
		if n.request.peer != 0 && n.request.seq == uint32(t.Arg) {
			n.unanswered(env)
		}
	case timerJoin:
		if n.joinTimer == uint32(t.Arg) {
			n.joinTimer = 0
			n.rejoin(env)
		}
	case timerKeepAlive:
		n.keepAlive(env)
	case timerDeferred:
		if n.look().deferred.turn == uint32(t.Arg) {
			n.endDeferred(env)
		}
	case timerReconnect:
		n.reconnect(env)
	case timerOptimise:
		n.optimise(env)
	case timerSwap:
		if n.swap != nil && n.swap.turn == uint32(t.Arg) {
			n.swapTimedOut(env)
		}
	}
}

// StreamBroken implements protocol.StreamBreakHandler.
func (n *Node) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	if !n.shared.streams || n.leaving || n.doubt(env, peer) {
		return
	}
	if n.index(peer) < 0 && n.request.peer != peer {
		n.strike(peer) // it may live, and have closed a stream that was idle
	}
	n.peerFailed(env, peer)
}

// Leave implements protocol.Leaver: all neighbours are told.
func (n *Node) Leave(env protocol.Env) time.Duration {
	n.leaving = true
	n.request, n.swap, n.trouble = request{}, nil, nil // nobody is waited for or taken in any more
	for len(n.peers) > 0 {
		last := len(n.peers) - 1
		n.send(env, n.peers[last], &Disconnect{Cause: CauseLeaving})
		n.drop(env, last, CauseLeaving)
	}
	return n.cfg().ReplyTimeout.Std()
}

// next returns a number that was not used for a long time, and never 0.
func (n *Node) next() uint32 {
	n.seq++
	if n.seq == 0 {
		n.seq++
	}
	return n.seq
}

// send sends what belongs to a link, by the transport of links. What cannot be
// sent is lost, as much else.
func (n *Node) send(env protocol.Env, to protocol.NodeID, m protocol.Message) {
	if n.shared.streams {
		_ = env.SendStream(to, m)
		return
	}
	n.sendOnce(env, to, m)
}

// sendOnce sends what belongs to no link: no stream is opened for it unless it
// is too large for a datagram.
func (n *Node) sendOnce(env protocol.Env, to protocol.NodeID, m protocol.Message) {
	if m.Size() > env.MaxDatagram() {
		_ = env.SendStream(to, m)
		return
	}
	_ = env.Send(to, m)
}

// named returns a node as a message names it.
func named(env protocol.Env, id protocol.NodeID) Peer {
	return Peer{ID: id, Contact: string(env.Contact(id))}
}

// introduce tells the world of a node that a message named.
func introduce(env protocol.Env, p Peer) {
	if p.Contact != "" {
		env.Introduce(p.ID, []byte(p.Contact))
	}
}
