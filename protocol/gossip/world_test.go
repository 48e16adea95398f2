package gossip_test

import (
	"context"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/gossip"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/sim"
)

// cluster is a world of nodes that gossip over SWIM and what they emitted.
type cluster struct {
	t     testing.TB
	world *sim.World
	nodes int
	made  []*gossip.Node // in the order of their starts
	seen  []protocol.Record
}

type options struct {
	seed    uint64
	nodes   int
	swim    string // a configuration; "" for one that costs nothing
	config  gossip.Config
	network netmodel.Config
	wire    sim.WireMode
}

// quietSwim lets everybody know everybody and then does nothing for an hour.
const quietSwim = `
bootstrap = "seeds_are_members"
probe_interval = "1h"
push_pull_interval = "0s"
reconnect_interval = "0s"
`

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	c := &cluster{t: t, nodes: o.nodes}
	below, err := stack.Default()
	must(t, err)
	swim, _ := below.Lookup("swim")
	if o.swim == "" {
		o.swim = quietSwim
	}
	members := swim.NewConfig()
	must(t, toml.Unmarshal([]byte(o.swim), members))
	spec := gossip.Spec()
	build := spec.NewBuilder
	spec.NewBuilder = func(config any) protocol.Builder {
		b := build(config)
		return func(lower []protocol.Protocol) (protocol.Protocol, error) {
			p, err := b(lower)
			if n, ok := p.(*gossip.Node); ok {
				c.made = append(c.made, n)
			}
			return p, err
		}
	}
	registry, err := stack.NewRegistry(swim, spec)
	must(t, err)
	st, err := registry.New([]string{"swim", "gossip"}, map[string]any{"swim": members, "gossip": &o.config})
	must(t, err)
	c.made = nil
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	if o.network.Latency == nil {
		o.network.Latency = netmodel.Constant{Delay: time.Millisecond}
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

// broadcast has a node broadcast at a time, if it runs then.
func (c *cluster) broadcast(at time.Duration, node int, payload []byte) {
	c.at(at, func(w *sim.Control) {
		if w.State(node) == sim.Up {
			must(c.t, w.Command(node, protocol.Command{Kind: gossip.CommandBroadcast, Value: payload}, 0))
		}
	})
}

// outcome is what became of one message.
type outcome struct {
	origin    uint32
	start     int64
	reached   map[uint32]int // deliveries by node, the origin's not included
	last      int64
	hops      []uint64
	duplicate int
	lost      int // nodes that lost interest
}

// outcomes returns what became of the messages by their keys.
func (c *cluster) outcomes() map[uint64]*outcome {
	out := map[uint64]*outcome{}
	for _, r := range c.seen {
		key := r.Event.Args[0]
		switch r.Event.Kind {
		case gossip.EventBroadcast:
			if out[key] != nil {
				c.t.Fatalf("two messages have key %d", key)
			}
			out[key] = &outcome{origin: r.Index, start: r.Time, reached: map[uint32]int{}}
		case gossip.EventDeliver:
			o := out[key]
			o.reached[r.Index]++
			o.last = max(o.last, r.Time)
			o.hops = append(o.hops, r.Event.Args[1])
		case gossip.EventDuplicate:
			out[key].duplicate++
		case gossip.EventInterestLost:
			out[key].lost++
		}
	}
	return out
}

// aligned returns a configuration with synchronous rounds.
func aligned(mode string) gossip.Config {
	c := gossip.Default()
	c.Mode, c.RoundPhase = mode, "aligned"
	return c
}
