package swim_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

// ordeal is a cluster, half a minute of faults and a long quiet time after.
type ordeal struct {
	*cluster
	faultsEnd time.Duration
	gone      map[int]bool // crashed and not restarted
}

const (
	ordealFaults = 40 * second
	// Quiet time: the longest suspicion (24 s up to ten members, beta times that
	// where nobody confirms), a round of probing by each, reconnection.
	ordealQuiet = 150 * second
)

func drawOrdeal(t *rapid.T, tb testing.TB) *ordeal {
	o := options{
		seed:    rapid.Uint64().Draw(t, "seed"),
		nodes:   rapid.IntRange(2, 16).Draw(t, "nodes"),
		config:  swim.LAN(),
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
		wire:    sim.WireMode(rapid.IntRange(0, 1).Draw(t, "wire")),
	}
	o.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 3).Draw(t, "duplicate")
	o.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * rapid.Uint64Range(0, 2).Draw(t, "loss")}
	o.config.Confirmations = rapid.Bool().Draw(t, "confirmations")
	o.config.LocalHealth = rapid.Bool().Draw(t, "local_health")
	o.config.Buddy = rapid.Bool().Draw(t, "buddy")
	o.config.ProbePhase = rapid.SampledFrom([]string{"random", "aligned"}).Draw(t, "phase")
	d := &ordeal{cluster: newCluster(tb, o), gone: map[int]bool{}}
	d.at(0, func(w *sim.Control) {
		for i := range d.nodes {
			must(tb, w.Join(i, []int{0, 1}))
		}
	})
	for range rapid.IntRange(0, 6).Draw(t, "faults") {
		d.drawFault(t)
	}
	d.at(ordealFaults, d.endFaults)
	return d
}

func (d *ordeal) drawFault(t *rapid.T) {
	at := time.Duration(rapid.Int64Range(int64(5*second), int64(ordealFaults)).Draw(t, "at"))
	i := rapid.IntRange(0, d.nodes-1).Draw(t, "node")
	switch rapid.SampledFrom([]string{"crash", "restart", "pause", "cut", "deaf"}).Draw(t, "fault") {
	case "crash":
		kind := sim.CrashKind(rapid.IntRange(0, 1).Draw(t, "kind"))
		d.at(at, func(w *sim.Control) { d.gone[i] = w.Crash(i, kind) == nil || d.gone[i] })
	case "restart":
		d.at(at, func(w *sim.Control) { _ = w.Crash(i, sim.CrashProcess) })
		d.at(at+second, func(w *sim.Control) { d.gone[i] = w.Restart(i, []int{0, 1}) != nil && d.gone[i] })
	case "pause":
		model := sim.PauseModel(rapid.IntRange(0, 1).Draw(t, "model"))
		d.at(at, func(w *sim.Control) { _ = w.Pause(i, sim.Pause{Model: model}) })
	case "cut":
		var side netmodel.Set
		for j := range rapid.IntRange(1, d.nodes).Draw(t, "side") {
			side.Nodes = append(side.Nodes, uint32(j))
		}
		others := side
		others.Not = true
		d.rule(at, netmodel.Rule{From: side, To: others, Cut: true, Symmetric: rapid.Bool().Draw(t, "symmetric")})
	case "deaf":
		d.rule(at, netmodel.Rule{To: netmodel.Set{Nodes: []uint32{uint32(i)}}, Loss: netmodel.Always / 10 * 8})
	}
}

// rule puts r in force until the faults end.
func (d *ordeal) rule(at time.Duration, r netmodel.Rule) {
	d.at(at, func(w *sim.Control) {
		id, err := w.Network().Apply(r)
		must(d.t, err)
		w.At(ordealFaults, func(w *sim.Control) { must(d.t, w.Network().Remove(id)) })
	})
}

func (d *ordeal) endFaults(w *sim.Control) {
	for i := range d.nodes {
		if w.Paused(i) {
			must(d.t, w.Resume(i))
		}
	}
}

// Once faults have ceased for a bounded time, no live member is held for dead
// by a live member, and every crashed one is not held for alive by any; and
// incarnation numbers never go back at any observer, all the time.
func TestViewsBecomeRightOnceFaultsCease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawOrdeal(rt, t)
		highest := map[[2]uint64]uint64{}
		d.check = func(r protocol.Record) {
			var incarnation uint64
			switch r.Event.Kind {
			case protocol.EventNodeRestarted, protocol.EventNodeStarted:
				for i := range d.nodes { // a fresh process knows nothing
					delete(highest, [2]uint64{uint64(r.Node), uint64(d.world.ID(i))})
				}
				return
			case swim.EventAlive, swim.EventSuspect, swim.EventConfirmDead, swim.EventLeft, swim.EventMetadata:
				incarnation = r.Event.Args[0]
			default:
				return
			}
			pair := [2]uint64{uint64(r.Node), uint64(r.Event.Peer)}
			if incarnation < highest[pair] {
				rt.Fatalf("at %d ns node %d goes back from incarnation %d to %d of %v", r.Time, r.Index, highest[pair], incarnation, r.Event.Peer)
			}
			highest[pair] = incarnation
		}
		d.run(ordealFaults + ordealQuiet)
		for i := range d.nodes {
			table, ok := d.view(i)
			if !ok {
				continue
			}
			for j := range d.nodes {
				m, _ := table.Get(d.world.ID(j))
				if d.gone[j] && m.Status != membertable.Dead && m.Status != membertable.Unknown {
					rt.Errorf("node %d holds node %d, which crashed, for %s", i, j, m.Status)
				}
				if !d.gone[j] && m.Status != membertable.Alive {
					rt.Errorf("node %d holds node %d, which lives, for %s", i, j, m.Status)
				}
			}
		}
	})
}

// sizes checks every message that is delivered or lost against the MTU.
type sizes struct {
	t       *rapid.T
	largest int
}

func (s *sizes) Trace(r *sim.TraceRecord) {
	if r.Message != nil && !r.Stream {
		s.largest = max(s.largest, r.Message.Size())
	}
}

// No datagram exceeds the path's MTU however much news there is.
func TestDatagramsFitTheMTU(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mtu := rapid.Int32Range(900, 2000).Draw(rt, "mtu")
		s := &sizes{t: rt}
		o := options{
			seed: rapid.Uint64().Draw(rt, "seed"), nodes: 120, config: swim.LAN(), tracer: s,
			network: netmodel.Config{Latency: netmodel.Constant{Delay: 5 * time.Millisecond}, MTU: mtu},
		}
		c := newCluster(t, o)
		c.at(0, func(w *sim.Control) {
			for i := range c.nodes {
				must(t, w.Join(i, []int{0, 1, 2}))
			}
		})
		for i := range c.nodes {
			size := rapid.IntRange(0, membertable.MaxMetadata).Draw(rt, "metadata")
			c.at(2*second, func(w *sim.Control) {
				must(t, w.Command(i, protocol.Command{Kind: swim.CommandSetMetadata, Value: make([]byte, size)}, 0))
			})
		}
		c.run(6 * second)
		if s.largest > int(mtu) || s.largest < int(mtu)/2 {
			rt.Errorf("largest datagram: got %d bytes, want at most the MTU, %d, and a good part of it", s.largest, mtu)
		}
		if refused := c.counters().Refused; refused > 0 {
			rt.Errorf("%d messages were too large to send", refused)
		}
	})
}

func (c *cluster) counters() sim.Counters { return c.world.Counters() }

// Between membership changes nobody is probed twice before everybody is probed
// once, by any node.
func TestNobodyIsProbedTwiceBeforeEverybodyOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := options{
			seed: rapid.Uint64().Draw(rt, "seed"), nodes: rapid.IntRange(2, 30).Draw(rt, "nodes"),
			config: converged(), network: lan,
		}
		c := newCluster(t, o)
		c.joinAll()
		targets := make([][]protocol.NodeID, c.nodes)
		c.check = func(r protocol.Record) {
			if r.Event.Kind == swim.EventProbe {
				targets[r.Index] = append(targets[r.Index], r.Event.Peer)
			}
		}
		c.run(time.Duration(4*c.nodes) * second)
		for i, probed := range targets {
			round := c.nodes - 1
			if len(probed) < 3*round {
				rt.Fatalf("node %d probed %d times in %d periods", i, len(probed), 4*c.nodes)
			}
			for begin := 0; begin+round <= len(probed); begin += round {
				seen := map[protocol.NodeID]bool{}
				for _, id := range probed[begin : begin+round] {
					if seen[id] || id == c.world.ID(i) {
						rt.Fatalf("node %d probed %v twice in a round (or itself): %v", i, id, probed[begin:begin+round])
					}
					seen[id] = true
				}
			}
		}
	})
}
