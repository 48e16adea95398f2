package analysis

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is the level of all intervals.
const confidence = 0.95

// Statistics describe one metric over several runs, usually the seeds of a
// point. Minimum and maximum are always there, so that a mean cannot hide a bad
// seed.
type Statistics struct {
	// N is the number of runs with a value, Missing of those without one.
	N, Missing int
	Mean       float64
	// CI is the half-width of the 95 % confidence interval of the mean, by
	// Student's t; NaN for fewer than two values.
	CI               float64
	Min, Median, Max float64
}

// Summarise describes values; NaN counts as missing. The result does not depend
// on their order.
func Summarise(values []float64) Statistics {
	sorted := make([]float64, 0, len(values))
	for _, v := range values {
		if v == 0 {
			v = 0 // not minus zero, which sorting leaves anywhere
		}
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	nan := math.NaN()
	s := Statistics{N: len(sorted), Missing: len(values) - len(sorted), Mean: nan, CI: nan, Min: nan, Median: nan, Max: nan}
	if s.N == 0 {
		return s
	}
	s.Mean, s.CI = meanCI(sorted)
	s.Min, s.Max = sorted[0], sorted[s.N-1]
	s.Median = (sorted[(s.N-1)/2] + sorted[s.N/2]) / 2
	return s
}

// meanCI returns the mean and the half-width of its confidence interval.
func meanCI(values []float64) (mean, ci float64) {
	if len(values) < 2 {
		return stat.Mean(values, nil), math.NaN()
	}
	mean, sd := stat.MeanStdDev(values, nil)
	return mean, studentT(len(values)-1) * sd / math.Sqrt(float64(len(values)))
}

// studentT returns the two-sided quantile of Student's distribution.
func studentT(degrees int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(degrees)}.Quantile(0.5 + confidence/2)
}

// Paired compares two variants that were run with the same seeds: a[i] and b[i]
// are the values under seed i. It describes a[i]-b[i]. Under common random
// numbers most of the luck cancels, and the interval is far narrower than that
// of a difference of means. Pairs with a NaN count as missing.
func Paired(a, b []float64) Statistics {
	d := make([]float64, min(len(a), len(b)))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return Summarise(d)
}

// Ratio estimates mean(a) / mean(b) from pairs under the same seeds, with the
// half-width of its 95 % confidence interval by linearisation: the residuals
// a[i] - ratio*b[i] carry the uncertainty (Cochran, Sampling Techniques,
// section 6.3). Both are NaN if mean(b) is zero or a pair misses a value; the
// interval also for fewer than two pairs.
func Ratio(a, b []float64) (ratio, ci float64) {
	n := min(len(a), len(b))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	below := stat.Mean(b[:n], nil)
	ratio = stat.Mean(a[:n], nil) / below
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		return math.NaN(), math.NaN()
	}
	residuals := make([]float64, n)
	for i := range residuals {
		residuals[i] = a[i] - ratio*b[i]
	}
	slices.Sort(residuals)
	_, ci = meanCI(residuals)
	return ratio, ci / math.Abs(below)
}

// Band is a series over several runs: pointwise mean and confidence interval.
type Band struct {
	X, Mean []float64
	// CI is the half-width of the 95 % confidence interval at each point; NaN
	// where fewer than two runs have a value.
	CI []float64
	// N is the number of runs with a value at each point.
	N []int
}

// NewBand takes the series of one metric and group from every run. Runs are
// matched by X; a point that some run lacks is the mean over the others.
func NewBand(runs []Series) Band {
	at := map[float64][]float64{}
	for _, s := range runs {
		for i, x := range s.X {
			if !math.IsNaN(s.Y[i]) {
				at[x] = append(at[x], s.Y[i])
			}
		}
	}
	b := Band{}
	//starling:exempt maprange sorted right below
	for x := range at {
		b.X = append(b.X, x)
	}
	slices.Sort(b.X)
	for _, x := range b.X {
		s := Summarise(at[x])
		b.Mean, b.CI, b.N = append(b.Mean, s.Mean), append(b.CI, s.CI), append(b.N, s.N)
	}
	return b
}
