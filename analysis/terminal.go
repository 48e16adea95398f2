package analysis

import (
	"fmt"
	"math"
	"strings"

	"github.com/guptarohit/asciigraph"
)

// terminalColors tell curves apart; on a terminal without colours the legend
// stays.
var terminalColors = []asciigraph.AnsiColor{
	asciigraph.Blue, asciigraph.Red, asciigraph.Green, asciigraph.Magenta, asciigraph.Cyan, asciigraph.Yellow,
}

// TerminalPlot returns a plot as text of about width by height characters.
// Without colour, curves of several groups differ by nothing but their legend's
// order, so it draws the first only and says so.
func TerminalPlot(p Plot, runs []Run, width, height int, colour bool) (string, error) {
	ch, err := buildChart(p, runs)
	if err != nil {
		return "", fmt.Errorf("draw plot %q: %w", p.Name, err)
	}
	var data [][]float64
	var labels []string
	for _, cv := range ch.curves {
		if cv.noLine || len(data) == len(terminalColors) || !colour && len(data) == 1 {
			continue
		}
		data = append(data, resample(ch.x, cv, max(width-12, 10)))
		labels = append(labels, cv.label)
	}
	if len(data) == 0 {
		return "", fmt.Errorf("draw plot %q: no curve to draw on a terminal", p.Name)
	}
	options := []asciigraph.Option{
		asciigraph.Height(terminalRows(ch, height-4)), asciigraph.LowerBound(ch.y.min), asciigraph.UpperBound(ch.y.ticks[len(ch.y.ticks)-1].Value),
		asciigraph.XAxisRange(ch.x.min, ch.x.max), asciigraph.XAxisTickCount(6),
		asciigraph.XAxisValueFormatter(FormatValue), asciigraph.YAxisValueFormatter(FormatValue),
	}
	if colour && len(data) > 1 {
		options = append(options, asciigraph.SeriesColors(terminalColors[:len(data)]...), asciigraph.SeriesLegends(labels...))
	}
	head := ch.yLabel
	if len(ch.curves) > len(data) {
		head += fmt.Sprintf(" [%s; %d of %d curves]", labels[0], len(data), len(ch.curves))
	}
	graph := strings.TrimRight(asciigraph.PlotMany(data, options...), "\n")
	return head + "\n" + graph + "\n" + strings.Repeat(" ", max(0, width/2-len(ch.xLabel)/2)) + ch.xLabel + "\n", nil
}

// resample reads a curve at evenly spaced places of the axis: asciigraph knows
// no x values. Between points it interpolates; outside it has none.
func resample(x axis, cv *curve, columns int) []float64 {
	out := make([]float64, columns)
	k := 0
	for i := range out {
		at := x.min + (x.max-x.min)*float64(i)/float64(columns-1)
		if x.log {
			at = x.min * math.Pow(x.max/x.min, float64(i)/float64(columns-1))
		}
		for k+1 < len(cv.x) && cv.x[k+1] <= at {
			k++
		}
		out[i] = cv.at(k, at)
	}
	return out
}

// at is the curve's value at x, which lies at or after its k-th point.
func (cv *curve) at(k int, x float64) float64 {
	switch {
	case len(cv.x) == 0 || x < cv.x[k]-1e-9:
		return math.NaN()
	case k+1 == len(cv.x):
		if x > cv.x[k]+1e-9 {
			return math.NaN()
		}
		return cv.y[k]
	case cv.step:
		return cv.y[k]
	}
	share := (x - cv.x[k]) / (cv.x[k+1] - cv.x[k])
	return cv.y[k] + share*(cv.y[k+1]-cv.y[k])
}

// terminalRows is the number of rows between the lowest and the highest tick,
// such that every tick falls on one and the rows between have short numbers.
func terminalRows(ch *chart, height int) int {
	gaps := max(1, len(ch.y.ticks)-1)
	for _, perGap := range []int{5, 4, 2} {
		if gaps*perGap <= height {
			return gaps * perGap
		}
	}
	return gaps
}
