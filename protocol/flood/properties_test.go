package flood_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/flood"
	"github.com/starling-sim/starling/sim"
)

const second = time.Second

// plan is a world in which nodes come and crash at any time, and messages are
// broadcast in quiet times, drawn but not yet built.
type plan struct {
	options
	joins   []time.Duration
	crashes []int
	loads   []load
}

type load struct {
	late bool // after the crashes have been noticed
	node int
	size int
}

const (
	settled = 60 * second // everybody has joined
	crashes = 70 * second
	noticed = 160 * second
	over    = 170 * second
)

func drawPlan(t *rapid.T) plan {
	p := plan{options: options{
		seed: rapid.Uint64().Draw(t, "seed"), nodes: rapid.IntRange(1, 30).Draw(t, "nodes"),
		below: rapid.SampledFrom([]string{"swim", "hyparview"}).Draw(t, "below"), config: flood.Default(),
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
	}}
	p.config.Transport = rapid.SampledFrom([]string{"stream", "datagram"}).Draw(t, "transport")
	p.config.Fanout = rapid.IntRange(4, 6).Draw(t, "fanout")
	p.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 20).Draw(t, "duplicate")
	for range p.nodes {
		p.joins = append(p.joins, time.Duration(rapid.Int64Range(0, int64(20*second)).Draw(t, "join")))
	}
	for range rapid.IntRange(0, p.nodes/2).Draw(t, "crashes") {
		p.crashes = append(p.crashes, rapid.IntRange(0, p.nodes-1).Draw(t, "crash"))
	}
	for range rapid.IntRange(1, 10).Draw(t, "messages") {
		p.loads = append(p.loads, load{
			late: rapid.Bool().Draw(t, "late"), node: rapid.IntRange(0, p.nodes-1).Draw(t, "origin"),
			size: rapid.SampledFrom([]int{0, 100, 5000}).Draw(t, "size"),
		})
	}
	return p
}

func (p plan) run(t testing.TB, wire sim.WireMode) *cluster {
	o := p.options
	o.wire = wire
	c := newCluster(t, o)
	for i, at := range p.joins {
		c.join(at, i)
	}
	for _, i := range p.crashes {
		c.at(crashes, func(w *sim.Control) { _ = w.Crash(i, sim.CrashHost) })
	}
	for _, l := range p.loads {
		at := settled
		if l.late {
			at = noticed
		}
		c.broadcast(at, l.node, make([]byte, l.size))
	}
	c.run(over)
	return c
}

// Without loss, every message reaches every node that runs, once, and travels as
// values as it travels as bytes.
func TestEverybodyGetsEverythingOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		c := p.run(t, sim.WireValues)
		gone := map[uint32]bool{}
		for _, r := range c.seen {
			switch r.Event.Kind {
			case protocol.EventNodeCrashed:
				gone[r.Index] = true
			case flood.EventBroadcast:
				got := c.delivered()[r.Event.Args[0]]
				for i := range uint32(p.nodes) {
					if times := got[i]; times != 1 && !gone[i] {
						rt.Errorf("node %d delivered the message of %v %d times", i, time.Duration(r.Time), times)
					}
				}
			}
		}
		if a, b := c.world.TraceHash(), p.run(t, sim.WireEncode).world.TraceHash(); a != b {
			rt.Fatalf("trace hash: got %s with bytes, %s with values", b, a)
		}
	})
}

// In a ring a message travels both ways, up to max_hops, and its hops are the
// distance.
func TestHopsAreTheDistance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(3, 20).Draw(rt, "nodes")
		o := options{seed: 1, nodes: n, below: "ring", config: flood.Default()}
		o.config.MaxHops = rapid.IntRange(0, 12).Draw(rt, "max_hops")
		o.config.Transport = rapid.SampledFrom([]string{"stream", "datagram"}).Draw(rt, "transport")
		origin := rapid.IntRange(0, n-1).Draw(rt, "origin")
		c := newCluster(t, o)
		for i := range n {
			c.join(0, i)
		}
		c.broadcast(second, origin, []byte("x"))
		c.run(10 * second)
		reached := 0
		for _, r := range c.seen {
			if r.Event.Kind != flood.EventDeliver {
				continue
			}
			reached++
			distance := (int(r.Index) - origin + n) % n
			distance = min(distance, n-distance)
			if int(r.Event.Args[1]) != distance {
				rt.Errorf("node at distance %d: got %d hops", distance, r.Event.Args[1])
			}
		}
		want := n - 1
		if o.config.MaxHops > 0 {
			want = min(want, 2*o.config.MaxHops)
		}
		if reached != want {
			rt.Errorf("max_hops %d: %d of %d others reached, want %d", o.config.MaxHops, reached, n-1, want)
		}
	})
}
