package scenarios

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/scenarios/document"
	"github.com/starling-sim/starling/sim"
)

// Stage is where a scenario is played: a virtual world, or real processes. The
// timeline is the same on both, and so is its chance: who is hit by what depends
// on the seed and on who there is.
//
// All its calls, and those it makes, come one after the other.
type Stage interface {
	// Nodes is the number of nodes there may be, by index from 0.
	Nodes() int
	// Now is the time since the beginning.
	Now() time.Duration
	// At has do called at a time, at once if that has passed; After so much
	// later than now.
	At(t time.Duration, do func(Stage))
	After(d time.Duration, do func(Stage))
	// Rand is a stream of random numbers for one purpose, which goes on where
	// its last use left it.
	Rand(purpose string) *protocol.Rand

	// State tells what has become of a node. CountUp and NthUp are about those
	// that are up, in order of their indices.
	State(i int) sim.State
	Paused(i int) bool
	CountUp() int
	NthUp(k int) int

	// What happens to nodes. Errors are of nodes that are not in a state for it.
	Join(i int, seeds []int) error
	JoinAll(nodes, seeds []int) error
	Restart(i int, seeds []int) error
	Crash(i int, kind sim.CrashKind) error
	Leave(i int) error
	Pause(i int, p sim.Pause) error
	Resume(i int) error
	StepClock(i int, by time.Duration) error
	SetDrift(i int, ppb int64) error
	SetDisk(i int, f sim.DiskFault) error
	Command(i int, c protocol.Command, workload int) error

	// Network is the network model, to ask who is where. Apply and Remove begin
	// and end a rule; NetworkChanged reports it of a fault of the timeline.
	Network() *netmodel.Model
	Apply(r netmodel.Rule) (netmodel.RuleID, error)
	Remove(id netmodel.RuleID) error
	NetworkChanged(fault int, begins bool)
}

// Play puts on a stage what is going to happen: Stage.At is called for what
// begins it, and nothing happens before Play has returned. What fails later, on
// the stage, is a panic of a function that was given to At or After. Faults may be
// nil.
func (s *Scenario) Play(stage Stage, faults *NetworkFaults) error {
	if s.wrong != nil {
		return s.wrong
	}
	t := &timeline{s: s, faults: faults}
	if err := t.schedule(stage); err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return nil
}

// NodeConfig is the part of the scenario that is also the configuration of a real
// node, with every default: the keys stack and protocol.
func (s *Scenario) NodeConfig() ([]byte, error) {
	tables := map[string]map[string]any{}
	for _, name := range s.Stack {
		if table, ok := s.Protocol[name]; ok {
			tables[name] = table
		}
	}
	text, err := document.Marshal(struct {
		Stack    []string                  `toml:"stack"`
		Protocol map[string]map[string]any `toml:"protocol"`
	}{s.Stack, tables}, nil)
	if err != nil {
		return nil, fmt.Errorf("write the nodes' configuration: %w", err)
	}
	return text, nil
}

// virtual is the stage that is a world.
type virtual struct {
	*sim.Control // nil before the world runs, when things are only scheduled
	w            *sim.World
}

var _ Stage = virtual{}

func (v virtual) Nodes() int { return v.w.Nodes() }

func (v virtual) Now() time.Duration { return v.w.Now() }

func (v virtual) At(t time.Duration, do func(Stage)) {
	v.w.At(t, func(c *sim.Control) { do(virtual{c, v.w}) })
}

func (v virtual) After(d time.Duration, do func(Stage)) { v.At(v.w.Now()+d, do) }

func (v virtual) Apply(r netmodel.Rule) (netmodel.RuleID, error) { return v.Network().Apply(r) }

func (v virtual) Remove(id netmodel.RuleID) error { return v.Network().Remove(id) }
