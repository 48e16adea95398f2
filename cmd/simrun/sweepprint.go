package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/starling-sim/starling/analysis"
)

// Bounds of the table of points on a terminal; the report has it whole.
const (
	maxPointsShown  = 24
	maxMetricsShown = 4
)

func (a *app) printSweep(r *result, p *presentation, asJSON bool) error {
	if asJSON {
		return analysis.WriteSweep(a.stdout, r.sweep(p))
	}
	var b bytes.Buffer
	points := analysis.ByPoint(r.runs)
	fmt.Fprintf(&b, "%s: %s\n", r.scenario.Name, r.scenario.Question)
	fmt.Fprintf(&b, "%s at %s\n\n", plural(len(r.runs), "run"), plural(len(points), "point"))
	for _, t := range p.tables {
		fmt.Fprintln(&b, t.Text())
	}
	if len(p.tables) == 0 {
		printPoints(&b, points, analysis.KeyMetrics(r.runs, p.verdicts))
	}
	a.printCurve(&b, r)
	printVerdicts(&b, p.verdicts)
	printNotes(&b, p.notes)
	fmt.Fprintf(&b, "\nReport  %s\n", filepath.Join(r.dir, reportFile))
	_, err := a.stdout.Write(b.Bytes())
	return err
}

// printPoints prints the means of the first few metrics at the first few
// points.
func printPoints(w io.Writer, points []analysis.PointRuns, metrics []string) {
	metrics = metrics[:min(len(metrics), maxMetricsShown)]
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  POINT\t%s\n", strings.Join(metrics, "\t"))
	for _, p := range points[:min(len(points), maxPointsShown)] {
		fmt.Fprintf(t, "  %s", p.Name())
		for _, name := range metrics {
			s := analysis.Summarise(p.Values(name))
			fmt.Fprintf(t, "\t%s", analysis.FormatValue(s.Mean))
			if !math.IsNaN(s.CI) {
				fmt.Fprintf(t, " ± %s", analysis.FormatValue(s.CI))
			}
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	if more := len(points) - maxPointsShown; more > 0 {
		fmt.Fprintf(w, "  and %s more in the report\n", plural(more, "point"))
	}
	fmt.Fprintln(w, "  mean ± half-width of its 95 % confidence interval")
	fmt.Fprintln(w)
}
