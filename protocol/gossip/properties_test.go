package gossip_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/gossip"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/sim"
)

const second = time.Second

func drawConfig(t *rapid.T) gossip.Config {
	c := gossip.Default()
	c.Mode = rapid.SampledFrom([]string{"push", "pull", "push-pull", "rumor"}).Draw(t, "mode")
	c.Fanout = rapid.IntRange(1, 4).Draw(t, "fanout")
	c.RoundPhase = rapid.SampledFrom([]string{"aligned", "random"}).Draw(t, "phase")
	c.Immediate = c.Mode == "push" && rapid.Bool().Draw(t, "immediate")
	c.ActiveRounds = rapid.IntRange(0, 5).Draw(t, "active_rounds")
	c.RumorDirection = rapid.SampledFrom([]string{"push", "pull", "push-pull"}).Draw(t, "direction")
	c.Stop = rapid.SampledFrom([]string{"counter", "coin"}).Draw(t, "stop")
	c.SameCycle = rapid.SampledFrom([]string{"useful", "unnecessary"}).Draw(t, "same_cycle")
	c.K = rapid.IntRange(1, 4).Draw(t, "k")
	c.Feedback = rapid.Bool().Draw(t, "feedback")
	c.CounterReset = rapid.Bool().Draw(t, "reset")
	c.CacheAge = quantity.Duration(rapid.IntRange(1, 20).Draw(t, "cache_age")) * quantity.Duration(second)
	c.HistoryAge = c.CacheAge + quantity.Duration(rapid.IntRange(0, 20).Draw(t, "history_age"))*quantity.Duration(second)
	c.CacheCount = rapid.IntRange(1, 20).Draw(t, "cache_count")
	c.HistoryCount = rapid.IntRange(1, 40).Draw(t, "history_count")
	return c
}

// plan is a world with faults and broadcasts, drawn but not yet built.
type plan struct {
	options
	faults     []fault
	broadcasts []load
}

type fault struct {
	at   time.Duration
	node int
	back bool
}

type load struct {
	at   time.Duration
	node int
	size int
}

func drawPlan(t *rapid.T) plan {
	p := plan{options: options{
		seed:    rapid.Uint64().Draw(t, "seed"),
		nodes:   rapid.IntRange(1, 12).Draw(t, "nodes"),
		config:  drawConfig(t),
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}, MTU: 200},
	}}
	p.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 20).Draw(t, "duplicate")
	p.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * rapid.Uint64Range(0, 20).Draw(t, "loss")}
	for range rapid.IntRange(0, 4).Draw(t, "faults") {
		p.faults = append(p.faults, fault{
			at:   time.Duration(rapid.Int64Range(int64(second), int64(30*second)).Draw(t, "at")),
			node: rapid.IntRange(0, p.nodes-1).Draw(t, "node"),
			back: rapid.Bool().Draw(t, "back"),
		})
	}
	for range rapid.IntRange(1, 30).Draw(t, "broadcasts") {
		p.broadcasts = append(p.broadcasts, load{
			at:   time.Duration(rapid.Int64Range(0, 30).Draw(t, "when")) * second,
			node: rapid.IntRange(0, p.nodes-1).Draw(t, "origin"),
			size: rapid.SampledFrom([]int{0, 10, 1000}).Draw(t, "size"),
		})
	}
	return p
}

func (p plan) run(t testing.TB, wire sim.WireMode) *cluster {
	o := p.options
	o.wire = wire
	c := newCluster(t, o)
	c.joinAll()
	for _, f := range p.faults {
		c.at(f.at, func(w *sim.Control) { _ = w.Crash(f.node, sim.CrashHost) })
		if f.back {
			c.at(f.at+3*second, func(w *sim.Control) { _ = w.Restart(f.node, []int{0}) })
		}
	}
	for _, b := range p.broadcasts {
		c.broadcast(b.at, b.node, make([]byte, b.size))
	}
	c.run(60 * second)
	return c
}

// life is a node between two starts.
type life struct {
	node  uint32
	start int
}

// Whatever is lost, doubled, forgotten or crashes: an application gets a message
// once, and never its own, and only what was broadcast. Messages that travel as
// bytes make the same world as messages that travel as values.
func TestDeliveredAtMostOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		c := p.run(t, sim.WireValues)
		lives := map[uint32]int{}
		had := map[life]map[uint64]bool{}
		broadcast := map[uint64]bool{}
		for _, r := range c.seen {
			l := life{r.Index, lives[r.Index]}
			key := r.Event.Args[0]
			switch r.Event.Kind {
			case protocol.EventNodeStarted, protocol.EventNodeRestarted:
				lives[r.Index]++
				had[life{r.Index, lives[r.Index]}] = map[uint64]bool{}
			case gossip.EventBroadcast:
				broadcast[key], had[l][key] = true, true
			case gossip.EventDeliver:
				if had[l][key] || !broadcast[key] || r.Event.Args[1] < 1 {
					rt.Fatalf("at %v node %d delivers %#x: had it %v, broadcast %v, hops %d", time.Duration(r.Time), r.Index, key, had[l][key], broadcast[key], r.Event.Args[1])
				}
				had[l][key] = true
			case gossip.EventDuplicate:
				if !broadcast[key] {
					rt.Fatalf("a duplicate of %#x, which nobody broadcast", key)
				}
			}
		}
		if a, b := c.world.TraceHash(), p.run(t, sim.WireEncode).world.TraceHash(); a != b {
			rt.Fatalf("trace hash: got %s with bytes, %s with values", b, a)
		}
	})
}

// Without loss and with time enough, everybody gets everything, whether messages
// fit a datagram, and their digests, or not.
func TestEverybodyGetsEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := gossip.Default()
		config.Mode = rapid.SampledFrom([]string{"push", "pull", "push-pull"}).Draw(rt, "mode")
		config.RoundPhase = rapid.SampledFrom([]string{"aligned", "random"}).Draw(rt, "phase")
		config.Fanout = rapid.IntRange(1, 3).Draw(rt, "fanout")
		config.CacheAge = quantity.Duration(2 * time.Minute)
		c := newCluster(t, options{
			seed: rapid.Uint64().Draw(rt, "seed"), nodes: rapid.IntRange(1, 25).Draw(rt, "nodes"), config: config,
			network: netmodel.Config{MTU: 300},
		})
		c.joinAll()
		for range rapid.IntRange(1, 40).Draw(rt, "messages") {
			c.broadcast(time.Duration(rapid.IntRange(0, 10).Draw(rt, "at"))*second, rapid.IntRange(0, c.nodes-1).Draw(rt, "origin"),
				make([]byte, rapid.SampledFrom([]int{1, 500}).Draw(rt, "size")))
		}
		c.run(70 * second)
		for key, o := range c.outcomes() {
			if len(o.reached) != c.nodes-1 {
				rt.Errorf("message %#x reached %d of %d others", key, len(o.reached), c.nodes-1)
			}
			for node, times := range o.reached {
				if times != 1 {
					rt.Errorf("node %d delivered message %#x %d times", node, key, times)
				}
			}
		}
	})
}
