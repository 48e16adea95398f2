package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios"
	"github.com/starling-sim/starling/sim"
)

// executeOptions say how to run a world; none of them changes what happens.
type executeOptions struct {
	workers int // 0: let the world choose
	// realnode is the program that a node of the real world is.
	realnode string
	// advance is called as the run goes on, with the virtual time that has
	// passed and the number of events carried out since the last call.
	advance func(passed time.Duration, events uint64)
}

// execute runs a concrete scenario (no sweep) from its beginning to its end
// and returns what was measured. The summary has no verdicts yet.
func execute(ctx context.Context, s *scenarios.Scenario, o executeOptions) (_ *analysis.Summary, _ []analysis.Series, err error) {
	if s.Real() {
		return executeReal(ctx, s, o)
	}
	start := time.Now()
	m, err := newMeasured(s, o.workers)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, m.world.Close()) }()
	if err := m.run(ctx, s.Duration.Std(), s.Measure.SampleInterval.Std(), o.advance); err != nil {
		return nil, nil, err
	}
	counters := countersOf(m.world, m.messages, true)
	result, err := m.collector.Finish(m.world.Now(), counters)
	if err != nil {
		return nil, nil, err
	}
	return &analysis.Summary{
		Scenario: s.Name, Seed: s.Seed, Version: version(), TraceHash: m.world.TraceHash(),
		VirtualSeconds: m.world.Now().Seconds(), WallSeconds: time.Since(start).Seconds(),
		Events: counters.Events, PeakRSSBytes: peakRSS(), Nodes: m.world.Nodes(),
		Metrics: result.Metrics,
	}, result.Series, nil
}

// measured runs a world and measures it.
type measured struct {
	world     *sim.World
	collector *analysis.Collector
	messages  map[protocol.MessageKind]protocol.MessageSpec
	warmUp    time.Duration
}

// specsOf returns the specs of the protocols that a scenario's nodes run.
func specsOf(s *scenarios.Scenario) ([]protocol.Spec, error) {
	r, err := stack.Default()
	if err != nil {
		return nil, err
	}
	var specs []protocol.Spec
	for _, name := range s.Stack {
		spec, ok := r.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("unknown protocol %q", name)
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// largeWorld is the number of nodes from which memory is dearer than the time
// to collect garbage.
const largeWorld = 200_000

func newMeasured(s *scenarios.Scenario, workers int) (*measured, error) {
	specs, err := specsOf(s)
	if err != nil {
		return nil, err
	}
	if s.Nodes.Count+s.Nodes.Spare >= largeWorld {
		debug.SetGCPercent(30)
	}
	m := &measured{messages: messageSpecs(specs), warmUp: s.Measure.WarmUp.Std()}
	faults := &scenarios.NetworkFaults{}
	if m.world, err = s.World(scenarios.WorldOptions{Workers: workers, Observer: m, Faults: faults}); err != nil {
		return nil, err
	}
	cfg := measuresOf(s, specs)
	cfg.Nodes, cfg.NodeID, cfg.Index = m.world.Nodes(), m.world.ID, m.world.Index
	cfg.NetworkFault = func(fault int) analysis.NetworkFault { return faultOf(faults.Begun(fault)) }
	m.collector, err = analysis.NewCollector(cfg)
	return m, err
}

// measuresOf is what a scenario says about its measures. Who the nodes are, and
// what faults do to them, the engine has to say.
func measuresOf(s *scenarios.Scenario, specs []protocol.Spec) analysis.Config {
	cfg := analysis.Config{
		SampleInterval: s.Measure.SampleInterval.Std(), WarmUp: s.Measure.WarmUp.Std(), BroadcastWindow: s.Measure.BroadcastWindow.Std(),
	}
	if s.Nodes.Join.Mode == "converged" {
		cfg.Converged = s.Nodes.Count
	}
	for _, spec := range specs {
		cfg.Events = append(cfg.Events, spec.Events...)
		cfg.Commands = append(cfg.Commands, spec.Commands...)
	}
	return cfg
}

func faultOf(f scenarios.NetworkFault) analysis.NetworkFault {
	return analysis.NetworkFault{Anomalous: f.Impaired, Cut: f.Cut}
}

// Observe hands on what happens; the collector needs the world to be made.
func (m *measured) Observe(r protocol.Record) { m.collector.Observe(r) }

// run lets the world run to until and takes a sample every interval.
func (m *measured) run(ctx context.Context, until, interval time.Duration, advance func(time.Duration, uint64)) error {
	var events uint64
	for now := time.Duration(0); now < until; {
		next := min(now+interval, until)
		if now < m.warmUp && m.warmUp < next {
			next = m.warmUp // the sample that the measures count from
		}
		if err := ctx.Err(); err != nil {
			return err // the world looks at it now and then only
		}
		if err := m.world.Run(ctx, next); err != nil {
			return err
		}
		if next < until { // the last sample is Finish's
			m.collector.Sample(next, countersOf(m.world, m.messages, next == m.warmUp))
		}
		c := m.world.Counters()
		advance(next-now, c.Events-events)
		now, events = next, c.Events
	}
	return nil
}
