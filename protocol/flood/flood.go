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
	recent  broadcast.Cache
	numbers broadcast.Numbers
	upward  []func(env protocol.Env, m broadcast.Message)
}

var (
	_ protocol.Protocol           = (*Node)(nil)
	_ protocol.StreamBreakHandler = (*Node)(nil)
	_ protocol.CommandHandler     = (*Node)(nil)
)

func newNode(s *shared, lower []protocol.Protocol) (*Node, error) {
	n := &Node{shared: s}
	links, err := broadcast.NewLinks(lower, s.cfg.Fanout, broadcast.Listener{Changed: n.linkChanged, Greet: greet, Part: part, Wait: wait})
	if err != nil {
		return nil, err
	}
	n.links = links
	return n, nil
}

// linkChanged: a new link is sent the latest messages, if that is wanted.
func (n *Node) linkChanged(env protocol.Env, peer protocol.NodeID, up bool) {
	if !up || n.shared.cfg.Resend == 0 {
		return
	}
	n.recent.Latest(recentCount, env.Now().Add(-n.shared.cfg.Resend.Std()), func(m broadcast.Message) {
		if peer != m.From && m.Hops < n.hopLimit() {
			n.send(env, peer, &Data{ID: m.ID, Hops: m.Hops + 1, Payload: m.Payload})
		}
	})
}

// Bounds of the messages that are kept for links that come.
const (
	recentCount = 64
	recentBytes = 4 << 20
)

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) { n.links.Start(env) }

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	switch m := m.(type) {
	case *Data:
		n.links.Heard(env, from)
		n.receive(env, from, m)
	case *Link:
		n.links.Greeted(env, from)
	case *Unlink:
		n.links.Parted(env, from)
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

// part tells a peer that it is none any more.
func part(env protocol.Env, peer protocol.NodeID) { _ = env.SendStream(peer, &Unlink{}) }

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
	if n.shared.cfg.Resend > 0 {
		n.recent.Put(m, env.Now(), &n.shared.recent)
	}
	if m.Hops >= n.hopLimit() {
		return
	}
	data := &Data{ID: m.ID, Hops: m.Hops + 1, Payload: m.Payload}
	for _, peer := range n.links.Peers() {
		if peer != m.From {
			n.send(env, peer, data)
		}
	}
}

// hopLimit is the number of links after which a message is not passed on.
func (n *Node) hopLimit() uint32 {
	if limit := n.shared.cfg.MaxHops; limit > 0 {
		return uint32(limit)
	}
	return maxHops
}

// send sends a message to a peer. It fits a stream: that was checked at the
// origin.
func (n *Node) send(env protocol.Env, to protocol.NodeID, data *Data) {
	if n.shared.cfg.Transport == "datagram" && data.Size() <= env.MaxDatagram() {
		_ = env.Send(to, data)
		return
	}
	_ = env.SendStream(to, data)
}
