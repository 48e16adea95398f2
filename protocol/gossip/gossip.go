package gossip

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// Node is one node's state machine.
type Node struct {
	shared  *shared
	sampler broadcast.Sampler

	history broadcast.History
	cache   broadcast.Cache
	numbers broadcast.Numbers
	// hot are the messages that this node spreads, in the order in which it
	// learned them. All of them are in the cache.
	hot    []rumor
	upward []func(env protocol.Env, m broadcast.Message)
	// contacts are whose feedback counts.
	contacts contacts

	phase   time.Duration // of the rounds, from the multiples of the interval
	ticking bool          // the timer is set
}

// rumor is a message that a node spreads.
type rumor struct {
	id       broadcast.ID
	learned  protocol.Time
	contacts uint32 // to which it was sent
	rounds   uint32 // in which it was sent
	useless  uint32 // contacts in a row, or in all, that were unnecessary
	// What this cycle brought. It counts at the end of the cycle.
	unnecessary uint32
	useful      bool
	lost        bool
}

var (
	_ protocol.Protocol       = (*Node)(nil)
	_ protocol.CommandHandler = (*Node)(nil)
)

func newNode(s *shared, lower []protocol.Protocol) (*Node, error) {
	sampler, err := broadcast.FindSampler(lower)
	if err != nil {
		return nil, err
	}
	return &Node{shared: s, sampler: sampler}, nil
}

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) {
	if n.shared.cfg.RoundPhase == "random" {
		n.phase = env.Rand().DurationN(n.shared.cfg.RoundInterval.Std())
	}
	n.tick(env)
}

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	switch m := m.(type) {
	case *Data:
		n.receive(env, from, m)
	case *Digest:
		n.compare(env, from, m)
	case *Request:
		n.answer(env, from, m)
	case *Ask:
		n.asked(env, from)
	case *Feedback:
		n.feedback(env, from, m)
	}
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	if t.Kind == timerRound {
		n.ticking = false
		n.round(env)
	}
}

// Command implements protocol.CommandHandler.
func (n *Node) Command(env protocol.Env, c protocol.Command) error {
	if c.Kind != CommandBroadcast {
		return fmt.Errorf("gossip: command %#04x: want gossip.broadcast (%#04x)", uint16(c.Kind), uint16(CommandBroadcast))
	}
	_, err := n.Broadcast(env, c.Value)
	return err
}

// OnDeliver has f called for every message of another node when it comes for
// the first time. For protocols above, when they are built.
func (n *Node) OnDeliver(f func(env protocol.Env, m broadcast.Message)) {
	n.upward = append(n.upward, f)
}

// Broadcast spreads a message. It counts as delivered here; f of
// [Node.OnDeliver] is not called for it. The payload is kept and must not be
// changed. The error is protocol.ErrTooLarge if no stream carries it, or the
// cache does not hold it.
func (n *Node) Broadcast(env protocol.Env, payload []byte) (broadcast.ID, error) {
	if limit := min(MaxPayload, n.shared.cache.Bytes); len(payload) > limit {
		return broadcast.ID{}, fmt.Errorf("gossip.broadcast: got %d bytes, want at most %d: %w", len(payload), limit, protocol.ErrTooLarge)
	}
	id := broadcast.ID{Origin: env.ID(), Number: n.numbers.Next(env.Now())}
	n.history.Add(id, env.Now(), &n.shared.history)
	env.Emit(protocol.Event{Kind: EventBroadcast, Args: [3]uint64{id.Key(), uint64(len(payload))}})
	n.learn(env, broadcast.Message{ID: id, Payload: payload})
	return id, nil
}

// MaxPayload is the largest payload, in bytes: what a stream carries without
// the ID, the hops and a flag.
const MaxPayload = protocol.MaxStreamMessage - broadcast.IDSize - broadcast.CheckSize - maxHopsSize - 1

const maxHopsSize = 5

func (n *Node) receive(env protocol.Env, from protocol.NodeID, m *Data) {
	fresh := n.history.Add(m.ID, env.Now(), &n.shared.history)
	if m.Feedback {
		n.send(env, from, &Feedback{ID: m.ID, Knew: !fresh && !n.isNews(env, m.ID)})
	}
	args := [3]uint64{m.ID.Key(), uint64(m.Hops)}
	if !fresh {
		env.Emit(protocol.Event{Kind: EventDuplicate, Peer: from, Args: args})
		return
	}
	env.Emit(protocol.Event{Kind: EventDeliver, Peer: from, Args: args})
	got := broadcast.Message{ID: m.ID, Hops: m.Hops, From: from, Payload: m.Payload}
	for _, f := range n.upward {
		f(env, got)
	}
	n.learn(env, got)
}

// learn begins to spread a message.
func (n *Node) learn(env protocol.Env, m broadcast.Message) {
	if m.Hops >= maxHops {
		return
	}
	if n.shared.cfg.Immediate {
		data := &Data{ID: m.ID, Hops: m.Hops + 1, Payload: m.Payload}
		for _, peer := range n.sampler.Sample(env, n.shared.cfg.Fanout, func(id protocol.NodeID) bool { return id == m.From }) {
			n.send(env, peer, data)
		}
		return
	}
	n.cache.Put(m, env.Now(), &n.shared.cache)
	if len(n.hot) >= n.shared.cache.Count { // the oldest is no longer cached
		n.interestLost(env, &n.hot[0])
		n.hot = append(n.hot[:0], n.hot[1:]...)
	}
	n.hot = append(n.hot, rumor{id: m.ID, learned: env.Now()})
	n.tick(env)
}

// data returns what carries a cached message.
func (n *Node) data(id broadcast.ID, feedback bool) (*Data, bool) {
	m, ok := n.cache.Get(id)
	if !ok {
		return nil, false
	}
	return &Data{ID: id, Hops: m.Hops + 1, Feedback: feedback, Payload: m.Payload}, true
}

// send sends by datagram, or over a stream what does not fit one.
func (n *Node) send(env protocol.Env, to protocol.NodeID, m protocol.Message) {
	if m.Size() <= env.MaxDatagram() {
		_ = env.Send(to, m) // it fits
		return
	}
	_ = env.SendStream(to, m) // it fits: checked at the origin
}
