package scenarios

import (
	"fmt"
	"math/bits"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
)

var (
	// workloadRivals are pairs of keys that say the same thing in two ways.
	workloadRivals = [][2]string{{"size", "sizes"}, {"nodes", "region"}, {"nodes", "senders"}}

	sizesKeys = map[string][]string{
		"constant":  {"model", "size"},
		"uniform":   {"model", "min", "max"},
		"lognormal": {"model", "median", "p90", "min", "max"},
		"choice":    {"model", "of", "weights"},
	}
	sizesNeeds = map[string][]string{
		"constant": {"size"}, "uniform": {"max"}, "lognormal": {"median", "p90"}, "choice": {"of"},
	}
)

func (d *decoding) checkWorkload(s *Scenario, w *Workload, path string) {
	d.checkCommand(s, path+".command", w.Command)
	if w.Rate.Interval() <= 0 {
		d.Problemf(path+".rate", "got %s, want more", w.Rate)
	}
	if w.Senders > s.Nodes.Count && s.Nodes.Count > 0 {
		d.Problemf(path+".senders", "got %d, want at most nodes.count, %d", w.Senders, s.Nodes.Count)
	}
	d.checkSenders(s, w, path)
	d.checkPayload(path+".size", w.Size)
	if w.Sizes != nil {
		d.checkDistributionOfSizes(s, w.Sizes, path+".sizes")
	}
	d.span(s, path, w.From, w.Until)
	d.checkKeys(s, w, path)
	d.checkRead(s, w, path)
}

// checkCommand checks the name of a command.
func (d *decoding) checkCommand(s *Scenario, path, name string) {
	if _, ok := s.command(name); ok || name == "" {
		return
	}
	var names []string
	for _, p := range s.Stack {
		if spec, ok := s.env.Registry.Lookup(p); ok {
			for _, c := range spec.Commands {
				names = append(names, c.Name)
			}
		}
	}
	d.Problem(path, Problem{Message: fmt.Sprintf("got %q", name), Nearest: document.Nearest(name, names), Valid: names})
}

// checkSenders checks who takes part.
func (d *decoding) checkSenders(s *Scenario, w *Workload, path string) {
	table, _ := document.Subtree(s.tree, path).(map[string]any)
	for _, pair := range workloadRivals {
		if document.HasKey(table, pair[0]) && document.HasKey(table, pair[1]) {
			d.Problemf(path+"."+pair[1], "got it together with %s, want one of them", pair[0])
		}
	}
	for _, key := range []string{"nodes", "region"} {
		if list, ok := table[key].([]any); ok && len(list) == 0 {
			d.Problemf(path+"."+key, "got none, want at least one")
		}
	}
	if total, ok := s.total(); ok {
		for i, n := range w.Nodes {
			if n < 0 || n >= total {
				d.Problemf(fmt.Sprintf("%s.nodes[%d]", path, i), "got %d, want 0 to %d", n, total-1)
			}
		}
	}
	for i, name := range w.Region {
		d.checkRegionName(s, fmt.Sprintf("%s.region[%d]", path, i), name)
	}
}

// maxPayload bounds the size of a workload's values, in bytes.
const maxPayload = 1 << 20

func (d *decoding) checkPayload(path string, size quantity.Size) {
	if size > maxPayload {
		d.Problemf(path, "got %s, want at most 1MiB", size)
	}
}

func (d *decoding) checkDistributionOfSizes(s *Scenario, x *Sizes, path string) {
	written := document.Subtree(s.tree, path)
	keys, ok := sizesKeys[x.Model]
	if !ok {
		if x.Model == "" {
			d.Problem(path+".model", Problem{Message: "missing", Valid: []string{"constant", "uniform", "lognormal", "choice"}})
		}
		return
	}
	d.allowed(path, written, x.Model, keys...)
	d.needs(path, written, x.Model, sizesNeeds[x.Model]...)
	for _, y := range []struct {
		key  string
		size quantity.Size
	}{{"size", x.Size}, {"min", x.Min}, {"max", x.Max}, {"median", x.Median}, {"p90", x.P90}} {
		d.checkPayload(path+"."+y.key, y.size)
	}
	table, _ := written.(map[string]any)
	switch x.Model {
	case "uniform", "lognormal":
		if document.HasKey(table, "max") && x.Min > x.Max {
			d.Problemf(path+".min", "got %s, want at most max, %s", x.Min, x.Max)
		}
		if document.HasKey(table, "median") && x.Median < 1 {
			d.Problemf(path+".median", "got %s, want at least 1B", x.Median)
		} else if document.HasKey(table, "p90") && x.P90 < x.Median {
			d.Problemf(path+".p90", "got %s, want at least the median, %s", x.P90, x.Median)
		}
	case "choice":
		d.checkChoice(x, path, table)
	}
}

func (d *decoding) checkChoice(x *Sizes, path string, table map[string]any) {
	for i, size := range x.Of {
		d.checkPayload(fmt.Sprintf("%s.of[%d]", path, i), size)
	}
	switch {
	case document.HasKey(table, "of") && len(x.Of) == 0:
		d.Problemf(path+".of", "got none, want at least one")
	case document.HasKey(table, "weights") && len(x.Weights) != len(x.Of):
		d.Problemf(path+".weights", "got %d, want as many as in of, %d", len(x.Weights), len(x.Of))
	case document.HasKey(table, "weights") && !drawable(x.Weights):
		d.Problemf(path+".weights", "got a sum of nothing or too much, want 1 to 18446744073709551615")
	}
}

// drawable reports whether the sum of weights is one that can be drawn from.
func drawable(weights []uint64) bool {
	all, carry := uint64(0), uint64(0)
	for _, w := range weights {
		if all, carry = bits.Add64(all, w, 0); carry != 0 {
			return false
		}
	}
	return all > 0
}

// command returns a command by name.
func (s *Scenario) command(name string) (protocol.CommandSpec, bool) {
	for _, p := range s.Stack {
		spec, _ := s.env.Registry.Lookup(p)
		for _, c := range spec.Commands {
			if c.Name == name {
				return c, true
			}
		}
	}
	return protocol.CommandSpec{}, false
}
