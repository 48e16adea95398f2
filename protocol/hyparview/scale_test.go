package hyparview_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/hyparview"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

var lan = netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 20 * time.Millisecond}}

// Two hundred nodes that join at one time through one contact become one overlay.
func TestJoinStormLeavesNoIsland(t *testing.T) {
	for _, transport := range []string{"stream", "datagram"} {
		o := options{seed: 7, nodes: 200, config: hyparview.Default(), network: lan}
		o.config.Transport = transport
		c := newCluster(t, o)
		c.joinAll(0, 0)
		c.run(2 * time.Minute)
		c.wantRest(t, o.config.ActiveSize)
	}
}

// The two sides of a healed partition, each full and content by then, become one
// overlay again.
func TestHealedPartitionBecomesOneOverlay(t *testing.T) {
	for _, transport := range []string{"stream", "datagram"} {
		o := options{seed: 11, nodes: 100, config: hyparview.Default(), network: lan}
		o.config.Transport = transport
		c := newCluster(t, o)
		c.joinAll(5*second, 0)
		var side netmodel.Set
		for i := range uint32(50) {
			side.Nodes = append(side.Nodes, i)
		}
		others := side
		others.Not = true
		c.rule(60*second, 8*time.Minute, netmodel.Rule{From: side, To: others, Cut: true, Symmetric: true})
		c.run(8 * time.Minute)
		if sizes := islands(c.views()); len(sizes) != 2 {
			t.Fatalf("islands of %v during the partition, want two", sizes)
		}
		c.run(10 * time.Minute)
		c.wantRest(t, o.config.ActiveSize)
	}
}

// Two nodes that have only each other, and have forgotten everybody else, find
// the overlay that does not miss them.
func TestForgottenPairFindsTheOverlay(t *testing.T) {
	o := options{seed: 3, nodes: 55, config: hyparview.Default(), network: lan}
	o.config.ReconnectTimeout = quantity.Duration(20 * second)
	c := newCluster(t, o)
	c.joinAll(5*second, 0, 1)
	pair := netmodel.Set{Nodes: []uint32{5, 6}}
	others := pair
	others.Not = true
	c.rule(20*second, 10*time.Minute, netmodel.Rule{From: pair, To: others, Cut: true, Symmetric: true})
	c.run(10 * time.Minute)
	if sizes := islands(c.views()); len(sizes) != 2 {
		t.Fatalf("islands of %v while the pair is cut off, want two", sizes)
	}
	c.run(15 * time.Minute)
	c.wantRest(t, o.config.ActiveSize)
}

// An overlay without failures comes to rest: reconnecting does not go on turning
// links over.
func TestOverlayAtRestKeepsItsLinks(t *testing.T) {
	o := options{seed: 3, nodes: 1000, config: hyparview.Default(), network: lan}
	rest := false
	downs := 0
	o.check = func(r protocol.Record) {
		if rest && r.Event.Kind == hyparview.EventNeighborDown {
			downs++
		}
	}
	c := newCluster(t, o)
	c.joinAll(5*second, 0, 1, 2)
	c.run(5 * time.Minute)
	rest = true
	c.run(12 * time.Minute)
	if downs > 0 {
		t.Errorf("%d links went down among 1000 nodes at rest, want none", downs)
	}
	c.wantRest(t, o.config.ActiveSize)
}

// A seed that crashed and came back, and has nobody but itself to ask, is found
// by those whose neighbour it was.
func TestLonelySeedIsFoundAgain(t *testing.T) {
	for _, kind := range []sim.CrashKind{sim.CrashProcess, sim.CrashHost} {
		o := options{seed: 9, nodes: 60, config: hyparview.Default(), network: lan}
		c := newCluster(t, o)
		c.joinAll(5*second, 0)
		c.at(2*time.Minute, func(w *sim.Control) { must(t, w.Crash(0, kind)) })
		c.at(10*time.Minute, func(w *sim.Control) { must(t, w.Restart(0, []int{0})) })
		c.run(13 * time.Minute)
		c.wantRest(t, o.config.ActiveSize)
	}
}

// BenchmarkMemory prints what 10,000 nodes at rest take, without the world that
// they run in.
func BenchmarkMemory(b *testing.B) {
	const nodes = 10_000
	for b.Loop() {
		o := options{seed: 5, nodes: nodes, config: hyparview.Default(), network: lan}
		o.config.Transport = "datagram"
		o.config.ShuffleInterval = quantity.Duration(10 * second)
		c := newCluster(b, o)
		c.joinAll(10*second, 0)
		c.run(2 * time.Minute)
		live := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		with := live()
		c.at(c.world.Now(), func(w *sim.Control) {
			for i := range nodes {
				must(b, w.Crash(i, sim.CrashHost))
			}
		})
		c.run(c.world.Now())
		without := live()
		b.ReportMetric(float64(with-without)/nodes, "bytes/node")
		runtime.KeepAlive(c)
	}
}
