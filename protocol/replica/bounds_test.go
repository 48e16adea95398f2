package replica

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
)

// Names of ever new actors do not fill memory.
func TestVectorsAreBounded(t *testing.T) {
	many := func(from, count int) clock.VersionVector {
		dots := make([]clock.Dot, count)
		for i := range dots {
			dots[i] = clock.Dot{Actor: clock.Actor{Node: protocol.NodeID(from + i)}, Counter: 1}
		}
		v, _ := clock.NewVersionVector(dots...)
		return v
	}
	for _, m := range []protocol.Message{&Open{Known: many(1, maxActors+1)}, &Accept{Known: many(1, maxActors+1)}} {
		if _, err := decodeAs(m.Kind(), m.Append(nil)); !errors.Is(err, protocol.ErrMalformed) {
			t.Errorf("%T of %d actors: got %v, want ErrMalformed", m, maxActors+1, err)
		}
	}
	s := newStage(t, still(), 1)
	a := s.actors[0]
	must(t, a.node.learn(a, many(1, maxActors-1)))
	if err := a.node.learn(a, many(1<<30, 1)); err == nil || a.node.known.Len() != maxActors-1 {
		t.Errorf("got %v, %d actors, want an error and %d", err, a.node.known.Len(), maxActors-1)
	}
}

func decodeAs(kind protocol.MessageKind, body []byte) (protocol.Message, error) {
	for _, m := range Spec().Messages {
		if m.Kind == kind {
			return m.Decode(body)
		}
	}
	return nil, errors.New("no such kind")
}

// What a peer is sent because of a few bytes from it waits as these few bytes.
func TestAnswersAreMadeWhenTheyAreSent(t *testing.T) {
	c := still()
	c.PeerRate = 1 << 20
	s := newStage(t, c, 2)
	s.put(1, "large", strings.Repeat("x", 1<<20))
	s.begin(0, 1)
	s.until(is[*Fetch])
	s.take(0, 1)
	b := s.actors[1]
	session := b.node.sessions[0]
	keys := slices.Repeat([][]byte{[]byte("large")}, maxFlight)
	sent := session.sent
	b.node.Receive(b, idOf(0), &Fetch{Session: session.id, Round: 9, Keys: keys})
	if got := session.sent - sent; got > 2 || session.waiting == nil || len(session.jobs) > 1 {
		t.Errorf("%d messages were sent, %d wait, want what the rate allows and one", got, len(session.jobs))
	}
	b.node.Receive(b, idOf(0), &Fetch{Session: session.id, Round: 9, Keys: keys})
	if !session.ended {
		t.Error("it may be asked for any number of things at once")
	}
}

// A peer's rate is one for all of its sessions.
func TestRateIsThatOfThePeer(t *testing.T) {
	c := still()
	c.PeerRate = 1 << 20
	s := newStage(t, c, 2)
	s.put(1, "large", strings.Repeat("x", 1<<20))
	b := s.actors[1]
	size := 0
	for id := range uint64(20) {
		b.node.Receive(b, idOf(0), &Open{Session: id + 1, Profile: b.node.profileMark()})
		b.node.Receive(b, idOf(0), &Fetch{Session: id + 1, Round: 1, Keys: [][]byte{[]byte("large")}})
		for m := s.take(1, 0); m != nil; m = s.take(1, 0) {
			size += m.Size()
		}
	}
	if size > 3<<20 {
		t.Errorf("%d bytes were sent to a peer at once, want about twice 1 MiB", size)
	}
	if n := b.node.ongoing(false); n != 1 {
		t.Errorf("one peer has %d sessions, want 1", n)
	}
	if len(b.timers) > 30 {
		t.Errorf("%d timers are set", len(b.timers))
	}
	s.pass(10 * time.Second)
	b.node.rateOf(b, 77)
	if len(b.node.rates) != 1 {
		t.Errorf("rates of %d peers are remembered, want 1", len(b.node.rates))
	}
}

// A session with a peer that has many deletions to hear of holds few of them at a
// time, and one that has none to hear of leaves time for others.
func TestManyDeletions(t *testing.T) {
	const count = 5000
	c := still()
	c.PeerRate, c.TombstoneLife = 16<<10, Default().TombstoneLife
	s := newStage(t, c, 2)
	b := s.actors[1]
	for i := range count {
		key := []byte{'k', byte(i >> 8), byte(i)}
		must(t, b.node.Put(b, key, nil))
		must(t, b.node.Delete(b, key))
	}
	s.begin(0, 1)
	for len(s.actors[0].node.sessions) > 0 {
		for _, j := range b.node.sessions {
			if len(j.jobs) > 3 {
				t.Fatalf("%d things wait to be sent", len(j.jobs))
			}
		}
		if len(s.wire) > 0 {
			s.arrive(s.wire[0].from, s.wire[0].to)
		} else {
			s.pass(time.Second / 10)
		}
	}
	if got := s.actors[0].node.Tombstones(); got != count {
		t.Fatalf("got %d deletions, want %d", got, count)
	}
	began := s.now
	s.pass(time.Second) // for the rate
	s.begin(0, 1)
	s.arrive(0, 1)
	if m := s.take(1, 0); m != nil {
		t.Errorf("got %T at once, want that it takes a breath", m)
	}
	s.settle()
	if n := s.actors[0].count(EventSessionEnd, 2); n == 0 || s.now == began {
		t.Error("the session did not end")
	}
}

// A clock that is set back does not keep a session, nor a rate, waiting.
func TestClockSetBack(t *testing.T) {
	s := newStage(t, still(), 2)
	s.begin(0, 1)
	s.actors[0].skew = -time.Hour / 2
	s.pass(7 * time.Second)
	if n := len(s.actors[0].node.sessions); n != 0 {
		t.Errorf("%d sessions wait for the time when they began", n)
	}
	b := bucket{rate: 100, burst: 100, at: 1 << 50}
	b.take(1<<50, 100)
	b.take(0, 1)
	if _, ok := b.take(protocol.Time(2*time.Second), 100); !ok {
		t.Error("nothing is earned before the time comes again")
	}
}

// Reasons are counted by what was wrong.
func TestReasonsForRefusal(t *testing.T) {
	stamp := crdt.Stamp{Dot: clock.Dot{Actor: clock.Actor{Node: 9}, Counter: 1}, Time: clock.Timestamp{Wall: 1, Node: 9}}
	r, err := new(crdt.Register).Put(stamp, strings.Repeat("x", crdt.MaxValue))
	must(t, err)
	valid := crdt.NewEntry(r).Append(nil)
	large := bytes.Clone(valid[:1])
	body := append(r.Append(nil), 'x')
	at := len(body) - crdt.MaxValue - 1
	copy(body[at-3:], []byte{0x81, 0x80, 0x40}) // 1 MiB and a byte
	large = append(append(large, byte(crdt.KindRegister)), 0x9b, 0x80, 0x40)
	large = append(large, body...)
	large[2] = byte(len(body))&0x7f | 0x80
	for _, c := range []struct {
		name   string
		item   Item
		reason uint64
	}{
		{"empty key", Item{nil, valid}, RefusedKey},
		{"cut off", Item{[]byte("k"), valid[:9]}, RefusedMalformed},
		{"nothing", Item{[]byte("k"), []byte{0}}, RefusedMalformed},
		{"type", Item{[]byte("k"), []byte{1, 99, 1, 0}}, RefusedKind},
		{"size", Item{[]byte("k"), large}, RefusedLarge},
	} {
		s := newStage(t, still(), 2)
		a := s.actors[0]
		s.push(appendItems([]byte(pushDeltas), []Item{c.item}), 0)
		if a.count(EventRefused, c.reason) != 1 {
			t.Errorf("%s, pushed: got %v, want reason %d", c.name, a.events, c.reason)
		}
		s.begin(1, 0)
		s.arrive(1, 0)
		session := a.node.sessions[0]
		a.node.Receive(a, idOf(1), &Entries{Session: session.id, Items: []Item{c.item}})
		if a.count(EventRefused, c.reason) != 2 || !session.incomplete {
			t.Errorf("%s, in a session: got %v, want reason %d", c.name, a.events, c.reason)
		}
	}
}

// Pages that are not what was asked for end the session, with a reason.
func TestMalformedPages(t *testing.T) {
	for _, body := range [][]byte{nil, {1}, {1, 1, 0, 1}, bytes.Repeat([]byte{1}, 200)} {
		s := newStage(t, still(), 2)
		s.put(1, "k", "v")
		s.begin(0, 1)
		s.until(is[*Pages])
		m := s.take(1, 0).(*Pages)
		a := s.actors[0]
		a.node.Receive(a, idOf(1), &Pages{Session: m.Session, Round: m.Round, Pages: []Page{{m.Pages[0].ID, body}}})
		if a.count(EventRefused, RefusedMalformed) != 1 || a.count(EventSessionBroken, BrokenMalformed) != 1 {
			t.Errorf("% x: got %v", body, a.events)
		}
	}
	// And questions for pages that there are not.
	s := newStage(t, still(), 2)
	s.begin(0, 1)
	s.arrive(0, 1)
	b := s.actors[1]
	b.node.Receive(b, idOf(0), &Ask{Session: b.node.sessions[0].id, Round: 1, Wants: []mst.Want{{Form: mst.FormPage}}})
	if b.count(EventRefused, RefusedMalformed) != 1 || b.count(EventSessionBroken, BrokenMalformed) != 1 {
		t.Errorf("got %v", b.events)
	}
}

// A set that concurrent additions would make too large to be sent is not merged.
func TestMergeIsBounded(t *testing.T) {
	s := newStage(t, still(), 1)
	a := s.actors[0]
	refused := 0
	for i := range 8 {
		set, err := new(crdt.ORSet), error(nil)
		set, _, err = set.Add(clock.Dot{Actor: clock.Actor{Node: protocol.NodeID(i + 1)}, Counter: 1}, strings.Repeat(string(rune('a'+i)), crdt.MaxValue-100))
		must(t, err)
		if _, ok := a.node.merge(a, []byte("k"), crdt.NewEntry(set), 9, 0); !ok {
			refused++
		}
	}
	if e := a.entry("k"); refused != 4 || e.Size() > maxEntry || a.count(EventRefused, RefusedLarge) != refused {
		t.Errorf("%d were refused, and there are %d bytes", refused, e.Size())
	}
}

// Deltas of a key that have grown larger than a broadcast are not merged.
func TestGatheredDeltasStaySmall(t *testing.T) {
	c := still()
	c.PushLimit, c.PushRate = 4<<10, 1<<20
	s := newStage(t, c, 2)
	a := s.actors[0]
	for i := range 9 {
		must(t, a.node.Add(a, []byte("set"), []byte(strings.Repeat(string(rune('a'+i)), 1500))))
	}
	s.pass(time.Second)
	for _, payload := range a.below.pushed {
		if len(payload) > 4<<10+100 {
			t.Errorf("a broadcast of %d bytes, want at most %d", len(payload), c.PushLimit)
		}
		s.push(payload, 1)
	}
	if got := s.actors[1].entry("set").ORSet().Len(); got != 9 {
		t.Errorf("got %d elements, want all 9", got)
	}
	// And what is gathered is bounded.
	for i := range 3000 {
		must(t, a.node.Put(a, []byte{'k', byte(i >> 8), byte(i)}, make([]byte, 3<<10)))
		if a.node.push.bytes > maxGathered {
			t.Fatalf("%d bytes wait", a.node.push.bytes)
		}
	}
}

// Digests do not use up more than is allowed either.
func TestDigestsAreBounded(t *testing.T) {
	c := still()
	c.PushRate, c.PushLimit = 1<<10, 1<<10
	s := newStage(t, c, 1)
	a := s.actors[0]
	size := 0
	for range 100 {
		for k := range byte(30) {
			must(t, a.node.Put(a, append(bytes.Repeat([]byte{'k'}, 40), k), make([]byte, 20)))
		}
		s.pass(time.Second)
	}
	for _, payload := range a.below.pushed {
		size += len(payload)
	}
	if size > 110<<10 {
		t.Errorf("%d bytes were broadcast in 100 seconds, want 1024 a second", size)
	}
	s.pass(5 * time.Second)
	a.below.pushed = nil
	s.put(0, "k", "v")
	s.pass(time.Second)
	if len(a.below.pushed) != 1 || !bytes.HasPrefix(a.below.pushed[0], []byte(pushDeltas)) {
		t.Errorf("it does not come back to deltas: got %q", a.below.pushed)
	}
}

// Whoever broadcasts digests does not keep others busy with sessions.
func TestSummariesBeginFewSessions(t *testing.T) {
	s := newStage(t, still(), 2)
	a := s.actors[0]
	a.below.peer = idOf(1)
	payload := append([]byte(pushDigests+"\x01\x01k"), make([]byte, digestSize)...)
	payload[len(payload)-1] = 1
	s.pass(10 * time.Second)
	s.cut(0, 1)
	a.events = nil
	for range 100 {
		s.push(payload, 0)
		s.settle()
		s.pass(time.Second / 10)
	}
	begun := 0
	for _, e := range a.events {
		if e.Kind == EventSessionBegin {
			begun++
		}
	}
	if begun < 9 || begun > 11 {
		t.Errorf("got %d sessions in 10 seconds, want about 10", begun)
	}
}

// A low rate makes messages smaller, not a session seem silent.
func TestLowRateIsNotSilence(t *testing.T) {
	c := still()
	c.PeerRate, c.Push = 4<<10, "none"
	for first := range 2 {
		s := newStage(t, c, 2)
		for i := range byte(100) {
			s.put(1, string([]byte{'k', i}), strings.Repeat("v", 500))
		}
		s.begin(first, 1-first)
		for len(s.actors[first].node.sessions) > 0 {
			if len(s.wire) > 0 {
				s.arrive(s.wire[0].from, s.wire[0].to)
			} else {
				s.pass(time.Second / 10)
			}
		}
		if s.actors[0].node.Root() != s.actors[1].node.Root() || s.actors[first].kinds(EventSessionEnd) != 1 {
			t.Errorf("began by %d: the session was not completed: %v", first, s.actors[first].events[len(s.actors[first].events)-1])
		}
	}
}
