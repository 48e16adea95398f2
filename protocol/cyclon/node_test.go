package cyclon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

func TestAShuffleGoesToTheOldestAndTakesItOut(t *testing.T) {
	b := knowing(t, small(), 1, 2, 3, 4, 5)
	to, m := b.shuffle()
	if to != 1 {
		t.Errorf("partner: got %v, want 1, the oldest", to)
	}
	b.wantView(2, 3, 4, 5)
	if len(m.Entries) != 3 || m.Entries[0] != (Entry{ID: self, Contact: "self's"}) {
		t.Errorf("offered: got %+v, want this node with age 0 and two more", m.Entries)
	}
	for _, e := range m.Entries[1:] {
		if i := b.node.view.find(e.ID); i < 0 || b.node.view[i].age != e.Age || e.Age != uint16(102-e.ID) {
			t.Errorf("offered %+v, want an entry of the view, a cycle older than before", e)
		}
	}
	if got := b.downs(CausePartner); !slices.Equal(got, []protocol.NodeID{1}) {
		t.Errorf("neighbor_down of the partner: got %v, want [1]", got)
	}
}

// Section 3.2: the answer's entries take free slots first, then those of the
// entries that were sent; what is known, and this node itself, is dropped.
func TestAnAnswerFillsFreeSlotsThenThoseThatWereSent(t *testing.T) {
	b := knowing(t, small(), 1, 2, 3, 4, 5)
	to, m := b.shuffle()
	offered := ids(m.Entries[1:])
	var kept []protocol.NodeID
	for _, id := range b.view() {
		if !slices.Contains(offered, id) {
			kept = append(kept, id)
		}
	}
	b.hear(to, &ShuffleReply{Seq: m.Seq, Entries: []Entry{{ID: self}, {ID: kept[0], Age: 9}, {ID: 7, Age: 7}}})
	b.wantView(2, 3, 4, 5, 7)
	b.hear(to, &ShuffleReply{Seq: m.Seq, Entries: []Entry{{ID: 8}}}) // sent twice
	b.wantView(2, 3, 4, 5, 7)

	b = knowing(t, small(), 1, 2, 3, 4, 5)
	to, m = b.shuffle()
	offered = ids(m.Entries[1:])
	b.hear(to, &ShuffleReply{Seq: m.Seq, Entries: []Entry{{ID: 7, Contact: "7's"}, {ID: 8}, {ID: 9}, {ID: 10}}})
	b.wantView(append(kept, 7, 8, 9)...)
	slices.Sort(offered)
	got := b.downs(CauseSwapped)
	slices.Sort(got)
	if !slices.Equal(got, offered) {
		t.Errorf("swapped: got %v, want what was offered, %v", got, offered)
	}
	if b.introduced[7] != "7's" {
		t.Errorf("contact of a new neighbour: got %q, want it introduced to the world", b.introduced[7])
	}
}

func TestWhoIsAskedGivesAsManyAndAgesNobody(t *testing.T) {
	b := knowing(t, small(), 1, 2, 3, 4, 5)
	b.hear(9, &Shuffle{Seq: 77, Entries: []Entry{{ID: 9}, {ID: 8, Age: 3}, {ID: 1, Age: 1}}})
	reply := b.sent[0].m.(*ShuffleReply)
	if b.sent[0].to != 9 || reply.Seq != 77 || len(reply.Entries) != 3 {
		t.Fatalf("answer: got %+v, want 3 entries under number 77", b.sent[0])
	}
	swapped := b.downs(CauseSwapped)
	for _, id := range swapped {
		if !slices.Contains(ids(reply.Entries), id) {
			t.Errorf("%v lost its slot and was not given away: %v", id, reply.Entries)
		}
	}
	if v := b.node.view; v.find(9) < 0 || v.find(8) < 0 || len(v) != 5 || len(swapped) != 2 {
		t.Errorf("view: got %v, want 8 and 9 in it in the place of two others", b.view())
	}
	for _, s := range b.node.view {
		if s.id <= 5 && s.age != uint16(101-s.id) {
			t.Errorf("%v has age %d, want it unchanged", s.id, s.age)
		}
	}
}

func TestWhoDoesNotAnswerIsGone(t *testing.T) {
	for _, c := range []struct {
		name  string
		heard bool
		want  []protocol.NodeID
	}{{"silent", false, []protocol.NodeID{1}}, {"sends its own shuffle", true, nil}} {
		t.Run(c.name, func(t *testing.T) {
			var failed []protocol.NodeID
			b := knowing(t, small(), 1, 2, 3, 4, 5)
			b.node.OnChange(func(_ protocol.Env, peer protocol.NodeID, present bool) {
				if present {
					t.Errorf("%v was reported present", peer)
				}
				failed = append(failed, peer)
			})
			to, m := b.shuffle()
			// Somebody else still offers it.
			b.hear(2, &Shuffle{Entries: []Entry{{ID: 1, Age: 50}}})
			if c.heard {
				b.hear(1, &Shuffle{Entries: []Entry{{ID: 1}}})
			}
			b.node.Timer(b, protocol.Timer{Kind: timerReply, Arg: uint64(m.Seq)})
			if !slices.Equal(failed, c.want) || b.node.view.find(1) >= 0 == !c.heard {
				t.Errorf("failed: got %v, want %v; view %v", failed, c.want, b.view())
			}
			before := b.view()
			b.hear(to, &ShuffleReply{Seq: m.Seq, Entries: []Entry{{ID: 42}}}) // too late
			b.wantView(before...)
			for _, s := range b.node.view {
				if s.offered {
					t.Errorf("%v is still marked as offered", s.id)
				}
			}
		})
	}
}

func TestABrokenStreamEndsTheShuffleAndTheEntry(t *testing.T) {
	c := small()
	c.Transport = "stream"
	b := knowing(t, c, 1, 2, 3)
	to, _ := b.shuffle()
	if !b.sent[0].stream {
		t.Error("the shuffle was sent as a datagram, want a stream")
	}
	var failed []protocol.NodeID
	b.node.OnChange(func(_ protocol.Env, peer protocol.NodeID, _ bool) { failed = append(failed, peer) })
	b.node.StreamBroken(b, to)
	b.node.StreamBroken(b, 2)
	b.wantView(3)
	if b.node.partner != 0 || !slices.Equal(failed, []protocol.NodeID{1, 2}) {
		t.Errorf("failed: got %v, want [1 2]", failed)
	}
	b.run(c.ReplyTimeout.Std())
	if len(failed) != 2 {
		t.Errorf("failed: got %v, the partner twice", failed)
	}
}

// fakeMembership is what SWIM looks like from above.
type fakeMembership struct {
	protocol.Protocol
	tell func(protocol.Env, protocol.NodeID, bool)
}

func (*fakeMembership) Members() int                                           { return 3 }
func (f *fakeMembership) OnChange(g func(protocol.Env, protocol.NodeID, bool)) { f.tell = g }

// fakeOverlay reports changes of its view, which are no failures.
type fakeOverlay struct{ protocol.Protocol }

func (*fakeOverlay) OnChange(func(protocol.Env, protocol.NodeID, bool)) { panic("listened to") }

func TestMembershipBelowIsBelieved(t *testing.T) {
	f := &fakeMembership{}
	b := newBench(t, small(), []protocol.Protocol{&fakeOverlay{}, f})
	b.hear(1, &JoinReply{Entry: Entry{ID: 7}})
	b.hear(1, &JoinReply{Entry: Entry{ID: 8}})
	f.tell(b, 9, true)
	f.tell(b, 7, false)
	b.wantView(8)
	if got := b.downs(CauseMembership); !slices.Equal(got, []protocol.NodeID{7}) {
		t.Errorf("down for membership: got %v, want [7]", got)
	}
}

// Section 3.4: one walk a slot, of join_walk steps; where a walk ends, newcomer
// and an entry change places.
func TestJoinWalks(t *testing.T) {
	b := knowing(t, small(), 1, 2, 3, 4, 5)
	b.hear(9, &Join{Contact: "9's"})
	if len(b.sent) != 5 {
		t.Fatalf("walks: got %d, want one for each of 5 slots", len(b.sent))
	}
	for _, l := range b.sent {
		if m := l.m.(*JoinWalk); m.TTL != 4 || m.Newcomer != 9 || m.Contact != "9's" {
			t.Errorf("walk: got %+v, want 4 steps left and the newcomer with its contact", m)
		}
	}
	b.wantView(1, 2, 3, 4, 5)

	b.hear(1, &JoinWalk{Newcomer: 9, Contact: "9's", TTL: 255})
	if m := b.sent[0].m.(*JoinWalk); m.TTL != 4 {
		t.Errorf("a walk that claims 255 steps goes on with %d, want 4", m.TTL)
	}
	b.hear(1, &JoinWalk{Newcomer: 9, Contact: "9's", TTL: 0})
	given := b.sent[0].m.(*JoinReply).Entry
	if got := b.downs(CauseNewcomer); b.sent[0].to != 9 || !slices.Equal(got, []protocol.NodeID{given.ID}) || b.node.view.find(9) < 0 || len(b.node.view) != 5 {
		t.Errorf("the newcomer got %+v, the view lost %v and is %v", given, got, b.view())
	}
	if i := b.node.view.find(9); b.node.view[i].age != 0 || b.introduced[9] != "9's" {
		t.Errorf("the newcomer's entry: got %+v, want age 0 and its contact known", b.node.view[i])
	}
	b.hear(1, &JoinWalk{Newcomer: 9, TTL: 0})
	if again := b.sent[0].m.(*JoinReply).Entry; again.ID == 9 || len(b.node.view) != 5 {
		t.Errorf("a second walk of the same newcomer: gave %+v, view %v", again, b.view())
	}
	b.hear(1, &JoinWalk{Newcomer: self, TTL: 3})
	if len(b.sent) != 0 {
		t.Errorf("a walk of this node itself: sent %v, want nothing", b.sent)
	}
}

func TestTheFirstTwoFindEachOtherAndDoNotForget(t *testing.T) {
	b := newBench(t, small(), nil)
	b.hear(9, &Join{})
	b.wantView(9)
	for _, l := range b.sent {
		if m := l.m.(*JoinReply); l.to != 9 || m.Entry.ID != self {
			t.Errorf("got %+v, want an entry of this node itself: it knows nobody else", l)
		}
	}
	b.hear(9, &Shuffle{Entries: []Entry{{ID: 9}}})
	if m := b.sent[0].m.(*ShuffleReply); len(m.Entries) != 1 || m.Entries[0].ID != self {
		t.Errorf("answer: got %+v, want this node itself", m.Entries)
	}
}

func TestAnEmptyViewJoinsAgainWithBackOff(t *testing.T) {
	c := small()
	c.ShuffleInterval *= 1000 // not the subject
	b := newBench(t, c, nil, self, 1)
	joins := func() int {
		n := 0
		for _, e := range b.events {
			if e.Kind == EventJoin && e.Peer == 1 {
				n++
			}
		}
		return n
	}
	if m, ok := b.sent[0].m.(*Join); !ok || m.Contact != "self's" || b.introduced[1] != "seed's" {
		t.Fatalf("got %+v, want a Join to the seed that is not this node itself", b.sent)
	}
	b.run(10 * time.Minute)
	if got := joins(); got < 8 || got > 15 {
		t.Errorf("joins in ten minutes: got %d, want about 12: after 5, 10, 20, 40 and then every 60 s and a quarter", got)
	}
	b.hear(1, &JoinReply{Entry: Entry{ID: 1}})
	b.run(2 * time.Minute)
	before := joins()
	b.hear(1, &JoinReply{Entry: Entry{ID: 1}})
	b.node.StreamBroken(b, 1)
	if joins() != before+1 {
		t.Error("no join when the last neighbour was gone")
	}
	b.run(8 * time.Second)
	if joins() != before+2 {
		t.Errorf("joins within 8 s: got %d, want 2: the back-off begins anew after success", joins()-before)
	}
}

func TestShufflesFitTheDatagram(t *testing.T) {
	c := Defaults()
	b := newBench(t, c, nil)
	b.mtu = 600
	for id := range protocol.NodeID(35) {
		b.hear(99, &JoinReply{Entry: Entry{ID: id + 1, Contact: strings.Repeat("x", 100)}})
	}
	if _, m := b.shuffle(); len(m.Entries) != 6 {
		t.Errorf("offered %d entries of 112 bytes in 600 bytes, want 6 with the short own one", len(m.Entries))
	}
	offered := 0
	for _, s := range b.node.view {
		if s.offered {
			offered++
		}
	}
	if offered != 5 {
		t.Errorf("marked as offered: got %d, want 5", offered)
	}
	b.hear(9, &Shuffle{Entries: []Entry{{ID: 9}}})
	if m := b.sent[0].m.(*ShuffleReply); len(m.Entries) != 5 {
		t.Errorf("answered with %d entries, want 5", len(m.Entries))
	}
}
