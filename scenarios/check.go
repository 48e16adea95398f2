package scenarios

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
)

// check notes all that is wrong with a scenario that could be decoded, as far as
// it is not a consequence of what is known to be wrong.
func (d *decoding) check(s *Scenario) {
	d.CheckTags(&s.Content, s.tree)
	d.checkName(s)
	d.CheckStack(s.env.Registry, s.Stack, s.bootstrapped(), slices.Concat(s.otherStacks(), d.stacked))
	d.checkTimes(s)
	d.checkNodes(s)
	d.checkNetwork(s)
	for i := range s.Fault {
		d.checkFault(s, &s.Fault[i], fmt.Sprintf("fault[%d]", i))
	}
	d.checkChurn(s)
	for i := range s.Workload {
		d.checkWorkload(s, &s.Workload[i], fmt.Sprintf("workload[%d]", i))
	}
	d.checkResults(s)
	d.checkSweep(s)
}

var (
	scenarioName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)
	fileName     = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)
)

func (d *decoding) checkName(s *Scenario) {
	if document.HasKey(s.tree, "name") && !scenarioName.MatchString(s.Name) {
		d.Problemf("name", "got %q, want letters, digits, '-', '_' and '.', in parts that '/' separates", s.Name)
	}
}

// checkFileName checks the name of a plot or table.
func (d *decoding) checkFileName(path, name string, taken map[string]bool) {
	switch {
	case taken[name]:
		d.Problemf(path, "got %q, which another one has", name)
	case name != "" && !fileName.MatchString(name):
		d.Problemf(path, "got %q, want letters, digits, '-', '_' and '.': it names a file", name)
	}
	taken[name] = true
}

// maxDuration bounds a run: a century, so that times in a run can be added.
const maxDuration = 100 * 365 * 24 * time.Hour

func (d *decoding) checkTimes(s *Scenario) {
	if s.Duration == 0 && document.HasKey(s.tree, "duration") {
		d.Problemf("duration", "got 0s, want more")
	}
	if s.Duration.Std() > maxDuration {
		d.Problemf("duration", "got %s, want at most a century", s.Duration)
	}
	if s.Measure.SampleInterval <= 0 {
		d.Problemf("measure.sample_interval", "got %s, want more than 0s", s.Measure.SampleInterval)
	}
	if s.Measure.BroadcastWindow <= 0 {
		d.Problemf("measure.broadcast_window", "got %s, want more than 0s", s.Measure.BroadcastWindow)
	}
	d.within(s, "measure.warm_up", s.Measure.WarmUp)
}

// within demands that a time lies within the run.
func (d *decoding) within(s *Scenario, path string, t quantity.Duration) {
	if t > s.Duration && s.Duration > 0 {
		d.Problemf(path, "got %s, want at most the duration of the run, %s", t, s.Duration)
	}
}

// span demands that the keys from and until of a table, as far as they are
// written, lie within the run and in this order.
func (d *decoding) span(s *Scenario, path string, from, until quantity.Duration) {
	d.within(s, path+".from", from)
	if _, ok := document.Subtree(s.tree, path+".until").(string); !ok {
		return
	}
	d.within(s, path+".until", until)
	if until <= from {
		d.Problemf(path+".until", "got %s, want more than from, %s", until, from)
	}
}

// maxNodes is what the engine can address.
const maxNodes = 1 << 30

func (d *decoding) checkNodes(s *Scenario) {
	if total := int64(s.Nodes.Count) + int64(s.Nodes.Spare); total > maxNodes {
		d.Problemf("nodes.spare", "got %d nodes with the spare ones, want at most %d", total, maxNodes)
	}
	if s.Nodes.Join.Mode == "staggered" {
		d.within(s, "nodes.join.over", s.Nodes.Join.Over)
	}
	if s.Nodes.Clock.Skew.Std() > maxDuration {
		d.Problemf("nodes.clock.skew", "got %s, want at most a century", s.Nodes.Clock.Skew)
	}
}

// total is the number of nodes that may ever take part; false if that is not
// known because it is wrong.
func (s *Scenario) total() (int, bool) {
	n := int64(s.Nodes.Count) + int64(s.Nodes.Spare)
	return int(n), s.Nodes.Count >= 1 && s.Nodes.Spare >= 0 && n <= maxNodes
}

// allowed demands that of the keys of a table only those that its model takes
// are written.
func (d *decoding) allowed(path string, table any, model string, keys ...string) {
	written, _ := table.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(written)) {
		if !slices.Contains(keys, key) {
			d.Problem(document.Join(path, key), Problem{Message: fmt.Sprintf("%q does not take this", model), Valid: keys})
		}
	}
}

// needs demands that keys of a table are written.
func (d *decoding) needs(path string, table any, model string, keys ...string) {
	written, _ := table.(map[string]any)
	for _, key := range keys {
		if _, ok := written[key]; !ok {
			d.Problemf(document.Join(path, key), "missing: %q needs it", model)
		}
	}
}
