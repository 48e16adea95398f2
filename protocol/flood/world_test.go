package flood_test

import (
	"context"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/flood"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/sim"
)

// cluster is a world of nodes that flood and what they emitted.
type cluster struct {
	t     testing.TB
	world *sim.World
	nodes int
	made  []*flood.Node // in the order of their starts
	seen  []protocol.Record
}

type options struct {
	seed    uint64
	nodes   int
	below   string // swim or ring
	config  flood.Config
	network netmodel.Config
	wire    sim.WireMode
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	c := &cluster{t: t, nodes: o.nodes}
	shipped, err := stack.Default()
	must(t, err)
	swim, _ := shipped.Lookup("swim")
	hyparview, _ := shipped.Lookup("hyparview")
	spec := flood.Spec()
	build := spec.NewBuilder
	spec.NewBuilder = func(config any) protocol.Builder {
		b := build(config)
		return func(lower []protocol.Protocol) (protocol.Protocol, error) {
			p, err := b(lower)
			if n, ok := p.(*flood.Node); ok {
				c.made = append(c.made, n)
			}
			return p, err
		}
	}
	registry, err := stack.NewRegistry(swim, hyparview, ringSpec(), spec)
	must(t, err)
	st, err := registry.New([]string{o.below, "flood"}, map[string]any{"flood": &o.config})
	must(t, err)
	c.made = nil
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	if o.network.Latency == nil {
		o.network.Latency = netmodel.Constant{Delay: 10 * time.Millisecond}
	}
	model, err := netmodel.New(o.network)
	must(t, err)
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
func (c *cluster) Observe(r protocol.Record) { c.seen = append(c.seen, r) }

func (c *cluster) at(t time.Duration, do func(w *sim.Control)) { c.world.At(t, do) }

func (c *cluster) run(until time.Duration) {
	c.t.Helper()
	must(c.t, c.world.Run(context.Background(), until))
}

// join lets a node join by all nodes as its seeds.
func (c *cluster) join(at time.Duration, node int) {
	c.at(at, func(w *sim.Control) { must(c.t, w.Join(node, c.everybody())) })
}

func (c *cluster) everybody() []int {
	all := make([]int, c.nodes)
	for i := range all {
		all[i] = i
	}
	return all
}

// broadcast has a node broadcast at a time, if it runs then.
func (c *cluster) broadcast(at time.Duration, node int, payload []byte) {
	c.at(at, func(w *sim.Control) {
		if w.State(node) == sim.Up {
			must(c.t, w.Command(node, protocol.Command{Kind: flood.CommandBroadcast, Value: payload}, 0))
		}
	})
}

// delivered returns who delivered a message how often, by the message's key, its
// origin included.
func (c *cluster) delivered() map[uint64]map[uint32]int {
	out := map[uint64]map[uint32]int{}
	for _, r := range c.seen {
		key := r.Event.Args[0]
		switch r.Event.Kind {
		case flood.EventBroadcast:
			if out[key] != nil {
				c.t.Fatalf("two messages have key %d", key)
			}
			out[key] = map[uint32]int{r.Index: 1}
		case flood.EventDeliver:
			out[key][r.Index]++
		}
	}
	return out
}

// ring is an overlay: a node's neighbors are those before and after it in the
// list of its seeds.
type ring struct{ neighbors []protocol.NodeID }

func ringSpec() protocol.Spec {
	return protocol.Spec{
		Name: "ring", Number: 0x80,
		NewConfig: func() any { return new(int) },
		NewBuilder: func(any) protocol.Builder {
			return func([]protocol.Protocol) (protocol.Protocol, error) { return &ring{}, nil }
		},
	}
}

func (r *ring) Start(env protocol.Env) {
	seeds := env.Seeds()
	for i, s := range seeds {
		if s.ID == env.ID() {
			r.neighbors = []protocol.NodeID{seeds[(i+1)%len(seeds)].ID, seeds[(i+len(seeds)-1)%len(seeds)].ID}
		}
	}
}
func (*ring) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (*ring) Timer(protocol.Env, protocol.Timer)                      {}

func (r *ring) Neighbors() []protocol.NodeID { return r.neighbors }
func (r *ring) Sample(_ protocol.Env, count int, _ func(protocol.NodeID) bool) []protocol.NodeID {
	return r.neighbors[:min(count, len(r.neighbors))]
}
func (*ring) OnChange(func(protocol.Env, protocol.NodeID, bool)) {}
