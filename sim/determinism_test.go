package sim_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
	"github.com/starling-sim/starling/sim/pebbledisk"
)

// plan is a generated world: a network, nodes, and what happens to them.
type plan struct {
	seed      uint64
	nodes     int
	network   netmodel.Config
	until     time.Duration
	acts      []act
	survival  int
	trueClock bool
}

// act is one thing that happens to a node, or to the network.
type act struct {
	at   time.Duration
	kind int
	node int
	arg  uint64
}

const (
	actCrash = iota
	actCrashHost
	actRestart
	actLeave
	actPause
	actResume
	actCommand
	actCut
	actHeal
	actDisk
	actDrift
	actStep
	actKinds
)

// probability of percent %.
func percent(p int) uint64 { return math.MaxUint64 / 100 * uint64(p) }

func drawPlan(t *rapid.T) plan {
	p := plan{
		seed:      rapid.Uint64().Draw(t, "seed"),
		nodes:     rapid.IntRange(1, 9).Draw(t, "nodes"),
		until:     time.Duration(rapid.IntRange(1, 400).Draw(t, "milliseconds")) * time.Millisecond,
		survival:  rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "survival"),
		trueClock: rapid.Bool().Draw(t, "true clock"),
	}
	low := time.Duration(rapid.SampledFrom([]int{0, 1_000, 1_000_000, 5_000_000}).Draw(t, "latency"))
	p.network = netmodel.Config{
		Seed: p.seed, Nodes: p.nodes,
		Latency:   netmodel.Uniform{Min: low, Max: low + 10*time.Millisecond},
		Loss:      netmodel.Independent{Probability: percent(rapid.IntRange(0, 20).Draw(t, "loss"))},
		Duplicate: percent(rapid.IntRange(0, 20).Draw(t, "duplicate")),
		Reorder:   percent(rapid.IntRange(0, 20).Draw(t, "reorder")), ReorderDelay: 20 * time.Millisecond,
		Corrupt: percent(rapid.IntRange(0, 20).Draw(t, "corrupt")),
	}
	if rapid.Bool().Draw(t, "bandwidth") {
		p.network.Bandwidth = []netmodel.BandwidthClass{{
			Name: "slow", Share: percent(50), Up: 2_000_000, Down: 1_000_000, UpQueue: 20_000, DownQueue: 10_000,
		}}
	}
	kinds := actKinds
	if p.trueClock {
		kinds = actDrift
	}
	for range rapid.IntRange(0, 25).Draw(t, "acts") {
		p.acts = append(p.acts, act{
			at:   time.Duration(rapid.Uint64Range(0, uint64(p.until)).Draw(t, "at")),
			kind: rapid.IntRange(0, kinds-1).Draw(t, "kind"),
			node: rapid.IntRange(0, p.nodes-1).Draw(t, "node"),
			arg:  rapid.Uint64Range(0, 1<<20).Draw(t, "arg"),
		})
	}
	return p
}

// variant is a way to run a plan that must not matter.
type variant struct {
	workers   int
	wire      sim.WireMode
	observer  protocol.Observer
	tracer    sim.Tracer
	stopEvery time.Duration // 0: run through
	divide    int           // number of workers that go on after the first stop
	sample    bool
	pebble    bool
}

func (p *plan) run(t testing.TB, v variant) *sim.World {
	t.Helper()
	network := must(netmodel.New(p.network))
	r := &rules{minDelay: time.Duration(network.MinDelay()), trueClocks: p.trueClock}
	var disks sim.Disks
	if v.pebble {
		disks = pebbledisk.New()
	}
	w, err := sim.New(sim.Config{
		Seed: p.seed, Nodes: p.nodes, Network: network, Disks: disks,
		Build:    func() (protocol.Protocol, error) { return &chatter{rules: r}, nil },
		Decoders: protocol.Decoders{kindChat: decodeChat},
		Workers:  v.workers, Wire: v.wire, Observer: v.observer, Tracer: v.tracer,
		StreamTimeout: 100 * time.Millisecond, InboxLimit: 5, UnsyncedSurvival: p.survival,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	w.At(0, func(c *sim.Control) {
		for i := range p.nodes {
			_ = c.Join(i, []int{0, i, c.Rand("seeds").IntN(p.nodes)})
		}
	})
	var rule netmodel.RuleID
	for _, a := range p.acts {
		w.At(a.at, func(c *sim.Control) { a.do(c, &rule) })
	}
	if v.sample {
		w.Every(time.Millisecond/3, 7*time.Millisecond, func(c *sim.Control) { _ = c.Counters() })
	}
	if v.stopEvery > 0 {
		for at := v.stopEvery; at < p.until; at += v.stopEvery {
			mustRun(t, w, at)
			if v.divide > 0 && w.Workers() == 1 {
				w.Divide(v.divide)
			}
		}
	}
	mustRun(t, w, p.until)
	if v.pebble {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// Nothing is lost without being counted, and nothing stays behind when all
// nodes are gone.
func TestEveryMessageIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		w := p.run(t, variant{workers: rapid.IntRange(1, 3).Draw(rt, "workers"), wire: sim.WireMode(rapid.IntRange(0, 1).Draw(rt, "wire"))})
		w.At(w.Now(), func(c *sim.Control) {
			for i := range p.nodes {
				_ = c.Crash(i, sim.CrashProcess)
			}
		})
		mustRun(t, w, w.Now()+time.Hour)
		c := w.Counters()
		lost := uint64(0)
		for _, n := range c.Lost {
			lost += n
		}
		if sent := c.SentDatagrams + c.SentStream + c.Duplicated; sent != c.Datagrams+c.StreamMessages+lost {
			rt.Fatalf("%d sent or copied, but %d + %d received and %d lost: %+v", sent, c.Datagrams, c.StreamMessages, lost, c)
		}
		if w.Parcels() != 0 || w.Pending() != 0 || c.Up != 0 {
			rt.Fatalf("left behind: %d parcels, %d events, %d nodes up", w.Parcels(), w.Pending(), c.Up)
		}
	})
}

// do carries out an act; one that does not fit the node's state does nothing.
func (a *act) do(c *sim.Control, rule *netmodel.RuleID) {
	i := a.node
	switch a.kind {
	case actCrash, actCrashHost:
		was, _ := c.Protocol(i).(*chatter)
		if c.Crash(i, sim.CrashKind(a.kind-actCrash)) == nil {
			was.ended = true // from now on it panics when it is called
		}
	case actRestart:
		_ = c.Restart(i, []int{i, 0})
	case actLeave:
		_ = c.Leave(i)
	case actPause:
		_ = c.Pause(i, sim.Pause{Model: sim.PauseModel(a.arg % 3), Service: time.Duration(a.arg%5_000_000 + 1)})
	case actResume:
		_ = c.Resume(i)
	case actCommand:
		_ = c.Command(i, protocol.Command{Kind: commandTag, Args: [2]uint64{a.arg}}, 1)
	case actCut:
		if *rule == 0 {
			*rule = must(c.Network().Apply(netmodel.Rule{From: netmodel.Set{Nodes: []uint32{uint32(i)}}, Cut: true, Symmetric: a.arg%2 == 0}))
			c.NetworkChanged(0, true)
		}
	case actHeal:
		if *rule != 0 {
			if err := c.Network().Remove(*rule); err != nil {
				panic(err)
			}
			*rule = 0
			c.NetworkChanged(0, false)
		}
	case actDisk:
		_ = c.SetDisk(i, sim.DiskFault{
			ErrorRate: percent(int(a.arg % 30)), Full: a.arg%2 == 0, Delay: time.Duration(a.arg * 10),
		})
	case actDrift:
		_ = c.SetDrift(i, int64(a.arg)*100-50_000_000)
	case actStep:
		_ = c.StepClock(i, time.Duration(a.arg)*time.Microsecond-time.Second/2)
	}
}

// recorder keeps what it is told, as text.
type recorder struct {
	records []string
	last    int64
}

func (r *recorder) Observe(rec protocol.Record) {
	if rec.Time < r.last {
		panic(fmt.Sprintf("record of %d after one of %d", rec.Time, r.last))
	}
	r.last = rec.Time
	r.records = append(r.records, fmt.Sprintf("%+v", rec))
}

// traceRecorder is a Tracer that does the same.
type traceRecorder struct {
	records []string
	last    sim.TraceRecord
}

func (r *traceRecorder) Trace(rec *sim.TraceRecord) {
	if rec.Time < r.last.Time || (rec.Time == r.last.Time && rec.Key < r.last.Key) {
		panic(fmt.Sprintf("%+v after %+v", rec, r.last))
	}
	r.last = *rec
	c := *rec
	c.Message = nil
	if c.What == sim.TraceLost {
		c.Kind = 0 // not known of one that travels as bytes
	}
	r.records = append(r.records, fmt.Sprintf("%+v", c))
}

// The same plan leaves the same trace hash, records and counters, however it is
// run.
func TestHashDoesNotDependOnExecution(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		firstObserver, firstTracer := &recorder{}, &traceRecorder{}
		want := p.run(t, variant{workers: 1, observer: firstObserver, tracer: firstTracer})
		for _, v := range []variant{
			{workers: 1},
			{workers: 2, observer: &recorder{}, tracer: &traceRecorder{}},
			{workers: 3, wire: sim.WireEncode, stopEvery: 13 * time.Millisecond},
			{workers: 4, sample: true, tracer: &traceRecorder{}},
			{workers: 1, wire: sim.WireEncode, observer: &recorder{}},
			{workers: 0, stopEvery: 29 * time.Millisecond, sample: true},
			{workers: 1, stopEvery: 31 * time.Millisecond, divide: 3},
			{workers: rapid.SampledFrom([]int{1, 2, 4}).Draw(rt, "workers"), wire: sim.WireEncode, pebble: true},
		} {
			got := p.run(t, v)
			name := fmt.Sprintf("workers %d, wire %v, observer %v, tracer %v, pebble %v", v.workers, v.wire, v.observer != nil, v.tracer != nil, v.pebble)
			if got.TraceHash() != want.TraceHash() {
				rt.Fatalf("%s: got another trace hash", name)
			}
			if a, b := fmt.Sprintf("%+v", got.Counters()), fmt.Sprintf("%+v", want.Counters()); a != b {
				rt.Fatalf("%s: got counters\n%s, want\n%s", name, a, b)
			}
			if o, ok := v.observer.(*recorder); ok {
				mustEqual(rt, name, o.records, firstObserver.records)
			}
			if o, ok := v.tracer.(*traceRecorder); ok {
				mustEqual(rt, name, o.records, firstTracer.records)
			}
		}
	})
}

func mustEqual(t *rapid.T, name string, got, want []string) {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: record %d: got %s, want %s", name, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: got %d records, want %d", name, len(got), len(want))
	}
}

// Another seed is another world, and so is another fault.
func TestHashTellsWorldsApart(t *testing.T) {
	base := plan{seed: 1, nodes: 5, until: 200 * time.Millisecond, network: netmodel.Config{
		Seed: 1, Nodes: 5, Latency: netmodel.Constant{Delay: time.Millisecond},
	}}
	hashes := map[string]string{}
	for name, change := range map[string]func(*plan){
		"same":    func(*plan) {},
		"seed":    func(p *plan) { p.seed = 2 },
		"until":   func(p *plan) { p.until++; p.until += time.Millisecond },
		"pause":   func(p *plan) { p.acts = []act{{at: p.until, kind: actPause, node: 1}} },
		"crash":   func(p *plan) { p.acts = []act{{at: p.until, kind: actCrash, node: 1}} },
		"other":   func(p *plan) { p.acts = []act{{at: p.until, kind: actCrash, node: 2}} },
		"cut":     func(p *plan) { p.acts = []act{{at: p.until, kind: actCut, node: 2}} },
		"drift":   func(p *plan) { p.acts = []act{{at: p.until, kind: actDrift, node: 2}} },
		"disk":    func(p *plan) { p.acts = []act{{at: p.until, kind: actDisk, node: 2}} },
		"earlier": func(p *plan) { p.acts = []act{{at: p.until - 1, kind: actCrash, node: 1}} },
	} {
		p := base
		change(&p)
		h := p.run(t, variant{workers: 1}).TraceHash()
		if len(h) != 64 || strings.ToLower(h) != h {
			t.Errorf("%s: got hash %q, want 64 hexadecimal digits", name, h)
		}
		if other, ok := hashes[h]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		hashes[h] = name
	}
	if again := base.run(t, variant{workers: 2}).TraceHash(); hashes[again] != "same" {
		t.Errorf("the same plan, run again in the same process, has another hash")
	}
}

// A run that is interrupted goes on as if it had not been.
func TestInterruptedRunGoesOn(t *testing.T) {
	want := gossipWorld(t, 500, 1, 0)
	mustRun(t, want, 30*time.Second)
	for _, workers := range []int{1, 2} {
		w := gossipWorld(t, 500, workers, 0)
		interruptions := 0
		for w.Now() < 30*time.Second {
			ctx, cancel := context.WithCancel(context.Background())
			// The world looks at the context only now and then; a control
			// event that cancels it will be noticed.
			w.At(w.Now()+7*time.Second, func(*sim.Control) { cancel() })
			err := w.Run(ctx, 30*time.Second)
			cancel()
			if err != nil && err != context.Canceled {
				t.Fatal(err)
			}
			if err != nil {
				interruptions++
			}
		}
		if interruptions < 2 {
			t.Errorf("%d workers: got %d interruptions, want at least 2", workers, interruptions)
		}
		if w.TraceHash() != want.TraceHash() {
			t.Errorf("%d workers: the interrupted run has another trace hash", workers)
		}
	}
}

// Where the world chooses, it goes over to several workers when windows hold
// many events, in the middle of a run.
func TestWorldTakesWorkersWhenItPays(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor")
	}
	run := func(workers int) *sim.World {
		const nodes = 4000
		w := must(sim.New(sim.Config{
			Seed: 1, Nodes: nodes, Workers: workers, Network: uniformNetwork(nodes, 2*time.Second, 3*time.Second),
			Build: func() (protocol.Protocol, error) { return &gossip{}, nil },
		}))
		w.At(0, func(c *sim.Control) {
			for i := range nodes {
				_ = c.Join(i, nil)
				c.Protocol(i).(*gossip).w = w
			}
		})
		mustRun(t, w, 60*time.Second)
		return w
	}
	one, auto := run(1), run(0)
	if one.Workers() != 1 || auto.Workers() < 2 {
		t.Errorf("got %d and %d workers, want 1 and several", one.Workers(), auto.Workers())
	}
	if one.TraceHash() != auto.TraceHash() {
		t.Error("the trace hash changed with the number of workers")
	}
}
