package replica

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/mst"
)

// stage is a world of a few nodes in which the test decides everything: which
// message arrives next, what is lost, who crashes.
type stage struct {
	t      testing.TB
	shared *shared
	now    protocol.Time
	actors []*actor
	wire   []letter // in the order of sending
	heard  func(from, to int, m protocol.Message)
}

type letter struct {
	from, to int
	m        protocol.Message
}

// actor is a node with its disk, and the Env of both.
type actor struct {
	*stage
	index  int
	skew   time.Duration
	node   *Node
	below  *below
	disk   *disk
	rand   protocol.Rand
	timers []pending
	events []protocol.Event
}

type pending struct {
	at    protocol.Time
	timer protocol.Timer
}

// below is what is below a replica: a sampler that knows one peer when it is told
// to, and a broadcast that keeps what it is given.
type below struct {
	peer    protocol.NodeID
	pushed  [][]byte
	deliver func(env protocol.Env, m broadcast.Message)
}

func (*below) Start(protocol.Env)                                      {}
func (*below) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (*below) Timer(protocol.Env, protocol.Timer)                      {}

func (*below) OnChange(func(protocol.Env, protocol.NodeID, bool)) {}

func (b *below) Sample(_ protocol.Env, _ int, skip func(protocol.NodeID) bool) []protocol.NodeID {
	if b.peer == 0 || skip(b.peer) {
		return nil
	}
	return []protocol.NodeID{b.peer}
}

func (b *below) OnDeliver(f func(env protocol.Env, m broadcast.Message)) { b.deliver = f }

func (b *below) Broadcast(_ protocol.Env, payload []byte) (broadcast.ID, error) {
	b.pushed = append(b.pushed, bytes.Clone(payload))
	return broadcast.ID{}, nil
}

// still is a configuration in which nothing happens by itself.
func still() Config {
	c := Default()
	c.Interval *= 1000
	c.Push = "all"
	c.SessionTimeout /= 10
	c.TombstoneLife /= 100
	return c
}

func newStage(t testing.TB, c Config, actors int) *stage {
	t.Helper()
	profile, err := c.profile()
	if err = errors.Join(err, c.Check()); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, now: protocol.Time(time.Hour), shared: &shared{cfg: c, profile: profile, pool: mst.NewPool(0)}}
	for i := range actors {
		a := &actor{stage: s, index: i, disk: newDisk(), rand: protocol.NewRand(uint64(i))}
		s.actors = append(s.actors, a)
		a.start()
	}
	return s
}

func idOf(i int) protocol.NodeID { return protocol.NodeID(0xa0 + i) }

// start starts a new process on the actor's disk.
func (a *actor) start() {
	a.t.Helper()
	a.below, a.timers = &below{}, nil
	n, err := newNode(a.shared, []protocol.Protocol{a.below})
	if err != nil {
		a.t.Fatal(err)
	}
	a.node = n
	a.disk.synced = func() { a.disk.root = n.Root() }
	n.Start(a)
}

func (a *actor) ID() protocol.NodeID    { return idOf(a.index) }
func (a *actor) Now() protocol.Time     { return a.now.Add(a.skew) }
func (a *actor) Rand() *protocol.Rand   { return &a.rand }
func (a *actor) MaxDatagram() int       { return 1400 }
func (a *actor) Store() protocol.Store  { return a.disk }
func (a *actor) Emit(e protocol.Event)  { a.events = append(a.events, e) }
func (a *actor) Seeds() []protocol.Peer { return nil }

func (a *actor) Contact(protocol.NodeID) []byte    { return nil }
func (a *actor) Introduce(protocol.NodeID, []byte) {}

func (a *actor) Send(protocol.NodeID, protocol.Message) error {
	a.t.Error("a replica sent a datagram")
	return nil
}

func (a *actor) SendStream(to protocol.NodeID, m protocol.Message) error {
	if size := m.Size(); size > protocol.MaxStreamMessage {
		a.t.Errorf("a message of %d bytes was sent", size)
	}
	a.wire = append(a.wire, letter{a.index, int(to - idOf(0)), m})
	return nil
}

func (a *actor) After(d time.Duration, t protocol.Timer) {
	a.timers = append(a.timers, pending{a.now.Add(max(d, 0)), t})
}

// pass lets time pass. Messages stay where they are.
func (s *stage) pass(d time.Duration) {
	for end := s.now.Add(d); ; {
		var next *actor
		for _, a := range s.actors {
			slices.SortStableFunc(a.timers, func(x, y pending) int { return cmp.Compare(x.at, y.at) })
			if len(a.timers) > 0 && (next == nil || a.timers[0].at < next.timers[0].at) {
				next = a
			}
		}
		if next == nil || next.timers[0].at > end {
			s.now = end
			return
		}
		p := next.timers[0]
		next.timers = next.timers[1:]
		s.now = max(s.now, p.at)
		next.node.Timer(next, p.timer)
	}
}

// begin has one actor begin a session with another.
func (s *stage) begin(from, to int) bool {
	a := s.actors[from]
	a.below.peer = idOf(to)
	defer func() { a.below.peer = 0 }()
	return a.node.beginWithAnybody(a)
}

// arrive has the first message that is under way from one actor to another
// arrive.
func (s *stage) arrive(from, to int) bool {
	m := s.take(from, to)
	if m == nil {
		return false
	}
	if s.heard != nil {
		s.heard(from, to, m)
	}
	s.actors[to].node.Receive(s.actors[to], idOf(from), m)
	return true
}

// take takes the first message that is under way from one actor to another.
func (s *stage) take(from, to int) protocol.Message {
	i := slices.IndexFunc(s.wire, func(l letter) bool { return l.from == from && l.to == to })
	if i < 0 {
		return nil
	}
	m := s.wire[i].m
	s.wire = slices.Delete(s.wire, i, i+1)
	return m
}

// settle lets all messages arrive, and time pass for those that wait for their
// rate.
func (s *stage) settle() {
	for range 10_000_000 {
		if len(s.wire) > 0 {
			s.arrive(s.wire[0].from, s.wire[0].to)
			continue
		}
		if !slices.ContainsFunc(s.actors, func(a *actor) bool {
			return slices.ContainsFunc(a.node.sessions, func(s *session) bool { return s.pacing })
		}) {
			return
		}
		s.pass(time.Millisecond)
	}
	s.t.Fatal("messages go on and on")
}

// meet is a whole session.
func (s *stage) meet(from, to int) {
	s.t.Helper()
	if !s.begin(from, to) {
		s.t.Fatal("no session was begun")
	}
	s.settle()
}

// cut breaks the streams between two actors, both of whom are told.
func (s *stage) cut(i, j int) {
	for s.take(i, j) != nil || s.take(j, i) != nil {
	}
	s.actors[i].node.StreamBroken(s.actors[i], idOf(j))
	s.actors[j].node.StreamBroken(s.actors[j], idOf(i))
}

// crash ends an actor's process and starts another on what the disk still has.
func (s *stage) crash(i, survivors int) {
	a := s.actors[i]
	a.disk.crash(survivors)
	for j := range s.actors {
		if j != i {
			for s.take(i, j) != nil || s.take(j, i) != nil {
			}
			s.actors[j].node.StreamBroken(s.actors[j], idOf(i))
		}
	}
	a.start()
	a.disk.root = a.node.Root() // what survived stays
}

func (s *stage) put(i int, key, value string) {
	s.t.Helper()
	if err := s.actors[i].node.Put(s.actors[i], []byte(key), []byte(value)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) remove(i int, key string) {
	s.t.Helper()
	if err := s.actors[i].node.Delete(s.actors[i], []byte(key)); err != nil {
		s.t.Fatal(err)
	}
}

// get is what an actor reads under a key, "" for nothing.
func (s *stage) get(i int, key string) string {
	s.t.Helper()
	e, err := s.actors[i].node.Get(s.actors[i], []byte(key))
	if err != nil {
		s.t.Fatal(err)
	}
	value, _ := e.Register().Get()
	return value
}

// count is how many events of a kind, with this first argument, an actor has
// reported.
func (a *actor) count(kind protocol.EventKind, first uint64) int {
	n := 0
	for _, e := range a.events {
		if e.Kind == kind && e.Args[0] == first {
			n++
		}
	}
	return n
}

func pushedBy(origin protocol.NodeID, payload []byte) broadcast.Message {
	return broadcast.Message{ID: broadcast.ID{Origin: origin}, Payload: payload}
}
