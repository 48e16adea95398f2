package real

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/scenarios"
	"github.com/starling-sim/starling/sim"
)

// stage is where a timeline is played on processes. Its methods are called on the
// loop; what takes time is done by the nodes' own goroutines, one thing after the
// other.
type stage struct {
	*run
	model *netmodel.Model // says who is where; the processes have their own
	rands map[string]*protocol.Rand
	rules []rule // in force, oldest first
}

var _ scenarios.Stage = (*stage)(nil)

// rule is a network rule in force, by its name in the stage's model.
type rule struct {
	id netmodel.RuleID
	netmodel.Rule
}

func (s *stage) Nodes() int { return len(s.nodes) }

func (s *stage) Now() time.Duration { return s.loop.now }

func (s *stage) At(t time.Duration, do func(scenarios.Stage)) { s.loop.at(t, func() { do(s) }) }

func (s *stage) After(d time.Duration, do func(scenarios.Stage)) { s.At(s.loop.now+max(d, 0), do) }

// Rand has the streams that a virtual world has.
func (s *stage) Rand(purpose string) *protocol.Rand {
	r, ok := s.rands[purpose]
	if !ok {
		seeded := protocol.NewRand(protocol.Derive(s.scenario.Seed, "control "+purpose, 0))
		r = &seeded
		s.rands[purpose] = r
	}
	return r
}

func (s *stage) State(i int) sim.State { return s.nodes[i].state }

func (s *stage) Paused(i int) bool { return s.nodes[i].paused }

func (s *stage) CountUp() int {
	up := 0
	for _, n := range s.nodes {
		if n.state == sim.Up {
			up++
		}
	}
	return up
}

func (s *stage) NthUp(k int) int {
	for i, n := range s.nodes {
		if n.state != sim.Up {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
	return -1
}

// in returns a node that is in one of the states.
func (s *stage) in(what string, i int, states ...sim.State) (*node, error) {
	if i < 0 || i >= len(s.nodes) {
		return nil, fmt.Errorf("%s node %d: want 0 to %d", what, i, len(s.nodes)-1)
	}
	n := s.nodes[i]
	if !slices.Contains(states, n.state) {
		return nil, fmt.Errorf("%s node %d: it is %v, want %v", what, i, n.state, states)
	}
	return n, nil
}

func (s *stage) Join(i int, seeds []int) error { return s.start("join", i, seeds, sim.Absent) }

func (s *stage) JoinAll(nodes, seeds []int) error {
	for _, i := range nodes {
		if err := s.Join(i, seeds); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) Restart(i int, seeds []int) error {
	return s.start("restart", i, seeds, sim.Crashed, sim.Left)
}

func (s *stage) start(what string, i int, seeds []int, from ...sim.State) error {
	n, err := s.in(what, i, from...)
	if err != nil {
		return err
	}
	for _, k := range seeds {
		if k < 0 || k >= len(s.nodes) {
			return fmt.Errorf("%s node %d: got seed %d, want 0 to %d", what, i, k, len(s.nodes)-1)
		}
	}
	if n.cut != 0 { // its host was silent
		if err := s.Remove(n.cut); err != nil {
			return err
		}
		n.cut = 0
	}
	life := 0
	if n.state != sim.Absent {
		n.lives++
		life = n.lives
	}
	n.state, n.paused = sim.Up, false
	rules := slices.Clone(s.rules)
	seeds = slices.Clone(seeds)
	s.starting.Add(1)
	n.do(func() {
		defer s.starting.Done()
		n.start(life, seeds, rules)
	})
	return nil
}

func (s *stage) Crash(i int, kind sim.CrashKind) error {
	n, err := s.in("crash", i, sim.Up, sim.Leaving)
	if err != nil {
		return err
	}
	n.state, n.paused = sim.Crashed, false
	var silent func() // waits until nobody can be told of the end
	var frozen chan struct{}
	if kind == sim.CrashHost {
		frozen = make(chan struct{})
		if n.cut, silent, err = s.apply(lab.Silence(i), frozen); err != nil {
			return err
		}
	}
	n.do(func() { n.crash(frozen, silent) })
	return nil
}

func (s *stage) Leave(i int) error {
	n, err := s.in("leave", i, sim.Up)
	if err != nil {
		return err
	}
	if n.paused {
		return fmt.Errorf("leave node %d: %w", i, sim.ErrFrozen)
	}
	n.state = sim.Leaving
	n.do(n.leave)
	return nil
}

func (s *stage) Pause(i int, p sim.Pause) error {
	n, err := s.in("pause", i, sim.Up, sim.Leaving)
	switch {
	case err != nil:
		return err
	case n.paused:
		return fmt.Errorf("pause node %d: it is paused already", i)
	case p.Model != sim.PauseFrozen:
		return fmt.Errorf("pause node %d: a process can be frozen, and no more", i)
	}
	n.paused = true
	n.do(n.pause)
	return nil
}

func (s *stage) Resume(i int) error {
	n, err := s.in("resume", i, sim.Up, sim.Leaving)
	switch {
	case err != nil:
		return err
	case !n.paused:
		return fmt.Errorf("resume node %d: it is not paused", i)
	}
	n.paused = false
	n.do(n.resume)
	return nil
}

// errVirtual is why something cannot be done; Check refuses it beforehand.
var errVirtual = errors.New("only a virtual world can do that")

func (s *stage) StepClock(int, time.Duration) error {
	return fmt.Errorf("step a clock: %w", errVirtual)
}

func (s *stage) SetDrift(int, int64) error {
	return fmt.Errorf("set the drift of a clock: %w", errVirtual)
}

func (s *stage) SetDisk(int, sim.DiskFault) error {
	return fmt.Errorf("set a disk fault: %w", errVirtual)
}

// Command does not wait for the protocol's answer: whether it refused is in the
// event that the node reports.
func (s *stage) Command(i int, c protocol.Command, workload int) error {
	n, err := s.in("command", i, sim.Up, sim.Leaving)
	if err != nil {
		return err
	}
	if n.paused {
		return fmt.Errorf("command node %d: %w", i, sim.ErrFrozen)
	}
	name, ok := s.commands[c.Kind]
	if !ok {
		return fmt.Errorf("command node %d: no protocol has a command of kind %#04x", i, uint16(c.Kind))
	}
	n.do(func() { n.command(name, c, workload) })
	return nil
}

func (s *stage) Network() *netmodel.Model { return s.model }

func (s *stage) Apply(r netmodel.Rule) (netmodel.RuleID, error) {
	id, _, err := s.apply(r, nil)
	return id, err
}

// apply begins a rule in all processes, once after is closed if that is not nil,
// and returns a function that waits until it has reached those that run.
func (s *stage) apply(r netmodel.Rule, after <-chan struct{}) (netmodel.RuleID, func(), error) {
	id, err := s.model.Apply(r)
	if err != nil {
		return 0, nil, err
	}
	s.rules = append(s.rules, rule{id, r})
	reached := s.tell(after, func(n *node) { n.apply(rule{id, r}) })
	return id, reached, nil
}

func (s *stage) Remove(id netmodel.RuleID) error {
	if err := s.model.Remove(id); err != nil {
		return err
	}
	s.rules = slices.DeleteFunc(s.rules, func(r rule) bool { return r.id == id })
	s.tell(nil, func(n *node) { n.remove(id) })
	return nil
}

// tell has all nodes that run do something, and returns a function that waits
// for it.
func (s *stage) tell(after <-chan struct{}, do func(n *node)) (wait func()) {
	var all sync.WaitGroup
	for _, n := range s.nodes {
		if n.state != sim.Up && n.state != sim.Leaving {
			continue
		}
		all.Add(1)
		n.do(func() {
			defer all.Done()
			if after != nil {
				select {
				case <-after:
				case <-s.ctx.Done():
					return
				}
			}
			do(n)
		})
	}
	return all.Wait
}

// NetworkChanged keeps what the fault does to nodes: by the time that the record
// is looked at, it may have begun again.
func (s *stage) NetworkChanged(fault int, begins bool) {
	e := protocol.Event{Kind: protocol.EventNetworkChanged, Args: [3]uint64{uint64(fault)}}
	if begins {
		e.Args[1] = 1
		s.begun[fault] = append(s.begun[fault], s.faults.Begun(fault))
	}
	s.network = append(s.network, protocol.Record{Time: int64(s.since()), Event: e})
}

// ended notes that the process of a node has ended; err is nil if it meant to.
func (s *stage) ended(n *node, life int, err error) {
	switch {
	case n.lives != life || n.state == sim.Crashed || n.state == sim.Left:
	case n.state == sim.Leaving && err == nil:
		n.state = sim.Left
	case err == nil:
		s.fail(fmt.Errorf("node %d ended by itself%s", n.index, n.logTail()))
	default:
		s.fail(fmt.Errorf("node %d ended by itself: %w%s", n.index, err, n.logTail()))
	}
}

// merged are all records in order of time; of one node and time, in the order in
// which they came. Nothing reports any more.
func (s *stage) merged(until time.Duration) []protocol.Record {
	records := s.network
	for _, n := range s.nodes {
		records = append(records, n.records...)
	}
	records = slices.DeleteFunc(records, func(r protocol.Record) bool { return r.Time > int64(until) })
	slices.SortStableFunc(records, func(a, b protocol.Record) int { return cmp.Compare(a.Time, b.Time) })
	return records
}
