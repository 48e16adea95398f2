package cyclon

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Node is one node's state machine: a view and at most one shuffle in progress.
type Node struct {
	cfg  *Config // shared by all nodes of a world
	view view

	partner protocol.NodeID // of the shuffle in progress, zero if there is none
	seq     uint32          // of the last shuffle
	heard   bool            // the partner sent something else meanwhile: it lives

	joining  bool // the join timer is set
	joinWait time.Duration

	listeners []func(env protocol.Env, peer protocol.NodeID, present bool)
}

var (
	_ protocol.Protocol           = (*Node)(nil)
	_ protocol.StreamBreakHandler = (*Node)(nil)
)

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) {
	n.joinWait = n.cfg.RejoinInterval.Std()
	n.join(env)
	env.After(env.Rand().DurationN(n.cfg.ShuffleInterval.Std()), protocol.Timer{Kind: timerShuffle})
}

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	if from == n.partner {
		n.heard = true
	}
	switch m := m.(type) {
	case *Join:
		n.introduce(env, from, m.Contact)
	case *JoinWalk:
		n.walk(env, m)
	case *JoinReply:
		n.accept(env, []Entry{m.Entry}, 0)
	case *Shuffle:
		n.answer(env, from, m)
	case *ShuffleReply:
		n.answered(env, from, m)
	}
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	switch t.Kind {
	case timerShuffle:
		env.After(n.cfg.ShuffleInterval.Std(), protocol.Timer{Kind: timerShuffle})
		n.shuffle(env)
	case timerReply:
		n.replyTimeout(env, uint32(t.Arg))
	case timerJoin:
		n.joining = false
		n.join(env)
	}
}

// StreamBroken implements protocol.StreamBreakHandler: the peer is gone,
// whatever the stream was for.
func (n *Node) StreamBroken(env protocol.Env, peer protocol.NodeID) { n.gone(env, peer, CauseBroken) }

func (n *Node) memberChanged(env protocol.Env, member protocol.NodeID, present bool) {
	if !present {
		n.gone(env, member, CauseMembership)
	}
}

// gone: a peer has failed. It leaves the view, a shuffle with it is over, and
// those above are told.
func (n *Node) gone(env protocol.Env, peer protocol.NodeID, cause uint64) {
	if peer == n.partner {
		n.endShuffle()
		env.Emit(protocol.Event{Kind: EventShuffleFailed, Peer: peer, Args: [3]uint64{cause}})
	}
	if i := n.view.find(peer); i >= 0 {
		n.remove(env, i, cause)
	}
	for _, f := range n.listeners {
		f(env, peer, false)
	}
	n.rejoinIfAlone(env)
}

// send sends by the configured transport. What cannot be sent is as good as
// lost, and the time-outs deal with that.
func (n *Node) send(env protocol.Env, to protocol.NodeID, m protocol.Message) {
	if n.cfg.Transport == transportStream {
		_ = env.SendStream(to, m)
	} else {
		_ = env.Send(to, m)
	}
}

// room is how many bytes a message may have.
func (n *Node) room(env protocol.Env) int {
	if n.cfg.Transport == transportStream {
		return protocol.MaxStreamMessage
	}
	return env.MaxDatagram()
}
