package hyparview

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// Priority is high only if the view is empty, and who refuses stays in the
// passive view while the next is asked.
func TestRefusersStayAndPriorityIsLowWhileThereIsALink(t *testing.T) {
	b := newBench(t, quiet(), 2, 4)
	b.fail(1)
	asked := map[protocol.NodeID]bool{}
	for range 4 {
		m, to := one[*Neighbor](b)
		if m.Priority != PriorityLow || asked[to] {
			t.Fatalf("asked %d with priority %d after %v, want somebody else with low priority", to, m.Priority, asked)
		}
		asked[to] = true
		b.hear(to, &NeighborReply{Seq: m.Seq})
		if !b.reserve(to) {
			t.Fatalf("%d refused and was forgotten", to)
		}
	}
	none[*Neighbor](b) // everybody was asked: not again before the next shuffle
	b.fail(2)
	m, to := one[*Neighbor](b)
	if m.Priority != PriorityHigh {
		t.Fatalf("priority is %d with an empty view, want high", m.Priority)
	}
	b.hear(to, &NeighborReply{Seq: m.Seq, Accepted: true})
	b.wantLinked(to, true)
}

func TestFullNodeGivesWayToHighPriorityOnly(t *testing.T) {
	b := newBench(t, quiet(), 5, 0)
	b.hear(50, &Neighbor{Seq: 7, Priority: PriorityLow})
	if m, to := one[*NeighborReply](b); m.Accepted || m.Seq != 7 || to != 50 {
		t.Fatalf("answered %+v to %d, want a refusal", m, to)
	}
	b.hear(50, &Neighbor{Seq: 8, Priority: PriorityHigh})
	if m, _ := one[*NeighborReply](b); !m.Accepted {
		t.Fatal("refused a request of high priority")
	}
	m, evicted := one[*Disconnect](b)
	if m.Cause != CauseEvicted || !b.reserve(evicted) {
		t.Fatalf("told %d cause %d, in the passive view: %v; want evicted, true", evicted, m.Cause, b.reserve(evicted))
	}
	b.wantLinked(evicted, false)
	b.wantLinked(50, true)
}

// Walks begin at the view as it is after the eviction.
func TestForwardJoinGoesToTheViewAfterEviction(t *testing.T) {
	b := newBench(t, quiet(), 5, 0)
	b.hear(50, &Join{Seq: 9})
	_, evicted := one[*Disconnect](b)
	walks, to := sentTo[*ForwardJoin](b)
	if len(walks) != 4 || slices.Contains(to, evicted) || slices.Contains(to, 50) {
		t.Fatalf("walks to %v, want the four others than %d (evicted) and 50 (the newcomer)", to, evicted)
	}
	for _, m := range walks {
		if m.Newcomer.ID != 50 || m.TTL != 6 || m.Seq != 9 {
			t.Fatalf("walk %+v, want newcomer 50, ttl 6, number 9", m)
		}
	}
	b.hear(50, &Join{Seq: 9}) // a copy that the network made
	none[*ForwardJoin](b)
}

func TestJoinWalkEnds(t *testing.T) {
	for _, c := range []struct {
		from            protocol.NodeID
		links           int
		ttl             uint8
		accepts, passes bool
		keeps           bool // in the passive view
	}{
		{from: 1, links: 3, ttl: 6, passes: true},
		{from: 1, links: 3, ttl: 3, passes: true, keeps: true},
		{from: 1, links: 3, ttl: 1, passes: true},
		{from: 1, links: 3, ttl: 0, accepts: true},
		{from: 1, links: 1, ttl: 6, accepts: true},
		{from: 1, links: 1, ttl: 3, accepts: true},
		{from: 60, links: 1, ttl: 6, accepts: true}, // though there is somebody to pass it on to
	} {
		b := newBench(t, quiet(), c.links, 0)
		b.hear(c.from, &ForwardJoin{Newcomer: Peer{ID: 50}, Seq: 4, TTL: c.ttl})
		passed, to := sentTo[*ForwardJoin](b)
		if (len(passed) == 1) != c.passes || b.linked(50) != c.accepts || b.reserve(50) != c.keeps {
			t.Errorf("%+v: passed %d, accepted %v, kept %v", c, len(passed), b.linked(50), b.reserve(50))
		}
		if c.passes && (passed[0].TTL != c.ttl-1 || to[0] == 1) {
			t.Errorf("%+v: passed on with ttl %d to %d, want one less and not back", c, passed[0].TTL, to[0])
		}
		if c.accepts {
			if m, to := one[*NeighborReply](b); to != 50 || m.Seq != 4 || !m.Accepted {
				t.Errorf("%+v: answered %+v to %d", c, m, to)
			}
		}
	}
}

// A shuffle's answer is as large as the request, and for want of space those
// passive nodes go first that the other side was offered.
func TestShuffleExchangesEqualNumbers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, quiet(), 1, 30)
		before := slices.Clone(b.node.passive)
		m := &Shuffle{Origin: Peer{ID: 900}, Seq: 5}
		for i := range rapid.IntRange(0, 12).Draw(rt, "peers") {
			m.Peers = append(m.Peers, Peer{ID: protocol.NodeID(901 + i)})
		}
		b.hear(1, m)
		reply, to := one[*ShuffleReply](b)
		if to != 900 || reply.Seq != 5 || len(reply.Peers) != len(m.Peers)+1 {
			rt.Fatalf("answered %d with %d nodes, want origin 900 and %d", to, len(reply.Peers), len(m.Peers)+1)
		}
		for _, p := range append(m.Peers, m.Origin) {
			if !b.reserve(p.ID) {
				rt.Fatalf("%d was offered and is not in the passive view", p.ID)
			}
		}
		for _, id := range before {
			offered := slices.Contains(reply.Peers, Peer{ID: id})
			if b.reserve(id) == offered {
				rt.Fatalf("passive %d was offered: %v, kept: %v; want those to go that were offered", id, offered, !offered)
			}
		}
	})
}

func TestShuffleReplyEvictsWhatWasOffered(t *testing.T) {
	c := quiet()
	b := newBench(t, c, 5, 30)
	before := slices.Clone(b.node.passive)
	b.run(c.ShuffleInterval.Std())
	m, first := one[*Shuffle](b)
	if len(m.Peers) != 7 || m.Origin.ID != self || m.TTL != 5 || slices.Contains(m.Peers, Peer{ID: first}) {
		t.Fatalf("shuffle %+v to %d, want 3 + 4 nodes without its receiver, and 5 hops left", m, first)
	}
	reply := &ShuffleReply{Seq: m.Seq}
	for i := range 4 {
		reply.Peers = append(reply.Peers, Peer{ID: protocol.NodeID(901 + i)})
	}
	b.hear(77, reply)
	for _, id := range before {
		if offered := slices.Contains(m.Peers, Peer{ID: id}); b.reserve(id) == offered {
			t.Errorf("passive %d was offered: %v, kept: %v", id, offered, !offered)
		}
	}
	reply.Peers[0].ID = 999
	b.hear(77, reply)
	if b.reserve(999) {
		t.Error("took the answer to a shuffle twice")
	}
}

// Whoever shuffles over a link that it no longer has gets an answer first.
func TestShuffleOfAStrangerIsAnsweredBeforeItIsDisconnected(t *testing.T) {
	b := newBench(t, quiet(), 1, 10)
	b.hear(60, &Shuffle{Origin: Peer{ID: 60}, Seq: 5})
	if len(b.sent) != 2 {
		t.Fatalf("sent %v, want a ShuffleReply and a Disconnect", b.sent)
	}
	if _, ok := b.sent[0].m.(*ShuffleReply); !ok {
		t.Errorf("sent %T first, want a ShuffleReply", b.sent[0].m)
	}
	if m, ok := b.sent[1].m.(*Disconnect); !ok || m.Cause != CauseNotNeighbor {
		t.Errorf("sent %+v then, want a Disconnect for not_neighbour", b.sent[1].m)
	}
}

// Messages of a link from one who has none are answered, so that it learns.
func TestStrangersAreTold(t *testing.T) {
	for _, m := range []protocol.Message{
		&KeepAlive{Seq: 1},
		&ForwardJoin{Newcomer: Peer{ID: 61}, TTL: 3},
		&Replace{Seq: 1, Initiator: Peer{ID: 61}, Old: Peer{ID: 62}},
		&NeighborReply{Seq: 77, Accepted: true},
		&SwitchReply{Seq: 77, Accepted: true},
		&OptimizationReply{Seq: 77, Accepted: true},
	} {
		b := newBench(t, quiet(), 3, 0)
		b.hear(60, m)
		if d, to := one[*Disconnect](b); to != 60 || d.Cause != CauseNotNeighbor {
			t.Errorf("%T: told %d cause %d, want 60 and not_neighbour", m, to, d.Cause)
		}
		b.wantLinked(60, false)
		none[*KeepAliveReply](b)
	}
}

// An answer that is lost blocks nothing for ever, and does not cost the passive
// view its entry at the first time.
func TestLostReplyFreesTheSlot(t *testing.T) {
	b := newBench(t, quiet(), 2, 1)
	b.fail(1)
	m, to := one[*Neighbor](b)
	b.run(2 * time.Second)
	if b.node.request.peer != 0 || !b.reserve(to) {
		t.Fatalf("after the time-out: request %+v, passive %v", b.node.request, b.node.passive)
	}
	b.hear(to, &NeighborReply{Seq: m.Seq, Accepted: true}) // too late
	if d, _ := one[*Disconnect](b); d.Cause != CauseNotNeighbor {
		t.Fatalf("told cause %d, want not_neighbour", d.Cause)
	}
	for _, stays := range []bool{true, false} { // it was heard of: two more
		b.node.shuffleSeq = 1
		b.sent = nil
		b.node.Timer(b, protocol.Timer{Kind: timerShuffle})
		one[*Neighbor](b)
		b.run(2 * time.Second)
		if b.reserve(to) != stays {
			t.Errorf("the passive node is there: %v, want %v", !stays, stays)
		}
	}
}

// However many others turn up in the passive view, refusals come to an end: at
// most twice as many peers are asked between two shuffles as the view holds.
func TestAskingEndsWhateverTurnsUp(t *testing.T) {
	c := quiet()
	c.PassiveSize = 4
	b := newBench(t, c, 3, 4)
	b.fail(1)
	asked := 0
	for requests, to := sentTo[*Neighbor](b); len(requests) == 1; requests, to = sentTo[*Neighbor](b) {
		if asked++; asked > 2*c.PassiveSize {
			t.Fatal("asks for ever")
		}
		b.node.removePassive(to[0])
		b.node.addPassive(b, protocol.NodeID(200+asked))
		b.hear(to[0], &NeighborReply{Seq: requests[0].Seq})
	}
	if asked != 2*c.PassiveSize {
		t.Errorf("asked %d, want %d", asked, 2*c.PassiveSize)
	}
}

// A request under way holds its place: nobody else gets the last one.
func TestPendingRequestHoldsItsPlace(t *testing.T) {
	b := newBench(t, quiet(), 5, 1)
	b.fail(1)
	m, to := one[*Neighbor](b)
	b.hear(50, &Neighbor{Seq: 7})
	if r, _ := one[*NeighborReply](b); r.Accepted {
		t.Fatal("gave away the place of a request that is under way")
	}
	b.hear(to, &Neighbor{Seq: 3}) // both ask at one time
	if r, _ := one[*NeighborReply](b); !r.Accepted {
		t.Fatal("refused the one that was asked itself")
	}
	b.hear(to, &NeighborReply{Seq: m.Seq, Accepted: true})
	b.wantLinked(to, true)
	none[*Disconnect](b)
	if len(b.node.peers) != 5 {
		t.Fatalf("neighbours %v, want five", b.node.peers)
	}
}
