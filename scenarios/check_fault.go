package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
)

var (
	targetKeys = []string{"count", "share", "nodes", "region"}
	faultKeys  = map[string][]string{
		"crash":     {"mode"},
		"restart":   {},
		"leave":     {},
		"join":      {},
		"pause":     {"for", "model", "service_time"},
		"anomaly":   {"for", "run", "until", "model", "service_time"},
		"partition": {"for", "direction", "to"},
		"loss":      {"for", "direction", "to", "probability"},
		"bursts":    {"for", "direction", "to", "probability", "mean_good", "mean_bad"},
		"delay":     {"for", "direction", "to", "delay", "jitter"},
		"duplicate": {"for", "direction", "to", "probability"},
		"reorder":   {"for", "direction", "to", "probability", "delay"},
		"corrupt":   {"for", "direction", "to", "probability"},
		"bandwidth": {"for", "direction", "to", "rate", "queue"},
		"clock":     {"step", "back", "drift_ppm"},
		"disk":      {"for", "probability", "delay", "full"},
	}
	faultNeeds = map[string][]string{
		"anomaly": {"for", "run"}, "loss": {"probability"}, "bursts": {"probability", "mean_good", "mean_bad"}, "delay": {"delay"}, "duplicate": {"probability"},
		"reorder": {"probability", "delay"}, "corrupt": {"probability"}, "bandwidth": {"rate"},
	}
	// faultNeedsOne lists keys of which at least one must be written, or else
	// the fault does nothing.
	faultNeedsOne = map[string][]string{
		"clock": {"step", "drift_ppm"}, "disk": {"probability", "delay", "full"},
	}
)

func (d *decoding) checkFault(s *Scenario, f *Fault, path string) {
	valid, ok := faultKeys[f.Kind]
	if !ok {
		return // the enum says so
	}
	table, _ := document.Subtree(s.tree, path).(map[string]any)
	keys := append([]string{"at", "kind", "every", "times"}, targetKeys...)
	d.allowed(path, table, f.Kind, append(keys, valid...)...)
	d.needs(path, table, f.Kind, faultNeeds[f.Kind]...)
	if one := faultNeedsOne[f.Kind]; len(one) > 0 && !slices.ContainsFunc(one, func(key string) bool { return document.HasKey(table, key) }) {
		d.Problem(path, Problem{Message: fmt.Sprintf("%q does nothing", f.Kind), Valid: one})
	}
	d.checkTarget(s, f, path, table)
	d.checkFaultTimes(s, f, path, table)
	if f.Model == "slow" && f.Service <= 0 {
		d.Problemf(path+".service_time", "missing: model \"slow\" needs it")
	}
	if f.Kind == "clock" && f.Step.Std() > maxDuration {
		d.Problemf(path+".step", "got %s, want at most a century", f.Step)
	}
}

func (d *decoding) checkFaultTimes(s *Scenario, f *Fault, path string, table map[string]any) {
	d.within(s, path+".at", f.At)
	for _, x := range []struct {
		key string
		d   quantity.Duration
	}{{"for", f.For}, {"every", f.Every}, {"run", f.Run}} {
		if document.HasKey(table, x.key) && x.d == 0 {
			d.Problemf(path+"."+x.key, "got 0s, want more")
		}
	}
	if document.HasKey(table, "until") {
		d.within(s, path+".until", f.Until)
		if f.Until <= f.At {
			d.Problemf(path+".until", "got %s, want more than at, %s", f.Until, f.At)
		}
	}
	switch {
	case f.Times > 0 && f.Every <= 0:
		d.Problemf(path+".times", "got %d without every", f.Times)
	case f.Every > 0 && f.Kind == "anomaly":
		d.Problemf(path+".every", "got %s, but an anomaly repeats itself by for and run", f.Every)
	case f.Every > 0 && f.For > f.Every:
		d.Problemf(path+".for", "got %s, want at most every, %s", f.For, f.Every)
	}
}

func (d *decoding) checkTarget(s *Scenario, f *Fault, path string, table map[string]any) {
	var named []string
	for _, key := range targetKeys {
		if document.HasKey(table, key) {
			named = append(named, key)
		}
	}
	switch len(named) {
	case 0:
		d.Problem(path, Problem{Message: "who it happens to is missing", Valid: targetKeys})
	case 1:
		if list, ok := table[named[0]].([]any); ok && len(list) == 0 {
			d.Problemf(path+"."+named[0], "got none, want at least one")
		}
	default:
		d.Problemf(path+"."+named[1], "got it together with %s, want one of %s", named[0], strings.Join(targetKeys, ", "))
	}
	d.checkTargetRegions(s, f, path)
	total, ok := s.total()
	if !ok {
		return // the rest would be consequences
	}
	for i, n := range f.Nodes {
		if n < 0 || n >= total {
			d.Problemf(fmt.Sprintf("%s.nodes[%d]", path, i), "got %d, want 0 to %d", n, total-1)
		}
	}
	d.checkTargetNumber(s, f, path, table)
}

// checkTargetNumber checks how many nodes a fault wants against how many there
// can be: the spare ones for a join, otherwise those that entered.
func (d *decoding) checkTargetNumber(s *Scenario, f *Fault, path string, table map[string]any) {
	most, what := s.Nodes.Count, "nodes.count"
	switch {
	case f.Kind == "join" && s.Nodes.Spare == 0:
		d.Problemf(path+".kind", "got %q, but there is nobody left to join: nodes.spare is 0", f.Kind)
		return
	case f.Kind == "join":
		most, what = s.Nodes.Spare, "nodes.spare"
	case s.Nodes.Spare > 0:
		most, what = s.Nodes.Count+s.Nodes.Spare, "nodes.count and nodes.spare"
	}
	if f.Count > most {
		d.Problemf(path+".count", "got %d, want at most %s, %d", f.Count, what, most)
	}
	if document.HasKey(table, "share") && !f.Share.IsZero() && f.Share.Of(most) == 0 {
		d.Problemf(path+".share", "got %s of %d nodes, which is none", f.Share, most)
	}
}

// checkTargetRegions checks the names of the regions at both ends.
func (d *decoding) checkTargetRegions(s *Scenario, f *Fault, path string) {
	for i, name := range slices.Concat(f.Region, f.To) {
		at := fmt.Sprintf("%s.region[%d]", path, i)
		if n := len(f.Region); i >= n {
			at = fmt.Sprintf("%s.to[%d]", path, i-n)
		}
		d.checkRegionName(s, at, name)
	}
	if f.To != nil && len(f.To) == 0 {
		d.Problemf(path+".to", "got none, want at least one")
	}
}

// checkRegionName demands that there is a region of a name.
func (d *decoding) checkRegionName(s *Scenario, path, name string) {
	regions := s.regionNames()
	if slices.Contains(regions, name) {
		return
	}
	p := Problem{Message: fmt.Sprintf("unknown region %q", name), Nearest: document.Nearest(name, regions), Valid: regions}
	if len(regions) == 0 {
		p.Message += "; this scenario has no regions"
	}
	d.Problem(path, p)
}
