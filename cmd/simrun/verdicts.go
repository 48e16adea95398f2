package main

import (
	"fmt"
	"io"
	"math"

	"github.com/starling-sim/starling/analysis"
)

// maxFailuresShown bounds the failures listed per expectation; the report has
// all of them.
const maxFailuresShown = 10

// printVerdicts prints a line for each expectation, the runs that fail it, and
// a last line for all.
func printVerdicts(w io.Writer, p *presentation) {
	failed, expectations := 0, 0
	verdicts := p.verdicts
	for len(verdicts) > 0 {
		n := 1
		for n < len(verdicts) && sameExpectation(verdicts[0], verdicts[n]) {
			n++
		}
		expectations++
		if !printExpectation(w, verdicts[:n]) {
			failed++
		}
		verdicts = verdicts[n:]
	}
	if p.unjudged > 0 {
		fmt.Fprintf(w, "  not judged: %s about several runs; simrun sweep judges them\n", plural(p.unjudged, "expectation"))
	}
	switch {
	case expectations == 0 && p.unjudged > 0:
		fmt.Fprintln(w, "Verdict: none.")
	case expectations == 0:
		fmt.Fprintln(w, "Verdict: none, for nothing is expected.")
	case failed == 0 && expectations == 1:
		fmt.Fprintln(w, "Verdict: the expectation holds.")
	case failed == 0:
		fmt.Fprintf(w, "Verdict: all %d expectations hold.\n", expectations)
	default:
		fmt.Fprintf(w, "Verdict: %d of %s FAILED.\n", failed, plural(expectations, "expectation"))
	}
}

// sameExpectation reports whether two verdicts hold different runs or points
// against the same demand.
func sameExpectation(a, b analysis.Verdict) bool {
	return a.Demand() == b.Demand() && (a.N > 0) == (b.N > 0) &&
		(a.Point != b.Point || a.Seed != nil && b.Seed != nil && *a.Seed != *b.Seed)
}

// printExpectation prints how one expectation fared in all the runs it is
// about, and reports whether it holds.
func printExpectation(w io.Writer, verdicts []analysis.Verdict) bool {
	first := verdicts[0]
	if len(verdicts) == 1 {
		fmt.Fprintln(w, " ", first)
		return first.OK
	}
	failed := 0
	least, most := math.Inf(1), math.Inf(-1)
	for _, v := range verdicts {
		if !v.OK {
			failed++
		}
		least, most = math.Min(least, v.Got), math.Max(most, v.Got)
	}
	what := "run"
	if first.N > 0 {
		what = "point"
	}
	demand := first.Demand()
	if failed == 0 {
		fmt.Fprintf(w, "  ok: %s: in all %s, from %s to %s\n", demand, plural(len(verdicts), what),
			analysis.FormatValue(least), analysis.FormatValue(most))
		return true
	}
	fmt.Fprintf(w, "  FAILED: %s: not in %d of %s\n", demand, failed, plural(len(verdicts), what))
	shown := 0
	for _, v := range verdicts {
		if v.OK {
			continue
		}
		if shown++; shown > maxFailuresShown {
			fmt.Fprintf(w, "      and %d more\n", failed-maxFailuresShown)
			break
		}
		fmt.Fprintln(w, "     ", v)
	}
	return false
}
