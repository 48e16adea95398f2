package analysis

import (
	"fmt"
	"math"
	"strings"
)

// Statistics an Expectation may be about.
const (
	// StatisticEvery holds the expectation against every run.
	StatisticEvery = "every"
	// StatisticMean holds it against the mean over the seeds of each point.
	StatisticMean = "mean"
)

// Expectation is what a scenario demands of a metric. One or more of Min, Max
// and Equal are given; each gives a verdict of its own.
type Expectation struct {
	Metric          string
	Min, Max, Equal *float64
	// Where restricts the expectation to runs whose point has these values.
	Where []Assignment
	// Statistic is StatisticEvery (also if empty) or StatisticMean. It has no
	// bearing on an expectation that is relative.
	Statistic string
	// RelativeTo, if not empty, is a variant. Every other variant is then
	// judged by its mean over all runs in per cent of the mean over that
	// variant's runs which share seed and all other swept values.
	RelativeTo string
}

// Verdict is one demand held against one value.
type Verdict struct {
	Metric string
	// Op is "<=", ">=" or "==".
	Op   string
	Want float64
	// Got is NaN if there is no value; the verdict is then negative.
	Got float64
	OK  bool
	// Where is the filter of the expectation, named like a point; RelativeTo
	// its variant to compare with, in which case Want and Got are in per cent.
	Where, RelativeTo string
	// Point and Seed tell the runs of a sweep apart; Seed is nil for a mean
	// and outside a sweep.
	Point string
	Seed  *uint64
	// N and CI are the number of runs (of pairs, if relative) and the
	// half-width of the 95 % confidence interval behind a mean; zero otherwise.
	N  int
	CI float64
	// Note says what is wrong beyond the number: a metric without a value, a
	// filter that lets no run through. Empty otherwise.
	Note string
}

// String says the verdict in a line.
func (v Verdict) String() string {
	word := "FAILED"
	if v.OK {
		word = "ok"
	}
	out := fmt.Sprintf("%s: %s: got %s", word, v.Demand(), FormatValue(v.Got))
	if v.N > 0 {
		out += fmt.Sprintf(" (mean of %d", v.N)
		if !math.IsNaN(v.CI) {
			out += fmt.Sprintf(", 95 %% CI ± %s", FormatValue(v.CI))
		}
		out += ")"
	}
	if v.Point != "" && v.Point != v.Where {
		out += " at " + v.Point
	}
	if v.Seed != nil {
		out += fmt.Sprintf(" seed %d", *v.Seed)
	}
	if v.Note != "" {
		out += ": " + v.Note
	}
	return out
}

// Demand says what was demanded, and of which runs.
func (v Verdict) Demand() string {
	out := fmt.Sprintf("%s %s %s", v.Metric, v.Op, FormatValue(v.Want))
	if v.RelativeTo != "" {
		out += " % of " + v.RelativeTo
	}
	if v.Where != "" {
		out += " where " + v.Where
	}
	return out
}

// Evaluate holds runs against expectations, in order. A metric that is missing
// or has no value fails its expectation, as does one that no run is measured
// against.
func Evaluate(runs []Run, expect []Expectation) []Verdict {
	var out []Verdict
	for _, e := range expect {
		matching := Select(runs, e.Where)
		for _, d := range e.demands() {
			switch {
			case len(matching) == 0:
				d.Got, d.Note = math.NaN(), "no run is such"
				if len(e.Where) == 0 {
					d.Note = "there is no run"
				}
				out = append(out, d)
			case e.RelativeTo != "":
				out = append(out, d.overVariants(runs, e)...)
			case e.Statistic == StatisticMean:
				out = append(out, d.overMeans(matching)...)
			default:
				out = append(out, d.overRuns(matching, len(runs) > 1)...)
			}
		}
	}
	return out
}

// AllOK reports whether every verdict is positive.
func AllOK(verdicts []Verdict) bool {
	for _, v := range verdicts {
		if !v.OK {
			return false
		}
	}
	return true
}

func assignments(list []Assignment) string { return Run{Point: list}.PointName() }

// demands returns a verdict without a value for each bound, or a negative one
// if there is none.
func (e Expectation) demands() []Verdict {
	var out []Verdict
	for _, b := range []struct {
		op    string
		bound *float64
	}{{">=", e.Min}, {"<=", e.Max}, {"==", e.Equal}} {
		if b.bound != nil {
			out = append(out, Verdict{Metric: e.Metric, Op: b.op, Want: *b.bound, Where: assignments(e.Where), RelativeTo: e.RelativeTo})
		}
	}
	if len(out) == 0 {
		// A bound of NaN holds of nothing.
		out = append(out, Verdict{Metric: e.Metric, Op: "==", Want: math.NaN()})
	}
	return out
}

func (v Verdict) overRuns(runs []Run, sweep bool) []Verdict {
	var out []Verdict
	for _, r := range runs {
		d := v
		if sweep {
			seed := r.Seed
			d.Point, d.Seed = r.PointName(), &seed
		}
		d.judge(r.metric(v.Metric))
		if math.IsNaN(d.Got) {
			d.Note = whyMissing(r, v.Metric)
		}
		out = append(out, d)
	}
	return out
}

func (v Verdict) overMeans(runs []Run) []Verdict {
	var out []Verdict
	for _, p := range ByPoint(runs) {
		d := v
		d.Point = p.Name()
		s := Summarise(p.Values(v.Metric))
		d.judge(rounded(s.Mean))
		d.N, d.CI = s.N, rounded(s.CI)
		if s.Missing > 0 {
			d.OK = false
			d.Note = fmt.Sprintf("%d of %d runs have no value", s.Missing, s.Missing+s.N)
		}
		out = append(out, d)
	}
	return out
}

// overVariants compares each variant that the expectation is about with the one
// that it is relative to.
func (v Verdict) overVariants(runs []Run, e Expectation) []Verdict {
	elsewhere := Select(runs, without(e.Where, variantKey))
	base := PointRuns{Runs: Select(elsewhere, []Assignment{{Key: variantKey, Value: e.RelativeTo}})}
	var out []Verdict
	for _, group := range groupBy(Select(runs, e.Where), func(r Run) []Assignment {
		name, _ := r.Value(variantKey)
		return []Assignment{{Key: variantKey, Value: name}}
	}) {
		if group.Point[0].Value == e.RelativeTo {
			continue
		}
		d := v
		if len(without(e.Where, variantKey)) == len(e.Where) {
			d.Point = group.Name()
		}
		a, b := pairs(v.Metric, group, base)
		ratio, ci := Ratio(a, b)
		d.judge(rounded(100 * ratio))
		d.N, d.CI = len(a), rounded(100*ci)
		if math.IsNaN(d.Got) {
			d.Note = "there is nothing to compare with: " + e.RelativeTo + " has no such runs, or its mean is 0"
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		v.Got, v.Note = math.NaN(), "no run is of another variant than "+e.RelativeTo
		out = append(out, v)
	}
	return out
}

// judge compares; NaN compares false with everything.
func (v *Verdict) judge(got float64) {
	v.Got = got
	switch v.Op {
	case "<=":
		v.OK = got <= v.Want
	case ">=":
		v.OK = got >= v.Want
	default:
		v.OK = got == v.Want
	}
}

func whyMissing(r Run, metric string) string {
	if _, ok := r.Metrics[metric]; ok {
		return "measured, but it has no value: what it waits for did not happen within the run"
	}
	if err := CheckName(metric, UseValue); err != nil {
		return err.Error()
	}
	what := "not measured in this run"
	if strings.HasSuffix(metric, "_s") || strings.Contains(metric, "_s.") {
		what += ": nothing happened that it could be measured by"
	}
	return what
}
