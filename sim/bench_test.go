package sim_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// BenchmarkGossip runs the gossip workload through the whole engine: contract,
// network model, trace hash. An operation is one event: a timer fired or a
// message delivered.
func BenchmarkGossip(b *testing.B) {
	for _, nodes := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			b.ReportAllocs()
			w := gossipWorld(b, nodes, 1, 0)
			mustRun(b, w, 3*time.Second) // fills the queue and the tables
			runEvents(b, w)
		})
	}
}

// BenchmarkWorkers is where the choice of the number of workers comes from: the
// same workload in windows of 10 ms, with handlers that do nothing and with
// handlers that compute for about half a microsecond.
func BenchmarkWorkers(b *testing.B) {
	for _, work := range []int{0, 150} {
		for _, nodes := range []int{10_000, 100_000, 1_000_000} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("work=%d/nodes=%d/workers=%d", work, nodes, workers), func(b *testing.B) {
					b.ReportAllocs()
					w := gossipWorld(b, nodes, workers, work)
					mustRun(b, w, 3*time.Second)
					runEvents(b, w)
				})
			}
		}
	}
}

// sleeper sets one timer and never does anything else.
type sleeper struct{}

func (*sleeper) Start(env protocol.Env)                                  { env.After(time.Hour, protocol.Timer{}) }
func (*sleeper) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (*sleeper) Timer(protocol.Env, protocol.Timer)                      {}

// BenchmarkIdleNodes reports what an idle node costs, its timer included and
// its protocol's own state not.
func BenchmarkIdleNodes(b *testing.B) {
	const nodes = 1_000_000
	for b.Loop() {
		network := uniformNetwork(nodes, time.Millisecond, time.Second)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := must(sim.New(sim.Config{
			Seed: 1, Nodes: nodes, Network: network, Workers: 1,
			Build: func() (protocol.Protocol, error) { return &sleeper{}, nil },
		}))
		w.At(0, func(c *sim.Control) {
			for i := range nodes {
				_ = c.Join(i, nil)
			}
		})
		mustRun(b, w, time.Second)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/nodes, "bytes/node")
		runtime.KeepAlive(w)
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
