package cyclon

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// bench is a world for one node: the test is everybody else.
type bench struct {
	t          testing.TB
	node       *Node
	now        protocol.Time
	rand       protocol.Rand
	mtu        int
	timers     []pending
	sent       []letter
	events     []protocol.Event
	seeds      []protocol.Peer
	introduced map[protocol.NodeID]string
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

func newBench(t testing.TB, c Config, lower []protocol.Protocol, seeds ...protocol.NodeID) *bench {
	t.Helper()
	p, err := newBuilder(&c)(lower)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, node: p.(*Node), rand: protocol.NewRand(1), mtu: 1400, introduced: map[protocol.NodeID]string{self: "self's"}}
	for _, id := range seeds {
		b.seeds = append(b.seeds, protocol.Peer{ID: id, Contact: []byte("seed's")})
	}
	b.node.Start(b)
	return b
}

// knowing starts a node whose view holds the given nodes, the first the oldest.
func knowing(t testing.TB, c Config, ids ...protocol.NodeID) *bench {
	t.Helper()
	b := newBench(t, c, nil)
	for i, id := range ids {
		b.hear(99, &JoinReply{Entry: Entry{ID: id, Age: uint16(100 - i)}})
	}
	b.events = nil
	return b
}

func (b *bench) ID() protocol.NodeID    { return self }
func (b *bench) Now() protocol.Time     { return b.now }
func (b *bench) Rand() *protocol.Rand   { return &b.rand }
func (b *bench) MaxDatagram() int       { return b.mtu }
func (b *bench) Store() protocol.Store  { return nil }
func (b *bench) Emit(e protocol.Event)  { b.events = append(b.events, e) }
func (b *bench) Seeds() []protocol.Peer { return b.seeds }

func (b *bench) Contact(id protocol.NodeID) []byte            { return []byte(b.introduced[id]) }
func (b *bench) Introduce(id protocol.NodeID, contact []byte) { b.introduced[id] = string(contact) }

func (b *bench) Send(to protocol.NodeID, m protocol.Message) error {
	if m.Size() > b.mtu {
		b.t.Fatalf("sent a datagram of %d bytes, want at most %d", m.Size(), b.mtu)
	}
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

// shuffle has the node begin a shuffle and returns what it sent to whom.
func (b *bench) shuffle() (protocol.NodeID, *Shuffle) {
	b.t.Helper()
	b.sent, b.events = nil, nil
	b.node.shuffle(b)
	if len(b.sent) != 1 {
		b.t.Fatalf("a shuffle sent %d messages, want 1", len(b.sent))
	}
	return b.sent[0].to, b.sent[0].m.(*Shuffle)
}

// view returns who is known, ascending.
func (b *bench) view() []protocol.NodeID {
	ids := b.node.View()
	slices.Sort(ids)
	return ids
}

func (b *bench) wantView(want ...protocol.NodeID) {
	b.t.Helper()
	slices.Sort(want)
	if got := b.view(); !slices.Equal(got, want) {
		b.t.Errorf("view: got %v, want %v", got, want)
	}
}

// downs returns who left the view, for which cause.
func (b *bench) downs(cause uint64) []protocol.NodeID {
	var out []protocol.NodeID
	for _, e := range b.events {
		if e.Kind == EventNeighborDown && e.Args[0] == cause {
			out = append(out, e.Peer)
		}
	}
	return out
}

func small() Config {
	c := Defaults()
	c.ViewSize, c.ShuffleLength = 5, 3
	return c
}

func ids(entries []Entry) []protocol.NodeID {
	var out []protocol.NodeID
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}
