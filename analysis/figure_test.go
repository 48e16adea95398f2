package analysis_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/starling-sim/starling/analysis"
)

func examplePlots() []analysis.Plot {
	return []analysis.Plot{
		{Name: "curve", Title: "Who <knows> & when?", Kind: analysis.PlotSeries, Metrics: []string{"swim.known_dead_share"}},
		{Name: "by", Kind: analysis.PlotSeries, Metrics: []string{"swim.known_dead_share"}, By: "variant", References: []analysis.Reference{{Label: "half", Y: of(0.5)}}},
		{
			Name: "sweep", Kind: analysis.PlotSweep, X: "variant", Metrics: []string{"swim.false_positives", "swim.flaps"},
			References: []analysis.Reference{{Label: "published", Points: [][2]float64{{0, 12}, {1, 2}}}},
		},
		{Name: "log", Kind: analysis.PlotSweep, X: "nodes.count", By: "variant", LogX: true, LogY: true, Metrics: []string{"swim.false_positives"}},
		{Name: "distribution", Kind: analysis.PlotDistribution, Metrics: []string{"swim.detect_all_s"}, XLabel: "delay (s)"},
	}
}

func TestFiguresAreWhole(t *testing.T) {
	for _, p := range examplePlots() {
		f, err := analysis.Draw(p, orderedRuns())
		if err != nil {
			t.Error(err)
			continue
		}
		img, err := png.Decode(bytes.NewReader(f.PNG))
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		if b := img.Bounds(); b.Dx() < 900 || b.Dy() < 500 || img.At(0, 0) != (color.NRGBA{R: 255, G: 255, B: 255, A: 255}) && img.At(0, 0) != (color.RGBA{R: 255, G: 255, B: 255, A: 255}) {
			t.Errorf("%s: got %v with a corner of %v, want 900 x 500 pixels and a white ground", p.Name, b, img.At(0, 0))
		}
		text := svgTexts(t, f.SVG)
		if p.Title != "" && !strings.Contains(text, p.Title) {
			t.Errorf("%s: no title %q among %q", p.Name, p.Title, text)
		}
		for _, word := range append([]string{p.XLabel}, labels(p)...) {
			if !strings.Contains(text, word) {
				t.Errorf("%s: no %q among %q", p.Name, word, text)
			}
		}
		if f.Caption == "" {
			t.Errorf("%s: no caption", p.Name)
		}
	}
}

func labels(p analysis.Plot) []string {
	var out []string
	for _, r := range p.References {
		out = append(out, r.Label)
	}
	if p.By != "" || p.X == "variant" || p.Kind == analysis.PlotDistribution {
		out = append(out, "swim", "lifeguard")
	}
	return out
}

// svgTexts parses the drawing and returns what is written in it.
func svgTexts(t *testing.T, svg []byte) string {
	t.Helper()
	var out strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			t.Fatalf("svg: %v", err)
		}
		if data, ok := token.(xml.CharData); ok {
			out.WriteString(strings.TrimSpace(string(data)) + " ")
		}
	}
}

func TestFiguresAreTheSameEveryTime(t *testing.T) {
	draw := func(p analysis.Plot) *analysis.Figure {
		f, err := analysis.Draw(p, orderedRuns())
		if err != nil {
			t.Error(err)
			return &analysis.Figure{}
		}
		return f
	}
	var wg sync.WaitGroup
	for _, p := range examplePlots() {
		first := draw(p)
		for range 2 {
			wg.Go(func() {
				if again := draw(p); !bytes.Equal(first.SVG, again.SVG) || !bytes.Equal(first.PNG, again.PNG) {
					t.Errorf("%s: drawn twice, got two figures", p.Name)
				}
			})
		}
	}
	wg.Wait()
}

func TestFiguresSayWhatTheyLeaveOut(t *testing.T) {
	runs := orderedRuns()
	delete(runs[0].Metrics, "swim.false_positives")
	runs[5].Metrics["swim.false_positives"] = 0
	runs = append(runs[:1:1], runs[1], runs[5])
	f, err := analysis.Draw(analysis.Plot{Name: "x", Kind: analysis.PlotSweep, X: "variant", LogY: true, Metrics: []string{"swim.false_positives"}}, runs)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"1 run without a value left out.", "1 point at or below zero cannot be shown"} {
		if !strings.Contains(f.Caption, part) {
			t.Errorf("got caption %q, want it to say %q", f.Caption, part)
		}
	}
}

func TestDrawRefuses(t *testing.T) {
	for name, change := range map[string]func(*analysis.Plot){
		"an unknown kind":      func(p *analysis.Plot) { p.Kind = "pie" },
		"no metric":            func(p *analysis.Plot) { p.Metrics = nil },
		"an unknown metric":    func(p *analysis.Plot) { p.Metrics = []string{"swim.false_positve"} },
		"metrics of two units": func(p *analysis.Plot) { p.Metrics = append(p.Metrics, "swim.detect_all_s.mean") },
		"a key not swept":      func(p *analysis.Plot) { p.X = "nodes.cout" },
		"names on a log axis":  func(p *analysis.Plot) { p.LogX = true },
		"a range upside down":  func(p *analysis.Plot) { p.YMin, p.YMax = of(5), of(1) },
		"nothing with a value": func(p *analysis.Plot) { p.Metrics = []string{"swim.whole_again_s"} },
		"no series":            func(p *analysis.Plot) { p.Kind, p.Metrics = analysis.PlotSeries, []string{"swim.ghosts"} },
		"no samples":           func(p *analysis.Plot) { p.Kind, p.Metrics = analysis.PlotDistribution, []string{"swim.leave_all_s"} },
	} {
		p := analysis.Plot{Name: "x", Kind: analysis.PlotSweep, X: "variant", Metrics: []string{"swim.false_positives"}}
		change(&p)
		if _, err := analysis.Draw(p, orderedRuns()); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if _, err := analysis.Draw(examplePlots()[0], nil); err == nil {
		t.Error("no run: got no error")
	}
}

func TestTerminalPlot(t *testing.T) {
	text, err := analysis.TerminalPlot(examplePlots()[0], orderedRuns()[:1], 72, 14, false)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "terminal.txt", []byte(text))
	colours, err := analysis.TerminalPlot(examplePlots()[1], orderedRuns(), 72, 14, true)
	if err != nil || !strings.Contains(colours, "lifeguard") || !strings.Contains(colours, "\x1b[") {
		t.Errorf("got %v and\n%s\nwant coloured curves with a legend", err, colours)
	}
}

func exampleReport(t *testing.T, runs []analysis.Run) *analysis.Report {
	t.Helper()
	r := &analysis.Report{
		Name: "swim/lifeguard", Question: "Is <b>healthy</b> & alive?", Version: "v0.1.0", Runs: runs,
		Command: []string{"simrun run swim/lifeguard --seed 1"}, Scenario: "name = \"<swim>\"\n",
		Verdicts: analysis.Evaluate(runs, []analysis.Expectation{
			{Metric: "swim.false_positives", Max: of(11)}, {Metric: "swim.flaps", Equal: of(0)}, {Metric: "swim.whole_again_s", Max: of(1)},
		}),
	}
	for _, p := range examplePlots()[:2] {
		f, err := analysis.Draw(p, runs)
		if err != nil {
			t.Fatal(err)
		}
		r.Figures = append(r.Figures, f)
	}
	table, err := analysis.BuildTable(lifeguardTable(), runs)
	if err != nil {
		t.Fatal(err)
	}
	r.Tables = append(r.Tables, table)
	return r
}

func TestReportStandsAlone(t *testing.T) {
	one := orderedRuns()[:1]
	single := exampleReport(t, one)
	single.Summary = exampleSummary()
	for name, r := range map[string]*analysis.Report{"run": single, "sweep": exampleReport(t, orderedRuns())} {
		var b, again bytes.Buffer
		if err := analysis.WriteReport(&b, r); err != nil {
			t.Fatal(err)
		}
		if err := analysis.WriteReport(&again, r); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: written twice, got two pages (%v)", name, err)
		}
		page := b.String()
		for _, never := range []string{"<script", "src=", "@import", "url(", "<link", "<b>healthy", "\"<swim>", "<nil>", "NaN", "ZgotmplZ", "%!"} {
			if strings.Contains(page, never) {
				t.Errorf("%s: the page holds %q", name, never)
			}
		}
		for _, always := range []string{
			"Is &lt;b&gt;healthy&lt;/b&gt; &amp; alive?", "✗ failed", "✓ holds", "measured, but it has no value", "<svg role=\"img\"",
			"simrun run swim/lifeguard --seed 1", strings.Repeat("ab", 32), "False positives", "swim.false_positives", "Who &lt;knows&gt; &amp; when?",
		} {
			if !strings.Contains(page, always) {
				t.Errorf("%s: the page lacks %q", name, always)
			}
		}
	}
	if err := analysis.WriteReport(io.Discard, &analysis.Report{Name: "x"}); err == nil {
		t.Error("no run: got no error")
	}
}

func BenchmarkDraw(b *testing.B) {
	runs, p := orderedRuns(), examplePlots()[1]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := analysis.Draw(p, runs); err != nil {
			b.Fatal(err)
		}
	}
}
