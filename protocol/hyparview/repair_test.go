package hyparview

import (
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
)

// Who has just evicted a node is not made to evict somebody else for it.
func TestEvictedDoesNotEvictItsEvicter(t *testing.T) {
	b := newBench(t, quiet(), 1, 0, 90)
	b.hear(1, &Disconnect{Cause: CauseEvicted})
	none[*Neighbor](b)
	if !b.reserve(1) {
		t.Fatal("who evicted this node lives, and was forgotten")
	}
	b.run(20 * time.Second)
	if m, to := sentTo[*Join](b); len(m) == 0 || to[0] != 90 {
		t.Fatalf("isolated, sent %v; want a Join to the seed", b.sent)
	}
}

func TestLeavingRemovesEverywhere(t *testing.T) {
	c := quiet()
	c.ReconnectInterval = quantity.Duration(time.Hour)
	b := newBench(t, c, 2, 3)
	b.fail(1)
	b.hear(1, &Disconnect{Cause: CauseLeaving})
	b.hear(2, &Disconnect{Cause: CauseLeaving})
	b.hear(101, &Disconnect{Cause: CauseLeaving})
	for _, id := range []protocol.NodeID{1, 2, 101} {
		if b.linked(id) || b.reserve(id) || b.node.hasFailed(id) {
			t.Errorf("%d left and is not forgotten", id)
		}
	}
}

func TestLeaverTellsItsNeighboursAndRefusesAll(t *testing.T) {
	b := newBench(t, quiet(), 3, 3)
	b.sent = nil
	b.node.Leave(b)
	if m, _ := sentTo[*Disconnect](b); len(m) != 3 || m[0].Cause != CauseLeaving {
		t.Fatalf("sent %v, want three that it leaves", b.sent)
	}
	for _, m := range []protocol.Message{&Neighbor{Seq: 1, Priority: PriorityHigh}, &Join{Seq: 1}, &NeighborReply{Seq: 1, Accepted: true}} {
		b.hear(70, m)
		if d, _ := one[*Disconnect](b); d.Cause != CauseLeaving || b.linked(70) {
			t.Errorf("%T: cause %d, neighbour %v", m, d.Cause, b.linked(70))
		}
	}
}

// A neighbour that failed, and has not left, is tried again; a full node gives up
// a link for it. A full node that is asked does so only now and then.
func TestFailedNeighboursAreTriedAgain(t *testing.T) {
	c := quiet()
	c.ReconnectInterval = quantity.Duration(30 * time.Second)
	b := newBench(t, c, 5, 0)
	b.fail(1)
	b.hear(6, &Neighbor{Seq: 1})
	b.run(100 * time.Second)
	requests, to := sentTo[*Neighbor](b)
	if len(requests) == 0 || to[0] != 1 || requests[0].Priority != PriorityBridge {
		t.Fatalf("sent %v, want a request for a bridge to 1", b.sent)
	}
	b.node.request = request{peer: 1, seq: 77, priority: PriorityBridge}
	b.hear(1, &NeighborReply{Seq: 77, Accepted: true})
	b.wantLinked(1, true)
	if m, _ := one[*Disconnect](b); m.Cause != CauseRotated || len(b.node.peers) != 5 {
		t.Fatalf("cause %d, neighbours %v; want one given up for the bridge", m.Cause, b.node.peers)
	}
	if len(b.node.look().failed) != 0 {
		t.Error("who was reached again is still held for failed")
	}
	for i, want := range []bool{true, false} {
		b.hear(protocol.NodeID(70+i), &Neighbor{Seq: 1, Priority: PriorityBridge})
		if m, _ := one[*NeighborReply](b); m.Accepted != want {
			t.Errorf("bridge %d at one time: accepted %v, want %v", i, m.Accepted, want)
		}
	}
}

func TestFailedAreBoundedAndForgotten(t *testing.T) {
	c := quiet()
	c.ReconnectInterval = quantity.Duration(30 * time.Second)
	b := newBench(t, c, 0, 0)
	for i := range 3 * maxFailed {
		id := protocol.NodeID(200 + i)
		b.hear(id, &Neighbor{Seq: 1, Priority: PriorityHigh})
		b.fail(id)
	}
	if len(b.node.look().failed) != maxFailed || !b.node.hasFailed(200+3*maxFailed-1) {
		t.Fatalf("remembers %v, want the last %d", b.node.look().failed, maxFailed)
	}
	b.run(c.ReconnectTimeout.Std() + time.Minute)
	if len(b.node.look().failed) != 0 {
		t.Errorf("remembers %v after the time-out", b.node.look().failed)
	}
}

func TestSilentNeighbourFails(t *testing.T) {
	c := quiet()
	c.KeepAliveInterval = quantity.Duration(5 * time.Second)
	b := newBench(t, c, 2, 0)
	for range 8 {
		b.run(5 * time.Second)
		messages, to := sentTo[*KeepAlive](b)
		for i, m := range messages {
			if to[i] == 2 {
				b.node.Receive(b, 2, &KeepAliveReply{Seq: m.Seq})
			}
		}
	}
	b.wantLinked(1, false)
	b.wantLinked(2, true)
}

// A stream that was merely closed costs nothing; one that cannot be opened again
// does.
func TestBrokenStreamIsTriedOnceMore(t *testing.T) {
	b := newBench(t, quiet(), 2, 1)
	b.sent = nil
	b.node.StreamBroken(b, 1)
	b.wantLinked(1, true)
	m, _ := one[*KeepAlive](b)
	b.hear(1, &KeepAliveReply{Seq: m.Seq})
	b.node.StreamBroken(b, 1)
	b.wantLinked(1, true)
	b.sent = nil
	b.node.StreamBroken(b, 1)
	b.wantLinked(1, false)
	request, to := one[*Neighbor](b)
	b.sent = nil
	b.node.StreamBroken(b, to)
	if again, other := one[*Neighbor](b); other != to || again.Seq != request.Seq {
		t.Fatalf("asked %d with %+v, want the same once more", other, again)
	}
	b.node.StreamBroken(b, to)
	if b.node.request.peer != 0 {
		t.Fatal("the request goes on though its stream broke twice")
	}
}

// A full node that tests its links before it refuses gives the place of a dead
// neighbour to the one who asked.
func TestPurgeBeforeAnswer(t *testing.T) {
	c := quiet()
	c.PurgeBeforeAnswer = true
	b := newBench(t, c, 5, 0)
	b.hear(50, &Neighbor{Seq: 7})
	none[*NeighborReply](b)
	if m, _ := sentTo[*KeepAlive](b); len(m) != 5 {
		t.Fatalf("sent %v, want a KeepAlive to each", b.sent)
	}
	b.hear(51, &Neighbor{Seq: 7})
	if r, _ := one[*NeighborReply](b); r.Accepted {
		t.Fatal("a full node accepted")
	}
	b.fail(3)
	if r, to := one[*NeighborReply](b); !r.Accepted || to != 50 {
		t.Fatalf("answered %+v to %d, want 50 accepted", r, to)
	}
	b.wantLinked(50, true)
	for _, peer := range slices.Clone(b.node.peers) {
		b.hear(peer, &KeepAliveReply{})
	}
	b.run(time.Second)
	b.hear(52, &Neighbor{Seq: 8})
	for _, peer := range slices.Clone(b.node.peers) {
		b.hear(peer, &KeepAliveReply{})
	}
	b.run(time.Second)
	if r, to := one[*NeighborReply](b); r.Accepted || to != 52 {
		t.Fatalf("answered %+v to %d, want 52 refused", r, to)
	}
}

// Listeners see the view as it is after the change, and the answer is on its way
// before they are told.
func TestListenersSeeTheNewView(t *testing.T) {
	c := quiet()
	b := newBench(t, c, 0, 0)
	told := 0
	b.node.OnChange(func(env protocol.Env, peer protocol.NodeID, present bool) {
		told++
		if b.linked(peer) != present {
			t.Errorf("told that %d is present: %v; the view is %v", peer, present, b.node.Neighbors())
		}
		if _, to := sentTo[*NeighborReply](b); present && len(to) == 0 {
			t.Errorf("told of %d before it was answered", peer)
		}
	})
	for id := protocol.NodeID(1); id <= 8; id++ {
		b.hear(id, &Neighbor{Seq: 1, Priority: PriorityHigh})
	}
	b.fail(8)
	if told != 8+3+1 {
		t.Errorf("told %d times, want 12", told)
	}
	if got := b.node.Sample(b, 3, func(id protocol.NodeID) bool { return id == 7 }); len(got) != 3 {
		t.Errorf("sample %v of %v without 7, want three", got, b.node.Neighbors())
	}
}
