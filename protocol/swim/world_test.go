package swim_test

import (
	"context"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

// cluster is a world of SWIM nodes and what they emitted.
type cluster struct {
	t     testing.TB
	world *sim.World
	nodes int
	seen  []protocol.Record
	check func(r protocol.Record) // may be nil
}

type options struct {
	seed    uint64
	nodes   int
	config  swim.Config
	network netmodel.Config
	wire    sim.WireMode
	tracer  sim.Tracer
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	registry, err := stack.Default()
	must(t, err)
	st, err := registry.New([]string{"swim"}, map[string]any{"swim": &o.config})
	must(t, err)
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	model, err := netmodel.New(o.network)
	must(t, err)
	c := &cluster{t: t, nodes: o.nodes}
	c.world, err = sim.New(sim.Config{
		Seed: o.seed, Nodes: o.nodes, Network: model, Build: st.Build, Decoders: st.Decoders(),
		Wire: o.wire, Workers: 1, Observer: c, Tracer: o.tracer,
	})
	must(t, err)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Observe implements protocol.Observer.
func (c *cluster) Observe(r protocol.Record) {
	c.seen = append(c.seen, r)
	if c.check != nil {
		c.check(r)
	}
}

// at does something at a time of the world.
func (c *cluster) at(t time.Duration, do func(w *sim.Control)) { c.world.At(t, do) }

func (c *cluster) run(until time.Duration) {
	c.t.Helper()
	must(c.t, c.world.Run(context.Background(), until))
}

// joinAll lets everybody know everybody at time 0.
func (c *cluster) joinAll() {
	everybody := make([]int, c.nodes)
	for i := range everybody {
		everybody[i] = i
	}
	c.at(0, func(w *sim.Control) {
		for i := range c.nodes {
			must(c.t, w.Join(i, everybody))
		}
	})
}

// view returns a running node's view.
func (c *cluster) view(i int) (table membertable.Table, ok bool) {
	c.at(c.world.Now(), func(w *sim.Control) {
		if w.State(i) == sim.Up {
			table, ok = w.Protocol(i).(*swim.Node).Table(), true
		}
	})
	c.run(c.world.Now())
	return table, ok
}

// events returns what was emitted of one kind about one node.
func (c *cluster) events(kind protocol.EventKind, about int) []protocol.Record {
	var out []protocol.Record
	for _, r := range c.seen {
		if r.Event.Kind == kind && r.Event.Peer == c.world.ID(about) {
			out = append(out, r)
		}
	}
	return out
}

func (c *cluster) statusAt(observer, subject int) membertable.Status {
	c.t.Helper()
	table, ok := c.view(observer)
	if !ok {
		c.t.Fatalf("node %d does not run", observer)
	}
	m, _ := table.Get(c.world.ID(subject))
	return m.Status
}

// wantEverywhere fails unless every running node but the subject itself holds
// the subject for the given status.
func (c *cluster) wantEverywhere(subject int, want membertable.Status) {
	c.t.Helper()
	for i := range c.nodes {
		if table, ok := c.view(i); ok && i != subject {
			if m, _ := table.Get(c.world.ID(subject)); m.Status != want {
				c.t.Errorf("at %v node %d holds node %d for %s, want %s", c.world.Now(), i, subject, m.Status, want)
			}
		}
	}
}

func converged() swim.Config {
	c := swim.LAN()
	c.Bootstrap = "seeds_are_members"
	return c
}
