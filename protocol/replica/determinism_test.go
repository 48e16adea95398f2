package replica_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/sim"
	"github.com/starling-sim/starling/sim/pebbledisk"
)

// The same plan, under the same faults, leaves the same trace hash: with any
// number of workers, with messages as bytes, and with Pebble under the nodes.
func TestTraceDoesNotDependOnExecution(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		trace := func(workers int, wire sim.WireMode, pebble bool) string {
			p := p
			p.workers, p.wire = workers, wire
			if pebble {
				p.disks = pebbledisk.New()
			}
			c, _ := p.begin(t)
			c.run(faultsEnd + 10*second)
			must(t, c.world.Close())
			return fmt.Sprintf("%x, %d events, %d writes", c.world.TraceHash(), len(c.count), c.world.DiskCounters().Applied)
		}
		want := trace(1, sim.WireValues, false)
		workers := rapid.SampledFrom([]int{1, 2, 4}).Draw(rt, "workers")
		pebble := rapid.Bool().Draw(rt, "pebble")
		if got := trace(workers, sim.WireEncode, pebble); got != want {
			rt.Fatalf("%d workers, messages as bytes, Pebble %t: got %s, want %s", workers, pebble, got, want)
		}
	})
}
