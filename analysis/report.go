package analysis

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
)

// Report is the content of report.html.
type Report struct {
	// Name and Question are the scenario's.
	Name     string
	Question string
	// Notes is what the scenario says of its result; paragraphs are set apart by
	// empty lines.
	Notes   string
	Version string
	// Runs are the one run or those of a sweep.
	Runs []Run
	// Summary is the single run's; nil for a sweep.
	Summary  *Summary
	Verdicts []Verdict
	Figures  []*Figure
	Tables   []*Table
	// KeyMetrics are shown first; empty means those that the function of that
	// name chooses.
	KeyMetrics []string
	// Command is how to reproduce all this, a line each.
	Command []string
	// Scenario is the source of the scenario as it ran.
	Scenario string
}

//go:embed report.html.tmpl
var reportSource string

// WriteReport writes a page that stands alone: no scripts, and nothing is
// loaded from elsewhere.
func WriteReport(w io.Writer, r *Report) error {
	page, err := template.New("report").Parse(reportSource)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if len(r.Runs) == 0 {
		return fmt.Errorf("write report: there is no run of %q", r.Name)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, newReportView(r)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// reportView is what the template sees: text and booleans only.
type reportView struct {
	*Report
	Sweep         bool
	Facts         []fact
	OK            bool
	Verdict       string
	Groups        []verdictGroup
	Keys          []keyNumber
	FigureViews   []figureView
	PointHead     []headCell
	PointRows     [][]string
	All           []metricRow
	Hashes        []fact
	ScenarioLines int
	Real          bool
	Paragraphs    []string // of the notes
}

type fact struct{ Name, Value string }

type headCell struct{ Label, Unit, Definition string }

type figureView struct {
	Title, Caption string
	SVG            template.HTML
}

// keyNumber is a metric shown large.
type keyNumber struct {
	Name, Label, Value, Unit, Definition, Source string
}

// metricRow is a line of the table of all metrics.
type metricRow struct {
	Name, Unit, Mean, CI, Min, Median, Max, Missing, Definition string
}

func newReportView(r *Report) *reportView {
	v := &reportView{Report: r, Sweep: len(r.Runs) > 1, OK: AllOK(r.Verdicts)}
	v.facts()
	v.verdicts()
	names := r.KeyMetrics
	if len(names) == 0 {
		names = KeyMetrics(r.Runs, r.Verdicts)
	}
	if v.Sweep {
		v.points(names)
	} else {
		v.keys(names)
	}
	for _, f := range r.Figures {
		v.FigureViews = append(v.FigureViews, figureView{Title: f.Title, Caption: f.Caption, SVG: inlineSVG(f)})
	}
	for _, name := range MetricNames(r.Runs) {
		v.All = append(v.All, r.row(name))
	}
	v.ScenarioLines = strings.Count(strings.TrimRight(r.Scenario, "\n"), "\n") + 1
	for _, p := range strings.Split(r.Notes, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			v.Paragraphs = append(v.Paragraphs, p)
		}
	}
	return v
}

func (v *reportView) facts() {
	add := func(name, value string) { v.Facts = append(v.Facts, fact{name, value}) }
	if s := v.Summary; s != nil {
		v.Real = s.Real
		add("nodes", FormatValue(float64(s.Nodes)))
		if s.Real {
			add("real processes", FormatValue(s.VirtualSeconds)+" s")
		} else {
			add("virtual time", FormatValue(s.VirtualSeconds)+" s")
		}
		add("seed", fmt.Sprint(s.Seed))
		add("events", FormatValue(float64(s.Events)))
		add("wall time", FormatValue(s.WallSeconds)+" s")
		if s.PeakRSSBytes > 0 {
			add("peak memory", FormatValue(float64(s.PeakRSSBytes)/(1<<20))+" MiB")
		}
	}
	points := ByPoint(v.Runs)
	if v.Sweep {
		add("points", fmt.Sprint(len(points)))
		add("runs", fmt.Sprint(len(v.Runs)))
	}
	if v.Version != "" {
		add("version", v.Version)
	}
	for _, p := range points {
		for _, r := range p.Runs {
			if r.TraceHash != "" {
				v.Hashes = append(v.Hashes, fact{strings.TrimSpace(fmt.Sprintf("%s seed %d", p.Name(), r.Seed)), r.TraceHash})
			}
		}
	}
}

// usualMetrics are what one asks of a replication, broadcast or membership run, in
// this order.
var usualMetrics = []string{
	"replica.latency_hot_s.p99", "replica.latency_cold_s.p99", "replica.latency_s.p50", "replica.stale_reads", "replica.same_root_share",
	"replica.converged_s", "replica.lost_writes", "replica.resurrected", "replica.session_s.max", "replica.session_bytes.max", "replica.tombstones",
	"broadcast.reliability.mean", "broadcast.reliability.min", "broadcast.rmr.mean", "broadcast.last_hop.mean",
	"broadcast.latency_s.p99", "broadcast.duplication_factor", "overlay.largest_component_share", "overlay.path_length",
	"swim.detect_first_s.mean", "swim.detect_all_s.p50", "swim.detect_all_s.p99", "swim.undetected",
	"swim.false_positives", "swim.false_positives_healthy", "swim.flaps", "swim.view_complete_share",
	"swim.whole_again_s", "net.messages_per_node_s.mean", "net.bytes_per_node_s.mean", "net.loss_share",
}

// maxKeyMetrics keeps the page's first screen readable.
const maxKeyMetrics = 12

// KeyMetrics returns the names of the few metrics that say most about runs: what
// is expected of them, then what a replication, broadcast or membership run is
// usually asked for.
func KeyMetrics(runs []Run, verdicts []Verdict) []string {
	present := MetricNames(runs)
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) && slices.Contains(present, name) && len(names) < maxKeyMetrics {
			names = append(names, name)
		}
	}
	for _, v := range verdicts {
		add(v.Metric)
	}
	for _, name := range usualMetrics {
		add(name)
	}
	return names
}

func (v *reportView) keys(names []string) {
	for _, name := range names {
		m, _ := lookup(name, UseValue)
		value, unit := v.Runs[0].metric(name), shownUnit(m.Unit)
		if math.IsNaN(value) {
			unit = ""
		}
		v.Keys = append(v.Keys, keyNumber{
			Name: name, Label: metricLabel(m, name), Value: FormatValue(value),
			Unit: unit, Definition: m.Definition, Source: m.Source,
		})
	}
}

func shownUnit(unit string) string {
	if unit == "count" || unit == "score" {
		return ""
	}
	return unit
}

// points makes the sweep's table: a row per point, mean and interval per key
// metric, and below it the extremes, so that no bad seed is hidden.
func (v *reportView) points(names []string) {
	keys := sweptKeys(v.Runs)
	for _, key := range keys {
		v.PointHead = append(v.PointHead, headCell{Label: key})
	}
	v.PointHead = append(v.PointHead, headCell{Label: "runs"})
	for _, name := range names {
		m, _ := lookup(name, UseValue)
		v.PointHead = append(v.PointHead, headCell{Label: metricLabel(m, name), Unit: shownUnit(m.Unit), Definition: name + ": " + m.Definition})
	}
	for _, p := range ByPoint(v.Runs) {
		row := append(pointColumns(p, keys), fmt.Sprint(len(p.Runs)))
		for _, name := range names {
			row = append(row, statisticsCell(Summarise(p.Values(name))))
		}
		v.PointRows = append(v.PointRows, row)
	}
}

func statisticsCell(s Statistics) string {
	text := formatCI(s.Mean, s.CI)
	if s.N > 1 && s.Min != s.Max {
		text += "\n" + FormatValue(s.Min) + " … " + FormatValue(s.Max)
	}
	if s.Missing > 0 {
		text += fmt.Sprintf("\n%d without a value", s.Missing)
	}
	return text
}

func (r *Report) row(name string) metricRow {
	values := make([]float64, len(r.Runs))
	for i, run := range r.Runs {
		values[i] = run.metric(name)
	}
	s := Summarise(values)
	m, _ := lookup(name, UseValue)
	row := metricRow{
		Name: name, Unit: m.Unit, Mean: FormatValue(s.Mean), CI: FormatValue(s.CI), Min: FormatValue(s.Min),
		Median: FormatValue(s.Median), Max: FormatValue(s.Max), Definition: m.Definition,
	}
	if s.Missing > 0 {
		row.Missing = fmt.Sprint(s.Missing)
	}
	return row
}

// inlineSVG makes the figure's drawing part of the page: without the head of
// an XML file, and with a name for those who cannot see it.
func inlineSVG(f *Figure) template.HTML {
	svg := f.SVG
	if i := bytes.Index(svg, []byte("<svg ")); i >= 0 {
		svg = svg[i+len("<svg "):]
	}
	name := f.Title
	if name == "" {
		name = f.Name
	}
	// The drawing is ours; what users wrote in it was escaped when it was
	// drawn.
	return template.HTML(`<svg role="img" aria-label="` + template.HTMLEscapeString(name) + `" ` + string(svg))
}
