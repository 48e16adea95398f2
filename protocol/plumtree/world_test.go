package plumtree_test

import (
	"context"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/sim"
)

// cluster is a world of nodes with plumtree on top, and what they emitted.
type cluster struct {
	t     testing.TB
	world *sim.World
	nodes int
	// delivered counts, by message key and node, how often it was delivered,
	// the origin's own broadcast included.
	delivered map[uint64][]int
	origin    map[uint64]int
	order     []uint64 // keys in the order of their broadcasts
	count     map[protocol.EventKind]int
	hops      map[uint64]uint64 // of the last delivery
}

type options struct {
	seed    uint64
	nodes   int
	stack   []string
	configs map[string]any
	network netmodel.Config
	wire    sim.WireMode
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	registry, err := stack.Default()
	must(t, err)
	st, err := registry.New(o.stack, o.configs)
	must(t, err)
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	model, err := netmodel.New(o.network)
	must(t, err)
	c := &cluster{
		t: t, nodes: o.nodes, delivered: map[uint64][]int{}, origin: map[uint64]int{},
		count: map[protocol.EventKind]int{}, hops: map[uint64]uint64{},
	}
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

// Observe implements protocol.Observer.
func (c *cluster) Observe(r protocol.Record) {
	key := r.Event.Args[0]
	c.count[r.Event.Kind]++
	switch r.Event.Kind {
	case plumtree.EventBroadcast:
		c.delivered[key] = make([]int, c.nodes)
		c.delivered[key][r.Index]++
		c.origin[key] = int(r.Index)
		c.order = append(c.order, key)
	case plumtree.EventDeliver:
		c.delivered[key][r.Index]++
		c.hops[key] = r.Event.Args[1]
	}
}

func (c *cluster) run(until time.Duration) {
	c.t.Helper()
	must(c.t, c.world.Run(context.Background(), until))
}

// join lets all nodes enter at time 0, with the first as their seed.
func (c *cluster) join(seeds ...int) {
	c.world.At(0, func(w *sim.Control) {
		for i := range c.nodes {
			must(c.t, w.Join(i, seeds))
		}
	})
}

// broadcast has a node broadcast now.
func (c *cluster) broadcast(node int, payload string) {
	c.t.Helper()
	c.world.At(c.world.Now(), func(w *sim.Control) { must(c.t, c.send(w, node, []byte(payload))) })
	c.run(c.world.Now())
}

// send has a node broadcast, if it runs.
func (c *cluster) send(w *sim.Control, node int, payload []byte) error {
	return w.Command(node, protocol.Command{Kind: plumtree.CommandBroadcast, Value: payload}, 0)
}

// eager lists the peers to which a node pushes messages of an origin.
func (c *cluster) eager(i, origin int) []protocol.NodeID {
	return c.node(i).Eager(c.world.ID(origin))
}

// up lists the nodes that run.
func (c *cluster) up() []int {
	var up []int
	c.world.At(c.world.Now(), func(w *sim.Control) {
		for i := range c.nodes {
			if w.State(i) == sim.Up {
				up = append(up, i)
			}
		}
	})
	c.run(c.world.Now())
	return up
}

// node returns a running node's top protocol.
func (c *cluster) node(i int) (n *plumtree.Node) {
	c.world.At(c.world.Now(), func(w *sim.Control) {
		layers := stack.Layers(w.Protocol(i))
		n = layers[len(layers)-1].(*plumtree.Node)
	})
	c.run(c.world.Now())
	return n
}

// everybody is all indices.
func everybody(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
