package plumtree

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

	numbers broadcast.Numbers
	history broadcast.History
	cache   broadcast.Cache

	trees trees
	// Whether, and since when, messages wait for want of any link.
	stranded   bool
	strandedAt protocol.Time
	queues     []queue // announcements that wait, by peer
	flushing   bool    // the flush timer is set
	// Whether the timer for announcing again is set, and since when.
	repeating      bool
	repeatingSince protocol.Time

	missing    []missing // ascending by ticket
	expected   []share   // of them, by who announced them first
	nextTicket uint64

	listeners []func(env protocol.Env, m broadcast.Message)
}

var (
	_ protocol.Protocol           = (*Node)(nil)
	_ protocol.CommandHandler     = (*Node)(nil)
	_ protocol.StreamBreakHandler = (*Node)(nil)
)

func newNode(s *shared, lower []protocol.Protocol) (*Node, error) {
	n := &Node{shared: s}
	links, err := broadcast.NewLinks(lower, s.cfg.Fanout, broadcast.Listener{
		Changed: n.peerChanged, Greet: n.greet, Part: n.part,
		Wait: func(env protocol.Env, d time.Duration) { env.After(d, protocol.Timer{Kind: timerLinks}) },
	})
	if err != nil {
		return nil, fmt.Errorf("plumtree: %w", err)
	}
	n.links = links
	return n, nil
}

func (n *Node) cfg() *Config { return &n.shared.cfg }

// OnDeliver has f called with every message that somebody else broadcast, once.
// For protocols above, when they are built.
func (n *Node) OnDeliver(f func(env protocol.Env, m broadcast.Message)) {
	n.listeners = append(n.listeners, f)
}

// Start implements protocol.Protocol.
func (n *Node) Start(env protocol.Env) { n.links.Start(env) }

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	switch m := m.(type) {
	case *Gossip:
		n.gossip(env, from, &m.Message)
	case *IHave:
		if !n.links.Heard(env, from) {
			return // a stranger's word costs memory, and brings no link to ask
		}
		for i := range m.Announcements {
			n.announced(env, from, m.Announcements[i])
		}
	case *Graft:
		n.graft(env, from, m)
	case *Prune:
		n.pruned(env, from, m.Root)
	case *Unlink:
		n.links.Parted(env, from)
	}
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	switch t.Kind {
	case timerFlush:
		n.flush(env)
	case timerLinks:
		n.links.Retry(env)
	case timerAgain:
		n.announceAgain(env)
	case timerMissing:
		n.missingTimer(env, t.Arg)
	}
}

// Command implements protocol.CommandHandler.
func (n *Node) Command(env protocol.Env, c protocol.Command) error {
	if c.Kind != CommandBroadcast {
		return fmt.Errorf("plumtree: command %#04x: want plumtree.broadcast (%#04x)", uint16(c.Kind), uint16(CommandBroadcast))
	}
	_, err := n.Broadcast(env, c.Value)
	return err
}

// StreamBroken implements protocol.StreamBreakHandler.
func (n *Node) StreamBroken(env protocol.Env, peer protocol.NodeID) { n.links.Failed(env, peer) }

// Broadcast sends a payload to everybody. The payload must not be changed
// afterwards.
func (n *Node) Broadcast(env protocol.Env, payload []byte) (broadcast.ID, error) {
	if len(payload) > MaxPayload {
		return broadcast.ID{}, fmt.Errorf("plumtree.broadcast: got %d bytes, want at most %d", len(payload), MaxPayload)
	}
	m := broadcast.Message{ID: broadcast.ID{Origin: env.ID(), Number: n.numbers.Next(env.Now())}, Payload: payload}
	n.history.Add(m.ID, env.Now(), &n.shared.history)
	env.Emit(protocol.Event{Kind: EventBroadcast, Args: [3]uint64{m.ID.Key(), uint64(len(payload))}})
	n.push(env, m)
	return m.ID, nil
}

// gossip handles the payload of a message.
func (n *Node) gossip(env protocol.Env, from protocol.NodeID, m *broadcast.Message) {
	if m.ID.Origin == env.ID() && !n.history.Seen(m.ID, env.Now(), &n.shared.history) {
		return // of an earlier life, or forged
	}
	known := n.links.Heard(env, from)
	root := n.rootOf(m.ID)
	if !n.history.Add(m.ID, env.Now(), &n.shared.history) {
		env.Emit(protocol.Event{Kind: EventDuplicate, Peer: from, Args: [3]uint64{m.ID.Key(), uint64(m.Hops)}})
		n.again(env, root, from, m.ID)
		return
	}
	env.Emit(protocol.Event{Kind: EventDeliver, Peer: from, Args: [3]uint64{m.ID.Key(), uint64(m.Hops)}})
	if known {
		n.firstFrom(env, root, from)
	}
	got := *m // the message itself is its sender's
	got.From = from
	n.push(env, got)
	n.found(env, &got)
	for _, f := range n.listeners {
		f(env, got)
	}
}

// push passes a message on: to the eager peers as it is, to the others its
// announcement, to the one it came from nothing.
func (n *Node) push(env protocol.Env, m broadcast.Message) {
	n.cache.Put(m, env.Now(), &n.shared.cache)
	if m.Hops >= n.hopLimit() {
		return
	}
	from := m.From
	m.Hops, m.From = m.Hops+1, 0
	gossip := &Gossip{Message: m}
	n.trees.touch(n.rootOf(m.ID), env.Now())
	lazy := n.trees.lazy(n.rootOf(m.ID))
	if len(n.links.Peers()) == 0 && !n.stranded {
		n.stranded, n.strandedAt = true, env.Now()
	}
	for _, peer := range n.links.Peers() {
		switch {
		case peer == from:
		case lazy.has(peer):
			n.announce(env, peer, Announcement{ID: m.ID, Hops: m.Hops})
		default:
			n.send(env, peer, gossip)
		}
	}
	n.flushSoon(env)
	n.repeatSoon(env)
}

// hopLimit is the number of hops after which a message is not passed on.
func (n *Node) hopLimit() uint32 {
	if limit := n.cfg().MaxHops; limit > 0 {
		return uint32(limit)
	}
	return maxHops
}

// send sends to a peer. A message that does not go through is repaired like one
// that was lost.
func (n *Node) send(env protocol.Env, to protocol.NodeID, m protocol.Message) {
	if n.cfg().Transport == "stream" || m.Size() > env.MaxDatagram() {
		_ = env.SendStream(to, m)
		return
	}
	_ = env.Send(to, m)
}
