package replica

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

// until lets messages arrive until one that the test waits for is next.
func (s *stage) until(what func(m protocol.Message) bool) {
	s.t.Helper()
	for len(s.wire) > 0 {
		if what(s.wire[0].m) {
			return
		}
		s.arrive(s.wire[0].from, s.wire[0].to)
	}
	s.t.Fatal("the message was never sent")
}

func is[M protocol.Message](m protocol.Message) bool {
	_, ok := m.(M)
	return ok
}

// A key goes from B, because a third node knows it to be deleted, between A's
// seeing it there and A's asking for it. B must get what A has before it takes
// A's word for having had everything.
func TestKeyGoesDuringASession(t *testing.T) {
	s := newStage(t, still(), 3)
	s.put(1, "k", "old")
	s.meet(2, 1)
	s.remove(2, "k")
	s.put(0, "k", "new") // without knowledge of the old one
	s.pass(time.Minute)
	s.actors[2].node.collect(s.actors[2])
	s.begin(0, 1)
	s.until(is[*Fetch])
	held := s.wire
	s.wire = nil
	// B loses the key without a trace.
	b := s.actors[1]
	if _, err := b.node.set(b, []byte("k"), b.entry("k"), crdt.Entry{}); err != nil {
		t.Fatal(err)
	}
	s.wire = held
	s.settle()
	s.meet(0, 1)
	if a, b := s.get(0, "k"), s.get(1, "k"); a != "new" || b != "new" {
		t.Errorf("got %q and %q, want the acknowledged write at both", a, b)
	}
}

// A stream may break and another one carry what follows before the sender is
// told: what is missing must not be taken for deleted later.
func TestMessageLostInTheMiddle(t *testing.T) {
	for _, lost := range []func(protocol.Message) bool{is[*Entries], is[*Accept], is[*Drop]} {
		for _, first := range []int{0, 1} {
			s := newStage(t, still(), 2)
			s.put(first, "k", "v")
			s.begin(0, 1)
			for len(s.wire) > 0 {
				l := s.wire[0]
				if lost(l.m) {
					s.take(l.from, l.to)
				} else {
					s.arrive(l.from, l.to)
				}
			}
			s.pass(10 * time.Second)
			s.meet(0, 1)
			if a, b := s.get(0, "k"), s.get(1, "k"); a != "v" || b != "v" {
				t.Errorf("got %q and %q, want the acknowledged write at both", a, b)
			}
		}
	}
}

// What a node says last, that it lost a message on the way to the one who began.
func TestAnswerLostInTheMiddle(t *testing.T) {
	s := newStage(t, still(), 2)
	s.put(1, "gone", "v")
	s.meet(0, 1)
	s.remove(1, "gone")
	s.put(1, "k", "v")
	s.begin(0, 1)
	s.until(is[*Entries]) // the deletion
	s.take(1, 0)
	s.settle()
	if got := s.actors[0].node.known; got.Get(s.actors[1].node.actor) != 1 {
		t.Errorf("who began knows %v, although it did not hear of all", got)
	}
}

// A deletion that is forgotten during a session has still to be known of to those
// who were told what this node knows before.
func TestTombstoneGoesDuringASession(t *testing.T) {
	s := newStage(t, still(), 3)
	s.put(2, "elsewhere", "x") // so that the next is not the first event of actor 2
	s.put(2, "k", "v")
	s.actors[2].node.flush(s.actors[2])
	s.push(s.actors[2].below.pushed[0], 0)
	s.push(s.actors[2].below.pushed[0], 1)
	s.remove(1, "k")
	s.pass(time.Minute)
	s.begin(0, 1) // node 1 has told what it knows, and nothing else
	b := s.actors[1]
	if s.arrive(0, 1); len(b.node.sessions) != 1 {
		t.Fatal("no session")
	}
	b.node.known = b.node.known.Merge(s.actors[2].node.known) // as if it met node 2 now
	b.node.collect(b)
	if b.node.tombstones != 1 {
		t.Errorf("node 1 forgot the deletion in the middle of a session")
	}
	s.settle()
	b.node.collect(b)
	if b.node.tombstones != 0 {
		t.Errorf("node 1 did not forget the deletion after the session")
	}
}

// A write after a restart wins over what was there before, although nobody here
// remembers when that was.
func TestClockSurvivesWithoutEntries(t *testing.T) {
	s := newStage(t, still(), 3)
	a := s.actors[0]
	a.skew = 9 * time.Second
	s.put(0, "k", "old")
	s.meet(0, 1)
	s.meet(0, 2)
	s.remove(0, "k")
	s.meet(0, 1)
	s.pass(5 * time.Second)
	a.node.collect(a)
	if a.node.tombstones > 0 {
		t.Fatal("the deletion is not forgotten")
	}
	must(t, a.disk.Sync())
	a.skew = 0 // the clock is put right
	s.crash(0, 0)
	s.put(0, "k", "new")
	s.meet(0, 2) // which still has the old one
	for i := range s.actors {
		s.meet((i+1)%3, i)
	}
	if got := s.get(0, "k"); got != "new" {
		t.Errorf("got %q, want the new value", got)
	}
}

// Nobody hears of an own write before it is synced, not even that there is one.
func TestNobodyHearsOfUnsyncedWrites(t *testing.T) {
	s := newStage(t, still(), 2)
	a := s.actors[0]
	unsynced := func() {
		a.disk.fails = 0
		s.put(0, "other", "x")
		a.disk.fails = 0
		e := a.entry("k")
		stamp := crdt.Stamp{Dot: clock.Dot{Actor: a.node.actor, Counter: a.node.known.Get(a.node.actor) + 1}, Time: a.node.hlc.Now(a.Now())}
		r, err := e.Register().Put(stamp, "v")
		must(t, err)
		_, err = a.node.set(a, []byte("k"), e, crdt.NewEntry(r))
		must(t, err)
		a.node.known, a.node.exposed = a.node.known.With(stamp.Dot), true // as after a sync that failed
		a.disk.fails = 1
	}
	unsynced()
	if s.begin(0, 1); len(s.wire) != 1 || !is[*Abort](s.wire[0].m) || a.count(EventSessionBroken, BrokenStore) != 1 {
		t.Errorf("got %v on the wire, want nothing but the end of the session", s.wire)
	}
	s.settle()
	unsynced()
	s.begin(1, 0)
	if s.arrive(1, 0); len(s.wire) != 1 || !is[*Abort](s.wire[0].m) || a.count(EventSessionBroken, BrokenStore) != 2 {
		t.Errorf("got %v on the wire, want nothing but the end of the session", s.wire)
	}
}

// A node that cannot read its disk when it starts waits until it can.
func TestDiskFailsAtTheStart(t *testing.T) {
	for fails := 1; fails <= 4; fails++ {
		s := newStage(t, still(), 2)
		s.put(0, "k", "v")
		s.meet(0, 1)
		a := s.actors[0]
		a.disk.crash(0)
		a.disk.fails = fails
		a.start()
		if a.node.ready {
			t.Fatal("ready without its disk")
		}
		if err := a.node.Put(a, []byte("k"), nil); !errors.Is(err, ErrNotReady) {
			t.Errorf("put: got %v, want ErrNotReady", err)
		}
		if _, err := a.node.Get(a, []byte("k")); !errors.Is(err, ErrNotReady) {
			t.Errorf("get: got %v, want ErrNotReady", err)
		}
		if s.begin(0, 1) {
			t.Error("it began a session")
		}
		s.meet(1, 0)
		if s.actors[1].count(EventSessionBroken, BrokenStore) != 1 {
			t.Error("it answered a session")
		}
		s.pass(5 * time.Second)
		if !a.node.ready || s.get(0, "k") != "v" || a.node.Root() != s.actors[1].node.Root() {
			t.Errorf("after %d failures: it did not come to have what is on its disk", fails)
		}
	}
}

// A disk that cannot be understood is not taken for an empty one.
func TestDamagedDisk(t *testing.T) {
	for _, key := range []string{keyKnown, keyActor, keyClock, prefixEntry + "k"} {
		s := newStage(t, still(), 2)
		s.put(0, "k", "v")
		s.meet(0, 1)
		a := s.actors[0]
		a.disk.values[key] = []byte("not this")
		s.crash(0, 0)
		s.pass(5 * time.Second)
		if a.node.ready {
			t.Errorf("%s: ready", key)
		}
	}
}

// A node that is started with the disk of another goes on with what is there,
// under a name of its own.
func TestDiskOfAnother(t *testing.T) {
	s := newStage(t, still(), 2)
	a := s.actors[0]
	s.put(0, "k", "v")
	other := clock.Actor{Node: 0xabc, Incarnation: 3}
	a.disk.values[keyActor] = clock.AppendActor(nil, other)
	s.crash(0, 0)
	s.put(0, "next", "v")
	if a.node.actor.Node == other.Node || !a.node.ready {
		t.Errorf("it goes on as %v, ready: %v", a.node.actor, a.node.ready)
	}
	s.meet(1, 0)
	for _, key := range []string{"k", "next"} {
		if s.get(1, key) != "v" {
			t.Errorf("the other has not heard of %q", key)
		}
	}
}

// A node whose disk went back to what it was some time ago takes another name
// when it hears of what it did since. Its next writes are not mistaken for those.
func TestDiskThatWentBack(t *testing.T) {
	for first := range 2 {
		s := newStage(t, still(), 2)
		a := s.actors[0]
		s.put(0, "k", "v")
		old := s.actors[0].disk.values
		a.disk.values = make(map[string][]byte)
		for key, value := range old {
			a.disk.values[key] = value
		}
		s.put(0, "since 1", "v")
		s.put(0, "since 2", "v")
		s.meet(1, 0)
		was := a.node.actor
		a.disk.values, a.disk.sorted = old, nil
		s.crash(0, 0)
		s.meet(first, 1-first)
		if a.node.actor == was || len(a.events) == 0 || !slices.ContainsFunc(a.events, func(e protocol.Event) bool { return e.Kind == EventRename }) {
			t.Fatal("it kept its name")
		}
		s.put(0, "next", "v")
		s.crash(0, 0)
		s.meet(1, 0)
		for i := range s.actors {
			for _, key := range []string{"k", "since 1", "since 2", "next"} {
				if s.get(i, key) != "v" {
					t.Errorf("began by %d: node %d lacks %s", first, i, key)
				}
			}
		}
	}
}

// The same by a push.
func TestPushOfAnOwnWriteThatWasForgotten(t *testing.T) {
	s := newStage(t, still(), 2)
	s.put(0, "k", "v")
	s.actors[0].node.flush(s.actors[0])
	payload := s.actors[0].below.pushed[0]
	s.actors[0].disk = newDisk()
	s.actors[0].disk.values[keyActor] = clock.AppendActor(nil, s.actors[0].node.actor)
	s.actors[0].start()
	s.push(payload, 0)
	s.put(0, "k", "w")
	if got := s.get(0, "k"); got != "w" {
		t.Errorf("got %q, want what was written last", got)
	}
}

// An entry from too far in the future is refused, and everything else of the
// session is not: the other side comes to know all that this one knew.
func TestEntryFromTheFutureBlocksNothingElse(t *testing.T) {
	for first := range 2 {
		s := newStage(t, still(), 2)
		s.actors[1].skew = time.Hour
		s.put(1, "future", "v")
		s.actors[1].skew = 0
		s.put(0, "k", "v")
		s.put(0, "future", "past")
		s.meet(first, 1-first)
		if s.actors[0].count(EventRefused, RefusedClock) == 0 || s.actors[first].count(EventSessionBroken, BrokenIncomplete) != 1 {
			t.Error("nothing was refused, or nobody says so")
		}
		if s.get(1, "k") != "v" || s.actors[1].node.known.Get(s.actors[0].node.actor) != 2 {
			t.Error("the one who refused nothing does not know what it got")
		}
		if s.actors[0].node.known.Get(s.actors[1].node.actor) != 0 {
			t.Error("who refused something claims to know it")
		}
	}
}

// The name of an own event is not used again when nothing is left of the event.
func TestNamesAreNotUsedAgain(t *testing.T) {
	s := newStage(t, still(), 1)
	a := s.actors[0]
	s.put(0, "k", "v")
	s.remove(0, "k")
	s.pass(10 * time.Second) // which forgets the deletion, and syncs
	if len(a.disk.undo) > 0 || a.node.tombstones > 0 {
		t.Fatal("the deletion was not forgotten")
	}
	s.crash(0, 0)
	s.put(0, "l", "v")
	if got := a.node.known.Get(a.node.actor); got != 3 {
		t.Errorf("the third event was named %d", got)
	}
}

// A node that was away, and has what was deleted and forgotten, is told in one
// session, whoever begins it; what it changed meanwhile stays.
func TestReturnAfterTheTombstonesLife(t *testing.T) {
	for first := range 2 {
		s := newStage(t, still(), 2)
		s.put(0, "deleted", "v")
		s.put(0, "changed", "v")
		s.meet(0, 1)
		s.remove(0, "deleted")
		s.remove(0, "changed")
		s.pass(10 * time.Second)
		if s.actors[0].node.tombstones > 0 {
			t.Fatal("the deletions were not forgotten")
		}
		s.put(1, "changed", "w")
		s.meet(first, 1-first)
		for i := range s.actors {
			if got := s.get(i, "deleted"); got != "" {
				t.Errorf("began by %d: node %d has %q again", first, i, got)
			}
			if got := s.get(i, "changed"); got != "w" {
				t.Errorf("began by %d: node %d has %q, want what was written meanwhile", first, i, got)
			}
		}
		if s.actors[0].node.Root() != s.actors[1].node.Root() {
			t.Errorf("began by %d: they differ", first)
		}
	}
}
