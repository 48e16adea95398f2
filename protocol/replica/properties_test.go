package replica_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/replica"
	"github.com/starling-sim/starling/sim"
)

// plan is a cluster, writes and faults for a time, and quiet after; drawn but not
// yet built.
type plan struct {
	options
	faults []fault
	writes []write
}

type fault struct {
	at, lasts time.Duration
	node      int
	kind      string
	host      bool // that crashes, not only the process
	side      int  // of the partition: the first nodes
	oneWay    bool
}

type write struct {
	at    time.Duration
	node  int
	kind  protocol.CommandKind
	key   string
	value string
}

const (
	faultsEnd = 40 * second
	// quietEnd: by then memberships are right, every pair has had a session
	// several times over, and deletions are forgotten.
	quietEnd = 160 * second
)

func drawPlan(t *rapid.T) plan {
	p := plan{options: options{
		seed:   rapid.Uint64().Draw(t, "seed"),
		nodes:  rapid.IntRange(2, 8).Draw(t, "nodes"),
		config: quick(),
	}}
	p.config.Push = rapid.SampledFrom([]string{"none", "hot", "all"}).Draw(t, "push")
	p.config.Compare = rapid.SampledFrom([]string{"mst", "merkle", "full"}).Draw(t, "compare")
	p.config.MerkleDepth = rapid.SampledFrom([]int{1, 4, 10}).Draw(t, "merkle_depth")
	p.config.SummaryLevels = rapid.IntRange(0, 2).Draw(t, "summary_levels")
	p.config.TreeBase = rapid.SampledFrom([]int{2, 16}).Draw(t, "base")
	if rapid.Bool().Draw(t, "salted") {
		p.config.TreeSalt = "nobody knows this"
	}
	p.survival = rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "survival")
	p.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * rapid.SampledFrom([]uint64{0, 10}).Draw(t, "loss")}
	at := func() time.Duration {
		return time.Duration(rapid.Int64Range(int64(second), int64(faultsEnd-second)).Draw(t, "at"))
	}
	node := func() int { return rapid.IntRange(0, p.nodes-1).Draw(t, "node") }
	kinds := rapid.SampledFrom([]string{"crash", "cut", "loss", "full", "errors"})
	for range rapid.IntRange(0, 5).Draw(t, "faults") {
		p.faults = append(p.faults, fault{
			at: at(), node: node(), kind: kinds.Draw(t, "kind"),
			lasts: time.Duration(rapid.IntRange(1, 30).Draw(t, "lasts")) * second,
			host:  rapid.Bool().Draw(t, "host"), side: rapid.IntRange(1, p.nodes).Draw(t, "side"),
			oneWay: rapid.Bool().Draw(t, "one_way"),
		})
	}
	for k := range rapid.IntRange(0, 60).Draw(t, "writes") {
		w := write{at: at(), node: node(), value: fmt.Sprint("v", k)}
		number := rapid.IntRange(0, 5).Draw(t, "number")
		switch rapid.SampledFrom([]string{"once", "brief", "any", "tally", "set"}).Draw(t, "key") {
		case "once": // written once and never deleted
			w.kind, w.key = replica.CommandPut, fmt.Sprint("once", k)
		case "brief": // written once, deleted later where it can be seen
			w.kind, w.key = replica.CommandPut, fmt.Sprint("brief", k)
			p.writes = append(p.writes, write{at: min(w.at+time.Duration(number)*3*second, faultsEnd), node: node(), kind: replica.CommandDelete, key: w.key})
		case "any":
			w.kind, w.key = rapid.SampledFrom([]protocol.CommandKind{replica.CommandPut, replica.CommandDelete, replica.CommandAdd, replica.CommandIncrement}).Draw(t, "command"), fmt.Sprint("any", number)
		case "tally":
			w.kind, w.key = replica.CommandIncrement, fmt.Sprint("tally", number)
		case "set":
			w.kind, w.key = replica.CommandAdd, fmt.Sprint("set", number)
		}
		p.writes = append(p.writes, w)
	}
	slices.SortStableFunc(p.writes, func(a, b write) int { return int(a.at - b.at) })
	return p
}

// ledger is what was acknowledged.
type ledger struct {
	written  map[string]string          // once: key to value
	deleted  map[string]bool            // brief, deleted where it was seen
	tallies  map[string]int64           // increments
	doubtful map[string]int64           // increments that failed: they may have happened
	elements map[string]map[string]bool // of sets
}

func (p plan) begin(t testing.TB) (*cluster, *ledger) {
	c := newCluster(t, p.options)
	l := &ledger{map[string]string{}, map[string]bool{}, map[string]int64{}, map[string]int64{}, map[string]map[string]bool{}}
	for _, f := range p.faults {
		c.plan(f)
	}
	for _, w := range p.writes {
		c.world.At(w.at, func(ctl *sim.Control) { c.write(ctl, w, l) })
	}
	return c, l
}

func (c *cluster) write(ctl *sim.Control, w write, l *ledger) {
	if ctl.State(w.node) != sim.Up {
		return
	}
	_, seen := node(ctl, w.node).Tree().Get([]byte(w.key))
	if !command(ctl, w.node, w.kind, w.key, w.value) {
		l.doubtful[w.key]++
		return
	}
	switch w.key[:3] {
	case "onc":
		l.written[w.key] = w.value
	case "bri":
		if w.kind == replica.CommandDelete && seen {
			l.deleted[w.key] = true
		}
	case "tal":
		l.tallies[w.key]++
	case "set":
		if l.elements[w.key] == nil {
			l.elements[w.key] = map[string]bool{}
		}
		l.elements[w.key][w.value] = true
	}
}

// plan has a fault happen, and end.
func (c *cluster) plan(f fault) {
	ends := min(f.at+f.lasts, faultsEnd)
	rule := func(r netmodel.Rule) {
		c.world.At(f.at, func(w *sim.Control) {
			id, err := w.Network().Apply(r)
			must(c.t, err)
			w.At(ends, func(w *sim.Control) { must(c.t, w.Network().Remove(id)) })
		})
	}
	switch f.kind {
	case "crash":
		kind := sim.CrashProcess
		if f.host {
			kind = sim.CrashHost
		}
		c.world.At(f.at, func(w *sim.Control) {
			if w.Crash(f.node, kind) == nil {
				w.At(ends, func(w *sim.Control) { must(c.t, w.Restart(f.node, []int{0, 1})) })
			}
		})
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
	case "full", "errors":
		fault := sim.DiskFault{Full: true}
		if f.kind == "errors" {
			fault = sim.DiskFault{ErrorRate: netmodel.Always / 100 * 20}
		}
		c.world.At(f.at, func(w *sim.Control) { must(c.t, w.SetDisk(f.node, fault)) })
		c.world.At(ends, func(w *sim.Control) { must(c.t, w.SetDisk(f.node, sim.DiskFault{})) })
	}
}

// Once faults have ceased, all replicas come to hold the same; what was
// acknowledged is there, what was deleted is not, and deletions are forgotten.
func TestReplicasConvergeOnceFaultsCease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		c, l := p.begin(t)
		c.run(quietEnd)
		if err := c.same(); err != nil {
			rt.Fatal(err)
		}
		c.now(func(w *sim.Control) {
			for i := range c.nodes {
				c.check(rt, w, i, l)
			}
		})
	})
}

func (c *cluster) check(t *rapid.T, w *sim.Control, i int, l *ledger) {
	n := node(w, i)
	entry := func(key string) crdt.Entry { return entry(c.t, w, i, key) }
	for _, key := range slices.Sorted(maps.Keys(l.written)) {
		if got, ok := entry(key).Register().Get(); !ok || got != l.written[key] {
			t.Errorf("node %d has %q, %t under %s, want the acknowledged %q", i, got, ok, key, l.written[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.deleted)) {
		if entry(key).Live() {
			t.Errorf("node %d has the deleted %s", i, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.tallies)) {
		if got := entry(key).PNCounter().Count(); got < l.tallies[key] || got > l.tallies[key]+l.doubtful[key] {
			t.Errorf("node %d counts %d of %s, want %d and at most %d more", i, got, key, l.tallies[key], l.doubtful[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.elements)) {
		for element := range l.elements[key] {
			if !entry(key).ORSet().Contains(element) {
				t.Errorf("node %d lacks element %s of %s", i, element, key)
			}
		}
	}
	if got := n.Tombstones(); got > 0 {
		t.Errorf("node %d remembers %d deletions", i, got)
	}
}
