package analysis

import "strings"

// Result is what a Collector measured in one run.
type Result struct {
	// Metrics maps a metric's full name to its value. NaN means that the
	// metric was measured and has no value (a time that never came).
	Metrics map[string]float64
	// Series are the time series and the samples of the distributions, sorted
	// by metric and group.
	Series []Series
}

// Series is a metric over time, or the samples of a distribution: X is then
// the time at which what was measured began (a crash, say), Y what came out.
type Series struct {
	// Metric is the name in the catalogue.
	Metric string
	// Group tells series of one metric apart: a message kind, a loss reason.
	// Empty if there is one series only.
	Group string
	// X is virtual time (or, for metrics named *_since_crash, age) in
	// seconds, ascending for time series; for the links of a graph, the index
	// of the node at their beginning.
	X []float64
	// Y holds one value per X, in the unit of the metric; NaN for none.
	Y []float64
}

// Assignment is one swept key and the value it has in a run. The value is
// written as in a scenario file ("1s", "1000").
type Assignment struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// variantKey is the key of the dimension that a scenario's variants span.
const variantKey = "variant"

// Run is one finished run of a scenario: a point of a sweep, with one seed.
type Run struct {
	// Point are the swept keys in the scenario's order, the variant under the
	// key "variant"; empty outside a sweep.
	Point []Assignment
	Seed  uint64
	// TraceHash is the run's fingerprint, 64 hexadecimal digits.
	TraceHash string
	// Metrics and Series are as in Result.
	Metrics map[string]float64
	Series  []Series
}

// Value returns what the run's point assigns to key.
func (r Run) Value(key string) (string, bool) {
	for _, a := range r.Point {
		if a.Key == key {
			return a.Value, true
		}
	}
	return "", false
}

// PointName names the run's point, for instance "nodes.count=100 variant=swim";
// empty outside a sweep.
func (r Run) PointName() string {
	parts := make([]string, len(r.Point))
	for i, a := range r.Point {
		parts[i] = a.Key + "=" + a.Value
	}
	return strings.Join(parts, " ")
}

// Has reports whether the run's point has all of the given values. Values count
// as the same if they mean the same: "1000" and "1e3", "5%" and "0.05".
func (r Run) Has(where []Assignment) bool {
	for _, w := range where {
		v, ok := r.Value(w.Key)
		if !ok || !sameValue(v, w.Value) {
			return false
		}
	}
	return true
}

// Select returns the runs whose points have all of the given values.
func Select(runs []Run, where []Assignment) []Run {
	var out []Run
	for _, r := range runs {
		if r.Has(where) {
			out = append(out, r)
		}
	}
	return out
}
