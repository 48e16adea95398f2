package analysis

import (
	"cmp"
	"math"
	"slices"
)

// PointRuns are the runs of one point of a sweep, by ascending seed.
type PointRuns struct {
	Point []Assignment
	Runs  []Run
}

// Name names the point.
func (p PointRuns) Name() string { return Run{Point: p.Point}.PointName() }

// Values returns a metric's value in each run; NaN where it is missing.
func (p PointRuns) Values(metric string) []float64 {
	out := make([]float64, len(p.Runs))
	for i, r := range p.Runs {
		out[i] = r.metric(metric)
	}
	return out
}

func (r Run) metric(name string) float64 {
	if v, ok := r.Metrics[name]; ok && !math.IsInf(v, 0) {
		return v
	}
	return math.NaN()
}

// ByPoint groups runs by their point, in the order in which points first
// appear.
func ByPoint(runs []Run) []PointRuns {
	return groupBy(runs, func(r Run) []Assignment { return r.Point })
}

func groupBy(runs []Run, key func(Run) []Assignment) []PointRuns {
	var out []PointRuns
	found := map[string]int{}
	for _, r := range runs {
		point := key(r)
		name := PointRuns{Point: point}.Name()
		i, ok := found[name]
		if !ok {
			i = len(out)
			found[name] = i
			out = append(out, PointRuns{Point: point})
		}
		out[i].Runs = append(out[i].Runs, r)
	}
	for _, p := range out {
		slices.SortStableFunc(p.Runs, func(a, b Run) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	return out
}

// without returns the point less some keys.
func without(point []Assignment, keys ...string) []Assignment {
	return slices.DeleteFunc(slices.Clone(point), func(a Assignment) bool { return slices.Contains(keys, a.Key) })
}

// MetricNames returns the names of all metrics that any of the runs has,
// sorted.
func MetricNames(runs []Run) []string {
	var names []string
	seen := map[string]bool{}
	for _, r := range runs {
		//starling:exempt maprange the names are sorted below
		for name := range r.Metrics {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
