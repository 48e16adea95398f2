package cyclon_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/cyclon"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/sim"
)

// cluster is a world of Cyclon nodes that checks what they emit.
type cluster struct {
	t     testing.TB
	world *sim.World
	nodes int
	size  int                        // of a view
	links []map[protocol.NodeID]bool // by node, as its events tell
	wrong string                     // the first thing that was not as it must be
}

type options struct {
	seed    uint64
	nodes   int
	config  cyclon.Config
	network netmodel.Config
	wire    sim.WireMode
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	registry, err := stack.NewRegistry(cyclon.Spec())
	must(t, err)
	st, err := registry.New([]string{"cyclon"}, map[string]any{"cyclon": &o.config})
	must(t, err)
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	model, err := netmodel.New(o.network)
	must(t, err)
	c := &cluster{t: t, nodes: o.nodes, size: o.config.ViewSize, links: make([]map[protocol.NodeID]bool, o.nodes)}
	c.world, err = sim.New(sim.Config{
		Seed: o.seed, Nodes: o.nodes, Network: model, Build: st.Build, Decoders: st.Decoders(),
		Wire: o.wire, Workers: 1, Observer: c,
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

// Observe implements protocol.Observer: links come and go one at a time, each
// once, never to this node itself, never more than a view holds.
func (c *cluster) Observe(r protocol.Record) {
	e := r.Event
	links := c.links[r.Index]
	problem := ""
	switch e.Kind {
	case protocol.EventNodeStarted, protocol.EventNodeRestarted:
		c.links[r.Index] = map[protocol.NodeID]bool{}
	case cyclon.EventNeighborUp:
		switch {
		case e.Peer == r.Node:
			problem = "took itself in"
		case links[e.Peer]:
			problem = "took one in twice"
		case len(links) == c.size:
			problem = "took in more than its view holds"
		}
		links[e.Peer] = true
	case cyclon.EventNeighborDown:
		if !links[e.Peer] {
			problem = "lost one that it did not have"
		}
		delete(links, e.Peer)
	}
	if problem != "" && c.wrong == "" {
		c.wrong = fmt.Sprintf("at %v node %d %s: %v", time.Duration(r.Time), r.Index, problem, e.Peer)
	}
}

func (c *cluster) at(t time.Duration, do func(w *sim.Control)) { c.world.At(t, do) }

func (c *cluster) run(until time.Duration) {
	c.t.Helper()
	must(c.t, c.world.Run(context.Background(), until))
}

// joinAll has one node after the other join through the first.
func (c *cluster) joinAll(apart time.Duration) {
	for i := range c.nodes {
		c.at(time.Duration(i)*apart, func(w *sim.Control) { must(c.t, w.Join(i, []int{0})) })
	}
}

// views returns, by node, the indices of those in its view, ascending; nil if
// the node does not run.
func (c *cluster) views() [][]int {
	views := make([][]int, c.nodes)
	c.at(c.world.Now(), func(w *sim.Control) {
		for i := range c.nodes {
			if w.State(i) != sim.Up {
				continue
			}
			views[i] = []int{}
			for _, id := range w.Protocol(i).(*cyclon.Node).View() {
				j, _ := c.world.Index(id)
				views[i] = append(views[i], j)
			}
			slices.Sort(views[i])
		}
	})
	c.run(c.world.Now())
	return views
}

// components counts the connected components of the running nodes, links taken
// in both directions.
func components(views [][]int) int {
	root := make([]int, len(views))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			i = root[i]
		}
		return i
	}
	for i, v := range views {
		for _, j := range v {
			if views[j] != nil {
				root[find(j)] = find(i)
			}
		}
	}
	n := 0
	for i, v := range views {
		if v != nil && root[i] == i {
			n++
		}
	}
	return n
}

// quick is a configuration with a cycle of a second.
func quick() cyclon.Config {
	c := cyclon.Defaults()
	c.ShuffleInterval = quantity.Duration(time.Second)
	c.ReplyTimeout = quantity.Duration(300 * time.Millisecond)
	c.RejoinInterval = quantity.Duration(time.Second)
	return c
}

var lan = netmodel.Config{Latency: netmodel.Constant{Delay: 5 * time.Millisecond}}
