package hyparview_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol/hyparview"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

// plan is an overlay, a minute of faults and a long quiet time after, drawn but
// not yet built.
type plan struct {
	options
	loss   uint64
	faults []fault
}

type fault struct {
	at        time.Duration
	node      int
	kind      string
	host      bool // that crashes, not only the process
	side      int  // of the partition: the first nodes
	symmetric bool
	length    time.Duration // of the partition
}

const (
	ordealFaults = 60 * second
	// Quiet time: what failed is found out by streams that time out and by
	// keep-alives; eight that failed are tried, one at a time, some are dead.
	ordealQuiet = 180 * second
)

func drawPlan(t *rapid.T) plan {
	p := plan{options: options{
		seed:    rapid.Uint64().Draw(t, "seed"),
		nodes:   rapid.IntRange(8, 60).Draw(t, "nodes"),
		config:  hyparview.Default(),
		swim:    rapid.IntRange(0, 3).Draw(t, "swim") == 0,
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
	}}
	p.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 3).Draw(t, "duplicate")
	p.loss = rapid.Uint64Range(0, 20).Draw(t, "loss")
	c := &p.config
	c.Transport = rapid.SampledFrom([]string{"stream", "datagram"}).Draw(t, "transport")
	c.ActiveSize = rapid.IntRange(4, 6).Draw(t, "active_size")
	c.PassiveSize = rapid.IntRange(8, 30).Draw(t, "passive_size")
	c.ReconnectInterval = quantity.Duration(5 * second)
	c.PurgeBeforeAnswer = rapid.Bool().Draw(t, "purge_before_answer")
	if c.Optimise = rapid.Bool().Draw(t, "optimise"); c.Optimise {
		c.OptimiseInterval = quantity.Duration(3 * second)
		c.OptimiseThreshold = quantity.Duration(time.Millisecond)
	}
	kinds := rapid.SampledFrom([]string{"crash", "crash", "restart", "leave", "return", "cut"})
	for range rapid.IntRange(0, 12).Draw(t, "faults") {
		at := time.Duration(rapid.Int64Range(int64(second), int64(ordealFaults-7*second)).Draw(t, "at"))
		p.faults = append(p.faults, fault{
			at:        at,
			node:      rapid.IntRange(0, p.nodes-1).Draw(t, "node"),
			kind:      kinds.Draw(t, "kind"),
			host:      rapid.Bool().Draw(t, "host"),
			side:      rapid.IntRange(1, p.nodes-1).Draw(t, "side"),
			symmetric: rapid.IntRange(0, 2).Draw(t, "symmetric") > 0,
			length:    time.Duration(rapid.Int64Range(int64(second), int64(ordealFaults-at)).Draw(t, "length")),
		})
	}
	return p
}

// seeds are never taken away for good: whose seeds are all gone has no way back.
var seeds = []int{0, 1}

func (p plan) begin(t testing.TB, wire sim.WireMode) *cluster {
	o := p.options
	o.wire = wire
	c := newCluster(t, o)
	c.joinAll(5*second, seeds...)
	if p.loss > 0 {
		c.rule(0, ordealFaults, netmodel.Rule{Loss: netmodel.Always / 100 * p.loss})
	}
	for _, f := range p.faults {
		c.plan(f)
	}
	return c
}

// plan has a fault happen. What cannot happen any more (a crash of one that is
// gone) does not.
func (c *cluster) plan(f fault) {
	isSeed := f.node < len(seeds)
	again := func(w *sim.Control) { _ = w.Restart(f.node, seeds) }
	switch f.kind {
	case "crash", "restart":
		kind := sim.CrashProcess
		if f.host {
			kind = sim.CrashHost
		}
		c.at(f.at, func(w *sim.Control) { _ = w.Crash(f.node, kind) })
		if f.kind == "restart" || isSeed {
			c.at(f.at+second, again)
		}
	case "leave", "return":
		c.at(f.at, func(w *sim.Control) { _ = w.Leave(f.node) })
		if f.kind == "return" || isSeed {
			c.at(f.at+5*second, again)
		}
	case "cut":
		var side netmodel.Set
		for j := range f.side {
			side.Nodes = append(side.Nodes, uint32(j))
		}
		others := side
		others.Not = true
		c.rule(f.at, f.at+f.length, netmodel.Rule{From: side, To: others, Cut: true, Symmetric: f.symmetric})
	}
}

// rule puts r in force for a time.
func (c *cluster) rule(from, to time.Duration, r netmodel.Rule) {
	c.at(from, func(w *sim.Control) {
		id, err := w.Network().Apply(r)
		must(c.t, err)
		w.At(to, func(w *sim.Control) { must(c.t, w.Network().Remove(id)) })
	})
}

// Once faults have ceased for a bounded time, all active views are symmetric and
// hold live nodes only, and the overlay of the live nodes is one.
func TestOverlayIsOneAndSymmetricOnceFaultsCease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		c := p.begin(t, sim.WireValues)
		c.run(ordealFaults + ordealQuiet)
		c.wantRest(rt, p.config.ActiveSize)
	})
}

// wantRest fails unless the overlay is what it should be at rest. Links change
// now and then even so (rotation, optimisation), and while a message is on its
// way the ends differ; so it looks a few times.
func (c *cluster) wantRest(t fataler, activeSize int) {
	t.Helper()
	for range 100 {
		if overlayFault(c.views(), activeSize) == "" {
			return
		}
		c.run(c.world.Now() + 200*time.Millisecond)
	}
	t.Fatalf("at %v: %s", c.world.Now(), overlayFault(c.views(), activeSize))
}

// Messages that travel as values and messages that travel as bytes make the same
// world: the codec loses nothing and nobody keeps a hand on what was sent.
func TestBytesAndValuesMakeTheSameWorld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		values, encoded := p.begin(t, sim.WireValues), p.begin(t, sim.WireEncode)
		values.run(ordealFaults + 20*second)
		encoded.run(ordealFaults + 20*second)
		if a, b := values.world.TraceHash(), encoded.world.TraceHash(); a != b {
			rt.Fatalf("trace hash: got %s with bytes, %s with values", b, a)
		}
	})
}
