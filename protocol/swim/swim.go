package swim

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// Node is one member's state machine. What it believes of everybody is its
// table; what else it keeps is about the few members that are not simply alive
// and about the probe in progress.
type Node struct {
	shared *builder

	table membertable.Table // everybody known, this node itself included
	self  membertable.Member

	round  membertable.Round
	probe  probe
	relays []relay
	seq    uint32
	health uint8 // local health score, 0 is best

	queue     queue
	gossiping bool // the gossip timer is set

	suspected  []protocol.NodeID // ascending; suspicions[i] is about suspected[i]
	suspicions []suspicion
	nextTicket uint64
	departed   []departed

	joined   bool
	leaving  bool
	joinWait time.Duration

	pushPullWait time.Duration // until the exchange after the next
	pushPullAt   protocol.Time // the next
	pushPullTurn uint32        // of the timer that counts
	unrest       int           // members that came or went since the last exchange

	deadRound membertable.Round // the order in which the dead are tried

	listeners []func(env protocol.Env, member protocol.NodeID, present bool)
}

var (
	_ protocol.Protocol       = (*Node)(nil)
	_ protocol.Leaver         = (*Node)(nil)
	_ protocol.CommandHandler = (*Node)(nil)
)

// Sets of states that matter to who is talked to.
var (
	present = membertable.SetOf(membertable.Alive, membertable.Suspect)
	dead    = membertable.SetOf(membertable.Dead)
)

func newNode(shared *builder) *Node {
	return &Node{shared: shared, table: membertable.New(shared.pool)}
}

func (n *Node) cfg() *Config { return &n.shared.cfg }

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) {
	n.self = membertable.Member{
		ID: env.ID(), Status: membertable.Alive, Contact: string(env.Contact(env.ID())),
	}
	n.table = n.table.With(n.self)
	n.startProbing(env)
	n.startReconnecting(env)
	n.start(env)
}

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	switch m := m.(type) {
	case *Ping:
		n.answerPing(env, from, m.Seq, n.applyAll(env, m.Updates))
	case *Ack:
		n.correct(env, from, n.applyAll(env, m.Updates))
		n.acked(env, from, m.Seq)
	case *PingReq:
		n.correct(env, from, n.applyAll(env, m.Updates))
		n.relayProbe(env, from, m)
	case *Nack:
		n.nacked(m.Seq)
	case *Gossip:
		n.correct(env, from, n.applyAll(env, m.Updates))
	case *PushPull:
		n.exchange(env, from, m)
	case *StreamPing:
		// A stream that cannot carry the answer is as good as no answer.
		_ = env.SendStream(from, &StreamAck{Seq: m.Seq})
	case *StreamAck:
		n.streamAcked(env, m.Seq)
	}
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	switch t.Kind {
	case timerProbe:
		n.nextProbe(env)
	case timerProbeTimeout:
		n.probeTimedOut(env, uint32(t.Arg))
	case timerRelayNack:
		n.relayNack(env, uint32(t.Arg))
	case timerRelayEnd:
		n.relayEnd(uint32(t.Arg))
	case timerGossip:
		n.gossip(env)
	case timerPushPull:
		n.nextPushPull(env, uint32(t.Arg))
	case timerSuspicion:
		n.suspicionTimer(env, t.Arg)
	case timerReconnect:
		n.reconnect(env)
	case timerJoin:
		n.join(env)
	}
}

// Command implements protocol.CommandHandler.
func (n *Node) Command(env protocol.Env, c protocol.Command) error {
	if c.Kind != CommandSetMetadata {
		return fmt.Errorf("swim: command %#04x: want swim.set_metadata (%#04x)", uint16(c.Kind), uint16(CommandSetMetadata))
	}
	if len(c.Value) > membertable.MaxMetadata {
		return fmt.Errorf("swim.set_metadata: got %d bytes, want at most %d", len(c.Value), membertable.MaxMetadata)
	}
	if n.leaving {
		return fmt.Errorf("swim.set_metadata: this node is leaving")
	}
	n.self.Metadata = string(c.Value)
	n.announce(env, n.self.Incarnation+1)
	return nil
}

// Leave implements protocol.Leaver: everybody is told, nobody is probed.
func (n *Node) Leave(env protocol.Env) time.Duration {
	n.leaving = true
	n.self.Status = membertable.Left
	n.table = n.table.With(n.self)
	n.tell(env, news(n.self, 0))
	n.gossipTo(env)
	return n.cfg().LeaveDuration.Std()
}

// announce makes this node alive with the given incarnation, here and, by and
// by, everywhere.
func (n *Node) announce(env protocol.Env, incarnation uint32) {
	n.self.Incarnation = incarnation
	n.table = n.table.With(n.self)
	n.tell(env, news(n.self, 0))
}

// pick returns up to count different random members in the states of set,
// without this node itself and whom skip skips.
func (n *Node) pick(env protocol.Env, set membertable.StatusSet, count int, skip func(membertable.Member) bool) []membertable.Member {
	population := n.table.CountIn(set)
	if count <= 0 || population == 0 {
		return nil
	}
	picked := make([]membertable.Member, 0, min(count, population))
	refused := func(m membertable.Member) bool {
		return m.ID == n.self.ID || skip(m) || contains(picked, m.ID)
	}
	// Drawing ranks and throwing bad ones away is fair and almost always quick;
	// where most of the population is bad, look at everybody once instead.
	for range 8 * (count + 1) {
		if len(picked) == count {
			return picked
		}
		if m, ok := n.table.Select(set, env.Rand().IntN(population)); ok && !refused(m) {
			picked = append(picked, m)
		}
	}
	return n.pickFromAll(env, set, count, picked, refused)
}

func (n *Node) pickFromAll(env protocol.Env, set membertable.StatusSet, count int, picked []membertable.Member, refused func(membertable.Member) bool) []membertable.Member {
	var left []membertable.Member
	for m := range n.table.All() {
		if set.Has(m.Status) && !refused(m) {
			left = append(left, m)
		}
	}
	for len(picked) < count && len(left) > 0 {
		i := env.Rand().IntN(len(left))
		picked = append(picked, left[i])
		left[i] = left[len(left)-1]
		left = left[:len(left)-1]
	}
	return picked
}

func contains(ms []membertable.Member, id protocol.NodeID) bool {
	for i := range ms {
		if ms[i].ID == id {
			return true
		}
	}
	return false
}

func nobody(membertable.Member) bool { return false }
