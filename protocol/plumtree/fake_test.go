package plumtree

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// bench is a world for one node: the test is its overlay and everybody else.
type bench struct {
	t      testing.TB
	node   *Node
	links  *view
	now    protocol.Time
	rand   protocol.Rand
	timers []pending
	sent   []letter
	events []protocol.Event
	got    []string // payloads that reached the application
}

type pending struct {
	at    protocol.Time
	timer protocol.Timer
}

type letter struct {
	to     protocol.NodeID
	m      protocol.Message
	stream bool
}

const self protocol.NodeID = 0x5e1f

// view is an overlay whose active view the test decides.
type view struct {
	peers   []protocol.NodeID
	changed func(env protocol.Env, peer protocol.NodeID, present bool)
}

func (*view) Start(protocol.Env)                                      {}
func (*view) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (*view) Timer(protocol.Env, protocol.Timer)                      {}
func (v *view) Neighbors() []protocol.NodeID                          { return v.peers }

func (v *view) Sample(protocol.Env, int, func(protocol.NodeID) bool) []protocol.NodeID {
	return v.peers
}

func (v *view) OnChange(f func(protocol.Env, protocol.NodeID, bool)) { v.changed = f }

// newBench starts a node with links to the peers 1 to links.
func newBench(t testing.TB, c Config, links int) *bench {
	t.Helper()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, links: &view{}, rand: protocol.NewRand(1), now: protocol.Time(time.Hour)}
	p, err := newBuilder(&c)([]protocol.Protocol{b.links})
	if err != nil {
		t.Fatal(err)
	}
	b.node = p.(*Node)
	b.node.OnDeliver(func(_ protocol.Env, m broadcast.Message) { b.got = append(b.got, string(m.Payload)) })
	for id := range links {
		b.links.peers = append(b.links.peers, protocol.NodeID(id+1))
	}
	b.node.Start(b)
	return b
}

func (b *bench) ID() protocol.NodeID    { return self }
func (b *bench) Now() protocol.Time     { return b.now }
func (b *bench) Rand() *protocol.Rand   { return &b.rand }
func (b *bench) MaxDatagram() int       { return 1400 }
func (b *bench) Store() protocol.Store  { return nil }
func (b *bench) Emit(e protocol.Event)  { b.events = append(b.events, e) }
func (b *bench) Seeds() []protocol.Peer { return nil }

func (b *bench) Contact(protocol.NodeID) []byte    { return nil }
func (b *bench) Introduce(protocol.NodeID, []byte) {}

func (b *bench) Send(to protocol.NodeID, m protocol.Message) error {
	b.sent = append(b.sent, letter{to: to, m: m})
	return nil
}

func (b *bench) SendStream(to protocol.NodeID, m protocol.Message) error {
	b.sent = append(b.sent, letter{to: to, m: m, stream: true})
	return nil
}

func (b *bench) After(d time.Duration, t protocol.Timer) {
	b.timers = append(b.timers, pending{at: b.now.Add(max(d, 0)), timer: t})
}

// run lets time pass and timers fire, and forgets what was sent before.
func (b *bench) run(d time.Duration) {
	b.sent = nil
	end := b.now.Add(d)
	for {
		slices.SortStableFunc(b.timers, func(x, y pending) int { return cmp.Compare(x.at, y.at) })
		if len(b.timers) == 0 || b.timers[0].at > end {
			b.now = end
			return
		}
		next := b.timers[0]
		b.timers = b.timers[1:]
		b.now = next.at
		b.node.Timer(b, next.timer)
	}
}

// runUntilSent lets time pass until something is sent, or the time is over.
func (b *bench) runUntilSent(d time.Duration) {
	for end := b.now.Add(d); b.now < end; {
		if b.run(10 * time.Millisecond); len(b.sent) > 0 {
			return
		}
	}
}

// hear delivers a message, and forgets what was sent before.
func (b *bench) hear(from protocol.NodeID, m protocol.Message) {
	b.sent = nil
	b.node.Receive(b, from, m)
}

// link makes a link come or go.
func (b *bench) link(peer protocol.NodeID, up bool) {
	if i := slices.Index(b.links.peers, peer); i >= 0 {
		b.links.peers = slices.Delete(b.links.peers, i, i+1)
	}
	if up {
		b.links.peers = append(b.links.peers, peer)
	}
	b.links.changed(b, peer, up)
}

// to lists the kinds of message that were sent to a peer.
func (b *bench) to(peer protocol.NodeID) string {
	names := map[protocol.MessageKind]string{kindGossip: "gossip", kindIHave: "ihave", kindGraft: "graft", kindPrune: "prune"}
	text := ""
	for _, l := range b.sent {
		if l.to == peer {
			text += names[l.m.Kind()] + " "
		}
	}
	return text
}

// want fails unless exactly these kinds of message were sent to a peer, each
// followed by a space.
func (b *bench) want(peer protocol.NodeID, kinds string) {
	b.t.Helper()
	if got := b.to(peer); got != kinds {
		b.t.Errorf("to peer %d: got %q, want %q", peer, got, kinds)
	}
}

func (b *bench) emitted(kind protocol.EventKind) int {
	n := 0
	for _, e := range b.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// message is the i-th message of a far origin, as it arrives after some hops.
func message(i uint64, hops uint32) *Gossip {
	return &Gossip{broadcast.Message{ID: idOf(i), Hops: hops, Payload: []byte{'a' + byte(i)}}}
}

func idOf(i uint64) broadcast.ID { return broadcast.ID{Origin: 99, Number: uint64(time.Hour) + i} }

func have(i uint64, hops uint32) *IHave { return &IHave{[]Announcement{{idOf(i), hops}}} }

// quick announces at once.
func quick() Config {
	c := Default()
	c.LazyInterval = 0
	return c
}
