package cyclon_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/sim"
)

// plan is a cluster, half a minute of faults and a quiet time after, drawn but
// not yet built. Its cycle is a second.
type plan struct {
	options
	faults []fault
}

type fault struct {
	at   time.Duration
	node int
	kind string
	host bool // that crashes, not only the process
}

const (
	second       = time.Second
	ordealJoins  = 10 * second
	ordealFaults = 40 * second
)

func drawPlan(t *rapid.T, kinds ...string) plan {
	p := plan{options: options{
		seed:    rapid.Uint64().Draw(t, "seed"),
		nodes:   rapid.IntRange(2, 30).Draw(t, "nodes"),
		config:  quick(),
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
	}}
	p.config.ViewSize = rapid.IntRange(1, 12).Draw(t, "view_size")
	p.config.ShuffleLength = rapid.IntRange(1, p.config.ViewSize).Draw(t, "shuffle_length")
	p.config.JoinWalk = rapid.IntRange(0, 6).Draw(t, "join_walk")
	p.config.Transport = rapid.SampledFrom([]string{"datagram", "stream"}).Draw(t, "transport")
	p.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 3).Draw(t, "duplicate")
	p.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * rapid.Uint64Range(0, 20).Draw(t, "loss")}
	for range rapid.IntRange(0, 8).Draw(t, "faults") {
		p.faults = append(p.faults, fault{
			at:   time.Duration(rapid.Int64Range(int64(ordealJoins), int64(ordealFaults-6*second)).Draw(t, "at")),
			node: rapid.IntRange(0, p.nodes-1).Draw(t, "node"),
			kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
			host: rapid.Bool().Draw(t, "host"),
		})
	}
	return p
}

var allKinds = []string{"crash", "restart", "leave", "return", "pause", "cut"}

func (p plan) begin(t testing.TB, wire sim.WireMode) *cluster {
	o := p.options
	o.wire = wire
	c := newCluster(t, o)
	c.joinAll(ordealJoins / time.Duration(p.nodes+1))
	for _, f := range p.faults {
		c.plan(f)
	}
	return c
}

// plan has a fault happen. What cannot happen any more (a crash of one that is
// gone) does not.
func (c *cluster) plan(f fault) {
	everybody := make([]int, c.nodes)
	for i := range everybody {
		everybody[i] = i
	}
	again := func(w *sim.Control) { _ = w.Restart(f.node, everybody) }
	switch f.kind {
	case "crash", "restart":
		kind := sim.CrashProcess
		if f.host && f.kind == "crash" {
			kind = sim.CrashHost
		}
		c.at(f.at, func(w *sim.Control) { _ = w.Crash(f.node, kind) })
		if f.kind == "restart" {
			c.at(f.at+second, again)
		}
	case "leave", "return":
		c.at(f.at, func(w *sim.Control) { _ = w.Leave(f.node) })
		if f.kind == "return" {
			c.at(f.at+5*second, again)
		}
	case "pause":
		c.at(f.at, func(w *sim.Control) { _ = w.Pause(f.node, sim.Pause{Model: sim.PauseFrozen}) })
		c.at(f.at+5*second, func(w *sim.Control) {
			if w.Paused(f.node) {
				must(c.t, w.Resume(f.node))
			}
		})
	case "cut":
		side := netmodel.Set{Nodes: []uint32{uint32(f.node)}}
		c.at(f.at, func(w *sim.Control) {
			id, err := w.Network().Apply(netmodel.Rule{From: side, To: netmodel.Set{Nodes: side.Nodes, Not: true}, Cut: true, Symmetric: f.host})
			must(c.t, err)
			w.At(ordealFaults, func(w *sim.Control) { must(c.t, w.Network().Remove(id)) })
		})
	}
}

// At any time a view holds at most view_size others, each once, and its events
// tell what it holds; once faults have ceased, nobody who is gone stays in it
// for longer than it takes to be the oldest.
func TestViewsAreSetsOfTheLiving(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt, allKinds...)
		c := p.begin(t, sim.WireValues)
		// One shuffle a second takes the oldest out of every view, and nobody
		// makes new entries of the dead.
		c.run(ordealFaults + time.Duration(2*p.config.ViewSize+20)*second)
		if c.wrong != "" {
			rt.Fatal(c.wrong)
		}
		views := c.views()
		// A view of one or two has no choice of the oldest: who is asked passes
		// the entry of a dead node on before its own turn comes.
		choice := p.config.ViewSize >= 4
		for i, v := range views {
			told := c.links[i]
			for _, j := range v {
				if choice && views[j] == nil {
					rt.Errorf("node %d still knows node %d, which is gone", i, j)
				}
				if !told[c.world.ID(j)] {
					rt.Errorf("node %d never told of node %d", i, j)
				}
			}
			if v != nil && len(told) != len(v) {
				rt.Errorf("node %d told of %d in its view of %d", i, len(told), len(v))
			}
		}
	})
}

// Without a partition the views hold the overlay together, even if a third of
// the nodes is gone at once, and everybody has company.
func TestTheOverlayIsConnected(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := options{
			// Two or three nodes that lose shuffles lose each other, and need a seed.
			seed: rapid.Uint64().Draw(rt, "seed"), nodes: rapid.IntRange(15, 60).Draw(rt, "nodes"),
			config: quick(), network: lan,
		}
		o.config.ViewSize = rapid.IntRange(15, 35).Draw(rt, "view_size")
		o.config.ShuffleLength = rapid.IntRange(5, 14).Draw(rt, "shuffle_length")
		o.config.Transport = rapid.SampledFrom([]string{"datagram", "stream"}).Draw(rt, "transport")
		o.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * rapid.Uint64Range(0, 5).Draw(rt, "loss")}
		c := newCluster(t, o)
		c.joinAll(50 * time.Millisecond)
		gone := rapid.SliceOfNDistinct(rapid.IntRange(0, o.nodes-1), 0, o.nodes/3, rapid.ID[int]).Draw(rt, "gone")
		c.at(20*second, func(w *sim.Control) {
			for _, i := range gone {
				must(t, w.Crash(i, sim.CrashHost))
			}
		})
		for _, until := range []time.Duration{20 * second, 60 * second} {
			c.run(until)
			views := c.views()
			if n := components(views); n != 1 {
				rt.Errorf("at %v: got %d components, want 1: %v", until, n, views)
			}
			if c.wrong != "" {
				rt.Fatal(c.wrong)
			}
		}
	})
}

// A node that lost everybody (it was cut off, its neighbours crashed) is back
// among the others when a seed can be reached.
func TestWhoIsAloneJoinsAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt, "cut")
		p.nodes = max(p.nodes, 3)
		p.network.Loss = nil
		c := p.begin(t, sim.WireValues)
		alone := rapid.IntRange(1, p.nodes-1).Draw(rt, "alone")
		c.at(ordealJoins, func(w *sim.Control) { must(t, w.Crash(alone, sim.CrashProcess)) })
		// Long enough to be forgotten by everybody.
		back := ordealFaults + 60*second
		c.at(back, func(w *sim.Control) { must(t, w.Restart(alone, []int{0})) })
		c.run(back + 20*second)
		if views := c.views(); len(views[alone]) == 0 {
			// Its only neighbour may be the partner of the shuffle in progress.
			c.run(back + 20*second + 500*time.Millisecond)
			if views = c.views(); len(views[alone]) == 0 {
				rt.Errorf("node %d knows nobody: %v", alone, views)
			}
		}
	})
}

// Messages that travel as values and messages that travel as bytes make the same
// world: the codec loses nothing and nobody keeps a hand on what was sent.
func TestBytesAndValuesMakeTheSameWorld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt, allKinds...)
		values, encoded := p.begin(t, sim.WireValues), p.begin(t, sim.WireEncode)
		values.run(ordealFaults)
		encoded.run(ordealFaults)
		if a, b := values.world.TraceHash(), encoded.world.TraceHash(); a != b {
			rt.Fatalf("trace hash: got %s with bytes, %s with values", b, a)
		}
	})
}

// Section 6: in-degrees lie closer together than in a random graph, in which
// everybody picks its neighbours uniformly. There, the variance is view_size
// (1 - view_size/(n-1)).
func TestInDegreesAreBalanced(t *testing.T) {
	const nodes = 500
	for _, transport := range []string{"datagram", "stream"} {
		t.Run(transport, func(t *testing.T) {
			o := options{seed: 1, nodes: nodes, config: quick(), network: lan}
			o.config.ViewSize, o.config.ShuffleLength, o.config.Transport = 20, 8, transport
			c := newCluster(t, o)
			c.joinAll(20 * time.Millisecond)
			c.run(60 * second)
			in := make([]int, nodes)
			links := 0
			for _, v := range c.views() {
				links += len(v)
				for _, j := range v {
					in[j]++
				}
			}
			if links < nodes*(o.config.ViewSize-1)*99/100 {
				t.Errorf("links: got %d, want views that are full (but for the partner of a shuffle)", links)
			}
			squares := 0
			for _, d := range in {
				squares += (d*nodes - links) * (d*nodes - links)
			}
			variance := squares / nodes / nodes / nodes
			t.Logf("in-degree: mean %d/%d, variance %d, %d to %d", links, nodes, variance, slices.Min(in), slices.Max(in))
			if random := o.config.ViewSize * (nodes - 1 - o.config.ViewSize) / (nodes - 1); variance >= random {
				t.Errorf("variance of the in-degree: got %d, want less than a random graph's, %d", variance, random)
			}
		})
	}
}

// The dead are in no view any more after twice as many cycles as a view has
// slots, even if they are half of all: every cycle takes the oldest out, and the
// entries of the dead only get older. (One view's worth of cycles does not do:
// entries of the living that are as old stand in the way, and free slots are
// filled with copies of the dead's.)
func TestTheDeadVanish(t *testing.T) {
	o := options{seed: 3, nodes: 200, config: quick(), network: lan}
	o.config.ViewSize, o.config.ShuffleLength = 20, 8
	c := newCluster(t, o)
	c.joinAll(20 * time.Millisecond)
	const crash = 30 * second
	c.at(crash, func(w *sim.Control) {
		for i := range 100 {
			must(t, w.Crash(i, sim.CrashHost))
		}
	})
	known := func() (dead int) {
		views := c.views()
		for _, v := range views {
			for _, j := range v {
				if views[j] == nil {
					dead++
				}
			}
		}
		return dead
	}
	c.run(crash)
	before := known()
	cycles := 2 * o.config.ViewSize
	c.run(crash + time.Duration(cycles)*second)
	if after := known(); after != 0 {
		t.Errorf("entries of the dead after %d cycles: got %d of %d, want 0", cycles, after, before)
	}
	if n := components(c.views()); n != 1 {
		t.Errorf("got %d components, want 1", n)
	}
}

// Newcomers that come while the seed's only entry is away for a shuffle get to
// know others than the seed, which may be gone soon.
func TestASeedThatIsShufflingKeepsNobodyToItself(t *testing.T) {
	o := options{nodes: 21, config: quick(), network: lan}
	o.config.ViewSize, o.config.ShuffleLength, o.config.Transport = 34, 6, "stream"
	o.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100}
	c := newCluster(t, o)
	c.joinAll(50 * time.Millisecond)
	c.at(20*second, func(w *sim.Control) { must(t, w.Crash(0, sim.CrashHost)) })
	c.run(60 * time.Second)
	if n := components(c.views()); n != 1 {
		t.Errorf("got %d components, want 1: %v", n, c.views())
	}
}
