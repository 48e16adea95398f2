package hyparview

import (
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/quantity"
)

// reconnecting is a configuration in which a node only reconnects.
func reconnecting() Config {
	c := quiet()
	c.ReconnectInterval = quantity.Duration(30 * time.Second)
	return c
}

// tables is a membership protocol below that tells who left.
type tables struct {
	members
	table membertable.Table
}

func (m *tables) Table() membertable.Table { return m.table }

// Whom the membership protocol below says is gone is not offered to others any
// more, and who left is not tried again.
func TestMembershipsWordCountsForPassiveNodes(t *testing.T) {
	c := reconnecting()
	left := membertable.Member{ID: 2, Status: membertable.Left}
	below := &tables{table: membertable.New(membertable.NewPool(16)).With(left)}
	p, err := newBuilder(&c)([]protocol.Protocol{below})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, node: p.(*Node), rand: protocol.NewRand(1)}
	b.node.Start(b)
	for id := protocol.NodeID(1); id <= 3; id++ {
		b.hear(id, &Neighbor{Seq: 1, Priority: PriorityHigh})
	}
	b.node.addPassive(b, 101)
	below.listen(b, 101, false)
	if b.reserve(101) {
		t.Error("the one that is gone is in the passive view")
	}
	below.listen(b, 1, false)
	below.listen(b, 2, false)
	b.wantLinked(1, false)
	b.wantLinked(2, false)
	if !b.node.hasFailed(1) || b.node.hasFailed(2) {
		t.Errorf("held for failed: 1 %v, 2 %v; want only 1, as 2 left", b.node.hasFailed(1), b.node.hasFailed(2))
	}
}

// The broken stream of a passive node counts as one request that it did not
// answer.
func TestBrokenStreamOfAPassiveNodeCounts(t *testing.T) {
	b := newBench(t, reconnecting(), 5, 3)
	b.node.StreamBroken(b, 101)
	if !b.reserve(101) {
		t.Fatal("one broken stream cost the passive node its place")
	}
	b.node.StreamBroken(b, 101)
	if b.reserve(101) || b.node.hasFailed(101) {
		t.Fatalf("after two: in the passive view %v, held for failed %v; want neither", b.reserve(101), b.node.hasFailed(101))
	}
	b.node.StreamBroken(b, 102)
	b.hear(102, &Ping{})
	b.node.StreamBroken(b, 102)
	if !b.reserve(102) {
		t.Error("dropped though it was heard of in between")
	}
}

// Links that all fail at one time end, one after the other, even if the node
// comes to leave meanwhile.
func TestAllSilentFailTogether(t *testing.T) {
	c := quiet()
	c.KeepAliveInterval, c.KeepAliveMisses = quantity.Duration(5*time.Second), 1
	b := newBench(t, c, 5, 0)
	b.node.OnChange(func(env protocol.Env, _ protocol.NodeID, present bool) {
		if !present && len(b.node.peers) == 3 {
			b.node.leaving = true
		}
	})
	b.run(30 * time.Second)
	if len(b.node.peers) != 3 {
		t.Errorf("neighbours %v, want three that were left when the node began to leave", b.node.peers)
	}
}

// Without a link every request has high priority, also one to a peer that
// failed.
func TestIsolatedNodeReconnectsWithHighPriority(t *testing.T) {
	b := newBench(t, reconnecting(), 1, 0)
	b.fail(1)
	b.run(time.Minute)
	requests, to := sentTo[*Neighbor](b)
	if len(requests) == 0 || to[0] != 1 || requests[0].Priority != PriorityHigh {
		t.Fatalf("sent %v, want a request of high priority to 1", b.sent)
	}
}

// Who failed and is heard of again is a passive node like others, unless its
// answer to a request for a bridge was no.
func TestFailedAreForgivenWhenHeardOf(t *testing.T) {
	b := newBench(t, reconnecting(), 3, 0)
	b.fail(1)
	b.hear(1, &Ping{})
	if b.node.hasFailed(1) || !b.reserve(1) {
		t.Errorf("heard of: held for failed %v, passive %v; want false, true", b.node.hasFailed(1), b.reserve(1))
	}
	b.fail(2)
	b.node.request = request{peer: 2, seq: 77, priority: PriorityBridge}
	b.hear(2, &NeighborReply{Seq: 77})
	if !b.node.hasFailed(2) {
		t.Error("who refused a bridge was forgotten")
	}
}

// A link that its other end asks for once more goes on, and nobody is told
// otherwise.
func TestRenewalIsSilent(t *testing.T) {
	for _, m := range []protocol.Message{&Neighbor{Seq: 9, Priority: PriorityHigh}, &Join{Seq: 9}} {
		b := newBench(t, quiet(), 1, 0)
		b.node.OnChange(func(_ protocol.Env, peer protocol.NodeID, present bool) {
			t.Errorf("%T: told that %d is present: %v", m, peer, present)
		})
		b.events = nil
		b.hear(1, m)
		if r, to := one[*NeighborReply](b); !r.Accepted || r.Seq != 9 || to != 1 {
			t.Errorf("%T: answered %+v to %d, want 9 accepted", m, r, to)
		}
		if len(b.events) > 0 {
			t.Errorf("%T: events %+v, want none", m, b.events)
		}
		b.wantLinked(1, true)
	}
}

// A walk is never longer than this node's own, whatever arrives.
func TestWalksAreCapped(t *testing.T) {
	b := newBench(t, quiet(), 3, 0)
	b.hear(1, &ForwardJoin{Newcomer: Peer{ID: 50}, Seq: 4, TTL: 255})
	if m, _ := one[*ForwardJoin](b); m.TTL != 5 {
		t.Errorf("passed a join on with ttl %d, want 5", m.TTL)
	}
	b.hear(1, &Shuffle{Origin: Peer{ID: 50}, Seq: 4, TTL: 255})
	if m, _ := one[*Shuffle](b); m.TTL != 5 {
		t.Errorf("passed a shuffle on with ttl %d, want 5", m.TTL)
	}
}

// A request for a bridge to one that may be dead does not keep a node from
// asking others for the links that it lacks.
func TestBridgeGivesWayToOtherRequests(t *testing.T) {
	b := newBench(t, reconnecting(), 5, 2)
	b.node.ask(b, 70, PriorityBridge)
	late := b.node.request.seq
	b.fail(1)
	m, to := one[*Neighbor](b)
	if m.Priority != PriorityLow || to != 101 && to != 102 {
		t.Fatalf("asked %d with priority %d, want a passive node with low priority", to, m.Priority)
	}
	b.hear(70, &NeighborReply{Seq: late, Accepted: true})
	if d, _ := one[*Disconnect](b); d.Cause != CauseNotNeighbor {
		t.Fatalf("told cause %d, want not_neighbour", d.Cause)
	}
	b.hear(to, &NeighborReply{Seq: m.Seq, Accepted: true})
	b.wantLinked(to, true)
}

// One bridge is enough: who else has come back answers, and is tried no more.
func TestOneBridgeFreesTheOthers(t *testing.T) {
	b := newBench(t, reconnecting(), 5, 0)
	for id := protocol.NodeID(1); id <= 3; id++ {
		b.fail(id)
	}
	b.node.ask(b, 1, PriorityBridge)
	b.hear(1, &NeighborReply{Seq: b.node.request.seq, Accepted: true})
	none[*Ping](b) // the link may not last
	b.sent = nil
	b.node.Timer(b, protocol.Timer{Kind: timerReconnect})
	none[*Neighbor](b)
	if _, to := sentTo[*Ping](b); !slices.Equal(to, []protocol.NodeID{2, 3}) {
		t.Fatalf("pinged %v, want 2 and 3", to)
	}
	b.hear(2, &Pong{})
	if b.node.hasFailed(2) || !b.node.hasFailed(3) {
		t.Error("want 2, which answered, forgiven, and 3 not")
	}
}

// Seeds are left alone once they have answered a few times in a row, and not
// before; a failure begins anew.
func TestSeedsAreTriedUntilTheyAnswer(t *testing.T) {
	b := newBench(t, reconnecting(), 5, 0, 90)
	b.hear(6, &Neighbor{Seq: 1, Priority: PriorityHigh}) // room for nobody
	tried := func(answered bool, intervals int) int {
		count := 0
		for range intervals {
			b.sent = nil
			b.node.Timer(b, protocol.Timer{Kind: timerReconnect})
			requests, to := sentTo[*Neighbor](b)
			for i, m := range requests {
				if to[i] != 90 {
					continue
				}
				count++
				if answered {
					b.hear(90, &NeighborReply{Seq: m.Seq})
				}
			}
			b.node.Timer(b, protocol.Timer{Kind: timerRequest, Arg: uint64(b.node.request.seq)})
		}
		return count
	}
	if got := tried(false, 1024); got != 7+8 {
		t.Errorf("tried a seed that does not answer %d times in 1024 intervals, want 15", got)
	}
	if got := tried(true, 1024); got != maxAnswers {
		t.Errorf("tried a seed that answers %d times, want %d", got, maxAnswers)
	}
	b.fail(1)
	if tried(true, 16) == 0 {
		t.Error("tried no seed after a failure")
	}
}

// Of many who know each other a few ask a seed.
func TestFewOfManyAskASeed(t *testing.T) {
	b := newBench(t, reconnecting(), 5, 30, 90)
	asked := 0
	const due = 2000
	for range due {
		b.sent = nil
		b.node.calm, b.node.answers = 0, 0
		b.node.Timer(b, protocol.Timer{Kind: timerReconnect})
		requests, _ := sentTo[*Neighbor](b)
		asked += len(requests)
		b.node.request = request{}
	}
	want := due * askers / 31
	if asked < want/2 || asked > want*2 {
		t.Errorf("asked %d times of %d, want about %d", asked, due, want)
	}
	// Who was not answered goes on.
	b.node.insists, b.node.calm, b.node.answers, b.sent = true, 0, 0, nil
	b.node.Timer(b, protocol.Timer{Kind: timerReconnect})
	first := b.node.request
	b.node.Timer(b, protocol.Timer{Kind: timerRequest, Arg: uint64(first.seq)})
	b.sent = nil
	b.node.Timer(b, protocol.Timer{Kind: timerReconnect})
	if first.peer != 90 || b.node.request.peer != 90 {
		t.Errorf("asked %v and %v, want the seed that does not answer, twice", first.peer, b.node.request.peer)
	}
}

// Where everybody is full, who lacks a link asks so many and waits for the next
// shuffle.
func TestRefusalsAreEnoughAtSomeTime(t *testing.T) {
	b := newBench(t, reconnecting(), 4, 30)
	asked := func() (n int) {
		b.node.fill(b)
		for b.node.request.peer != 0 {
			n++
			b.hear(b.node.request.peer, &NeighborReply{Seq: b.node.request.seq})
		}
		return n
	}
	want := maxRefusals * Default().ActiveSize
	if got := asked(); got != want {
		t.Errorf("asked %d until the shuffle, want %d", got, want)
	}
	if got := asked(); got != 0 {
		t.Errorf("asked %d more before the shuffle, want none", got)
	}
	b.node.forgetTried()
	if got := asked(); got != want {
		t.Errorf("asked %d after the shuffle, want %d", got, want)
	}
	b.node.forgetTried()
	b.node.disconnected(b, 1, CauseEvicted)
	if got := asked(); got <= want {
		t.Errorf("asked %d for want of two links, want everybody", got)
	}
	b.node.forgetTried()
	b.hear(200, &Neighbor{Seq: 1})
	b.hear(201, &Neighbor{Seq: 1})
	if !b.node.needy() {
		b.fail(2)
	}
	if got := asked(); got <= want {
		t.Errorf("asked %d after a failure, want everybody", got)
	}
}

// A node at rest keeps nothing that it does not need.
func TestTroubleIsFreed(t *testing.T) {
	c := reconnecting()
	c.PurgeBeforeAnswer = true
	b := newBench(t, c, 5, 5)
	b.hear(50, &Neighbor{Seq: 7})
	b.fail(1)
	for id := protocol.NodeID(2); id <= 5; id++ {
		b.hear(id, &KeepAliveReply{})
	}
	b.node.StreamBroken(b, 103)
	b.run(10 * time.Second)
	for _, id := range []protocol.NodeID{1, 101, 102, 103, 104, 105} {
		b.hear(id, &Ping{})
	}
	b.node.forgetTried()
	if b.node.trouble != nil {
		t.Errorf("keeps %+v, want nothing", *b.node.trouble)
	}
}
