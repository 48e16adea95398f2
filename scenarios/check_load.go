package scenarios

import (
	"fmt"

	"github.com/starling-sim/starling/scenarios/document"
)

func (d *decoding) checkChurn(s *Scenario) {
	c := s.Churn
	if c == nil {
		return
	}
	table, _ := document.Subtree(s.tree, "churn").(map[string]any)
	ways := []string{"session", "share", "trace"}
	named := 0
	for _, key := range ways {
		if document.HasKey(table, key) {
			named++
		}
	}
	if named != 1 {
		d.Problem("churn", Problem{Message: fmt.Sprintf("got %d ways to say who departs when, want one", named), Valid: ways})
	}
	if document.HasKey(table, "share") && c.Period <= 0 {
		d.Problemf("churn.period", "missing: share needs it")
	} else if document.HasKey(table, "period") && !document.HasKey(table, "share") {
		d.Problemf("churn.period", "got %s without share", c.Period)
	}
	d.span(s, "churn", c.From, c.Until)
	if c.Session != nil {
		d.checkDistribution(s, c.Session, "churn.session")
	}
	d.checkDistribution(s, &c.Downtime, "churn.downtime")
	if c.Trace != "" {
		if _, err := s.churnTrace(); err != nil {
			d.Problemf("churn.trace", "%v", err)
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
	written := document.Subtree(s.tree, path)
	keys, ok := distributionKeys[x.Model]
	if !ok {
		if x.Model == "" {
			d.Problem(path+".model", Problem{Message: "missing", Valid: []string{"constant", "exponential", "weibull", "pareto"}})
		}
		return
	}
	d.allowed(path, written, x.Model, keys...)
	switch x.Model {
	case "constant", "exponential":
		if x.Mean <= 0 {
			d.Problemf(path+".mean", "got %s, want more than 0s", x.Mean)
		}
	default:
		if x.Scale <= 0 {
			d.Problemf(path+".scale", "got %s, want more than 0s", x.Scale)
		}
		//starling:exempt float a single division rounds alike everywhere
		if low := x.leastShape(); !(x.Shape >= float64(low)/1000 && x.Shape <= maxMilliShape/1000) {
			//starling:exempt float printed in an error message
			d.Problemf(path+".shape", "got %g, want %g to %g", x.Shape, float64(low)/1000, float64(maxMilliShape)/1000)
		}
	}
}
