package swim_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

// plan is a cluster, half a minute of faults and a long quiet time after, drawn
// but not yet built.
type plan struct {
	options
	faults []fault
}

type fault struct {
	at        time.Duration
	node      int
	kind      string
	host      bool // that crashes, not only the process
	slow      bool // the pause: deaf and dumb, but its timers run
	side      int  // of the partition: the first nodes
	symmetric bool
}

const (
	ordealFaults = 40 * second
	// Quiet time: the longest suspicion (24 s up to ten members, beta times that
	// where nobody confirms), a round of probing by each, reconnection.
	ordealQuiet = 150 * second
)

func drawPlan(t *rapid.T) plan {
	p := plan{options: options{
		seed:    rapid.Uint64().Draw(t, "seed"),
		nodes:   rapid.IntRange(2, 16).Draw(t, "nodes"),
		config:  swim.LAN(),
		network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
	}}
	p.network.Duplicate = netmodel.Always / 100 * rapid.Uint64Range(0, 3).Draw(t, "duplicate")
	p.network.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * rapid.Uint64Range(0, 2).Draw(t, "loss")}
	p.config.Suspicion = rapid.IntRange(0, 4).Draw(t, "suspicion") > 0
	p.config.Confirmations = rapid.Bool().Draw(t, "confirmations")
	p.config.LocalHealth = rapid.Bool().Draw(t, "local_health")
	p.config.Buddy = rapid.Bool().Draw(t, "buddy")
	p.config.RefutationGrace = quantity.Percent(rapid.SampledFrom([]uint64{0, 50}).Draw(t, "refutation_grace"))
	p.config.ProbePhase = rapid.SampledFrom([]string{"random", "aligned"}).Draw(t, "phase")
	kinds := rapid.SampledFrom([]string{"crash", "restart", "leave", "return", "metadata", "pause", "cut", "deaf"})
	for range rapid.IntRange(0, 6).Draw(t, "faults") {
		p.faults = append(p.faults, fault{
			at:        time.Duration(rapid.Int64Range(int64(5*second), int64(ordealFaults)-int64(6*second)).Draw(t, "at")),
			node:      rapid.IntRange(0, p.nodes-1).Draw(t, "node"),
			kind:      kinds.Draw(t, "kind"),
			host:      rapid.Bool().Draw(t, "host"),
			slow:      rapid.Bool().Draw(t, "slow"),
			side:      rapid.IntRange(1, p.nodes).Draw(t, "side"),
			symmetric: rapid.Bool().Draw(t, "symmetric"),
		})
	}
	return p
}

// ordeal is a plan being carried out.
type ordeal struct {
	*cluster
	gone map[int]bool // crashed or left, and not restarted
}

func (p plan) begin(t testing.TB, wire sim.WireMode) *ordeal {
	o := p.options
	o.wire = wire
	d := &ordeal{cluster: newCluster(t, o), gone: map[int]bool{}}
	d.at(0, func(w *sim.Control) {
		for i := range d.nodes {
			must(t, w.Join(i, d.everybody()))
		}
	})
	for _, f := range p.faults {
		d.plan(f)
	}
	d.at(ordealFaults, d.endFaults)
	return d
}

// everybody is everybody's seed: whose seeds are all gone has no way back.
func (d *ordeal) everybody() []int {
	all := make([]int, d.nodes)
	for i := range all {
		all[i] = i
	}
	return all
}

// plan has a fault happen. What cannot happen any more (a crash of one that is
// gone) does not.
func (d *ordeal) plan(f fault) {
	end := func(w *sim.Control) { d.gone[f.node] = w.Restart(f.node, d.everybody()) != nil && d.gone[f.node] }
	switch f.kind {
	case "crash", "restart":
		kind := sim.CrashProcess
		if f.host && f.kind == "crash" {
			kind = sim.CrashHost
		}
		d.at(f.at, func(w *sim.Control) { d.gone[f.node] = w.Crash(f.node, kind) == nil || d.gone[f.node] })
		if f.kind == "restart" {
			d.at(f.at+second, end)
		}
	case "leave", "return":
		d.at(f.at, func(w *sim.Control) { d.gone[f.node] = w.Leave(f.node) == nil || d.gone[f.node] })
		if f.kind == "return" {
			d.at(f.at+5*second, end)
		}
	case "metadata":
		d.at(f.at, func(w *sim.Control) {
			_ = w.Command(f.node, protocol.Command{Kind: swim.CommandSetMetadata, Value: []byte("new")}, 0)
		})
	case "pause":
		model := sim.PauseFrozen
		if f.slow {
			model = sim.PauseBlockedIO
		}
		d.at(f.at, func(w *sim.Control) { _ = w.Pause(f.node, sim.Pause{Model: model}) })
	case "cut":
		var side netmodel.Set
		for j := range f.side {
			side.Nodes = append(side.Nodes, uint32(j))
		}
		others := side
		others.Not = true
		d.rule(f.at, netmodel.Rule{From: side, To: others, Cut: true, Symmetric: f.symmetric})
	case "deaf":
		d.rule(f.at, netmodel.Rule{To: netmodel.Set{Nodes: []uint32{uint32(f.node)}}, Loss: netmodel.Always / 10 * 8})
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
// by a live member, and none that is gone is held for present by any; and
// incarnation numbers never go back at any observer, all the time.
func TestViewsBecomeRightOnceFaultsCease(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawPlan(rt).begin(t, sim.WireValues)
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
				if d.gone[j] && (m.Status == membertable.Alive || m.Status == membertable.Suspect) {
					rt.Errorf("node %d holds node %d, which is gone, for %s", i, j, m.Status)
				}
				if !d.gone[j] && m.Status != membertable.Alive {
					rt.Errorf("node %d holds node %d, which lives, for %s", i, j, m.Status)
				}
			}
		}
	})
}

// Messages that travel as values and messages that travel as bytes make the same
// world: the codec loses nothing and nobody keeps a hand on what was sent.
func TestBytesAndValuesMakeTheSameWorld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		values, encoded := p.begin(t, sim.WireValues), p.begin(t, sim.WireEncode)
		values.run(ordealFaults + 20*second)
		encoded.run(ordealFaults + 20*second)
		if a, b := values.world.TraceHash(), encoded.world.TraceHash(); a != b {
			rt.Fatalf("trace hash: got %s with bytes, %s with values", b, a)
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
			seed: rapid.Uint64().Draw(rt, "seed"), nodes: 50, config: swim.LAN(), tracer: s,
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
		c.run(4 * second)
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
