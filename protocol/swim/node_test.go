package swim

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/quantity"
)

// Whatever is said in whatever order, and however often, those who heard it all
// believe the same (of members that they know).
func TestNewsInAnyOrderGiveOneView(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := quiet()
		c.RefutationGrace = quantity.Share{}
		var all []Update
		for range rapid.IntRange(1, 12).Draw(rt, "news") {
			m := membertable.Member{
				ID:          protocol.NodeID(rapid.IntRange(1, 3).Draw(rt, "member")),
				Incarnation: rapid.Uint32Max(2).Draw(rt, "incarnation"),
				Status:      membertable.Status(rapid.IntRange(1, 4).Draw(rt, "status")),
				Metadata:    rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "metadata"),
			}
			all = append(all, news(m, protocol.NodeID(rapid.IntRange(1, 3).Draw(rt, "accuser"))))
		}
		a, b := newBench(t, c, 3), newBench(t, c, 3)
		a.hear(1, &Gossip{Updates: all})
		for _, u := range rapid.Permutation(all).Draw(rt, "order") {
			b.hear(2, &Gossip{Updates: []Update{u}})
			if rapid.Bool().Draw(rt, "twice") {
				b.hear(3, &Gossip{Updates: []Update{u}})
			}
		}
		for id := range protocol.NodeID(4) {
			x, _ := a.node.Table().Get(id)
			y, _ := b.node.Table().Get(id)
			if x.Status != membertable.Alive {
				x.Metadata, y.Metadata = "", "" // of the last word that it was alive
			}
			if x != y {
				rt.Fatalf("member %d: one believes %+v, the other %+v", id, x, y)
			}
		}
	})
}

// Before a node's own suspicion ends it asks the member once more, and believes
// the answer.
func TestTheSuspectedHasALastWord(t *testing.T) {
	for _, answers := range []bool{true, false} {
		b := newBench(t, quiet(), 1) // with nobody to confirm, the shortest time-out
		b.hear(1, &Gossip{Updates: []Update{says(1, 0, membertable.Suspect, 1)}})
		timeout := suspicionMin(LAN().SuspicionMult, 2, quiet().ProbeInterval.Std())
		b.run(timeout - 501*time.Millisecond)
		if b.run(2 * time.Millisecond); len(b.toldOf(1, 1)) == 0 {
			t.Fatal("half a second before the end: the suspected was not asked")
		}
		if answers {
			b.hear(1, &Ack{Seq: 1, Updates: []Update{says(1, 1, membertable.Alive, 0)}})
		}
		b.run(498 * time.Millisecond)
		if !answers && b.status(1) != membertable.Suspect {
			t.Errorf("a millisecond before the end: %s, want suspect", b.status(1))
		}
		b.run(2 * time.Millisecond)
		want := membertable.Dead
		if answers {
			want = membertable.Alive
		}
		if got := b.status(1); got != want {
			t.Errorf("answered %v: got %s, want %s", answers, got, want)
		}
	}
}

// A suspicion whose end confirmations move into the past leaves time to answer.
func TestTheLastWordIsWaitedFor(t *testing.T) {
	b := newBench(t, quiet(), 50)
	b.hear(1, &Gossip{Updates: []Update{says(9, 0, membertable.Suspect, 1)}})
	b.run(suspicionMin(4, 51, quiet().ProbeInterval.Std()) + time.Minute)
	b.hear(2, &Gossip{Updates: []Update{says(9, 0, membertable.Suspect, 2), says(9, 0, membertable.Suspect, 3)}})
	b.run(499 * time.Millisecond)
	if len(b.toldOf(9, 9)) == 0 || b.status(9) != membertable.Suspect {
		t.Errorf("told %v, holds it for %s; want it asked and still suspected", b.toldOf(9, 9), b.status(9))
	}
	if b.run(2 * time.Millisecond); b.status(9) != membertable.Dead {
		t.Errorf("without an answer: got %s, want dead", b.status(9))
	}
}

// Somebody else's word of a death counts as an accusation first; after half of
// the shortest suspicion time-out it counts.
func TestAnothersWordOfADeathHasToWait(t *testing.T) {
	c := quiet()
	b := newBench(t, c, 50)
	grace := suspicionMin(4, 51, c.ProbeInterval.Std()) / 2
	b.hear(1, &Gossip{Updates: []Update{says(9, 0, membertable.Dead, 1)}})
	if got := b.status(9); got != membertable.Suspect {
		t.Errorf("at once: got %s, want suspect", got)
	}
	if b.run(grace - time.Millisecond); b.status(9) != membertable.Suspect {
		t.Errorf("just before the grace is over: got %s, want suspect", b.status(9))
	}
	if b.run(2 * time.Millisecond); b.status(9) != membertable.Dead {
		t.Errorf("after the grace: got %s, want dead", b.status(9))
	}
	// Suspected for longer than the grace: believed at once.
	b.hear(1, &Gossip{Updates: []Update{says(8, 0, membertable.Suspect, 1)}})
	b.run(grace)
	b.hear(2, &Gossip{Updates: []Update{says(8, 0, membertable.Dead, 1)}})
	if got := b.status(8); got != membertable.Dead {
		t.Errorf("suspected for as long as the grace: got %s, want dead", got)
	}
}

// Who says something wrong of a node is told, also if the node has refuted it
// long ago; who says nothing wrong is told nothing.
func TestWhoSpeaksWrongIsTold(t *testing.T) {
	b := newBench(t, quiet(), 3)
	b.hear(1, &Gossip{Updates: []Update{says(self, 4, membertable.Suspect, 2)}})
	if got := b.node.Incarnation(); got != 5 {
		t.Fatalf("accused with incarnation 4: refuted with %d, want 5", got)
	}
	b.run(time.Hour) // the refutation has been passed on as often as it should
	for _, m := range []protocol.Message{
		&Ping{Seq: 1, Updates: []Update{says(self, 4, membertable.Suspect, 2)}},
		&Ack{Seq: 1, Updates: []Update{says(self, 3, membertable.Dead, 2)}},
		&Gossip{Updates: []Update{says(self, 0, membertable.Left, 0)}},
	} {
		b.hear(3, m)
		told := b.toldOf(3, self)
		if len(told) != 1 || told[0].Member.Status != membertable.Alive || told[0].Member.Incarnation != 5 {
			t.Errorf("%T: told %v, want that it is alive with incarnation 5", m, told)
		}
	}
	for _, u := range []Update{says(self, 5, membertable.Alive, 0), says(self, 2, membertable.Alive, 0), says(2, 0, membertable.Alive, 0)} {
		if b.hear(3, &Gossip{Updates: []Update{u}}); len(b.sent) != 0 {
			t.Errorf("%v: sent %v, want nothing", u, b.sent)
		}
	}
}

// What an exchange says against a member is between the two and the member, at
// first; nobody dies of it without having been accused in public.
func TestAccusationsOfAnExchangeAreQuietAtFirst(t *testing.T) {
	c := quiet()
	b := newBench(t, c, 50)
	theirs := b.node.Table().With(membertable.Member{ID: 9, Status: membertable.Dead})
	b.hear(1, &PushPull{Table: theirs})
	if len(b.toldOf(9, 9)) != 1 || b.status(9) != membertable.Suspect {
		t.Fatalf("told %v, holds it for %s; want it told and suspected", b.toldOf(9, 9), b.status(9))
	}
	shortest := suspicionMin(4, 51, c.ProbeInterval.Std())
	public := func() (told int) {
		for to := range protocol.NodeID(51) {
			if to != 9 {
				told += len(b.toldOf(to, 9))
			}
		}
		return told
	}
	if b.run(shortest - time.Millisecond); public() != 0 {
		t.Errorf("before the shortest time-out is over: told others %d times, want nobody", public())
	}
	if b.run(time.Second); public() == 0 || b.status(9) != membertable.Suspect {
		t.Errorf("after it: told others %d times and holds it for %s; want it accused in public and suspected", public(), b.status(9))
	}
	b.run(7 * shortest)
	if b.status(9) != membertable.Dead {
		t.Errorf("at last: got %s, want dead", b.status(9))
	}
}

// An answer counts for a relayed probe only if it comes from the target.
func TestRelayTakesAnswersFromTheTargetOnly(t *testing.T) {
	b := newBench(t, quiet(), 5)
	b.hear(1, &PingReq{Seq: 77, Target: 2})
	ping, ok := b.sent[0].m.(*Ping)
	if !ok || b.sent[0].to != 2 {
		t.Fatalf("sent %v, want a ping to the target", b.sent)
	}
	if b.hear(3, &Ack{Seq: ping.Seq}); len(b.sent) != 0 {
		t.Errorf("an ack of another: sent %v, want nothing", b.sent)
	}
	b.hear(2, &Ack{Seq: ping.Seq})
	if len(b.sent) != 1 || b.sent[0].to != 1 || b.sent[0].m.(*Ack).Seq != 77 {
		t.Errorf("the target's ack: sent %v, want ack 77 to the origin", b.sent)
	}
}

// What protocols above rely on: samples are of others, different, not skipped,
// and everybody is drawn; there are never more than there are.
func TestSample(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		others := rapid.IntRange(0, 20).Draw(rt, "others")
		b := newBench(t, quiet(), others)
		goneFrom := protocol.NodeID(rapid.IntRange(1, 21).Draw(rt, "gone from"))
		skipped := protocol.NodeID(rapid.IntRange(1, 21).Draw(rt, "skipped"))
		available := 0
		for id := protocol.NodeID(1); id <= protocol.NodeID(others); id++ {
			if id >= goneFrom {
				b.hear(id, &Gossip{Updates: []Update{says(id, 0, membertable.Left, 0)}})
			} else if id != skipped {
				available++
			}
		}
		if got, want := b.node.Members(), min(others, int(goneFrom)-1)+1; got != want {
			rt.Fatalf("Members: got %d, want %d", got, want)
		}
		want := rapid.IntRange(0, 25).Draw(rt, "count")
		drawn := map[protocol.NodeID]bool{}
		for range 300 {
			seen := map[protocol.NodeID]bool{}
			for _, id := range b.node.Sample(b, want, func(id protocol.NodeID) bool { return id == skipped }) {
				if seen[id] || id == self || id == skipped || id >= goneFrom || id > protocol.NodeID(others) {
					rt.Fatalf("drew %d (twice: %v) of %d others without %d and those from %d", id, seen[id], others, skipped, goneFrom)
				}
				seen[id], drawn[id] = true, true
			}
			if len(seen) != min(want, available) {
				rt.Fatalf("drew %d, want %d of %d", len(seen), want, available)
			}
		}
		if want > 0 && len(drawn) != available {
			rt.Fatalf("in 300 samples of %d drew %d of %d", want, len(drawn), available)
		}
	})
}

// What OnChange tells adds up to the view, at every moment.
func TestOnChangeFollowsTheView(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := LAN()
		b := newBench(t, c, 6)
		here := map[protocol.NodeID]bool{self: true}
		for _, p := range b.seeds {
			here[p.ID] = true
		}
		b.node.OnChange(func(_ protocol.Env, id protocol.NodeID, now bool) {
			if here[id] == now {
				rt.Fatalf("member %d: told %v twice", id, now)
			}
			if present.Has(b.status(id)) != now {
				rt.Fatalf("member %d: told %v while the view says %s", id, now, b.status(id))
			}
			here[id] = now
		})
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			from := protocol.NodeID(rapid.IntRange(1, 9).Draw(rt, "from"))
			u := drawUpdate(rt)
			u.Member.ID = protocol.NodeID(rapid.IntRange(1, 9).Draw(rt, "member"))
			u.Member.Incarnation = rapid.Uint32Max(3).Draw(rt, "incarnation")
			if rapid.Bool().Draw(rt, "exchange") {
				b.hear(from, &PushPull{Table: membertable.New(nil).With(u.Member)})
			} else {
				b.hear(from, &Gossip{Updates: []Update{u}})
			}
			b.run(time.Duration(rapid.IntRange(0, 30).Draw(rt, "seconds")) * time.Second)
			for id := range protocol.NodeID(10) {
				if present.Has(b.status(id)) != here[id] {
					rt.Fatalf("member %d: told %v, the view says %s", id, here[id], b.status(id))
				}
			}
		}
	})
}

// When many come back at once, some piece of the news misses somebody; the next
// exchange of tables, which makes up for it, is then a matter of seconds. When
// few do, it comes in its own time.
func TestExchangesAreSoonAfterAStormOfNews(t *testing.T) {
	const members = 220
	returns := func(b *bench, some int) {
		var died, came []Update
		for id := range protocol.NodeID(some) {
			died = append(died, says(id+1, 1, membertable.Left, id+1))
			came = append(came, says(id+1, 2, membertable.Alive, 0))
		}
		b.hear(100, &Gossip{Updates: died})
		b.hear(100, &Gossip{Updates: came})
	}
	exchanges := func(b *bench, within time.Duration) (n int) {
		b.run(within)
		for _, l := range b.sent {
			if m, ok := l.m.(*PushPull); ok && !m.Reply {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		returned int
		soon     bool
	}{{manyOf(members) / 4, false}, {manyOf(members), true}, {20, true}} {
		config := quiet()
		config.PushPullInterval = LAN().PushPullInterval
		b := newBench(t, config, members-1)
		b.run(10 * time.Minute) // past the exchanges of a newcomer
		returns(b, c.returned)
		if got := exchanges(b, 4*config.PushPullStart.Std()); got > 0 != c.soon {
			t.Errorf("%d members came back: %d exchanges in the seconds after, want some: %v", c.returned, got, c.soon)
		}
	}
}
