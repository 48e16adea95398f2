package scenarios

import (
	"fmt"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/sim"
)

// fault schedules the fault with index k in the file, as often as it happens.
func (t *timeline) fault(w Stage, k int) {
	f := &t.s.Fault[k]
	times := 1
	if f.Every > 0 {
		times = int(min(int64(t.s.Duration-f.At)/int64(f.Every)+1, 1<<30))
		if f.Times > 0 {
			times = min(times, f.Times)
		}
	}
	var strike func(n int) func(c Stage)
	strike = func(n int) func(c Stage) {
		return func(c Stage) {
			if n+1 < times {
				c.After(f.Every.Std(), strike(n+1))
			}
			t.strike(c, f, k)
		}
	}
	w.At(f.At.Std(), strike(0))
}

func (t *timeline) strike(c Stage, f *Fault, k int) {
	switch f.Kind {
	case "crash", "leave", "pause", "anomaly", "clock", "disk":
		t.nodeFault(c, f, t.target(c, f, k, sim.Up))
	case "restart":
		t.nodeFault(c, f, t.target(c, f, k, sim.Crashed, sim.Left))
	case "join":
		t.nodeFault(c, f, t.target(c, f, k, sim.Absent))
	default:
		t.networkFault(c, f, k)
	}
}

// target chooses who a fault happens to among the nodes in one of the states.
// The choice depends on the seed, the fault's place in the file and who there
// is, on nothing else.
func (t *timeline) target(c Stage, f *Fault, k int, states ...sim.State) []int {
	in := func(i int) bool {
		for _, s := range states {
			if c.State(i) == s {
				return true
			}
		}
		return len(states) == 0
	}
	var candidates []int
	for i := range c.Nodes() {
		if in(i) {
			candidates = append(candidates, i)
		}
	}
	switch {
	case f.Nodes != nil:
		return intersect(candidates, f.Nodes)
	case f.Region != nil:
		return intersect(candidates, inRegions(c, f.Region))
	}
	count := f.Count
	if !f.Share.IsZero() {
		count = f.Share.Of(len(candidates))
	}
	return choose(c, fmt.Sprintf("fault %d", k), candidates, count)
}

// inRegions returns the nodes of regions, region by region.
func inRegions(c Stage, names []string) []int {
	var nodes []int
	for _, name := range names {
		region, _ := c.Network().RegionIndex(name)
		for _, i := range c.Network().RegionNodes(region) {
			nodes = append(nodes, int(i))
		}
	}
	return nodes
}

// choose returns count of the candidates at random, in the order drawn.
func choose(c Stage, purpose string, candidates []int, count int) []int {
	count = min(count, len(candidates))
	r := c.Rand(purpose)
	for i := range count {
		j := i + r.IntN(len(candidates)-i)
		candidates[i], candidates[j] = candidates[j], candidates[i]
	}
	return candidates[:count]
}

// intersect returns the candidates (ascending) that are also in nodes.
func intersect(candidates, nodes []int) []int {
	in := map[int]bool{}
	for _, i := range nodes {
		in[i] = true
	}
	var out []int
	for _, i := range candidates {
		if in[i] {
			out = append(out, i)
		}
	}
	return out
}

func (t *timeline) nodeFault(c Stage, f *Fault, nodes []int) {
	if f.Kind == "anomaly" {
		t.anomaly(c, f, nodes)
		return
	}
	for _, i := range nodes {
		switch f.Kind {
		case "crash":
			t.must(c.Crash(i, f.crashKind()))
		case "leave":
			t.leave(c, i)
		case "restart":
			t.must(c.Restart(i, t.seeds(c)))
		case "join":
			t.must(c.Join(i, t.seeds(c)))
		case "pause":
			t.pause(c, f, i)
		case "clock":
			t.setClock(c, f, i)
		case "disk":
			t.must(c.SetDisk(i, sim.DiskFault{ErrorRate: f.Probability.Threshold(), Full: f.Full, Delay: f.Delay.Std()}))
		}
	}
	if f.Kind == "disk" && f.For > 0 {
		c.After(f.For.Std(), func(c Stage) {
			for _, i := range nodes {
				t.must(c.SetDisk(i, sim.DiskFault{}))
			}
		})
	}
}

// leave makes a node leave. One that is stopped cannot say goodbye: its
// process just ends.
func (t *timeline) leave(c Stage, i int) {
	if c.Paused(i) {
		t.must(c.Crash(i, sim.CrashProcess))
		return
	}
	t.must(c.Leave(i))
}

func (f *Fault) crashKind() sim.CrashKind {
	if f.Mode == "process" {
		return sim.CrashProcess
	}
	return sim.CrashHost
}

func (f *Fault) pause() sim.Pause {
	models := map[string]sim.PauseModel{"frozen": sim.PauseFrozen, "blocked-io": sim.PauseBlockedIO, "slow": sim.PauseSlow}
	return sim.Pause{Model: models[f.Model], Service: f.Service.Std()}
}

// pause pauses a node unless it is paused already.
func (t *timeline) pause(c Stage, f *Fault, i int) {
	if c.State(i) != sim.Up || c.Paused(i) {
		return
	}
	t.must(c.Pause(i, f.pause()))
	if f.For > 0 {
		c.After(f.For.Std(), func(c Stage) { t.resume(c, i) })
	}
}

// resume ends a pause, unless the node's process ended before.
func (t *timeline) resume(c Stage, i int) {
	if c.State(i) == sim.Up && c.Paused(i) {
		t.must(c.Resume(i))
	}
}

// anomaly stops nodes for f.For and lets them run for f.Run in turn, all at the
// same times (Lifeguard's interval experiment).
func (t *timeline) anomaly(c Stage, f *Fault, nodes []int) {
	end := t.end(f.Until)
	var stop func(c Stage)
	stop = func(c Stage) {
		if c.Now() >= end {
			return
		}
		for _, i := range nodes {
			t.pause(c, f, i)
		}
		c.After((f.For + f.Run).Std(), stop)
	}
	stop(c)
}

func (t *timeline) setClock(c Stage, f *Fault, i int) {
	step := f.Step.Std()
	if f.Back {
		step = -step
	}
	if step != 0 {
		t.must(c.StepClock(i, step))
	}
	if f.DriftPPM != 0 {
		t.must(c.SetDrift(i, 1000*int64(f.DriftPPM)))
	}
}

// networkFault puts a rule in force on links of the nodes it happens to.
func (t *timeline) networkFault(c Stage, f *Fault, k int) {
	nodes := t.target(c, f, k)
	set := netmodel.Set{Nodes: make([]uint32, len(nodes))}
	for n, i := range nodes {
		set.Nodes[n] = uint32(i)
	}
	// All that a partition cuts are links to the others; other faults are
	// the nodes' own, whomever they talk to.
	others := netmodel.Set{Regions: f.To}
	if f.Kind == "partition" && f.To == nil {
		others = netmodel.Set{Nodes: set.Nodes, Not: true}
	}
	rule := f.rule()
	rule.From, rule.To = set, others
	if f.Direction == "ingress" {
		rule.From, rule.To = others, set
	}
	rule.Symmetric = f.Direction == "both"
	rule.Stream = uint64(k) + 1<<32
	id, err := c.Apply(rule)
	t.must(err)
	if t.faults != nil {
		far, err := c.Network().Members(others)
		t.must(err)
		t.faults.begun[k] = f.effect(nodes, far, c.Nodes())
	}
	c.NetworkChanged(k, true)
	if f.For > 0 {
		c.After(f.For.Std(), func(c Stage) {
			t.must(c.Remove(id))
			c.NetworkChanged(k, false)
		})
	}
}

func (f *Fault) rule() netmodel.Rule {
	switch f.Kind {
	case "partition":
		return netmodel.Rule{Cut: true}
	case "loss":
		return netmodel.Rule{Loss: f.Probability.Threshold()}
	case "bursts":
		return netmodel.Rule{Bursts: &netmodel.GilbertElliott{
			MeanGood: f.MeanGood.Std(), MeanBad: f.MeanBad.Std(), LossBad: f.Probability.Threshold(),
		}}
	case "delay":
		return netmodel.Rule{Delay: f.Delay.Std(), Jitter: f.Jitter.Std()}
	case "duplicate":
		return netmodel.Rule{Duplicate: f.Probability.Threshold()}
	case "reorder":
		return netmodel.Rule{Reorder: f.Probability.Threshold(), ReorderDelay: f.Delay.Std()}
	case "corrupt":
		return netmodel.Rule{Corrupt: f.Probability.Threshold()}
	default:
		return netmodel.Rule{Bandwidth: int64(f.Rate), Queue: int64(f.Queue)}
	}
}

// effect says what the fault does to whom, given the nodes at both ends of the
// links. Nobody on either side of a partition is worse than the other; a fault
// of everybody's links singles nobody out.
func (f *Fault) effect(nodes []int, far []uint32, total int) NetworkFault {
	near, there := make([]bool, total), make([]bool, total)
	for _, i := range nodes {
		near[i] = true
	}
	for _, i := range far {
		there[i] = true
	}
	if f.Kind == "partition" {
		return NetworkFault{Cut: func(a, b int) bool { return near[a] && there[b] || near[b] && there[a] }}
	}
	var impaired []int
	for i := range total {
		if near[i] || f.To != nil && there[i] {
			impaired = append(impaired, i)
		}
	}
	if len(impaired) == total {
		return NetworkFault{}
	}
	return NetworkFault{Impaired: impaired}
}
