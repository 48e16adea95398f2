package plumtree

import (
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/quantity"
)

// Plumtree section 3.4: at first all links are branches; a payload goes to all
// of them but the one it came from.
func TestAFirstPayloadIsPushedToAllOthers(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.want(1, "")
	b.want(2, "gossip ")
	b.want(3, "gossip ")
	if g := b.sent[0].m.(*Gossip); g.Message.Hops != 2 || !b.sent[0].stream {
		t.Errorf("got %d hops, by stream %v, want 2 by stream", g.Message.Hops, b.sent[0].stream)
	}
	if strings.Join(b.got, "") != "a" {
		t.Errorf("the application got %q", b.got)
	}
}

// The side that prunes changes its own link at once (mistake 6 of several
// implementations): the next message goes there as an announcement.
func TestASecondPayloadPrunesBothSides(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.hear(2, message(0, 4))
	b.want(2, "prune ")
	b.hear(1, message(1, 1))
	b.want(2, "ihave ")
	b.want(3, "gossip ")
	b.hear(3, &Prune{}) // the other side's
	b.want(3, "")
	b.hear(1, message(2, 1))
	b.want(3, "ihave ")
	if len(b.got) != 3 {
		t.Errorf("the application got %q, want each message once", b.got)
	}
}

// A second copy over the same link was made by the network, or answers a
// repeated GRAFT: pruning would cut the branch that works.
func TestACopyFromTheSamePeerDoesNotPrune(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.hear(1, message(0, 1))
	b.want(1, "")
	if b.emitted(EventDuplicate) != 1 {
		t.Error("the duplicate was not reported")
	}
	if eager := b.node.Eager(99); len(eager) != 3 {
		t.Errorf("got eager peers %v, want all three", eager)
	}
}

// Two messages on their way at once come first by different links. Were both
// pruned, nothing would come until the time of an announcement is over.
func TestMessagesThatOvertakeEachOtherLeaveABranch(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.hear(2, message(1, 1))
	b.hear(2, message(0, 1)) // came first from 1
	b.want(2, "prune ")
	b.hear(1, message(1, 1)) // came first from 2, which was pruned
	b.want(1, "")
	b.run(time.Minute)
	b.hear(2, message(2, 1)) // long after: it pushes, whatever it was told
	b.hear(1, message(2, 1))
	b.want(1, "prune ")
}

// The other side finds the link superfluous, by which a message came first just
// now: of a circle another link may have been pruned at the same time.
func TestAUsefulLinkIsClaimedBack(t *testing.T) {
	c := quick()
	b := newBench(t, c, 3)
	b.hear(1, message(0, 1))
	b.hear(1, &Prune{})
	b.want(1, "graft ")
	if g := b.sent[0].m.(*Graft); g.Wanted || len(b.node.Eager(99)) != 3 {
		t.Errorf("got %+v and eager peers %v", g, b.node.Eager(99))
	}
	b.run(c.GraftRetry.Std())
	b.hear(1, &Prune{})
	b.want(1, "")
	if len(b.node.Eager(99)) != 2 {
		t.Errorf("got eager peers %v, want two", b.node.Eager(99))
	}
}

// A branch is asked before a link that is none.
func TestABranchIsAskedFirst(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.hear(2, message(0, 1)) // prunes 2
	b.hear(2, have(1, 1))
	b.hear(3, have(1, 1))
	b.runUntilSent(time.Minute)
	b.want(2, "")
	b.want(3, "graft ")
}

func TestAnAnnouncedMessageThatDoesNotComeIsAskedFor(t *testing.T) {
	c := quick()
	b := newBench(t, c, 3)
	b.hear(1, message(0, 1))
	b.hear(2, message(0, 1)) // prunes 2
	b.hear(2, have(1, 3))
	b.want(2, "")
	b.run(c.GraftTimeout.Std()/2 - 1)
	b.want(2, "")
	b.runUntilSent(c.GraftTimeout.Std())
	b.want(2, "graft ")
	if g := b.sent[0].m.(*Graft); !g.Wanted || g.ID != idOf(1) {
		t.Errorf("got %+v", g)
	}
	b.hear(2, message(1, 3))
	b.hear(1, message(2, 1))
	b.want(2, "gossip ") // the link is a branch again
	b.run(time.Minute)
	if b.emitted(EventGraft) != 1 {
		t.Error("asked again for what had come")
	}
}

// Announcers are asked by turns, each graft_tries times; then the message is
// given up, and a new announcement begins all over (mistake 8: a flag that is
// never cleared blocks every retry).
func TestAnnouncersAreAskedByTurnsAndAgainLater(t *testing.T) {
	c := quick()
	c.GraftTries = 2
	b := newBench(t, c, 3)
	b.hear(2, have(1, 3))
	b.hear(3, have(1, 3))
	b.hear(3, have(1, 3))
	order := func() string {
		text := ""
		for _, l := range b.sent {
			if l.m.Kind() == kindGraft {
				text += string('0' + rune(l.to))
			}
		}
		return text
	}
	b.run(time.Minute)
	if got := order(); got != "2323" {
		t.Errorf("asked %q, want 2323", got)
	}
	if b.emitted(EventGiveUp) != 1 || b.node.missing != nil {
		t.Error("not given up")
	}
	b.hear(2, have(1, 3))
	b.runUntilSent(2 * c.GraftTimeout.Std())
	b.want(2, "graft ")
}

func TestAGoneAnnouncerIsNotAsked(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(2, have(1, 3))
	b.hear(3, have(1, 3))
	b.link(2, false)
	b.runUntilSent(2 * quick().GraftTimeout.Std())
	b.want(2, "")
	b.want(3, "graft ")
}

func TestAGraftIsAnsweredFromTheCache(t *testing.T) {
	c := quick()
	c.CacheAge = quantity.Duration(time.Second)
	b := newBench(t, c, 3)
	b.hear(1, message(0, 1))
	b.hear(2, &Prune{})
	b.hear(2, &Graft{ID: idOf(0), Wanted: true})
	b.want(2, "gossip ")
	b.hear(2, &Graft{ID: idOf(0)})
	b.want(2, "")
	b.hear(2, &Graft{ID: idOf(7), Wanted: true})
	b.want(2, "")
	b.run(2 * time.Second)
	b.hear(2, &Graft{ID: idOf(0), Wanted: true})
	b.want(2, "") // its time was over
}

// Plumtree section 3.8.
func TestAShorterPathReplacesTheBranch(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 7
	for _, hops := range []uint32{9, 8} { // against 2 that are announced
		b := newBench(t, c, 3)
		b.hear(2, have(1, 2))
		b.hear(1, message(1, hops))
		switch {
		case hops == 9:
			b.want(1, "prune ")
			b.want(2, "gossip graft ")
		default:
			b.want(1, "")
		}
	}
}

// The announcer of the shorter path was asked for the payload already when that
// came from elsewhere. Its answer must not prune the path that was just taken.
func TestALateAnswerDoesNotPruneTheNewBranch(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 1
	b := newBench(t, c, 3)
	b.hear(2, have(1, 1))
	b.runUntilSent(2 * c.GraftTimeout.Std())
	b.want(2, "graft ")
	b.hear(1, message(1, 2))
	b.want(1, "prune ")
	b.hear(2, message(1, 1))
	b.want(2, "")
}

func TestAnnouncementsAreGatheredAndFitADatagram(t *testing.T) {
	c := Default()
	c.Transport = "datagram"
	c.LazyQueue = 150
	b := newBench(t, c, 2)
	b.hear(2, &Prune{})
	for i := range uint64(200) {
		b.hear(1, message(i, 1))
		b.want(2, "")
	}
	b.run(c.LazyInterval.Std())
	total := 0
	for _, l := range b.sent {
		m := l.m.(*IHave)
		if total += len(m.Announcements); m.Size() > b.MaxDatagram() || l.stream {
			t.Errorf("an ihave of %d bytes, by stream %v", m.Size(), l.stream)
		}
	}
	if total != 150 || b.emitted(EventShed) != 50 {
		t.Errorf("got %d announcements and %d shed, want 150 and 50", total, b.emitted(EventShed))
	}
	if b.timers = nil; b.node.queues != nil || b.node.flushing {
		t.Error("something still waits")
	}
}

// What was broadcast while a node had no links would pass it by.
func TestANewPeerIsToldOfRecentMessages(t *testing.T) {
	b := newBench(t, quick(), 2)
	b.hear(1, message(0, 1))
	b.run(time.Minute)
	b.hear(1, message(1, 1))
	b.sent = nil
	b.link(7, true)
	b.want(7, "ihave ")
	if m := b.sent[0].m.(*IHave); len(m.Announcements) != 1 || m.Announcements[0].ID != idOf(1) {
		t.Errorf("got %+v, want the recent message only", m)
	}
}

// One tree for each origin: pruning one leaves the others alone, and their
// number is bounded.
func TestTreesPerRoot(t *testing.T) {
	c := quick()
	c.Trees = "per_root"
	c.MaxRoots = 2
	b := newBench(t, c, 3)
	b.hear(1, message(0, 1))
	b.hear(2, &Prune{Root: 99})
	if got := len(b.node.Eager(99)); got != 2 {
		t.Errorf("got %d eager peers for the pruned tree, want 2", got)
	}
	if got := len(b.node.Eager(98)); got != 3 {
		t.Errorf("got %d eager peers for another tree, want 3", got)
	}
	b.hear(2, &Prune{}) // of a shared tree, which there is not
	for root := range protocol.NodeID(50) {
		b.now++
		b.hear(1, &Gossip{broadcast.Message{ID: broadcast.ID{Origin: root + 100}, Hops: 1}})
	}
	if len(b.node.trees) != 2 {
		t.Errorf("got %d trees, want 2", len(b.node.trees))
	}
}

// Hostile senders that are no peers leave no trace in the trees.
func TestStrangersLeaveNoTrace(t *testing.T) {
	b := newBench(t, quick(), 2)
	for id := range protocol.NodeID(1000) {
		b.hear(1000+id, &Prune{})
		b.hear(1000+id, &Graft{ID: idOf(0)})
	}
	if len(b.node.trees) != 0 {
		t.Errorf("got %+v", b.node.trees)
	}
}

func TestMissingMessagesAreBounded(t *testing.T) {
	c := quick()
	c.MissingCount = 10
	b := newBench(t, c, 5)
	for i := range uint64(1000) {
		b.hear(protocol.NodeID(1+i%5), have(i, 1))
	}
	if len(b.node.missing) != 10 || len(b.timers) != 10 {
		t.Errorf("got %d messages and %d timers, want 10", len(b.node.missing), len(b.timers))
	}
	b.run(time.Minute)
	if len(b.node.missing) != 0 {
		t.Errorf("got %d messages after a minute, want none", len(b.node.missing))
	}
}

// A late announcement never brings back what was forgotten.
func TestForgottenMessagesStayForgotten(t *testing.T) {
	c := quick()
	c.CacheAge, c.HistoryAge = quantity.Duration(time.Second), quantity.Duration(time.Second)
	b := newBench(t, c, 2)
	b.hear(1, message(0, 1))
	b.run(time.Minute)
	b.hear(1, message(1, 1)) // expires the first
	if b.node.history.Len() != 1 {
		t.Fatalf("got a history of %d, want 1", b.node.history.Len())
	}
	b.hear(2, have(0, 1))
	b.hear(2, message(0, 1))
	if b.run(time.Minute); len(b.got) != 2 || b.emitted(EventGraft) != 0 {
		t.Errorf("the application got %q, with %d grafts", b.got, b.emitted(EventGraft))
	}
}

func TestMaxHopsEndsThePush(t *testing.T) {
	c := quick()
	c.MaxHops = 3
	b := newBench(t, c, 2)
	b.hear(1, message(0, 2))
	b.want(2, "gossip ")
	b.hear(1, message(1, 3))
	b.want(2, "")
}

func TestConfigIsChecked(t *testing.T) {
	for key, spoil := range map[string]func(*Config){
		"trees":         func(c *Config) { c.Trees = "two" },
		"transport":     func(c *Config) { c.Transport = "pigeon" },
		"fanout":        func(c *Config) { c.Fanout = 0 },
		"graft_timeout": func(c *Config) { c.GraftTimeout = 0 },
		"history_age":   func(c *Config) { c.HistoryAge = 1 },
		"history_count": func(c *Config) { c.HistoryCount = 1 },
	} {
		c := Default()
		spoil(&c)
		if err := c.Check(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: got %v", key, err)
		}
	}
	if err := Spec().Check(Spec().NewConfig()); err != nil {
		t.Error(err)
	}
}
