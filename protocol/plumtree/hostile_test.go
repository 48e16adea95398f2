package plumtree

import (
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/quantity"
)

// What Decode returns does not refer to its input (protocol.Decoders.Decode).
func TestADecodedPayloadIsItsOwn(t *testing.T) {
	frame := protocol.AppendFrame(nil, message(0, 1))
	m, err := protocol.Decoders{kindGossip: decodeGossip}.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if got := string(m.(*Gossip).Message.Payload); got != "a" {
		t.Errorf("got payload %q, want a", got)
	}
}

// What a node sends, its peers can read, whatever it was sent.
func TestHopsThatAreReceivedCanBePassedOn(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(3, &Prune{})
	b.hear(1, message(0, maxHops))
	b.link(7, true)
	b.node.Receive(b, 2, &Graft{ID: idOf(0), Wanted: true})
	for _, l := range b.sent {
		var err error
		switch l.m.(type) {
		case *Gossip:
			_, err = decodeGossip(l.m.Append(nil))
		case *IHave:
			_, err = decodeIHave(l.m.Append(nil))
		}
		if err != nil {
			t.Errorf("to %d: %v", l.to, err)
		}
	}
}

// A message with the highest number does not silence its origin.
func TestANumberOfTheFutureDoesNotSilenceItsOrigin(t *testing.T) {
	c := quick()
	c.HistoryAge, c.CacheAge = quantity.Duration(time.Minute), quantity.Duration(time.Minute)
	b := newBench(t, c, 2)
	b.hear(1, &Gossip{broadcast.Message{ID: broadcast.ID{Origin: 99, Number: 1<<64 - 1}, Hops: 3}})
	b.run(2 * time.Minute)
	b.hear(1, &Gossip{broadcast.Message{ID: broadcast.ID{Origin: 98}, Hops: 3}}) // drops it
	b.run(17 * time.Minute)                                                      // long after it no longer counts
	b.got = nil
	b.hear(1, message(0, 1))
	b.hear(1, message(1, 1))
	if len(b.got) != 2 {
		t.Errorf("got %q, want both honest messages", b.got)
	}
}

// OnDeliver: messages of somebody else. After a restart one's own may come back.
func TestAnOwnMessageOfAnEarlierLifeIsNotDelivered(t *testing.T) {
	b := newBench(t, quick(), 2)
	id := broadcast.ID{Origin: self, Number: 5}
	b.hear(1, &Gossip{broadcast.Message{ID: id, Hops: 3, Payload: []byte("x")}})
	b.hear(1, &IHave{[]Announcement{{ID: broadcast.ID{Origin: self, Number: 6}, Hops: 3}}})
	if len(b.got) != 0 || len(b.node.missing) != 0 {
		t.Errorf("delivered %q, waits for %d of its own", b.got, len(b.node.missing))
	}
}

// One sender's announcements of what never comes do not displace everybody's.
func TestOneAnnouncerDoesNotFillTheMissing(t *testing.T) {
	for _, from := range []protocol.NodeID{12345, 3} { // a stranger, a peer
		b := newBench(t, quick(), 3)
		m := &IHave{}
		for i := range uint64(5000) {
			m.Announcements = append(m.Announcements, Announcement{ID: broadcast.ID{Origin: 666, Number: i}, Hops: 1})
		}
		b.hear(from, m)
		b.hear(2, have(1, 1))
		asked := false
		for range 100 {
			b.run(100 * time.Millisecond)
			asked = asked || strings.Contains(b.to(2), "graft")
		}
		if !asked {
			t.Errorf("%d announced 5000: the honest announcement was dropped", from)
		}
	}
}

// The payload goes to whoever has a link, not as often as a stranger wants.
func TestStrangersAreNotSentPayloads(t *testing.T) {
	b := newBench(t, quick(), 2)
	b.hear(1, message(0, 1))
	b.hear(4242, &Graft{ID: idOf(0), Wanted: true})
	b.want(4242, "")
}

// The tree of one's own messages is in use as long as one broadcasts.
func TestTheOwnTreeIsUsedByBroadcasting(t *testing.T) {
	c := quick()
	c.Trees, c.MaxRoots = "per_root", 2
	b := newBench(t, c, 3)
	b.hear(2, &Prune{Root: self})
	for i := range uint64(4) {
		for _, origin := range []protocol.NodeID{100, 101} {
			b.run(time.Second)
			if _, err := b.node.Broadcast(b, nil); err != nil {
				t.Fatal(err)
			}
			b.want(2, "ihave ")
			b.hear(1, &Gossip{broadcast.Message{ID: broadcast.ID{Origin: origin, Number: i}, Hops: 1}})
		}
	}
}

// Prunes of made-up roots do not make a flood of everybody's tree.
func TestMadeUpRootsDoNotDisplaceTrees(t *testing.T) {
	c := quick()
	c.Trees = "per_root"
	b := newBench(t, c, 3)
	b.hear(1, message(0, 1))
	b.hear(2, message(0, 1))
	for i := range protocol.NodeID(1000) {
		b.now++
		b.hear(3, &Prune{Root: 5000 + i})
	}
	if got := len(b.node.Eager(99)); got != 2 {
		t.Errorf("got %d eager peers, want 2", got)
	}
}

// max_hops ends what is announced and answered, too.
func TestMaxHopsEndsAllWays(t *testing.T) {
	c := quick()
	c.MaxHops = 3
	b := newBench(t, c, 1)
	b.hear(1, message(0, 3))
	b.link(2, true)
	b.want(2, "")
	b.hear(2, &Graft{ID: idOf(0), Wanted: true})
	b.want(2, "")
}

// What was broadcast without any link is told to the first one, as long as it is kept.
func TestABroadcastWithoutLinksIsAnnouncedLater(t *testing.T) {
	b := newBench(t, quick(), 0)
	if _, err := b.node.Broadcast(b, []byte("x")); err != nil {
		t.Fatal(err)
	}
	b.run(30 * time.Second) // more than announce_recent, less than cache_age
	b.link(1, true)
	b.want(1, "ihave ")
}

// Who sends GRAFT changes its own side at once: also who claims a link back.
func TestAClaimChangesTheOwnSide(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(2, message(0, 1)) // useful
	b.hear(1, message(1, 1))
	b.hear(2, message(1, 1)) // prunes 2
	b.hear(2, &Prune{})      // crosses
	if graft, eager := b.to(2) != "", len(b.node.Eager(99)) == 3; graft != eager {
		t.Errorf("to 2: %q, eager peers %v: the sides differ", b.to(2), b.node.Eager(99))
	}
	if b.emitted(EventGraft) == 0 && b.to(2) != "" {
		t.Error("a GRAFT was sent that no event tells of")
	}
}

// A peer that asks for one message over and over is not sent it each time; who
// asks as an honest node does, is.
func TestRepeatedGraftsAreNotAnsweredEachTime(t *testing.T) {
	c := quick()
	b := newBench(t, c, 4)
	b.hear(1, message(0, 1))
	answers := func(peer protocol.NodeID, every, during time.Duration) (n int) {
		for range during / every {
			b.run(every)
			b.hear(peer, &Graft{ID: idOf(0), Wanted: true})
			n += strings.Count(b.to(peer), "gossip")
		}
		return n
	}
	if got := answers(3, c.GraftRetry.Std(), time.Duration(c.GraftTries)*c.GraftRetry.Std()); got != c.GraftTries {
		t.Errorf("asked %d times as by an honest node: %d answers", c.GraftTries, got)
	}
	if got := answers(2, 10*time.Millisecond, 50*time.Second); got < 3 || got > 10 {
		t.Errorf("5000 times asked in 50 s: %d answers, want at most 10", got)
	}
	b.hear(1, message(1, 1))
	b.hear(2, &Graft{ID: idOf(1), Wanted: true})
	b.want(2, "gossip ") // another message
}
