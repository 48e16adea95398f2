package analysis_test

import (
	"math"
	"strings"
	"testing"

	"github.com/starling-sim/starling/analysis"
)

func of(v float64) *float64 { return &v }

func at(pairs ...string) []analysis.Assignment {
	var out []analysis.Assignment
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, analysis.Assignment{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// sixRuns are two variants with three seeds each.
func sixRuns() []analysis.Run {
	var runs []analysis.Run
	for variant, values := range map[string][]float64{"swim": {10, 12, 14}, "lifeguard": {1, 2, 3}} {
		for seed, v := range values {
			runs = append(runs, analysis.Run{
				Point: at("variant", variant, "network.loss.probability", "1%"), Seed: uint64(seed),
				Metrics: map[string]float64{"swim.false_positives": v, "swim.whole_again_s": math.NaN()},
			})
		}
	}
	return runs
}

func TestExpectations(t *testing.T) {
	for _, c := range []struct {
		name   string
		expect analysis.Expectation
		ok     bool
		n      int
		note   string
	}{
		{"a bound that every run keeps", analysis.Expectation{Metric: "swim.false_positives", Max: of(14)}, true, 6, ""},
		{"a bound that one seed breaks", analysis.Expectation{Metric: "swim.false_positives", Max: of(13)}, false, 6, ""},
		{"its mean does not", analysis.Expectation{Metric: "swim.false_positives", Max: of(12), Statistic: analysis.StatisticMean}, true, 2, ""},
		{"a filter", analysis.Expectation{Metric: "swim.false_positives", Max: of(3), Where: at("variant", "lifeguard")}, true, 3, ""},
		{"a filter in another unit", analysis.Expectation{Metric: "swim.false_positives", Min: of(1), Where: at("network.loss.probability", "0.01")}, true, 6, ""},
		{"a filter that lets nothing through", analysis.Expectation{Metric: "swim.false_positives", Max: of(3), Where: at("variant", "budy")}, false, 1, "no run is such"},
		{"equality", analysis.Expectation{Metric: "swim.false_positives", Equal: of(2), Where: at("variant", "lifeguard"), Statistic: analysis.StatisticMean}, true, 1, ""},
		{"a metric without a value", analysis.Expectation{Metric: "swim.whole_again_s", Max: of(1e9)}, false, 6, "did not happen"},
		{"its mean", analysis.Expectation{Metric: "swim.whole_again_s", Max: of(1e9), Statistic: analysis.StatisticMean}, false, 2, "3 of 3 runs have no value"},
		{"a metric that was not measured", analysis.Expectation{Metric: "swim.detect_all_s.p99", Max: of(1e9)}, false, 6, "not measured"},
		{"a metric that does not exist", analysis.Expectation{Metric: "swim.falsepositives", Max: of(1e9)}, false, 6, `nearest is "swim.false_positives"`},
		{"no bound at all", analysis.Expectation{Metric: "swim.false_positives"}, false, 6, ""},
		{"less than a variant", analysis.Expectation{Metric: "swim.false_positives", Max: of(16.67), RelativeTo: "swim"}, true, 1, ""},
		{"not as much less", analysis.Expectation{Metric: "swim.false_positives", Max: of(16.66), RelativeTo: "swim", Where: at("variant", "lifeguard")}, false, 1, ""},
		{"no less than itself", analysis.Expectation{Metric: "swim.false_positives", Max: of(100), RelativeTo: "swim", Where: at("variant", "swim")}, false, 1, "no run is of another variant"},
		{"relative to a variant that is not there", analysis.Expectation{Metric: "swim.false_positives", Max: of(100), RelativeTo: "buddy", Where: at("variant", "swim")}, false, 1, "nothing to compare with"},
		{"two bounds", analysis.Expectation{Metric: "swim.false_positives", Min: of(0), Max: of(100)}, true, 12, ""},
	} {
		got := analysis.Evaluate(sixRuns(), []analysis.Expectation{c.expect})
		if analysis.AllOK(got) != c.ok || len(got) != c.n {
			t.Errorf("%s: got ok %v of %d verdicts, want %v of %d", c.name, analysis.AllOK(got), len(got), c.ok, c.n)
		}
		if c.note != "" && !strings.Contains(got[0].Note, c.note) {
			t.Errorf("%s: got note %q, want it to say %q", c.name, got[0].Note, c.note)
		}
	}
}

func TestAMissingSeedFailsAMean(t *testing.T) {
	runs := sixRuns()
	delete(runs[0].Metrics, "swim.false_positives")
	if analysis.AllOK(analysis.Evaluate(runs, []analysis.Expectation{{Metric: "swim.false_positives", Max: of(1e9), Statistic: analysis.StatisticMean}})) {
		t.Error("got ok over a point of which one seed has no value")
	}
}

func TestAVerdictSaysItInALine(t *testing.T) {
	seed := uint64(3)
	for want, v := range map[string]analysis.Verdict{
		"ok: swim.undetected <= 0: got 0":                               {Metric: "swim.undetected", Op: "<=", OK: true},
		"FAILED: swim.flaps == 1: got 2.5 at nodes.count=10 seed 3":     {Metric: "swim.flaps", Op: "==", Want: 1, Got: 2.5, Point: "nodes.count=10", Seed: &seed},
		"ok: swim.flaps >= 1: got 2 (mean of 5, 95 % CI ± 0.5)":         {Metric: "swim.flaps", Op: ">=", Want: 1, Got: 2, N: 5, CI: 0.5, OK: true},
		"FAILED: swim.whole_again_s <= 1: got –: it never came to that": {Metric: "swim.whole_again_s", Op: "<=", Want: 1, Got: math.NaN(), Note: "it never came to that"},
	} {
		if got := v.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
