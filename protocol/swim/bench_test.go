package swim

import (
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// A datagram's worth of news out of a queue with as much as after a partition of
// 1,000 has healed.
func BenchmarkQueueTake(b *testing.B) {
	b.ReportAllocs()
	var q queue
	out := make([]Update, 0, 128)
	fill := func() {
		for i := range 1000 {
			q.put(Update{Member: membertable.Member{ID: protocol.NodeID(i + 1), Status: membertable.Suspect}, Accuser: 7})
		}
	}
	for b.Loop() {
		if q.waiting == 0 {
			fill()
		}
		out = q.take(out[:0], 1390, 16, func(*Update) bool { return false })
	}
}

// One datagram with 60 pieces of news that are known already, which is what most
// of the gossip about an event is.
func BenchmarkGossipThatIsKnown(b *testing.B) {
	b.ReportAllocs()
	bench := newBench(b, LAN(), 10_000)
	m := &Gossip{}
	for i := range 60 {
		m.Updates = append(m.Updates, says(protocol.NodeID(100*i+1), 0, membertable.Suspect, 7))
	}
	bench.hear(1, m)
	for b.Loop() {
		bench.node.Receive(bench, 2, m)
	}
}

// One protocol period of a node at rest among 10,000: timer, ping, ack.
func BenchmarkPeriodAtRest(b *testing.B) {
	b.ReportAllocs()
	bench := newBench(b, LAN(), 10_000)
	for b.Loop() {
		bench.sent, bench.timers, bench.events = bench.sent[:0], bench.timers[:0], bench.events[:0]
		bench.node.Timer(bench, protocol.Timer{Kind: timerProbe})
		bench.node.Receive(bench, bench.sent[0].to, &Ack{Seq: bench.node.probe.seq})
	}
}
