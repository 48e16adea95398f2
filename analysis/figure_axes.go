package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// sweep draws metrics against the values of the key X.
func (b *chartBuilder) sweep(runs []Run) error {
	if err := b.findMetrics(UseValue); err != nil {
		return err
	}
	if err := b.sweptValues(runs); err != nil {
		return err
	}
	missing := 0
	for i, name := range b.plot.Metrics {
		for _, g := range b.groups {
			cv := &curve{label: b.label(i, g, ""), bars: true, markAll: true, noLine: b.names != nil}
			for _, p := range groupBy(g.Runs, b.xPoint) {
				s := Summarise(p.Values(name))
				missing += s.Missing
				cv.x = append(cv.x, b.position(p.Point[0].Value))
				cv.y, cv.lo, cv.hi = append(cv.y, s.Mean), append(cv.lo, s.Mean-s.CI), append(cv.hi, s.Mean+s.CI)
			}
			cv.sortByX()
			b.add(cv)
		}
	}
	b.style(0)
	b.noteRuns("bars: 95 % confidence interval of the mean")
	if missing > 0 {
		b.note("%s without a value left out.", plural(missing, "run"))
	}
	return nil
}

func (b *chartBuilder) xPoint(r Run) []Assignment {
	v, _ := r.Value(b.plot.X)
	return []Assignment{{Key: b.plot.X, Value: v}}
}

// sweptValues reads the x values as numbers with one unit or, if they are
// none, takes them for names.
func (b *chartBuilder) sweptValues(runs []Run) error {
	numeric := true
	for _, r := range runs {
		text, ok := r.Value(b.plot.X)
		if !ok {
			return fmt.Errorf("run %q has no swept key %q for the x axis", r.PointName(), b.plot.X)
		}
		v, unit, isNumber := number(text)
		numeric = numeric && isNumber && (len(b.names) == 0 || unit == b.xUnit)
		if !slices.Contains(b.values, v) {
			b.values = append(b.values, v)
		}
		b.xUnit = unit
		if !slices.Contains(b.names, text) {
			b.names = append(b.names, text)
		}
	}
	if numeric {
		b.names = nil
	} else {
		b.values, b.xUnit = nil, ""
	}
	if b.plot.LogX && b.names != nil {
		return fmt.Errorf("values of %q are no numbers of one unit, want them for a logarithmic axis", b.plot.X)
	}
	return nil
}

func (b *chartBuilder) position(text string) float64 {
	if b.names != nil {
		return float64(slices.Index(b.names, text))
	}
	v, _, _ := number(text)
	return v
}

// sortByX puts the points into ascending order.
func (cv *curve) sortByX() {
	order := make([]int, len(cv.x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if cv.x[i] < cv.x[j] {
			return -1
		}
		if cv.x[i] > cv.x[j] {
			return 1
		}
		return 0
	})
	for _, list := range []*[]float64{&cv.x, &cv.y, &cv.lo, &cv.hi} {
		was := slices.Clone(*list)
		for i, k := range order {
			(*list)[i] = was[k]
		}
	}
}

// extent is a range of values.
type extent struct{ lo, hi float64 }

func (e *extent) include(v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		e.lo, e.hi = math.Min(e.lo, v), math.Max(e.hi, v)
	}
}

func (b *chartBuilder) setAxes() error {
	x, y := extent{math.Inf(1), math.Inf(-1)}, extent{math.Inf(1), math.Inf(-1)}
	dropped := 0
	for _, cv := range b.chart.curves {
		for i := range cv.x {
			if b.plot.LogY && cv.y[i] <= 0 || b.plot.LogX && cv.x[i] <= 0 && !math.IsInf(cv.x[i], 0) {
				cv.y[i] = math.NaN()
				dropped++
			}
			if math.IsNaN(cv.y[i]) {
				continue
			}
			x.include(cv.x[i])
			y.include(cv.y[i])
			if cv.lo != nil && (!b.plot.LogY || cv.lo[i] > 0) {
				y.include(cv.lo[i])
			}
			if cv.hi != nil {
				y.include(cv.hi[i])
			}
		}
	}
	if dropped > 0 {
		b.note("%s at or below zero cannot be shown on a logarithmic axis.", plural(dropped, "point"))
	}
	if x.lo > x.hi && len(b.plot.References) > 0 {
		return errors.New("no curve has a value, only the references do")
	}
	if x.lo > x.hi || y.lo > y.hi {
		return errors.New("no curve has a value")
	}
	if err := b.setX(x); err != nil {
		return err
	}
	return b.setY(y)
}

func (b *chartBuilder) setX(x extent) error {
	switch {
	case b.names != nil:
		b.chart.x = nominalAxis(b.names)
	case b.plot.LogX:
		b.chart.x = logAxis(x.lo, x.hi, b.values)
		if b.plot.Kind != PlotSweep {
			b.chart.x = logAxis(x.lo, x.hi, nil)
		}
	case b.plot.Kind == PlotSweep:
		pad := 0.04 * (x.hi - x.lo)
		if x.lo < 0 || x.lo > 0.35*x.hi {
			b.chart.x = linearAxis(x.lo-pad, x.hi+pad, true, true)
		} else {
			b.chart.x = linearAxis(0, x.hi+pad, true, true)
		}
	case b.plot.Kind == PlotDistribution && x.lo > 0 && x.lo < 0.5*x.hi:
		b.chart.x = linearAxis(0, x.hi, true, false)
	case b.plot.Kind == PlotDistribution:
		pad := 0.03 * (x.hi - x.lo)
		b.chart.x = linearAxis(x.lo-pad, x.hi+pad, true, true)
	case x.lo > 0 && x.lo < 0.05*x.hi: // the first sample is not quite at the start
		b.chart.x = linearAxis(0, x.hi, true, true)
	default:
		b.chart.x = linearAxis(x.lo, x.hi, true, true)
	}
	for _, cv := range b.chart.curves { // lines from edge to edge
		for i, v := range cv.x {
			if math.IsInf(v, -1) {
				cv.x[i] = b.chart.x.min
			}
			if math.IsInf(v, 1) {
				cv.x[i] = b.chart.x.max
			}
		}
	}
	if b.plot.Kind == PlotDistribution {
		b.toEdge()
	}
	return nil
}

// toEdge draws distribution functions from the left edge of the axes to the
// right one.
func (b *chartBuilder) toEdge() {
	for _, cv := range b.chart.curves {
		if !cv.step || len(cv.x) == 0 {
			continue
		}
		cv.x = append(append([]float64{b.chart.x.min}, cv.x...), b.chart.x.max)
		cv.y = append(append([]float64{0}, cv.y...), cv.y[len(cv.y)-1])
		if b.plot.LogY {
			cv.y[0] = math.NaN()
		}
	}
}

func (b *chartBuilder) setY(y extent) error {
	share := len(b.metrics) > 0 && b.metrics[0].Unit == "share" || b.plot.Kind == PlotDistribution
	fixLo, fixHi := b.plot.YMin != nil, b.plot.YMax != nil
	if !b.plot.LogY {
		if y.lo >= 0 && (y.lo < 0.6*y.hi || y.lo == y.hi) {
			y.lo = 0
		}
		if bounded := y.lo < 0 && b.neverNegative(); bounded {
			y.lo = 0 // only an interval reached below zero
		}
		if share && y.hi > 0.5 {
			y.lo, y.hi = math.Min(y.lo, 0), 1
		}
		if y.lo == 0 && y.hi == 0 {
			y.hi = 1
		}
	}
	if fixLo {
		y.lo = *b.plot.YMin
	}
	if fixHi {
		y.hi = *b.plot.YMax
	}
	if y.lo > y.hi || b.plot.LogY && y.lo <= 0 {
		return fmt.Errorf("y axis: got a range of %g to %g, want an ascending one (above zero if logarithmic)", y.lo, y.hi)
	}
	if b.plot.LogY {
		b.chart.y = logAxis(y.lo, y.hi, nil)
		if fixLo {
			b.chart.y.min = y.lo
		}
		if fixHi {
			b.chart.y.max = y.hi
		}
		return nil
	}
	b.chart.y = linearAxis(y.lo, y.hi, fixLo, fixHi)
	if share && !fixHi && b.chart.y.max == 1 {
		b.chart.y.max = 1.02 // keeps a curve at 1 off the edge
	}
	return nil
}

// neverNegative reports whether no value itself is below zero.
func (b *chartBuilder) neverNegative() bool {
	for _, cv := range b.chart.curves {
		for _, v := range cv.y {
			if v < 0 {
				return false
			}
		}
	}
	return true
}

func (b *chartBuilder) labelAxes() {
	m := b.metrics[0]
	value := metricLabel(m, b.plot.Metrics[0])
	if len(b.metrics) > 1 {
		value = commonLabel(b.metrics)
	}
	value = withUnit(value, m.Unit)
	switch b.plot.Kind {
	case PlotSeries:
		b.chart.xLabel, b.chart.yLabel = "time (s)", value
		if strings.HasSuffix(m.Name, "_since_crash") {
			b.chart.xLabel = "time since the crash (s)"
		}
	case PlotSweep:
		b.chart.xLabel, b.chart.yLabel = withUnit(b.plot.X, b.xUnit), value
	case PlotDistribution:
		b.chart.xLabel, b.chart.yLabel = value, "cumulative share of cases"
	}
	if b.plot.XLabel != "" {
		b.chart.xLabel = b.plot.XLabel
	}
	if b.plot.YLabel != "" {
		b.chart.yLabel = b.plot.YLabel
	}
}

// commonLabel names the axis of several metrics: the beginning that their
// labels share, or what their unit measures.
func commonLabel(metrics []Metric) string {
	same := true
	for _, m := range metrics {
		same = same && m.Label == metrics[0].Label
	}
	if same {
		return metrics[0].Label
	}
	switch metrics[0].Unit {
	case "s":
		return "time"
	case "share":
		return "share"
	case "count":
		return "count"
	case "1/s":
		return "rate"
	case "B", "B/s":
		return "traffic"
	}
	return "value"
}

func withUnit(label, unit string) string {
	if unit == "" || unit == "count" || label == unit {
		return label
	}
	return label + " (" + unit + ")"
}
