package analysis

import (
	"cmp"
	"maps"
	"slices"
)

// results gathers what the measures have to say.
type results struct {
	metrics map[string]float64
	series  seriesSet
}

// result rounds what was measured.
func (out *results) result() Result {
	r := Result{Metrics: out.metrics, Series: out.series.sorted()}
	//starling:exempt maprange each entry is rounded by itself
	for name, v := range r.Metrics {
		r.Metrics[name] = rounded(v)
	}
	for _, s := range r.Series {
		for i := range s.Y {
			s.X[i], s.Y[i] = rounded(s.X[i]), rounded(s.Y[i])
		}
	}
	return r
}

func (out *results) count(name string, n int64) { out.metrics[name] = float64(n) }

func (out *results) share(name string, part, whole int64) {
	if whole > 0 {
		out.metrics[name] = float64(part) / float64(whole)
	}
}

// times adds a distribution of times: its suffixed values and its samples.
// Nothing if nothing was measured.
func (out *results) times(name string, samples []sample) {
	if len(samples) == 0 {
		return
	}
	out.summarise(name, newSurvival(samples))
	for _, s := range samples {
		metric := name
		if !s.ended {
			metric += suffixUnfinished
		}
		out.series.add(metric, "", s.at, s.value)
	}
}

// quantiler is a distribution that can be summarised.
type quantiler interface {
	Mean() float64
	Quantile(q float64) float64
}

func (out *results) summarise(name string, d quantiler) {
	out.metrics[name+".mean"] = d.Mean()
	out.metrics[name+".p50"] = d.Quantile(0.5)
	out.metrics[name+".p90"] = d.Quantile(0.9)
	out.metrics[name+".p99"] = d.Quantile(0.99)
	out.metrics[name+".max"] = d.Quantile(1)
}

// minimum adds the smallest value to a summary.
func (out *results) minimum(name string, d quantiler) { out.metrics[name+".min"] = d.Quantile(0) }

// seriesSet collects series by metric and group.
type seriesSet map[[2]string]*Series

func (set seriesSet) add(metric, group string, x, y float64) {
	key := [2]string{metric, group}
	s := set[key]
	if s == nil {
		s = &Series{Metric: metric, Group: group}
		set[key] = s
	}
	s.X, s.Y = append(s.X, x), append(s.Y, y)
}

func (set seriesSet) sorted() []Series {
	keys := slices.SortedFunc(maps.Keys(set), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	out := make([]Series, len(keys))
	for i, k := range keys {
		out[i] = *set[k]
	}
	return out
}
