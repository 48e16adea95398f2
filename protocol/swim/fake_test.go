package swim

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// bench is a world for one node: the test is everybody else.
type bench struct {
	t      testing.TB
	node   *Node
	now    protocol.Time
	rand   protocol.Rand
	timers []pending
	sent   []letter
	events []protocol.Event
	seeds  []protocol.Peer
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

// newBench starts a node that knows the members 1 to others.
func newBench(t testing.TB, c Config, others int) *bench {
	t.Helper()
	c.Bootstrap = "seeds_are_members"
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	p, err := newBuilder(&c)(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, node: p.(*Node), rand: protocol.NewRand(1), seeds: []protocol.Peer{{ID: self}}}
	for id := range others {
		b.seeds = append(b.seeds, protocol.Peer{ID: protocol.NodeID(id + 1)})
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
func (b *bench) Seeds() []protocol.Peer { return b.seeds }

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

// hear delivers a message, and forgets what was sent before.
func (b *bench) hear(from protocol.NodeID, m protocol.Message) {
	b.sent = nil
	b.node.Receive(b, from, m)
}

// status is what the node believes of a member.
func (b *bench) status(id protocol.NodeID) membertable.Status {
	m, _ := b.node.Table().Get(id)
	return m.Status
}

// toldOf returns what was sent to a member about another, or itself.
func (b *bench) toldOf(to, about protocol.NodeID) []Update {
	var told []Update
	for _, l := range b.sent {
		if l.to != to {
			continue
		}
		var updates []Update
		switch m := l.m.(type) {
		case *Ping:
			updates = m.Updates
		case *Ack:
			updates = m.Updates
		case *Gossip:
			updates = m.Updates
		}
		for _, u := range updates {
			if u.Member.ID == about {
				told = append(told, u)
			}
		}
	}
	return told
}

func says(id protocol.NodeID, incarnation uint32, s membertable.Status, accuser protocol.NodeID) Update {
	return news(membertable.Member{ID: id, Incarnation: incarnation, Status: s}, accuser)
}

// quiet is a configuration in which a node does nothing of its own accord.
func quiet() Config {
	c := LAN()
	c.ProbeInterval *= 1000
	c.PushPullInterval, c.ReconnectInterval = 0, 0
	return c
}
