package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/starling-sim/starling/analysis"
)

// maxPointsShown bounds the table of points; the report has it whole.
const maxPointsShown = 24

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
		width := terminalWidth(a.stdout)
		if width == 0 {
			width = 100
		}
		printPoints(&b, points, analysis.KeyMetrics(r.runs, p.verdicts), width)
	}
	a.printCurve(&b, r)
	printVerdicts(&b, p)
	printNotes(&b, p.notes)
	fmt.Fprintf(&b, "\nReport  %s\n", filepath.Join(r.dir, reportFile))
	_, err := a.stdout.Write(b.Bytes())
	return err
}

// printPoints prints the means of the first few metrics at the first few
// points: as many metrics as there is room for.
func printPoints(w io.Writer, points []analysis.PointRuns, metrics []string, width int) {
	shown := points[:min(len(points), maxPointsShown)]
	lines := make([]string, len(shown)+1)
	column := func(head string, cell func(analysis.PointRuns) string) bool {
		texts := []string{head}
		for _, p := range shown {
			texts = append(texts, cell(p))
		}
		widest := 0
		for _, t := range texts {
			widest = max(widest, utf8.RuneCountInString(t))
		}
		if lines[0] != "" && utf8.RuneCountInString(lines[0])+2+widest > width {
			return false
		}
		for i, t := range texts {
			lines[i] += "  " + t + strings.Repeat(" ", widest-utf8.RuneCountInString(t))
		}
		return true
	}
	column("POINT", analysis.PointRuns.Name)
	for _, name := range metrics {
		if !column(name, func(p analysis.PointRuns) string { return meanCell(p.Values(name)) }) {
			break
		}
	}
	for _, line := range lines {
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	if more := len(points) - len(shown); more > 0 {
		fmt.Fprintf(w, "  and %s more in the report\n", plural(more, "point"))
	}
	fmt.Fprint(w, "  (mean ± half-width of its 95 % confidence interval)\n\n")
}

// meanCell writes a mean with its interval, and how many runs have no value.
func meanCell(values []float64) string {
	s := analysis.Summarise(values)
	text := analysis.FormatValue(s.Mean)
	if !math.IsNaN(s.CI) {
		text += " ± " + analysis.FormatValue(s.CI)
	}
	if s.Missing > 0 {
		text += fmt.Sprintf(" [%d of %d without]", s.Missing, len(values))
	}
	return text
}
