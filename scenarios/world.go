package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
	"github.com/starling-sim/starling/sim"
	"github.com/starling-sim/starling/sim/pebbledisk"
)

// WorldOptions say how to run a world. None of them changes what happens.
type WorldOptions struct {
	// Workers is the number of goroutines, 0 to let the world choose.
	Workers int
	// Observer and Tracer may be nil.
	Observer protocol.Observer
	Tracer   sim.Tracer
	// Faults, if not nil, is told what network faults do as they begin.
	Faults *NetworkFaults
}

// NetworkFaults says what the network faults of a run do to nodes, for measures
// that have to know. It is filled in as the run goes on: ask it when the
// world reports that a fault has begun.
type NetworkFaults struct {
	begun map[int]NetworkFault
}

// NetworkFault is what a network fault does to nodes.
type NetworkFault struct {
	// Impaired are the nodes whose links are worse than others', by index.
	Impaired []int
	// Cut reports whether messages from a to b or from b to a are kept from
	// passing. Nil if the fault cuts nobody off.
	Cut func(a, b int) bool
}

// Begun returns what the fault with an index in the timeline did when it last
// began.
func (n *NetworkFaults) Begun(fault int) NetworkFault { return n.begun[fault] }

// World builds the world, with all that is going to happen in it. It has not
// begun to run, and is to be closed when it has.
func (s *Scenario) World(o WorldOptions) (*sim.World, error) {
	if s.wrong != nil {
		return nil, s.wrong
	}
	st, err := s.newStack()
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	network, err := s.network()
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	wire := sim.WireValues
	if s.Wire == "encode" {
		wire = sim.WireEncode
	}
	var disks sim.Disks
	if s.Store == "pebble" {
		disks = pebbledisk.New()
	}
	var w *sim.World
	image, err := initialDisks(st.Initial(), s.Seed, func(i int) protocol.NodeID { return w.ID(i) })
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	w, err = sim.New(sim.Config{
		Seed: s.Seed, Nodes: s.Nodes.Count + s.Nodes.Spare, Network: network,
		Build: st.Build, Decoders: st.Decoders(), Wire: wire, Workers: o.Workers,
		Observer: o.Observer, Tracer: o.Tracer, StreamTimeout: s.Network.StreamTimeout.Std(), StreamIdle: s.streamIdle(),
		Disks: disks, Image: image,
	})
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if err := s.Play(virtual{w: w}, o.Faults); err != nil {
		return nil, err
	}
	return w, nil
}

// initialDisks returns what is on the disk of each node at the beginning, nil if
// nothing is.
func initialDisks(initial protocol.Initial, seed uint64, id func(i int) protocol.NodeID) (func(i int) *sim.Image, error) {
	if initial.Shared == nil && initial.Own == nil {
		return nil, nil
	}
	var shared *sim.Image
	if initial.Shared != nil {
		var err error
		if shared, err = shared.Edit(initial.Shared); err != nil {
			return nil, err
		}
	}
	return func(i int) *sim.Image {
		if initial.Own == nil {
			return shared
		}
		own, err := shared.Edit(func(s protocol.Store) error { return initial.Own(s, seed, id(i)) })
		if err != nil {
			// Disks in memory do not fail, and what is written on them was
			// written on the shared one before.
			return shared
		}
		return own
	}, nil
}

// streamIdle is network.stream_idle as the world wants it.
func (s *Scenario) streamIdle() time.Duration {
	if s.Network.StreamIdle == 0 {
		return -1 // for ever
	}
	return s.Network.StreamIdle.Std()
}

// newStack returns the stack with its configurations.
func (s *Scenario) newStack() (*stack.Stack, error) {
	return document.NewStack(s.env.Registry, s.Stack, s.bootstrapped())
}

// network returns the network model.
func (s *Scenario) network() (*netmodel.Model, error) {
	config, err := s.NetworkConfig()
	if err != nil {
		return nil, err
	}
	return netmodel.New(config)
}

// NetworkConfig is what the network model is made of.
func (s *Scenario) NetworkConfig() (netmodel.Config, error) {
	n := s.Network
	latency, err := s.latency()
	if err != nil {
		return netmodel.Config{}, err
	}
	config := netmodel.Config{
		Seed: s.Seed, Nodes: s.Nodes.Count + s.Nodes.Spare, Latency: latency, Loss: n.Loss.model(),
		Duplicate: n.Duplicate.Threshold(),
		Reorder:   n.Reorder.Probability.Threshold(), ReorderDelay: n.Reorder.Delay.Std(),
		Corrupt: n.Corrupt.Threshold(),
		MTU:     int32(min(n.MTU, 1<<30)), Header: int32(min(n.Header, 1<<30)),
	}
	if n.Header == 0 {
		config.Header = netmodel.NoHeader
	}
	if n.Placement == "shuffled" {
		config.Placement = netmodel.PlaceShuffled
	}
	for _, r := range s.Region {
		config.Regions = append(config.Regions, netmodel.Region{Name: r.Name, Nodes: r.Nodes, Weight: r.Weight})
	}
	for _, b := range n.Bandwidth {
		config.Bandwidth = append(config.Bandwidth, netmodel.BandwidthClass{
			Name: b.Name, Share: b.Share.Threshold(), Up: int64(b.Up), Down: int64(b.Down),
			UpQueue: int64(b.UpQueue), DownQueue: int64(b.DownQueue),
		})
	}
	return config, nil
}

func (l Loss) model() netmodel.Loss {
	switch l.Model {
	case "independent":
		return netmodel.Independent{Probability: l.Probability.Threshold()}
	case "gilbert-elliott":
		return netmodel.GilbertElliott{
			MeanGood: l.MeanGood.Std(), MeanBad: l.MeanBad.Std(),
			LossGood: l.LossGood.Threshold(), LossBad: l.LossBad.Threshold(),
		}
	}
	return nil
}

func (s *Scenario) latency() (netmodel.Latency, error) {
	l := s.Network.Latency
	switch l.Model {
	case "constant":
		return netmodel.Constant{Delay: l.Delay.Std()}, nil
	case "uniform":
		return netmodel.Uniform{Min: l.Min.Std(), Max: l.Max.Std()}, nil
	case "normal":
		return netmodel.Normal{Mean: l.Mean.Std(), StdDev: l.StdDev.Std(), Min: l.Min.Std(), Max: l.Max.Std()}, nil
	case "lognormal":
		return netmodel.LogNormal{Median: l.Median.Std(), P90: l.P90.Std(), Min: l.Min.Std(), Max: l.Max.Std()}, nil
	case "regions":
		m, err := s.matrix(map[string]func() (*netmodel.Matrix, error){"aws-2019": netmodel.AWS2019, "libp2p-8": netmodel.LibP2P8})
		return netmodel.RegionMatrix{Matrix: m, Jitter: l.Jitter.Threshold()}, err
	case "pairs":
		m, err := s.matrix(map[string]func() (*netmodel.Matrix, error){"planetlab-490": netmodel.PlanetLab490})
		return netmodel.PairMatrix{Matrix: m, Jitter: l.Jitter.Threshold()}, err
	}
	return nil, fmt.Errorf("network.latency: got model %q", l.Model)
}

// matrix returns the latencies that network.latency.data names: a data set or a
// file beside the scenario.
func (s *Scenario) matrix(sets map[string]func() (*netmodel.Matrix, error)) (*netmodel.Matrix, error) {
	name := s.Network.Latency.Data
	if set, ok := sets[name]; ok {
		return set()
	}
	text, err := s.beside(name)
	if err != nil {
		return nil, fmt.Errorf("network.latency.data: %w", err)
	}
	m, err := netmodel.ParseMatrix(text)
	if err != nil {
		return nil, fmt.Errorf("network.latency.data: %s: %w", name, err)
	}
	return m, nil
}

// beside reads a file that the scenario names, relative to its own.
func (s *Scenario) beside(name string) ([]byte, error) {
	if name == "" {
		return nil, fmt.Errorf("missing")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(s.file), name)
	}
	return os.ReadFile(name)
}

// regionNames lists the regions that nodes are in.
func (s *Scenario) regionNames() []string {
	var names []string
	for _, r := range s.Region {
		names = append(names, r.Name)
	}
	if len(names) > 0 || s.Network.Latency.Model != "regions" {
		return names
	}
	latency, err := s.latency()
	if err != nil {
		return nil
	}
	if m, ok := latency.(netmodel.RegionMatrix); ok && m.Matrix != nil {
		return m.Matrix.Names
	}
	return nil
}

// timeline puts into a world what a scenario wants to happen in it.
type timeline struct {
	s      *Scenario
	faults *NetworkFaults
}

func (t *timeline) schedule(w Stage) error {
	if t.faults != nil {
		t.faults.begun = map[int]NetworkFault{}
	}
	t.clocks(w)
	t.joins(w)
	for i := range t.s.Fault {
		t.fault(w, i)
	}
	if t.s.Churn != nil {
		if err := t.churn(w); err != nil {
			return err
		}
	}
	for i := range t.s.Workload {
		t.workload(w, i)
	}
	return nil
}

// end is the time after which nothing begins.
func (t *timeline) end(until quantity.Duration) time.Duration {
	if until > 0 {
		return until.Std()
	}
	return t.s.Duration.Std()
}

// joins lets the nodes enter.
func (t *timeline) joins(w Stage) {
	n, join := t.s.Nodes.Count, t.s.Nodes.Join
	everybody := make([]int, n)
	for i := range everybody {
		everybody[i] = i
	}
	if join.Mode == "staggered" {
		for i := range n {
			at := time.Duration(uint64(join.Over) / uint64(n) * uint64(i))
			w.At(at, func(c Stage) {
				if c.State(i) == sim.Absent { // a fault may have let it join before
					t.must(c.Join(i, t.seeds(c)))
				}
			})
		}
		return
	}
	w.At(0, func(c Stage) {
		seeds := everybody
		if join.Mode == "burst" {
			seeds = everybody[:min(n, join.Seeds)]
		}
		t.must(c.JoinAll(everybody, seeds))
	})
}

// seeds are the nodes that a newcomer is told to start from: a few that run.
func (t *timeline) seeds(c Stage) []int {
	up := c.CountUp()
	seeds := make([]int, min(t.s.Nodes.Join.Seeds, up))
	if t.s.Nodes.Join.Contacts == "random" {
		r := c.Rand("contacts")
		for k := range seeds {
			pick := r.IntN(up)
			for slices.Contains(seeds[:k], c.NthUp(pick)) {
				pick = r.IntN(up)
			}
			seeds[k] = c.NthUp(pick)
		}
		return seeds
	}
	for k := range seeds {
		seeds[k] = c.NthUp(k)
	}
	return seeds
}

// must is for what cannot fail: it is asked only of nodes in the right state.
func (t *timeline) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("scenarios: %v", err)) // sim turns it into an error of Run
	}
}

// clocks sets the nodes' clocks wrong.
func (t *timeline) clocks(w Stage) {
	clock := t.s.Nodes.Clock
	if clock.Skew == 0 && clock.DriftPPM == 0 {
		return
	}
	w.At(0, func(c Stage) {
		r := c.Rand("clocks")
		for i := range w.Nodes() {
			if skew := clock.Skew.Std(); skew > 0 {
				t.must(c.StepClock(i, r.DurationN(2*skew)-skew))
			}
			if ppb := 1000 * int64(clock.DriftPPM); ppb > 0 {
				t.must(c.SetDrift(i, int64(r.Uint64N(uint64(2*ppb+1)))-ppb))
			}
		}
	})
}
