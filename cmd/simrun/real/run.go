package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios"
)

// Options say how to run a scenario.
type Options struct {
	// Realnode is the path of the program that each node is.
	Realnode string
	// Dir is where the directory for the nodes' files is made, which is gone
	// afterwards; empty for the system's place for such.
	Dir string
	// Advance, if not nil, is called as the run goes on, with the time that has
	// passed since the last call and the number of timers and messages that nodes
	// dealt with in it.
	Advance func(passed time.Duration, events uint64)
}

// Recording is what became of a run.
type Recording struct {
	// IDs are the nodes' identities by index.
	IDs []protocol.NodeID
	// Records are what happened, in order of time.
	Records []protocol.Record
	// Samples are what was counted, in order of time. The last one is at the
	// end.
	Samples []Sample
	// PeakRSSBytes is the most memory that each node's process ever held, added
	// up; 0 where the system does not tell.
	PeakRSSBytes uint64
	begun        map[int][]scenarios.NetworkFault
}

// NextFault returns what a fault of the network did to nodes when it began: at
// each call for a fault, for the next time that it did. So whoever goes through
// the records asks once for each that says so.
func (r *Recording) NextFault(fault int) scenarios.NetworkFault {
	list := r.begun[fault]
	if len(list) == 0 {
		return scenarios.NetworkFault{}
	}
	r.begun[fault] = list[1:]
	return list[0]
}

// run is what a run consists of.
type run struct {
	scenario    *scenarios.Scenario
	realnode    string
	dir         string
	ids         []protocol.NodeID
	description lab.Network
	config      []byte // the part of the nodes' configuration that is the scenario's
	keeps       bool   // nodes have a disk
	messages    []protocol.MessageSpec
	commands    map[protocol.CommandKind]string
	nodes       []*node

	ctx   context.Context // ends with the run, or when it fails
	stop  context.CancelCauseFunc
	epoch atomic.Pointer[time.Time] // nil until the run begins

	starting  sync.WaitGroup // nodes that are not ready yet
	slots     chan struct{}  // bounds how many start at once
	processes sync.WaitGroup // goroutines that end with the processes

	// What follows belongs to the loop.
	loop    *loop
	onEnd   func(n *node, life int, err error)
	faults  *scenarios.NetworkFaults
	begun   map[int][]scenarios.NetworkFault
	network []protocol.Record
}

// since is the time since the run began, 0 before.
func (r *run) since() time.Duration {
	epoch := r.epoch.Load()
	if epoch == nil {
		return 0
	}
	return max(0, time.Since(*epoch))
}

// fail ends the run. The first error counts.
func (r *run) fail(err error) { r.stop(err) }

// lead is how long before the run begins the processes are told so.
const lead = 100 * time.Millisecond

// linger is for how long after the end the last reports are waited for.
const linger = 100 * time.Millisecond

// Run runs a scenario that [Check] has passed, and takes as long as the scenario
// says. All processes have ended, and their files are gone, when it returns. The
// error is the context's if that was done.
func Run(ctx context.Context, s *scenarios.Scenario, o Options) (*Recording, error) {
	st, err := newStage(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("run %s on real processes: %w", s.Name, err)
	}
	recording, err := st.play(o)
	st.stop(nil)
	for _, n := range st.nodes {
		close(n.todo)
	}
	st.processes.Wait()
	if err := os.RemoveAll(st.dir); err != nil {
		return nil, fmt.Errorf("remove the files of the run: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s on real processes: %w", s.Name, err)
	}
	for _, n := range st.nodes {
		recording.PeakRSSBytes += n.maxRSS
	}
	recording.Records = st.merged(s.Duration.Std())
	return recording, nil
}

func newStage(ctx context.Context, s *scenarios.Scenario, o Options) (*stage, error) {
	network, err := s.NetworkConfig()
	if err != nil {
		return nil, err
	}
	model, err := netmodel.New(network)
	if err != nil {
		return nil, err
	}
	config, err := s.NodeConfig()
	if err != nil {
		return nil, err
	}
	world, err := s.World(scenarios.WorldOptions{Workers: 1}) // never runs: it knows who is who
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(world.Nodes())
	if err != nil {
		return nil, err
	}
	dir, err := makeDir(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &run{
		scenario: s, realnode: o.Realnode, dir: dir, description: lab.Network(network), config: config,
		keeps: s.Churn != nil || restarts(s), commands: map[protocol.CommandKind]string{},
		slots: make(chan struct{}, 2*runtime.NumCPU()),
		loop:  newLoop(), faults: &scenarios.NetworkFaults{}, begun: map[int][]scenarios.NetworkFault{},
	}
	if err := r.specs(); err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	st := &stage{run: r, model: model, rands: map[string]*protocol.Rand{}}
	r.onEnd = st.ended
	for i := range world.Nodes() {
		r.ids = append(r.ids, world.ID(i))
		n := &node{run: r, index: i, id: world.ID(i), port: ports[i], todo: make(chan func(), 1024), before: map[string]uint64{}}
		r.nodes = append(r.nodes, n)
		r.processes.Go(n.work)
	}
	return st, nil
}

// restarts tells whether nodes come back, and want to find what they kept.
func restarts(s *scenarios.Scenario) bool {
	for i := range s.Fault {
		if s.Fault[i].Kind == "restart" {
			return true
		}
	}
	return false
}

// specs looks up what the stack's protocols send and can be told.
func (r *run) specs() error {
	registry, err := stack.Default()
	if err != nil {
		return err
	}
	for _, name := range r.scenario.Stack {
		spec, ok := registry.Lookup(name)
		if !ok {
			return fmt.Errorf("unknown protocol %q", name)
		}
		r.messages = append(r.messages, spec.Messages...)
		for _, c := range spec.Commands {
			r.commands[c.Kind] = c.Name
		}
	}
	return nil
}

// play lets the timeline run to its end.
func (s *stage) play(o Options) (*Recording, error) {
	if err := s.scenario.Play(s, s.faults); err != nil {
		return nil, err
	}
	if err := s.loop.prepare(); err != nil {
		return nil, err
	}
	s.starting.Wait()
	epoch := time.Now().Add(lead)
	s.epoch.Store(&epoch)
	for _, n := range s.nodes {
		n.do(func() { n.begin(epoch) })
	}
	duration := s.scenario.Duration.Std()
	var samples []Sample
	due := make(chan time.Duration, len(s.sampleTimes(duration))+1)
	for _, t := range s.sampleTimes(duration) {
		s.loop.at(t, func() { due <- t })
	}
	var sampling sync.WaitGroup
	sampling.Go(func() {
		var last Sample
		for t := range due {
			if s.ctx.Err() != nil {
				continue
			}
			now := s.sample(t)
			samples = append(samples, now)
			if o.Advance != nil {
				o.Advance(now.Time-last.Time, now.Events-min(last.Events, now.Events))
			}
			last = now
		}
	})
	err := s.loop.run(s.ctx, epoch, duration)
	time.Sleep(linger)
	due <- duration
	close(due)
	sampling.Wait()
	if err := errors.Join(err, context.Cause(s.ctx)); err != nil {
		return nil, err
	}
	samples[len(samples)-1].Late = s.lateness()
	return &Recording{IDs: s.ids, Samples: samples, begun: s.begun}, nil
}

// sampleTimes are when all nodes are asked what they counted, but for the end.
func (s *stage) sampleTimes(duration time.Duration) []time.Duration {
	var times []time.Duration
	warmUp := s.scenario.Measure.WarmUp.Std()
	interval := max(s.scenario.Measure.SampleInterval.Std(), leastInterval)
	for t := interval; t < duration; t += interval {
		if t-interval < warmUp && warmUp < t {
			times = append(times, warmUp) // the sample that the measures count from
		}
		times = append(times, t)
	}
	return times
}

func (s *stage) lateness() *analysis.Lateness {
	out := &analysis.Lateness{Timeline: s.loop.late}
	var late, messages uint64
	for _, n := range s.nodes {
		n.mu.Lock()
		for _, c := range []map[string]uint64{n.before, n.last} {
			late += c["shim.late_ns"]
			messages += c["shim.datagrams"] + c["shim.stream_messages"]
			out.MostMessage = max(out.MostMessage, time.Duration(c[mostLate]))
		}
		n.mu.Unlock()
	}
	if messages > 0 {
		out.Message = time.Duration(late / messages)
	}
	return out
}
