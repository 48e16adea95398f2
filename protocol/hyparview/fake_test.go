package hyparview

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
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
	to protocol.NodeID
	m  protocol.Message
}

const self protocol.NodeID = 0x5e1f

// quiet is a configuration in which a node does nothing of its own accord.
func quiet() Config {
	c := Default()
	c.ShuffleInterval = quantity.Duration(1000 * time.Hour)
	c.KeepAliveInterval, c.ReconnectInterval = 0, 0
	return c
}

// newBench starts a node with the neighbours 1, 2, ... and the passive nodes 101,
// 102, ...
func newBench(t testing.TB, c Config, active, passive int, seeds ...protocol.NodeID) *bench {
	t.Helper()
	p, err := newBuilder(&c)(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, node: p.(*Node), rand: protocol.NewRand(1)}
	for _, id := range seeds {
		b.seeds = append(b.seeds, protocol.Peer{ID: id})
	}
	b.node.Start(b)
	for i := range active {
		b.hear(protocol.NodeID(i+1), &Neighbor{Seq: uint32(i), Priority: PriorityHigh})
	}
	for i := range passive {
		b.node.addPassive(b, protocol.NodeID(101+i))
	}
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
	b.sent = append(b.sent, letter{to, m})
	return nil
}

func (b *bench) SendStream(to protocol.NodeID, m protocol.Message) error { return b.Send(to, m) }

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

// fail breaks the stream to a neighbour, and the one that is opened in its
// place, and forgets what was sent before the last.
func (b *bench) fail(peer protocol.NodeID) {
	b.node.StreamBroken(b, peer)
	b.sent = nil
	b.node.StreamBroken(b, peer)
}

// sentTo returns the messages of one type that were sent, and to whom.
func sentTo[M protocol.Message](b *bench) (messages []M, to []protocol.NodeID) {
	for _, l := range b.sent {
		if m, ok := l.m.(M); ok {
			messages, to = append(messages, m), append(to, l.to)
		}
	}
	return messages, to
}

// one returns the only message of a type that was sent, and to whom.
func one[M protocol.Message](b *bench) (m M, to protocol.NodeID) {
	b.t.Helper()
	messages, tos := sentTo[M](b)
	if len(messages) != 1 {
		b.t.Fatalf("got %d messages %T, want one, among %v", len(messages), m, b.sent)
	}
	return messages[0], tos[0]
}

// none fails if a message of a type was sent.
func none[M protocol.Message](b *bench) {
	b.t.Helper()
	if messages, to := sentTo[M](b); len(messages) > 0 {
		b.t.Fatalf("sent %+v to %v, want none of its kind", messages[0], to[0])
	}
}

func (b *bench) linked(id protocol.NodeID) bool { return b.node.index(id) >= 0 }
func (b *bench) reserve(id protocol.NodeID) bool {
	return slices.Contains(b.node.passive, id)
}

func (b *bench) wantLinked(id protocol.NodeID, want bool) {
	b.t.Helper()
	if b.linked(id) != want {
		b.t.Fatalf("neighbours are %v: got %d among them %v, want %v", b.node.peers, id, !want, want)
	}
}
