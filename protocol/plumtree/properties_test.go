package plumtree_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

const second = time.Second

// plan is a cluster, half a minute of faults and broadcasts, and a long quiet
// time after; drawn but not yet built.
type plan struct {
	options
	config     plumtree.Config
	faults     []fault
	broadcasts []sending // while there are faults
}

type fault struct {
	at     time.Duration
	node   int
	kind   string
	host   bool // that crashes, not only the process
	side   int  // of the partition: the first nodes
	oneWay bool
}

type sending struct {
	at   time.Duration
	node int
	size int
}

const (
	faultsEnd = 40 * second
	quietEnd  = 160 * second // memberships and overlays have become right by then
)

func drawPlan(t *rapid.T, stacks ...[]string) plan {
	p := plan{options: options{
		seed:    rapid.Uint64().Draw(t, "seed"),
		nodes:   rapid.IntRange(2, 24).Draw(t, "nodes"),
		stack:   rapid.SampledFrom(stacks).Draw(t, "stack"),
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
	}}
	p.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 3).Draw(t, "duplicate")
	c := plumtree.Default()
	c.Trees = rapid.SampledFrom([]string{"shared", "per_root"}).Draw(t, "trees")
	c.Transport = rapid.SampledFrom([]string{"stream", "datagram"}).Draw(t, "transport")
	c.LazyInterval = quantity.Duration(rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond}).Draw(t, "lazy_interval"))
	c.OptimiseThreshold = rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "optimise")
	c.CacheCount = rapid.SampledFrom([]int{8, 4096}).Draw(t, "cache_count")
	c.HistoryCount = max(c.CacheCount, rapid.SampledFrom([]int{64, 4096}).Draw(t, "history_count"))
	c.MaxRoots = rapid.SampledFrom([]int{3, 256}).Draw(t, "max_roots")
	c.LazyQueue, c.MissingCount = 32, 64
	p.config = c
	at := func() time.Duration {
		return time.Duration(rapid.Int64Range(int64(5*second), int64(faultsEnd-6*second)).Draw(t, "at"))
	}
	node := func() int { return rapid.IntRange(0, p.nodes-1).Draw(t, "node") }
	kinds := rapid.SampledFrom([]string{"crash", "restart", "leave", "cut", "loss"})
	for range rapid.IntRange(0, 6).Draw(t, "faults") {
		p.faults = append(p.faults, fault{
			at: at(), node: node(), kind: kinds.Draw(t, "kind"),
			host: rapid.Bool().Draw(t, "host"), side: rapid.IntRange(1, p.nodes).Draw(t, "side"),
			oneWay: rapid.Bool().Draw(t, "one_way"),
		})
	}
	for range rapid.IntRange(0, 20).Draw(t, "broadcasts") {
		p.broadcasts = append(p.broadcasts, sending{at(), node(), rapid.SampledFrom([]int{0, 10, 5000}).Draw(t, "size")})
	}
	return p
}

func (p plan) begin(t testing.TB, wire sim.WireMode) *cluster {
	o := p.options
	o.wire, o.configs = wire, map[string]any{"plumtree": &p.config}
	c := newCluster(t, o)
	c.join(everybody(p.nodes)...)
	for _, f := range p.faults {
		c.plan(f)
	}
	for _, s := range p.broadcasts {
		c.world.At(s.at, func(w *sim.Control) { _ = c.send(w, s.node, make([]byte, s.size)) })
	}
	return c
}

// plan has a fault happen. What cannot happen any more (a crash of one that is
// gone) does not.
func (c *cluster) plan(f fault) {
	kind := sim.CrashProcess
	if f.host {
		kind = sim.CrashHost
	}
	rule := func(r netmodel.Rule) {
		c.world.At(f.at, func(w *sim.Control) {
			id, err := w.Network().Apply(r)
			must(c.t, err)
			w.At(faultsEnd, func(w *sim.Control) { must(c.t, w.Network().Remove(id)) })
		})
	}
	switch f.kind {
	case "crash", "restart":
		c.world.At(f.at, func(w *sim.Control) { _ = w.Crash(f.node, kind) })
		if f.kind == "restart" {
			c.world.At(f.at+5*second, func(w *sim.Control) { _ = w.Restart(f.node, everybody(c.nodes)) })
		}
	case "leave":
		c.world.At(f.at, func(w *sim.Control) { _ = w.Leave(f.node) })
	case "cut":
		var side netmodel.Set
		for j := range f.side {
			side.Nodes = append(side.Nodes, uint32(j))
		}
		others := side
		others.Not = true
		rule(netmodel.Rule{From: side, To: others, Cut: true, Symmetric: !f.oneWay})
	case "loss":
		rule(netmodel.Rule{To: netmodel.Set{Nodes: []uint32{uint32(f.node)}}, Loss: netmodel.Always / 10 * 3})
	}
}

// reachesAll checks that a message, broadcast after quiet, reached every live
// node exactly once, and nobody more often.
func (c *cluster) reachesAll(t *rapid.T, key uint64, up []int) {
	for i, n := range c.delivered[key] {
		switch {
		case n > 1:
			t.Errorf("message %x of node %d came to node %d %d times", key, c.origin[key], i, n)
		case n == 0 && slices.Contains(up, i):
			t.Errorf("message %x of node %d did not come to node %d", key, c.origin[key], i)
		}
	}
}

var stacks = [][]string{{"swim", "plumtree"}, {"hyparview", "plumtree"}, {"swim", "hyparview", "plumtree"}}

// Once faults have ceased, every message reaches every live node exactly once;
// at no time does a message reach the application twice in one life of a
// node; the branches of the tree join all live nodes; and no memory exceeds
// its bound.
func TestMessagesReachEverybodyOnceFaultsCease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt, stacks...)
		c := p.begin(t, sim.WireValues)
		c.run(quietEnd)
		up := c.up()
		if len(up) == 0 {
			return
		}
		before := len(c.order)
		for _, k := range rapid.SliceOfN(rapid.IntRange(0, len(up)-1), 1, 6).Draw(rt, "senders") {
			c.broadcast(up[k], "quiet")
			c.run(c.world.Now() + time.Duration(rapid.IntRange(0, 3000).Draw(rt, "pause_ms"))*time.Millisecond)
		}
		c.run(c.world.Now() + 20*second)
		for _, key := range c.order[before:] {
			c.reachesAll(rt, key, up)
		}
		// A GRAFT and a PRUNE that cross, or overtake each other as datagrams
		// do, can cut a branch until the next messages mend it.
		left := c.unreached(up[0], up)
		for tries := 0; len(left) > 0 && tries < 5; tries++ {
			c.broadcast(up[0], "again")
			c.run(c.world.Now() + 20*second)
			left = c.unreached(up[0], up)
		}
		if len(left) > 0 {
			rt.Errorf("no branches lead from node %d to nodes %v", up[0], left)
		}
		for _, i := range up {
			k := c.node(i).Kept()
			if g := &p.config; k.History > g.HistoryCount || k.Messages > g.CacheCount || k.Bytes > int(g.CacheBytes) ||
				k.Missing > 0 || k.Queued > 0 || k.Roots > g.MaxRoots || k.Origins > g.HistoryOrigins {
				rt.Errorf("node %d keeps %+v", i, k)
			}
		}
	})
}

// unreached lists the live nodes to which no links lead from an origin along
// which its payloads are pushed.
func (c *cluster) unreached(origin int, up []int) (left []int) {
	reached := map[int]bool{origin: true}
	for queue := []int{origin}; len(queue) > 0; queue = queue[1:] {
		for _, id := range c.eager(queue[0], origin) {
			if i, ok := c.world.Index(id); ok && slices.Contains(up, i) && !reached[i] {
				reached[i] = true
				queue = append(queue, i)
			}
		}
	}
	for _, i := range up {
		if !reached[i] {
			left = append(left, i)
		}
	}
	return left
}

// Messages that travel as values and messages that travel as bytes make the same
// world: the codec loses nothing and nobody keeps a hand on what was sent.
func TestBytesAndValuesMakeTheSameWorld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt, stacks...)
		values, encoded := p.begin(t, sim.WireValues), p.begin(t, sim.WireEncode)
		values.run(faultsEnd + 20*second)
		encoded.run(faultsEnd + 20*second)
		if a, b := values.world.TraceHash(), encoded.world.TraceHash(); a != b {
			rt.Fatalf("trace hash: got %s with bytes, %s with values", b, a)
		}
	})
}

// An hour at a steady rate leaves memories as they were after ten minutes.
func TestAnHourAtASteadyRateKeepsMemoryFlat(t *testing.T) {
	config := plumtree.Default()
	config.HistoryAge = quantity.Duration(2 * time.Minute)
	c := newCluster(t, options{
		seed: 1, nodes: 12, stack: stacks[0], configs: map[string]any{"plumtree": &config},
		network: netmodel.Config{Latency: netmodel.Constant{Delay: 20 * time.Millisecond}},
	})
	c.join(everybody(12)...)
	for i := range 3600 {
		c.world.At(time.Duration(i+10)*second, func(w *sim.Control) { _ = c.send(w, i%12, make([]byte, 100)) })
	}
	kept := func(until time.Duration) (all []plumtree.Kept) {
		c.run(until)
		for i := range 12 {
			all = append(all, c.node(i).Kept())
		}
		return all
	}
	early, late := kept(10*time.Minute), kept(time.Hour)
	for i := range early {
		// The oldest message of a second may or may not be gone.
		if late[i].History > early[i].History+1 || late[i].Messages > early[i].Messages+1 || late[i].Origins > 12 || late[i].Missing > 0 {
			t.Errorf("node %d keeps %+v after an hour, %+v after ten minutes", i, late[i], early[i])
		}
	}
	if early[0].History < 110 || early[0].History > 130 {
		t.Errorf("got a history of %d, want that of two minutes", early[0].History)
	}
}
