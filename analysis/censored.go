package analysis

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// watched is a distribution of times in two histograms: of the cases that ended
// and of those that were not seen to end, by how long they were watched.
type watched struct{ ended, open *histogram }

func newWatched() watched {
	return watched{ended: newHistogramUpTo(maxLatency), open: newHistogramUpTo(maxLatency)}
}

// distribution is that of the cases that ended if all did, and otherwise
// survival's estimate, to the resolution of the histograms.
func (w watched) distribution() quantiler {
	if w.open.count() == 0 {
		return w.ended
	}
	ended, open := bars(w.ended), bars(w.open)
	s, atRisk := &survival{}, int(w.ended.count()+w.open.count())
	for len(ended) > 0 {
		for len(open) > 0 && open[0].To < ended[0].To {
			atRisk -= int(open[0].Count)
			open = open[1:]
		}
		s.end(seconds(ended[0].To), int(ended[0].Count), atRisk)
		atRisk -= int(ended[0].Count)
		ended = ended[1:]
	}
	return s
}

// bars are the bins of a histogram that are not empty, in ascending order.
func bars(h *histogram) []hdrhistogram.Bar {
	var out []hdrhistogram.Bar
	for _, bar := range h.h.Distribution() {
		if bar.Count > 0 {
			out = append(out, bar)
		}
	}
	return out
}

// finish reports the distribution and, as samples, evenly spaced quantiles of it.
// Those that it does not reach are as unfinished as the longest case.
func (w watched) finish(out *results, name string, at float64) {
	if w.ended.count()+w.open.count() == 0 {
		return
	}
	d := w.distribution()
	out.summarise(name, d)
	for k := range maxNodeSamples + 1 {
		v := d.Quantile(float64(k) / maxNodeSamples)
		if math.IsNaN(v) {
			out.series.add(name+suffixUnfinished, "", at, w.open.Quantile(1))
			continue
		}
		out.series.add(name, "", at, v)
	}
}

// amounts is a distribution of numbers that are no times.
type amounts struct{ h *histogram }

// maxAmount is the largest number that amounts hold, 2^50: a pebibyte.
const maxAmount = int64(1) << 50

func newAmounts() amounts { return amounts{newHistogramUpTo(maxAmount)} }

func (a amounts) add(n uint64) { a.h.record(int64(min(n, uint64(maxAmount)))) }

// Mean returns the exact mean.
func (a amounts) Mean() float64 { return a.h.sum / float64(a.h.count()) }

// Quantile returns a quantile to three digits.
func (a amounts) Quantile(q float64) float64 { return math.Round(a.h.Quantile(q) * 1e9) }
