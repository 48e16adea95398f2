package analysis

import (
	"fmt"
	"math"
	"strings"
)

// verdictGroup is one demand over all runs it was held against.
type verdictGroup struct {
	Metric, Where, Demand, Definition string
	OK                                bool
	Got                               string
	Tally                             string
	Failures                          []string
	MoreFailures                      int

	notes map[string]int // by text, their place in Failures
	runs  []int          // how many runs a failure is about
}

// maxFailures is how many failures of one demand a report lists.
const maxFailures = 8

var opSigns = map[string]string{"<=": "≤", ">=": "≥", "==": "="}

func (v *reportView) verdicts() {
	var groups []verdictGroup
	index := map[string]int{}
	worst := map[string]Verdict{}
	tally := map[string][2]int{}
	for _, verdict := range v.Report.Verdicts {
		key := fmt.Sprint(verdict.Demand(), verdict.N > 0)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			m, _ := lookup(verdict.Metric, UseValue)
			demand := opSigns[verdict.Op] + " " + FormatValue(verdict.Want)
			if unit := shownUnit(m.Unit); verdict.RelativeTo != "" {
				demand += " % of " + verdict.RelativeTo
			} else if unit != "" && unit != "share" {
				demand += " " + unit
			}
			groups = append(groups, verdictGroup{Metric: verdict.Metric, Where: verdict.Where, Demand: demand, Definition: m.Definition, OK: true})
			worst[key] = verdict
		}
		groups[i].add(verdict)
		if verdict.worseThan(worst[key]) {
			worst[key] = verdict
		}
		n := tally[key]
		n[1]++
		if verdict.OK {
			n[0]++
		}
		tally[key] = n
		groups[i].Got = worst[key].got()
		if n[1] > 1 {
			groups[i].Got += " at worst"
			groups[i].Tally = fmt.Sprintf("%d of %d", n[0], n[1])
		}
	}
	v.Groups = groups
	held := 0
	for _, g := range groups {
		if g.OK {
			held++
		}
	}
	switch {
	case len(groups) == 0:
		v.Verdict = "no expectations"
	case held == len(groups) && held == 1:
		v.Verdict = "the expectation holds"
	case held == len(groups):
		v.Verdict = fmt.Sprintf("all %d expectations hold", held)
	default:
		v.Verdict = fmt.Sprintf("%d of %d expectations failed", len(groups)-held, len(groups))
	}
}

// add lists a failure. One that has a reason to tell says it once for all runs.
func (g *verdictGroup) add(v Verdict) {
	if v.OK {
		return
	}
	g.OK = false
	where := v.Point
	if v.Seed != nil {
		where = strings.TrimSpace(where + fmt.Sprintf(" seed %d", *v.Seed))
	}
	if i, ok := g.notes[v.Note]; ok && v.Note != "" {
		g.runs[i]++
		g.Failures[i] = fmt.Sprintf("%s (%d runs)", v.Note, g.runs[i])
		return
	}
	text := where + ": " + v.got()
	switch {
	case v.Note != "":
		text = v.Note
	case where == "":
		return // it says no more than the table does
	}
	if len(g.Failures) == maxFailures {
		g.MoreFailures++
		return
	}
	if g.notes == nil {
		g.notes = map[string]int{}
	}
	g.notes[v.Note] = len(g.Failures)
	g.Failures, g.runs = append(g.Failures, text), append(g.runs, 1)
}

func (v Verdict) got() string {
	if v.N > 0 {
		return formatCI(v.Got, v.CI)
	}
	return FormatValue(v.Got)
}

// worseThan compares two verdicts on one demand: no value is worst, then the
// distance on the wrong side.
func (v Verdict) worseThan(other Verdict) bool {
	badness := func(v Verdict) float64 {
		switch {
		case math.IsNaN(v.Got):
			return math.Inf(1)
		case v.Op == "<=":
			return v.Got - v.Want
		case v.Op == ">=":
			return v.Want - v.Got
		}
		return math.Abs(v.Got - v.Want)
	}
	return badness(v) > badness(other)
}
