package hyparview

import (
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Nobody gets a link from a node that leaves, nor if the one who asked is gone.
func TestDeferredRequestEndsWithEitherSide(t *testing.T) {
	for name, end := range map[string]func(b *bench){
		"leave":    func(b *bench) { b.node.Leave(b) },
		"asker":    func(b *bench) { b.hear(50, &Disconnect{Cause: CauseLeaving}) },
		"failure":  func(b *bench) { b.node.peerFailed(b, 50) },
		"stream":   func(b *bench) { b.node.StreamBroken(b, 50) },
		"optimise": func(b *bench) { b.node.Leave(b); b.hear(50, &Optimization{Seq: 3, Old: Peer{ID: 9}}) },
	} {
		c := quiet()
		c.PurgeBeforeAnswer = true
		b := newBench(t, c, 5, 0)
		b.hear(50, &Neighbor{Seq: 7})
		end(b)
		b.hear(1, &Disconnect{Cause: CauseNotNeighbor})
		none[*NeighborReply](b)
		if b.linked(50) {
			t.Errorf("%s: 50 is a neighbour", name)
		}
	}
}

// One test decides: who has not answered it when the request is to be answered
// has failed, by whatever way links are.
func TestPurgeFindsTheSilent(t *testing.T) {
	for _, transport := range []string{"stream", "datagram"} {
		c := quiet()
		c.PurgeBeforeAnswer, c.Transport = true, transport
		b := newBench(t, c, 5, 0)
		b.hear(50, &Neighbor{Seq: 7})
		for id := protocol.NodeID(1); id <= 3; id++ {
			b.hear(id, &KeepAliveReply{})
		}
		b.run(time.Second)
		if r, to := one[*NeighborReply](b); !r.Accepted || to != 50 {
			t.Fatalf("%s: answered %+v to %d, want 50 accepted", transport, r, to)
		}
		if want := []protocol.NodeID{1, 2, 3, 50}; !slices.Equal(b.node.peers, want) {
			t.Fatalf("%s: neighbours %v, want %v", transport, b.node.peers, want)
		}
		// A break decides earlier, and the test goes on for the others.
		b.hear(51, &Neighbor{Seq: 8, Priority: PriorityHigh})
		b.hear(52, &Neighbor{Seq: 8})
		for id := protocol.NodeID(1); id <= 2; id++ {
			b.hear(id, &KeepAliveReply{})
		}
		b.node.peerFailed(b, 50)
		b.wantLinked(52, true)
		b.run(time.Second)
		if want := []protocol.NodeID{1, 2, 52}; !slices.Equal(b.node.peers, want) {
			t.Fatalf("%s: neighbours %v, want %v", transport, b.node.peers, want)
		}
	}
}
