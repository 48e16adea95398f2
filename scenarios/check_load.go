package scenarios

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

func (d *decoding) checkChurn(s *Scenario) {
	c := s.Churn
	if c == nil {
		return
	}
	table, _ := subtree(s.tree, "churn").(map[string]any)
	ways := []string{"session", "share", "trace"}
	named := 0
	for _, key := range ways {
		if hasKeyAt(table, key) {
			named++
		}
	}
	if named != 1 {
		d.problem("churn", Problem{Message: fmt.Sprintf("got %d ways to say who departs when, want one", named), Valid: ways})
	}
	if hasKeyAt(table, "share") && c.Period <= 0 {
		d.problemf("churn.period", "missing: share needs it")
	} else if hasKeyAt(table, "period") && !hasKeyAt(table, "share") {
		d.problemf("churn.period", "got %s without share", c.Period)
	}
	d.span(s, "churn", c.From, c.Until)
	if c.Session != nil {
		d.checkDistribution(s, c.Session, "churn.session")
	}
	d.checkDistribution(s, &c.Downtime, "churn.downtime")
	if c.Trace != "" {
		if _, err := s.churnTrace(); err != nil {
			d.problemf("churn.trace", "%v", err)
		}
	}
}

var distributionKeys = map[string][]string{
	"constant":    {"model", "mean"},
	"exponential": {"model", "mean"},
	"weibull":     {"model", "scale", "shape"},
	"pareto":      {"model", "scale", "shape"},
}

func (d *decoding) checkDistribution(s *Scenario, x *Distribution, path string) {
	written := subtree(s.tree, path)
	keys, ok := distributionKeys[x.Model]
	if !ok {
		if x.Model == "" {
			d.problem(path+".model", Problem{Message: "missing", Valid: []string{"constant", "exponential", "weibull", "pareto"}})
		}
		return
	}
	d.allowed(path, written, x.Model, keys...)
	switch x.Model {
	case "constant", "exponential":
		if x.Mean <= 0 {
			d.problemf(path+".mean", "got %s, want more than 0s", x.Mean)
		}
	default:
		if x.Scale <= 0 {
			d.problemf(path+".scale", "got %s, want more than 0s", x.Scale)
		}
		//starling:exempt float a single division rounds alike everywhere
		if low := x.leastShape(); !(x.Shape >= float64(low)/1000 && x.Shape <= maxMilliShape/1000) {
			//starling:exempt float printed in an error message
			d.problemf(path+".shape", "got %g, want %g to %g", x.Shape, float64(low)/1000, float64(maxMilliShape)/1000)
		}
	}
}

func (d *decoding) checkWorkload(s *Scenario, w *Workload, path string) {
	var names []string
	for _, name := range s.Stack {
		if spec, ok := s.env.Registry.Lookup(name); ok {
			for _, c := range spec.Commands {
				names = append(names, c.Name)
			}
		}
	}
	if _, ok := s.command(w.Command); !ok && w.Command != "" {
		d.problem(path+".command", Problem{Message: fmt.Sprintf("got %q", w.Command), Nearest: nearest(w.Command, names), Valid: names})
	}
	if w.Rate.Interval() <= 0 {
		d.problemf(path+".rate", "got %s, want more", w.Rate)
	}
	if w.Senders > s.Nodes.Count && s.Nodes.Count > 0 {
		d.problemf(path+".senders", "got %d, want at most nodes.count, %d", w.Senders, s.Nodes.Count)
	}
	if w.Size > maxPayload {
		d.problemf(path+".size", "got %s, want at most 1MiB", w.Size)
	}
	d.span(s, path, w.From, w.Until)
}

// maxPayload bounds the size of a workload's values, in bytes.
const maxPayload = 1 << 20

// command returns the kind of a command by name.
func (s *Scenario) command(name string) (protocol.CommandKind, bool) {
	for _, p := range s.Stack {
		spec, _ := s.env.Registry.Lookup(p)
		for _, c := range spec.Commands {
			if c.Name == name {
				return c.Kind, true
			}
		}
	}
	return 0, false
}
