package clock_test

import (
	"maps"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
)

var sink int

func BenchmarkHLC(b *testing.B) {
	h := clock.NewHLC(1, 1<<40)
	remote := clock.Timestamp{Wall: 5, Node: 2}
	b.ReportAllocs()
	for n := protocol.Time(0); b.Loop(); n++ {
		if _, err := h.Update(n, remote); err != nil {
			b.Fatal(err)
		}
	}
}

// Yardstick: maps, as a vector of 100 actors is often written.
func BenchmarkVersionVector100(b *testing.B) {
	var even, odd []clock.Dot
	m, n := map[clock.Actor]uint64{}, map[clock.Actor]uint64{}
	for i := range uint64(100) {
		d := clock.Dot{Actor: clock.Actor{Node: protocol.NodeID(i + 1)}, Counter: 1000 + i%2}
		even, m[d.Actor] = append(even, d), d.Counter
		d.Counter = 1001 - i%2
		odd, n[d.Actor] = append(odd, d), d.Counter
	}
	v, w := vectorOf(even...), vectorOf(odd...)
	b.Run("compare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink += int(v.Compare(v))
		}
	})
	b.Run("merge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink += v.Merge(w).Len()
		}
	})
	b.Run("yardstick-merge-of-maps", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			out := maps.Clone(m)
			for a, c := range n {
				out[a] = max(out[a], c)
			}
			sink += len(out)
		}
	})
}

func BenchmarkDotContext100(b *testing.B) {
	var runs []clock.Run
	for i := range uint64(100) {
		runs = append(runs, clock.Run{Actor: clock.Actor{Node: protocol.NodeID(i + 1)}, From: 1, To: 1000})
	}
	c, _ := clock.NewDotContext(runs...)
	next := clock.Run{Actor: runs[50].Actor, From: 1001, To: 1001}
	one, _ := clock.NewDotContext(next)
	b.Run("union-with-one-dot", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink += c.Union(one).Len()
		}
	})
	b.Run("contains", func(b *testing.B) {
		b.ReportAllocs()
		d := clock.Dot{Actor: runs[77].Actor, Counter: 500}
		for b.Loop() {
			if !c.Contains(d) {
				b.Fatal("lost an event")
			}
		}
	})
}
