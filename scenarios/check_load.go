package scenarios

import "fmt"

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
