package replica_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/replica"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

const second = time.Second

// cluster is a world of replicas over SWIM and Plumtree.
type cluster struct {
	t       testing.TB
	world   *sim.World
	network *netmodel.Model
	nodes   int
	count   map[protocol.EventKind]int
	// reasons counts EventSessionBroken and EventRefused by Args[0].
	broken, refused map[uint64]int
	last            map[protocol.EventKind]protocol.Event
}

type options struct {
	seed    uint64
	nodes   int
	config  replica.Config
	network netmodel.Config
	wire    sim.WireMode
	workers int
	disks   sim.Disks
	// survival is the share of unsynced batches, in percent, that a crash may
	// leave.
	survival int
}

// quick is a configuration in which little time passes between sessions.
func quick() replica.Config {
	c := replica.Default()
	c.Interval = quantity.Duration(2 * second)
	c.SessionTimeout = quantity.Duration(3 * second)
	c.TombstoneLife = quantity.Duration(8 * second)
	return c
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	registry, err := stack.Default()
	must(t, err)
	members := swim.LAN()
	members.ReconnectInterval = quantity.Duration(2 * second)
	trees := plumtree.Default()
	st, err := registry.New([]string{"swim", "plumtree", "replica"}, map[string]any{"swim": &members, "plumtree": &trees, "replica": &o.config})
	must(t, err)
	if o.network.Latency == nil {
		o.network.Latency = netmodel.Uniform{Min: time.Millisecond, Max: 20 * time.Millisecond}
	}
	o.network.Seed, o.network.Nodes = o.seed, o.nodes
	model, err := netmodel.New(o.network)
	must(t, err)
	c := &cluster{
		t: t, nodes: o.nodes, network: model, count: map[protocol.EventKind]int{},
		broken: map[uint64]int{}, refused: map[uint64]int{}, last: map[protocol.EventKind]protocol.Event{},
	}
	c.world, err = sim.New(sim.Config{
		Seed: o.seed, Nodes: o.nodes, Network: model, Build: spied(st.Build), Decoders: st.Decoders(),
		Wire: o.wire, Workers: max(o.workers, 1), Observer: c, Disks: o.disks, UnsyncedSurvival: o.survival,
	})
	must(t, err)
	c.world.At(0, func(w *sim.Control) {
		for i := range o.nodes {
			must(t, w.Join(i, []int{0}))
		}
	})
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
	c.count[r.Event.Kind]++
	c.last[r.Event.Kind] = r.Event
	switch r.Event.Kind {
	case replica.EventSessionBroken:
		c.broken[r.Event.Args[0]]++
	case replica.EventRefused:
		c.refused[r.Event.Args[0]]++
	}
}

func (c *cluster) run(until time.Duration) {
	c.t.Helper()
	must(c.t, c.world.Run(context.Background(), until))
}

// now does something at the present time.
func (c *cluster) now(do func(w *sim.Control)) {
	c.t.Helper()
	c.world.At(c.world.Now(), do)
	c.run(c.world.Now())
}

// command has a node carry out a command; it reports whether that was
// acknowledged.
func command(w *sim.Control, node int, kind protocol.CommandKind, key, value string) bool {
	return w.Command(node, protocol.Command{Kind: kind, Key: []byte(key), Value: []byte(value)}, 0) == nil
}

func (c *cluster) do(node int, kind protocol.CommandKind, key, value string) {
	c.t.Helper()
	c.now(func(w *sim.Control) {
		if !command(w, node, kind, key, value) {
			c.t.Fatalf("node %d refused command %#x of key %q", node, kind, key)
		}
	})
}

// spy is a node that lets a test look at what it has on disk.
type spy struct {
	stacked
	look func(env protocol.Env) // what commandLook does
}

// stacked is what a stack builds.
type stacked interface {
	protocol.Protocol
	protocol.CommandHandler
	protocol.StreamBreakHandler
	protocol.Leaver
}

func spied(build func() (protocol.Protocol, error)) func() (protocol.Protocol, error) {
	return func() (protocol.Protocol, error) {
		p, err := build()
		if err != nil {
			return nil, err
		}
		return &spy{stacked: p.(stacked)}, nil
	}
}

const commandLook = 0xff01

// Command implements protocol.CommandHandler.
func (s *spy) Command(env protocol.Env, c protocol.Command) error {
	if c.Kind != commandLook {
		return s.stacked.Command(env, c)
	}
	s.look(env)
	return nil
}

func (s *spy) replica() *replica.Node {
	layers := stack.Layers(s.stacked)
	return layers[len(layers)-1].(*replica.Node)
}

// node returns a running node's replica.
func node(w *sim.Control, i int) *replica.Node { return w.Protocol(i).(*spy).replica() }

// entry is what a running node has under a key.
func entry(t testing.TB, w *sim.Control, i int, key string) (e crdt.Entry) {
	t.Helper()
	s := w.Protocol(i).(*spy)
	s.look = func(env protocol.Env) {
		raw, ok, err := env.Store().Get([]byte("replica/e/" + key))
		must(t, err)
		if ok {
			e, err = crdt.DecodeEntry(raw)
			must(t, err)
		}
	}
	must(t, w.Command(i, protocol.Command{Kind: commandLook}, 0))
	return e
}

// tree is a node's.
func (c *cluster) tree(i int) (t mst.Tree) {
	c.now(func(w *sim.Control) { t = node(w, i).Tree() })
	return t
}

// same returns an error unless all nodes that run hold the same.
func (c *cluster) same() (err error) {
	c.now(func(w *sim.Control) {
		first := -1
		for i := range c.nodes {
			switch {
			case w.State(i) != sim.Up:
			case first < 0:
				first = i
			case node(w, i).Root() != node(w, first).Root():
				a, b := node(w, first).Tree(), node(w, i).Tree()
				mst.Diff(a, b, func(d mst.Difference) bool {
					err = errors.Join(err, fmt.Errorf("nodes %d and %d differ in key %q: there %t, %t", first, i, d.Key, d.HasMine, d.HasTheirs))
					return true
				})
			}
		}
	})
	return err
}

// has reports whether a key is in a node's tree.
func (c *cluster) has(i int, key string) bool {
	_, ok := c.tree(i).Get([]byte(key))
	return ok
}
