package hyparview_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/hyparview"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

const second = time.Second

// cluster is a world of HyParView nodes.
type cluster struct {
	t     testing.TB
	world *sim.World
	nodes int
	check func(r protocol.Record)
}

type options struct {
	seed    uint64
	nodes   int
	config  hyparview.Config
	swim    bool // below
	network netmodel.Config
	wire    sim.WireMode
	tracer  sim.Tracer
	check   func(r protocol.Record) // may be nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	registry, err := stack.NewRegistry(swim.Spec(), hyparview.Spec())
	must(t, err)
	names := []string{"hyparview"}
	if o.swim {
		names = []string{"swim", "hyparview"}
	}
	st, err := registry.New(names, map[string]any{"hyparview": &o.config})
	must(t, err)
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	model, err := netmodel.New(o.network)
	must(t, err)
	c := &cluster{t: t, nodes: o.nodes}
	cfg := sim.Config{
		Seed: o.seed, Nodes: o.nodes, Network: model, Build: st.Build, Decoders: st.Decoders(),
		Wire: o.wire, Workers: 1, Tracer: o.tracer,
	}
	if o.check != nil {
		c.check, cfg.Observer = o.check, c
	}
	c.world, err = sim.New(cfg)
	must(t, err)
	return c
}

// Observe implements protocol.Observer.
func (c *cluster) Observe(r protocol.Record) { c.check(r) }

// at does something at a time of the world.
func (c *cluster) at(t time.Duration, do func(w *sim.Control)) { c.world.At(t, do) }

func (c *cluster) run(until time.Duration) {
	c.t.Helper()
	must(c.t, c.world.Run(context.Background(), until))
}

// joinAll has the nodes join one after the other within a time, all through the
// same contacts.
func (c *cluster) joinAll(within time.Duration, contacts ...int) {
	for i := range c.nodes {
		c.at(within*time.Duration(i)/time.Duration(c.nodes), func(w *sim.Control) { must(c.t, w.Join(i, contacts)) })
	}
}

// views returns the active views of the nodes that run, by index; nil for those
// that do not.
func (c *cluster) views() [][]int {
	views := make([][]int, c.nodes)
	c.at(c.world.Now(), func(w *sim.Control) {
		for i := range views {
			if w.State(i) != sim.Up {
				continue
			}
			views[i] = []int{}
			for _, peer := range hyparviewOf(w.Protocol(i)).Neighbors() {
				j, _ := c.world.Index(peer)
				views[i] = append(views[i], j)
			}
		}
	})
	c.run(c.world.Now())
	return views
}

func hyparviewOf(p protocol.Protocol) *hyparview.Node {
	layers := stack.Layers(p)
	return layers[len(layers)-1].(*hyparview.Node)
}

// asymmetric returns a link that only one end has, or one to a node that does
// not run.
func asymmetric(views [][]int) (from, to int, found bool) {
	for i, view := range views {
		for _, j := range view {
			if !slices.Contains(views[j], i) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// islands returns the sizes of the overlay's components, largest first.
func islands(views [][]int) []int {
	seen := make([]bool, len(views))
	var sizes []int
	for i, view := range views {
		if view == nil || seen[i] {
			continue
		}
		reached := []int{i}
		seen[i] = true
		for k := 0; k < len(reached); k++ {
			for _, j := range views[reached[k]] {
				if !seen[j] {
					seen[j] = true
					reached = append(reached, j)
				}
			}
		}
		sizes = append(sizes, len(reached))
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	return sizes
}

// overlayFault returns what is wrong with an overlay at rest, "" if nothing is.
func overlayFault(views [][]int, activeSize int) string {
	for i, view := range views {
		if len(view) > activeSize {
			return fmt.Sprintf("node %d has %d neighbours, want at most %d", i, len(view), activeSize)
		}
		for k, j := range view {
			if j == i || views[j] == nil || slices.Contains(view[:k], j) {
				return fmt.Sprintf("node %d has the view %v, with itself, one twice or one that is gone", i, view)
			}
		}
	}
	if i, j, found := asymmetric(views); found {
		return fmt.Sprintf("node %d has node %d for a neighbour, but not the reverse: %v and %v", i, j, views[i], views[j])
	}
	if sizes := islands(views); len(sizes) > 1 {
		return fmt.Sprintf("the overlay has islands of %v nodes, want one: %v", sizes, views)
	}
	return ""
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}
