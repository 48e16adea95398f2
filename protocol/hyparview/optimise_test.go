package hyparview

import (
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// biased is a node with five neighbours, of which the i-th is i milliseconds
// away.
func biased(t *testing.T, passive int) *bench {
	c := quiet()
	c.KeepAliveInterval, c.Optimise = 1e15, true
	c.OptimiseInterval = 1e15
	b := newBench(t, c, 5, passive)
	b.measure()
	return b
}

func (b *bench) measure() {
	for i := range b.node.links {
		b.node.links[i].roundTrip = int64(b.node.peers[i]) * int64(time.Millisecond)
	}
}

// pass waits and then delivers.
func (b *bench) pass(d time.Duration, from protocol.NodeID, m protocol.Message) {
	b.now = b.now.Add(d)
	b.hear(from, m)
}

// The initiator gives up its farthest neighbour for a closer candidate, once the
// candidate has the link, and holds the place if the old neighbour is faster.
func TestInitiatorExchangesItsFarthestNeighbour(t *testing.T) {
	for _, oldFirst := range []bool{false, true} {
		b := biased(t, 1)
		b.sent = nil
		b.node.Timer(b, protocol.Timer{Kind: timerOptimise})
		ping, to := one[*Ping](b)
		b.pass(time.Millisecond/2, to, &Pong{Seq: ping.Seq})
		none[*Optimization](b) // 4.5 ms are no gain of 5 ms
		b.node.links[4].roundTrip = int64(50 * time.Millisecond)
		b.sent = nil
		b.node.Timer(b, protocol.Timer{Kind: timerOptimise})
		ping, to = one[*Ping](b)
		b.pass(time.Millisecond, to, &Pong{Seq: ping.Seq})
		m, to := one[*Optimization](b)
		if m.Old.ID != 5 || to != 101 {
			t.Fatalf("asked %d to take the place of %d, want 101 and 5, the farthest", to, m.Old.ID)
		}
		if oldFirst {
			b.hear(5, &Disconnect{Cause: CauseSwitched})
			none[*Neighbor](b)
			b.hear(60, &Neighbor{Seq: 1})
			if r, _ := one[*NeighborReply](b); r.Accepted {
				t.Fatal("gave away the place that is held for the candidate")
			}
		}
		b.hear(101, &OptimizationReply{Seq: m.Seq, Accepted: true})
		b.wantLinked(101, true)
		b.wantLinked(5, false)
		if d, _ := sentTo[*Disconnect](b); (len(d) == 1 && d[0].Cause == CauseSwitched) == oldFirst || len(b.node.peers) != 5 {
			t.Fatalf("sent %v, neighbours %v", b.sent, b.node.peers)
		}
	}
}

func TestCandidateAsksItsFarthestNeighbour(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		b := biased(t, 0)
		b.hear(60, &Optimization{Seq: 7, Old: Peer{ID: 61}})
		m, d := one[*Replace](b)
		if d != 5 || m.Initiator.ID != 60 || m.Old.ID != 61 {
			t.Fatalf("sent %+v to %d, want initiator 60, old 61, to 5", m, d)
		}
		b.hear(62, &Optimization{Seq: 8, Old: Peer{ID: 61}})
		if r, _ := one[*OptimizationReply](b); r.Accepted {
			t.Fatal("takes part in two exchanges at a time")
		}
		b.hear(d, &ReplaceReply{Seq: 7, Accepted: accepted})
		if r, to := one[*OptimizationReply](b); to != 60 || r.Accepted != accepted {
			t.Fatalf("answered %+v to %d, want %v to 60", r, to, accepted)
		}
		b.wantLinked(5, !accepted)
		b.wantLinked(60, accepted)
	}
}

// The disconnected node measures its way to the old neighbour before it agrees.
func TestDisconnectedNodeSwitchesToACloserOne(t *testing.T) {
	for _, far := range []bool{false, true} {
		b := biased(t, 0)
		b.hear(5, &Replace{Seq: 7, Initiator: Peer{ID: 60}, Old: Peer{ID: 61}})
		ping, to := one[*Ping](b)
		if to != 61 {
			t.Fatalf("measured %d, want 61", to)
		}
		wait := time.Millisecond
		if far {
			wait *= 9
		}
		b.pass(wait, 61, &Pong{Seq: ping.Seq})
		if far {
			if r, to := one[*ReplaceReply](b); r.Accepted || to != 5 {
				t.Fatalf("answered %+v to %d, want a refusal to 5", r, to)
			}
			b.wantLinked(5, true)
			continue
		}
		if m, to := one[*Switch](b); to != 61 || m.Initiator.ID != 60 {
			t.Fatalf("sent %+v to %d, want initiator 60 to 61", m, to)
		}
		b.hear(61, &SwitchReply{Seq: 7, Accepted: true})
		if r, to := one[*ReplaceReply](b); !r.Accepted || to != 5 {
			t.Fatalf("answered %+v to %d, want yes to 5", r, to)
		}
		b.wantLinked(5, false)
		b.wantLinked(61, true)
	}
}

func TestOldNeighbourSwitchesIfItStillHasTheLink(t *testing.T) {
	b := biased(t, 0)
	b.hear(60, &Switch{Seq: 7, Initiator: Peer{ID: 61}})
	if r, _ := one[*SwitchReply](b); r.Accepted {
		t.Fatal("gave up a link that it does not have")
	}
	b.hear(60, &Switch{Seq: 7, Initiator: Peer{ID: 3}})
	if r, to := one[*SwitchReply](b); !r.Accepted || to != 60 {
		t.Fatalf("answered %+v to %d, want yes to 60", r, to)
	}
	if d, to := one[*Disconnect](b); to != 3 || d.Cause != CauseSwitched {
		t.Fatalf("told %d cause %d, want 3 and switched", to, d.Cause)
	}
	b.wantLinked(3, false)
	b.wantLinked(60, true)
}

// Exchanges that nobody answers end, and the oldest link is never exchanged.
func TestExchangesTimeOutAndSpareTheOldest(t *testing.T) {
	b := biased(t, 0)
	b.node.links[0].roundTrip = int64(time.Second)
	b.hear(60, &Optimization{Seq: 7, Old: Peer{ID: 61}})
	if _, d := one[*Replace](b); d == 1 {
		t.Fatal("offered the oldest link")
	}
	b.run(6 * time.Second)
	if r, _ := one[*OptimizationReply](b); r.Accepted || b.node.swap != nil {
		t.Fatalf("after the time-out: answered %+v, still taking part: %v", r, b.node.swap != nil)
	}
	b.hear(5, &Replace{Seq: 8, Initiator: Peer{ID: 60}, Old: Peer{ID: 61}})
	b.run(2 * time.Second)
	if r, _ := one[*ReplaceReply](b); r.Accepted || b.node.swap != nil {
		t.Fatalf("after the time-out: answered %+v, still taking part: %v", r, b.node.swap != nil)
	}
	// The answer that came too late: who sent it has a link that is none.
	b.hear(61, &SwitchReply{Seq: 8, Accepted: true})
	one[*Disconnect](b)
	// Who has given this node up is no neighbour, whatever it thinks.
	b.hear(4, &ReplaceReply{Seq: 9, Accepted: true})
	b.wantLinked(4, false)
}
