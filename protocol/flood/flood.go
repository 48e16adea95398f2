package flood

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// Node is one node's state machine.
type Node struct {
	shared *shared
	links  *broadcast.Links

	history broadcast.History
	numbers broadcast.Numbers
	upward  []func(env protocol.Env, m broadcast.Message)
}

var (
	_ protocol.Protocol           = (*Node)(nil)
	_ protocol.StreamBreakHandler = (*Node)(nil)
	_ protocol.CommandHandler     = (*Node)(nil)
)

func newNode(s *shared, lower []protocol.Protocol) (*Node, error) {
	links, err := broadcast.NewLinks(lower, s.cfg.Fanout, broadcast.Listener{Greet: greet, Wait: wait})
	if err != nil {
		return nil, err
	}
	return &Node{shared: s, links: links}, nil
}

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) { n.links.Start(env) }

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	n.links.Heard(env, from)
	if m, ok := m.(*Data); ok {
		n.receive(env, from, m)
	}
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	if t.Kind == timerLinks {
		n.links.Retry(env)
	}
}

func wait(env protocol.Env, d time.Duration) { env.After(d, protocol.Timer{Kind: timerLinks}) }

// greet tells a peer that it was picked. A stream that breaks ends the link.
func greet(env protocol.Env, peer protocol.NodeID) { _ = env.SendStream(peer, &Link{}) }

// StreamBroken implements protocol.StreamBreakHandler.
func (n *Node) StreamBroken(env protocol.Env, peer protocol.NodeID) { n.links.Failed(env, peer) }

// Command implements protocol.CommandHandler.
func (n *Node) Command(env protocol.Env, c protocol.Command) error {
	if c.Kind != CommandBroadcast {
		return fmt.Errorf("flood: command %#04x: want flood.broadcast (%#04x)", uint16(c.Kind), uint16(CommandBroadcast))
	}
	_, err := n.Broadcast(env, c.Value)
	return err
}

// OnDeliver has f called for every message of another node when it comes for
// the first time. For protocols above, when they are built.
func (n *Node) OnDeliver(f func(env protocol.Env, m broadcast.Message)) {
	n.upward = append(n.upward, f)
}

// Broadcast sends a message to all nodes. It counts as delivered here; f of
// [Node.OnDeliver] is not called for it. The payload is kept and must not be
// changed. The error is protocol.ErrTooLarge if no stream carries it.
func (n *Node) Broadcast(env protocol.Env, payload []byte) (broadcast.ID, error) {
	if len(payload) > MaxPayload {
		return broadcast.ID{}, fmt.Errorf("flood.broadcast: got %d bytes, want at most %d: %w", len(payload), MaxPayload, protocol.ErrTooLarge)
	}
	id := broadcast.ID{Origin: env.ID(), Number: n.numbers.Next(env.Now())}
	n.history.Add(id, env.Now(), &n.shared.history)
	env.Emit(protocol.Event{Kind: EventBroadcast, Args: [3]uint64{id.Key(), uint64(len(payload))}})
	n.forward(env, broadcast.Message{ID: id, Payload: payload})
	return id, nil
}

// MaxPayload is the largest payload, in bytes: what a stream carries without
// the ID and the hops.
const MaxPayload = protocol.MaxStreamMessage - broadcast.IDSize - broadcast.CheckSize - maxHopsSize

const maxHopsSize = 5

func (n *Node) receive(env protocol.Env, from protocol.NodeID, m *Data) {
	args := [3]uint64{m.ID.Key(), uint64(m.Hops)}
	if !n.history.Add(m.ID, env.Now(), &n.shared.history) {
		env.Emit(protocol.Event{Kind: EventDuplicate, Peer: from, Args: args})
		return
	}
	env.Emit(protocol.Event{Kind: EventDeliver, Peer: from, Args: args})
	got := broadcast.Message{ID: m.ID, Hops: m.Hops, From: from, Payload: m.Payload}
	for _, f := range n.upward {
		f(env, got)
	}
	n.forward(env, got)
}

// forward sends a message over every link but the one that it came by.
func (n *Node) forward(env protocol.Env, m broadcast.Message) {
	limit := uint32(maxHops)
	if n.shared.cfg.MaxHops > 0 {
		limit = uint32(n.shared.cfg.MaxHops)
	}
	if m.Hops >= limit {
		return
	}
	data := &Data{ID: m.ID, Hops: m.Hops + 1, Payload: m.Payload}
	datagram := n.shared.cfg.Transport == "datagram" && data.Size() <= env.MaxDatagram()
	for _, peer := range n.links.Peers() {
		switch {
		case peer == m.From:
		case datagram:
			_ = env.Send(peer, data) // it fits
		default:
			_ = env.SendStream(peer, data) // it fits: checked at the origin
		}
	}
}
