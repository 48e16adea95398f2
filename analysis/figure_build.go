package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// buildChart turns a plot and runs into curves and axes.
func buildChart(p Plot, runs []Run) (*chart, error) {
	if len(runs) == 0 {
		return nil, errors.New("there is no run")
	}
	if p.Kind == PlotOverlay || p.Kind == PlotTree {
		return nil, fmt.Errorf("a plot of kind %q has no curves", p.Kind)
	}
	if len(p.Metrics) == 0 {
		return nil, errors.New("got no metrics, want at least one")
	}
	b := &chartBuilder{plot: p, chart: &chart{title: p.Title}, groups: curveGroups(p, runs)}
	var err error
	switch p.Kind {
	case PlotSeries:
		err = b.series()
	case PlotSweep:
		err = b.sweep(runs)
	case PlotDistribution:
		err = b.distribution()
	default:
		err = fmt.Errorf("got kind %q, want %q, %q, %q, %q or %q", p.Kind, PlotSeries, PlotSweep, PlotDistribution, PlotOverlay, PlotTree)
	}
	if err != nil {
		return nil, err
	}
	b.addReferences()
	if err := b.setAxes(); err != nil {
		return nil, err
	}
	b.labelAxes()
	return b.chart, nil
}

type chartBuilder struct {
	plot    Plot
	chart   *chart
	groups  []PointRuns
	metrics []Metric // of plot.Metrics
	names   []string // of the x axis, if it is nominal
	values  []float64
	xUnit   string
}

// curveGroups are the runs of each curve of one metric.
func curveGroups(p Plot, runs []Run) []PointRuns {
	return groupBy(runs, func(r Run) []Assignment {
		switch p.By {
		case "":
			return without(r.Point, p.X)
		case p.X: // the axis tells the values apart already
			return nil
		}
		v, _ := r.Value(p.By)
		return []Assignment{{Key: p.By, Value: v}}
	})
}

// findMetrics looks the plot's metrics up; all must share their unit.
func (b *chartBuilder) findMetrics(use Use) error {
	for _, name := range b.plot.Metrics {
		m, ok := lookup(name, use)
		if !ok {
			return CheckName(name, use)
		}
		if len(b.metrics) > 0 && b.metrics[0].Unit != m.Unit {
			return fmt.Errorf("metrics %q (%s) and %q (%s) do not share an axis", b.plot.Metrics[0], b.metrics[0].Unit, name, m.Unit)
		}
		b.metrics = append(b.metrics, m)
	}
	return nil
}

// label names a curve by what sets it apart from the others.
func (b *chartBuilder) label(metric int, group PointRuns, part string) string {
	var parts []string
	if len(b.metrics) > 1 {
		parts = append(parts, metricLabel(b.metrics[metric], b.plot.Metrics[metric]))
	}
	if part != "" {
		parts = append(parts, part)
	}
	if len(b.groups) > 1 {
		for _, a := range group.Point {
			if a.Key == variantKey {
				parts = append(parts, a.Value)
			} else {
				parts = append(parts, a.Key+" = "+a.Value)
			}
		}
	}
	return strings.Join(parts, ", ")
}

var suffixLabels = map[string]string{
	"mean": "mean", "p50": "median", "p90": "90th percentile", "p99": "99th percentile", "max": "maximum", "min": "minimum",
}

// metricLabel is what an axis or a legend calls a metric's value.
func metricLabel(m Metric, name string) string {
	rest, ok := strings.CutPrefix(name, m.Name+".")
	if !ok {
		return m.Label
	}
	if words, known := suffixLabels[rest]; known && !m.Grouped {
		return m.Label + ", " + words
	}
	return m.Label + ", " + rest
}

func (b *chartBuilder) add(cv *curve) { b.chart.curves = append(b.chart.curves, cv) }

func (b *chartBuilder) note(format string, args ...any) {
	b.chart.notes = append(b.chart.notes, fmt.Sprintf(format, args...))
}

// noteRuns says what a curve is made of.
func (b *chartBuilder) noteRuns(interval string) {
	fewest, most := math.MaxInt, 0
	for _, g := range b.groups {
		n := len(g.Runs)
		if b.plot.Kind == PlotSweep {
			for _, p := range groupBy(g.Runs, b.xPoint) {
				fewest, most = min(fewest, len(p.Runs)), max(most, len(p.Runs))
			}
			continue
		}
		fewest, most = min(fewest, n), max(most, n)
	}
	switch {
	case most == 1:
		b.note("One run.")
	case fewest == most:
		b.note("Mean over %d runs; %s.", most, interval)
	default:
		b.note("Mean over %d to %d runs; %s.", fewest, most, interval)
	}
}

func (b *chartBuilder) series() error {
	if err := b.findMetrics(UseSeries); err != nil {
		return err
	}
	for i, name := range b.plot.Metrics {
		for _, g := range b.groups {
			for _, part := range seriesGroups(g.Runs, name) {
				band := NewBand(pick(g.Runs, name, part))
				cv := &curve{label: b.label(i, g, part), x: band.X, y: band.Mean}
				cv.lo, cv.hi = bounds(band.Mean, band.CI)
				b.add(cv)
			}
		}
	}
	if len(b.chart.curves) == 0 {
		return fmt.Errorf("no run has a series %s", strings.Join(b.plot.Metrics, ", "))
	}
	b.style(0)
	b.noteRuns("shaded: 95 % confidence interval of the mean")
	return nil
}

// seriesGroups are the groups that runs have of a series, sorted.
func seriesGroups(runs []Run, metric string) []string {
	var out []string
	for _, r := range runs {
		for _, s := range r.Series {
			if s.Metric == metric && !slices.Contains(out, s.Group) {
				out = append(out, s.Group)
			}
		}
	}
	slices.Sort(out)
	return out
}

// pick returns each run's series of a metric and group.
func pick(runs []Run, metric, group string) []Series {
	var out []Series
	for _, r := range runs {
		for _, s := range r.Series {
			if s.Metric == metric && s.Group == group {
				out = append(out, s)
			}
		}
	}
	return out
}

func bounds(mean, ci []float64) (lo, hi []float64) {
	for i := range mean {
		lo, hi = append(lo, mean[i]-ci[i]), append(hi, mean[i]+ci[i])
	}
	return lo, hi
}

func (b *chartBuilder) style(from int) {
	for i, cv := range b.chart.curves[from:] {
		cv.style = styleOf(from + i)
	}
	if len(b.chart.curves) == 1 {
		b.chart.curves[0].noMark = b.plot.Kind != PlotSweep
	}
}

func (b *chartBuilder) distribution() error {
	if err := b.findMetrics(UseSamples); err != nil {
		return err
	}
	cases := 0
	for i, name := range b.plot.Metrics {
		for _, g := range b.groups {
			samples := pooled(g.Runs, name)
			if len(samples) == 0 {
				continue
			}
			cases += len(samples)
			b.add(distributionCurve(b.label(i, g, ""), newSurvival(samples)))
		}
	}
	if len(b.chart.curves) == 0 {
		return fmt.Errorf("no run has samples of %s", strings.Join(b.plot.Metrics, ", "))
	}
	b.style(0)
	b.note("%d cases, pooled over %s.", cases, plural(len(b.groups[0].Runs), "run"))
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// pooled are the samples of a distribution over runs, with those that had no
// end.
func pooled(runs []Run, metric string) []sample {
	var out []sample
	for _, r := range runs {
		for _, s := range r.Series {
			ended := s.Metric == metric
			if !ended && s.Metric != metric+suffixUnfinished {
				continue
			}
			for i, y := range s.Y {
				if !math.IsNaN(y) {
					out = append(out, sample{at: s.X[i], value: y, ended: ended})
				}
			}
		}
	}
	return out
}

func distributionCurve(label string, s *survival) *curve {
	cv := &curve{label: label, step: true}
	for i, t := range s.time {
		if i == 0 {
			cv.x, cv.y = append(cv.x, t), append(cv.y, 0)
		}
		cv.x, cv.y = append(cv.x, t), append(cv.y, 1-s.left[i])
	}
	return cv
}

// addReferences adds what the curves are to be compared with.
func (b *chartBuilder) addReferences() {
	if len(b.plot.References) > 0 && len(b.chart.curves) == 1 && b.chart.curves[0].label == "" {
		b.chart.curves[0].label = metricLabel(b.metrics[0], b.plot.Metrics[0])
	}
	for i, r := range b.plot.References {
		cv := &curve{label: r.Label, style: referenceStyle(i)}
		if r.Y != nil {
			cv.x, cv.y, cv.noMark = []float64{math.Inf(-1), math.Inf(1)}, []float64{*r.Y, *r.Y}, true
		}
		for _, point := range r.Points {
			cv.x, cv.y, cv.markAll = append(cv.x, point[0]), append(cv.y, point[1]), true
		}
		if len(r.Points) == 1 {
			cv.noLine = true
		}
		b.add(cv)
	}
}
