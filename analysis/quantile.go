package analysis

import (
	"cmp"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Quantiles are computed in two ways. Where there is one value per crashed
// member or per node, all values are kept and the quantiles are exact: 50
// values have no use for a histogram's bins. Where there is one per probe, a
// HdrHistogram bounds the memory at a relative error of 0.1 %.

// sample is one measured case of a distribution.
type sample struct {
	at    float64 // when it began, s
	value float64 // how long it took, or for how long it was watched
	ended bool    // false if it had not ended when the watching did
}

// survival is the estimator of Kaplan and Meier (1958) for how long something
// takes, when some cases were not watched to their end. Leaving those out
// would hide the slow ones; counting them as if they had ended would call a
// crash in the last second of a run quick. Without such cases it is the plain
// empirical distribution.
type survival struct {
	time []float64 // ascending, at which cases ended
	left []float64 // share that takes longer than time[i]
}

func newSurvival(samples []sample) *survival {
	sorted := slices.Clone(samples)
	slices.SortFunc(sorted, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
	s := &survival{}
	for i := 0; i < len(sorted); {
		ended, j := 0, i
		for ; j < len(sorted) && sorted[j].value == sorted[i].value; j++ {
			if sorted[j].ended {
				ended++
			}
		}
		s.end(sorted[i].value, ended, len(sorted)-i)
		i = j
	}
	return s
}

// end notes that of those at risk at a time, later than all before, some ended.
func (s *survival) end(time float64, ended, atRisk int) {
	if ended == 0 {
		return
	}
	left := 1.0
	if n := len(s.left); n > 0 {
		left = s.left[n-1]
	}
	left *= float64(atRisk-ended) / float64(atRisk)
	s.time, s.left = append(s.time, time), append(s.left, left)
}

// roundingSlack absorbs the rounding of the product of shares.
const roundingSlack = 1e-9

// Quantile returns the smallest time in which a share q of the cases ends; NaN
// if so many were not seen to end.
func (s *survival) Quantile(q float64) float64 {
	for i, left := range s.left {
		if 1-left >= q-roundingSlack {
			return s.time[i]
		}
	}
	return math.NaN()
}

// Mean returns the mean time; NaN if the longest cases were not seen to end.
func (s *survival) Mean() float64 {
	mean, before, left := 0.0, 0.0, 1.0
	for i, t := range s.time {
		mean += (t - before) * left
		before, left = t, s.left[i]
	}
	if len(s.time) == 0 || left > roundingSlack {
		return math.NaN()
	}
	return mean
}

// exact is a distribution of which every value is known, in ascending order.
type exact struct {
	sorted []float64
	mean   float64
}

// Mean returns the mean that was given with the values.
func (e exact) Mean() float64 { return e.mean }

// Quantile returns the smallest value that a share q of the values does not
// exceed; NaN if there are none.
func (e exact) Quantile(q float64) float64 {
	if len(e.sorted) == 0 {
		return math.NaN()
	}
	k := int(math.Ceil(q*float64(len(e.sorted))-roundingSlack)) - 1
	return e.sorted[min(max(k, 0), len(e.sorted)-1)]
}

// histogram holds durations in nanoseconds up to a bound, an hour if nothing else
// is said.
type histogram struct {
	h   *hdrhistogram.Histogram
	sum float64
	max int64
}

const (
	histogramMax    = int64(3600e9)
	histogramDigits = 3
)

func newHistogram() *histogram { return newHistogramUpTo(histogramMax) }

func newHistogramUpTo(most int64) *histogram {
	return &histogram{h: hdrhistogram.New(1, most, histogramDigits), max: most}
}

func (h *histogram) record(ns int64) {
	ns = min(max(ns, 0), h.max)
	h.sum += float64(ns)
	// The only error is a value out of range.
	_ = h.h.RecordValue(ns)
}

func (h *histogram) count() int64 { return h.h.TotalCount() }

// Mean returns the exact mean in seconds.
func (h *histogram) Mean() float64 { return h.sum / float64(h.count()) / 1e9 }

// Quantile returns a quantile in seconds. The library rounds the rank to the
// nearest; asked for the exact percentile of the rank that exact counts from, it
// has nothing to round.
func (h *histogram) Quantile(q float64) float64 {
	n := float64(h.count())
	rank := math.Ceil(q*n - roundingSlack)
	return seconds(h.h.ValueAtQuantile(100 * rank / n))
}
