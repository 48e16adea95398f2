package plumtree

import (
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/quantity"
)

// lazily makes the link to a peer lazy: after quick's graft_retry nothing is claimed back.
func (b *bench) lazily(peer protocol.NodeID) {
	b.run(b.node.cfg().GraftRetry.Std())
	b.hear(peer, &Prune{})
	b.want(peer, "")
}

// The side that grafts changes its own link at once, before any answer
// (mistake 6 of several implementations).
func TestAGraftChangesTheOwnSideAtOnce(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.lazily(2)
	b.hear(2, have(1, 3))
	b.runUntilSent(2 * b.node.cfg().GraftTimeout.Std())
	b.want(2, "graft ")
	b.hear(1, message(2, 1)) // another one
	b.want(2, "gossip ")
}

func TestAGraftOfAPrunedLinkIsObeyed(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.lazily(2)
	b.hear(2, &Graft{ID: idOf(9)})
	b.hear(1, message(2, 1))
	b.want(2, "gossip ")
}

func TestAnAnsweredGraftCountsTheHop(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 4))
	b.hear(2, &Graft{ID: idOf(0), Wanted: true})
	b.want(2, "gossip ")
	if m := b.sent[0].m.(*Gossip).Message; m.Hops != 5 || m.From != 0 || m.ID != idOf(0) {
		t.Errorf("got %+v, want 5 hops", m)
	}
}

// Whoever is no peer leaves no trace, whatever it sends: not by payloads, not by
// duplicates, not by shorter paths.
func TestPayloadsOfStrangersLeaveNoTrace(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 1
	b := newBench(t, c, 2)
	for i := range uint64(50) {
		stranger := protocol.NodeID(1000 + i)
		b.hear(stranger, message(i, 1))     // first
		b.hear(1, message(i, 1))            // the peer's is the second
		b.hear(stranger+100, message(i, 1)) // and that of another stranger
		b.hear(stranger, have(1000+i, 1))   // a shorter path over no link
		b.hear(1, message(1000+i, 9))
		b.want(stranger, "")
	}
	for _, tree := range b.node.trees {
		if len(tree.lazy)+len(tree.useful) > 4 {
			t.Errorf("got %d lazy and %d useful peers, with two links", len(tree.lazy), len(tree.useful))
		}
	}
	if len(b.node.Eager(99)) != 2 {
		t.Errorf("got eager peers %v: a stranger's payload pruned a link", b.node.Eager(99))
	}
}

// What came back to the origin was superfluous on that link.
func TestAnOwnMessageThatComesBackPrunes(t *testing.T) {
	b := newBench(t, quick(), 3)
	id, err := b.node.Broadcast(b, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	b.hear(2, &Gossip{broadcast.Message{ID: id, Hops: 2, Payload: []byte("x")}})
	b.want(2, "prune ")
}

// The link by which it came first is gone: what is left must not be pruned.
func TestTheSecondLinkIsKeptIfTheFirstIsGone(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.link(1, false)
	b.hear(2, message(0, 1))
	b.want(2, "")
}

// A link that was just pruned is no branch again because of what was on its way.
func TestAMessageOnItsWayDoesNotUndoAPrune(t *testing.T) {
	b := newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.hear(2, message(0, 1))
	b.want(2, "prune ")
	b.hear(2, message(1, 1))
	b.hear(1, message(2, 1))
	b.want(2, "ihave ")
}

// Useful is what was so the last time, not the first.
func TestALinkStaysUsefulAsLongAsMessagesCome(t *testing.T) {
	c := quick()
	b := newBench(t, c, 3)
	for i := range uint64(5) {
		b.run(c.GraftRetry.Std() / 2)
		b.hear(1, message(i, 1))
	}
	b.hear(1, &Prune{})
	b.want(1, "graft ")
}

// A link that is claimed back stays a branch on both sides, of its own tree.
func TestAClaimIsForTheTreeThatWasPruned(t *testing.T) {
	c := quick()
	c.Trees = "per_root"
	b := newBench(t, c, 3)
	b.hear(1, message(0, 1))
	b.hear(1, &Prune{Root: 99})
	b.want(1, "graft ")
	if g := b.sent[0].m.(*Graft); g.ID.Origin != 99 || g.Wanted {
		t.Errorf("got %+v, want a graft of the tree of 99", g)
	}
	if len(b.node.Eager(99)) != 3 {
		t.Errorf("got eager peers %v", b.node.Eager(99))
	}
	b = newBench(t, quick(), 3)
	b.hear(1, message(0, 1))
	b.hear(1, &Prune{})
	b.hear(2, message(1, 1))
	b.want(1, "gossip ")
}

// A link that went down comes back as a branch, without what waited for it.
func TestALinkThatComesBackBeginsAfresh(t *testing.T) {
	c := Default()
	c.AnnounceRecent = 0
	b := newBench(t, c, 3)
	b.lazily(2)
	b.hear(1, message(0, 1)) // an announcement waits for 2
	b.link(2, false)
	b.run(time.Minute)
	b.want(2, "")
	b.link(2, true)
	b.hear(1, message(1, 1))
	b.want(2, "gossip ")
	b.hear(2, message(2, 1)) // useful
	b.link(2, false)
	b.link(2, true)
	b.hear(2, &Prune{})
	b.want(2, "") // nothing came by the new link
}

func TestAShorterPathIsTheShortestOverALink(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 2
	b := newBench(t, c, 4)
	b.lazily(2)
	b.lazily(3)
	b.hear(3, have(1, 2))
	b.hear(2, have(1, 1))
	b.hear(4, have(1, 3))
	b.hear(77, have(1, 0)) // a stranger
	b.hear(1, message(1, 5))
	b.want(2, "ihave graft ")
	b.want(3, "ihave ")
	b.want(77, "")
	b.want(1, "prune ")
	for _, l := range b.sent {
		if g, ok := l.m.(*Graft); ok && g.Wanted {
			t.Error("asked for a payload that is there")
		}
	}
	b.hear(4, message(2, 1)) // the new branch is one on this side too
	b.want(2, "gossip ")
	b.want(1, "ihave ")
}

// The sender of the payload announced it too (it pruned us and was asked): its own
// announcement is no better path.
func TestTheSendersOwnAnnouncementIsNoShorterPath(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 1
	b := newBench(t, c, 3)
	b.hear(1, have(1, 1))
	b.hear(1, message(1, 5))
	b.want(1, "")
}

// The latest announcement of a peer counts.
func TestALaterAnnouncementReplacesTheHops(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 3
	b := newBench(t, c, 3)
	b.hear(2, have(1, 1))
	b.hear(2, have(1, 5))
	b.hear(1, message(1, 5))
	b.want(1, "")
}

// A branch that was asked in vain waits for its next turn like any other.
func TestABranchThatWasAskedInVainIsNotAskedAgainFirst(t *testing.T) {
	c := quick()
	c.GraftTries = 2
	b := newBench(t, c, 3)
	b.lazily(2)
	b.hear(2, have(1, 1))
	b.hear(3, have(1, 1))
	b.runUntilSent(2 * c.GraftTimeout.Std())
	b.want(3, "graft ")
	b.runUntilSent(2 * c.GraftRetry.Std())
	b.want(2, "graft ")
}

// Many nodes lose a branch at once: they do not ask at once.
func TestTimer1IsSpread(t *testing.T) {
	c := quick()
	b := newBench(t, c, 3)
	for i := range uint64(50) {
		b.hear(1, have(i, 1))
	}
	first, last := b.timers[0].at, b.timers[0].at
	for _, p := range b.timers {
		first, last = min(first, p.at), max(last, p.at)
	}
	if wait := c.GraftTimeout.Std(); last.Sub(first) < wait*3/4 || first < b.now.Add(wait/2) || last >= b.now.Add(wait*3/2) {
		t.Errorf("timers from %v to %v", first.Sub(b.now), last.Sub(b.now))
	}
}

func TestAnnouncersAreBounded(t *testing.T) {
	b := newBench(t, quick(), 200)
	for peer := range protocol.NodeID(200) {
		b.hear(peer+1, have(0, 1))
	}
	if got := len(b.node.missing[0].announcers); got != maxAnnouncers {
		t.Errorf("got %d announcers, want %d", got, maxAnnouncers)
	}
}

// A full queue sheds its oldest announcements.
func TestTheOldestAnnouncementsAreShed(t *testing.T) {
	c := Default()
	c.LazyQueue = 2
	b := newBench(t, c, 2)
	b.lazily(2)
	for i := range uint64(4) {
		b.hear(1, message(i, 1))
	}
	b.run(c.LazyInterval.Std())
	b.want(2, "ihave ")
	if a := b.sent[0].m.(*IHave).Announcements; len(a) != 2 || a[0].ID != idOf(2) || a[1].ID != idOf(3) {
		t.Errorf("got %+v, want the last two", a)
	}
}

// A new peer is told of what it can be sent, with the hops it will have, as much as
// a datagram holds, and of nothing of its own.
func TestWhatANewPeerIsTold(t *testing.T) {
	c := quick()
	c.CacheAge = quantity.Duration(5 * time.Second) // less than announce_recent
	b := newBench(t, c, 1)
	b.hear(1, message(0, 1))
	b.run(6 * time.Second)
	b.sent = nil
	b.link(7, true)
	b.want(7, "") // it cannot be sent any more
	b.hear(1, message(1, 4))
	b.sent = nil
	b.link(99, true) // its origin
	b.want(99, "")
	b.link(8, true)
	b.want(8, "ihave ")
	if a := b.sent[0].m.(*IHave).Announcements; len(a) != 1 || a[0].Hops != 5 {
		t.Errorf("got %+v, want 5 hops", a)
	}
	for i := range uint64(1000) {
		b.hear(1, message(10+i, 1))
	}
	b.sent = nil
	b.link(9, true)
	b.want(9, "ihave ")
}

// Of trees, that goes which was not used for longest.
func TestTheTreeThatWasNotUsedForLongestIsDropped(t *testing.T) {
	c := quick()
	c.Trees = "per_root"
	c.MaxRoots = 2
	b := newBench(t, c, 3)
	for i, root := range []protocol.NodeID{101, 102, 101, 103} {
		b.run(time.Second)
		b.hear(1, &Gossip{broadcast.Message{ID: broadcast.ID{Origin: root, Number: uint64(i)}, Hops: 1}})
		b.hear(2, &Prune{Root: root})
	}
	for root, want := range map[protocol.NodeID]int{101: 2, 102: 3, 103: 2} {
		if got := len(b.node.Eager(root)); got != want {
			t.Errorf("tree of %d: got %d eager peers, want %d", root, got, want)
		}
	}
}

func TestAPayloadThatIsTooLargeIsRefused(t *testing.T) {
	b := newBench(t, quick(), 1)
	if _, err := b.node.Broadcast(b, make([]byte, MaxPayload)); err != nil {
		t.Error(err)
	}
	b.events = nil
	if _, err := b.node.Broadcast(b, make([]byte, MaxPayload+1)); err == nil || len(b.events) > 0 {
		t.Errorf("got error %v and events %v", err, b.events)
	}
}

func TestWhatDoesNotFitADatagramGoesOverAStream(t *testing.T) {
	c := quick()
	c.Transport = "datagram"
	b := newBench(t, c, 1)
	for size, stream := range map[int]bool{10: false, 5000: true} {
		b.sent = nil
		if _, err := b.node.Broadcast(b, make([]byte, size)); err != nil || len(b.sent) != 1 || b.sent[0].stream != stream {
			t.Errorf("%d bytes: got %d letters, error %v, want one, by stream %v", size, len(b.sent), err, stream)
		}
	}
}

func TestAMessageIsNotSentBack(t *testing.T) {
	b := newBench(t, quick(), 2)
	b.lazily(1)
	b.run(time.Minute)
	b.hear(1, message(0, 1))
	b.want(1, "")
	if strings.Join(b.got, "") != "a" {
		t.Errorf("got %q", b.got)
	}
}

// bare is a sampler that is no overlay: it knows 1 to its number.
type bare struct {
	view
	number int
}

func (s *bare) Neighbors() {} // not an overlay's

func (s *bare) Sample(_ protocol.Env, count int, skip func(protocol.NodeID) bool) (ids []protocol.NodeID) {
	for id := range s.number {
		if id := protocol.NodeID(id + 1); len(ids) < count && (skip == nil || !skip(id)) {
			ids = append(ids, id)
		}
	}
	return ids
}

func newBareBench(t *testing.T, c Config, number int) *bench {
	b := &bench{t: t, links: &view{}, rand: protocol.NewRand(1), now: protocol.Time(time.Hour)}
	p, err := newBuilder(&c)([]protocol.Protocol{&bare{number: number}})
	if err != nil {
		t.Fatal(err)
	}
	b.node = p.(*Node)
	b.node.OnDeliver(func(_ protocol.Env, m broadcast.Message) { b.got = append(b.got, string(m.Payload)) })
	b.node.Start(b)
	return b
}

// Over a bare sampler whoever sends anything as to a peer is one, and a stream that
// breaks ends the link.
func TestLinksOverABareSampler(t *testing.T) {
	c := quick()
	c.Fanout = 1
	b := newBareBench(t, c, 2)
	b.want(1, "graft ") // greeted
	b.hear(50, have(1, 1))
	b.hear(51, message(2, 1))
	b.hear(52, &Graft{ID: idOf(2)})
	b.hear(53, &Prune{}) // takes a link out, makes none
	b.hear(1, message(3, 1))
	for peer, want := range map[protocol.NodeID]string{50: "gossip ", 51: "gossip ", 52: "gossip ", 53: ""} {
		b.want(peer, want)
	}
	b.node.StreamBroken(b, 1)
	if eager := b.node.Eager(99); len(eager) != 4 || eager[0] != 2 {
		t.Errorf("got %v, want 2 in the place of 1, and 50, 51, 52", eager)
	}
}

// Duplicates of strangers are told to stop, and that is all.
func TestDuplicatesOfStrangersLeaveNoTrace(t *testing.T) {
	b := newBench(t, quick(), 2)
	b.hear(1, message(0, 1))
	for id := range protocol.NodeID(100) {
		b.hear(1000+id, message(0, 1))
		b.want(1000+id, "prune ")
	}
	if got := len(b.node.trees[0].lazy); got != 0 {
		t.Errorf("got %d lazy peers, want none", got)
	}
}

// A late answer of the new branch does not prune it, though the old one became a
// branch again meanwhile.
func TestALateAnswerDoesNotPruneTheNewBranchBesideTheOld(t *testing.T) {
	c := quick()
	c.OptimiseThreshold = 1
	b := newBench(t, c, 3)
	b.hear(2, have(1, 1))
	b.runUntilSent(2 * c.GraftTimeout.Std())
	b.hear(1, message(1, 2))
	b.want(1, "prune ")
	b.hear(1, &Graft{ID: idOf(1)})
	b.hear(2, message(1, 1))
	b.want(2, "")
}

// Over datagrams everybody is told once more of a message, over streams nobody.
func TestDatagramsAreAnnouncedAgain(t *testing.T) {
	for _, transport := range []string{"stream", "datagram"} {
		c := Default()
		c.Transport = transport
		b := newBench(t, c, 3)
		b.lazily(3)
		b.run(time.Minute)
		b.hear(1, message(1, 1))
		b.want(2, "gossip ")
		b.run(time.Second / 2) // past lazy_interval
		b.want(3, "ihave ")
		b.run(time.Second)
		again := map[string]string{"stream": "", "datagram": "ihave "}[transport]
		b.want(1, "") // it came from there
		b.want(2, again)
		b.want(3, again)
		b.run(time.Minute)
		b.want(2, "")
	}
}
