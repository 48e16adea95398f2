package sim_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/starling-sim/starling/sim"
)

// BenchmarkGossip runs the gossip workload through the whole engine: contract,
// network model, trace hash. An operation is one event: a timer fired or a
// message delivered.
func BenchmarkGossip(b *testing.B) {
	for _, nodes := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			b.ReportAllocs()
			w := gossipWorld(b, nodes, 1)
			mustRun(b, w, 3*time.Second) // fills the queue and the tables
			runEvents(b, w)
		})
	}
}

// BenchmarkWorkers is where the choice of the number of workers comes from: the
// same workload in windows of 10 ms.
func BenchmarkWorkers(b *testing.B) {
	for _, nodes := range []int{10_000, 100_000, 1_000_000} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("nodes=%d/workers=%d", nodes, workers), func(b *testing.B) {
				b.ReportAllocs()
				w := gossipWorld(b, nodes, workers)
				mustRun(b, w, 3*time.Second)
				runEvents(b, w)
			})
		}
	}
}

// runEvents runs a world until b.N more events have happened.
func runEvents(b *testing.B, w *sim.World) {
	b.Helper()
	runtime.GC()
	b.ResetTimer()
	before := w.Counters().Events
	step := time.Second * 20_000 / time.Duration(w.Nodes()*2)
	for w.Counters().Events-before < uint64(b.N) {
		if err := w.Run(context.Background(), w.Now()+max(step, 10*time.Millisecond)); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	happened := w.Counters().Events - before
	b.ReportMetric(float64(happened)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(happened), "ns/event")
}

// BenchmarkBareLoop is the yardstick for BenchmarkGossip.
func BenchmarkBareLoop(b *testing.B) {
	for _, nodes := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			b.ReportAllocs()
			l := sim.NewBareLoop(nodes)
			l.Run(nodes * 4)
			runtime.GC()
			b.ResetTimer()
			l.Run(b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
