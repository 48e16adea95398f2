package scenarios

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/starling-sim/starling/scenarios/document"
)

func (d *decoding) metric(s *Scenario, path, name, use string) {
	if s.env.Metric == nil || name == "" || use == "" {
		return
	}
	if near, ok := s.env.Metric(name, use); !ok {
		what := map[string]string{"value": "metric", "series": "metric with a time series", "distribution": "metric with samples"}[use]
		d.Problem(path, Problem{Message: fmt.Sprintf("got %q, which is no %s (simrun metrics lists them)", name, what), Nearest: near})
	}
}

// checkResults checks how runs are shown and judged.
func (d *decoding) checkResults(s *Scenario) {
	plots, tables := map[string]bool{}, map[string]bool{}
	for i := range s.Plot {
		path := fmt.Sprintf("plot[%d]", i)
		d.checkFileName(path+".name", s.Plot[i].Name, plots)
		d.checkPlot(s, &s.Plot[i], path)
	}
	for i := range s.Table {
		path := fmt.Sprintf("table[%d]", i)
		d.checkFileName(path+".name", s.Table[i].Name, tables)
		d.checkTable(s, &s.Table[i], path)
	}
	for i := range s.Expect {
		d.checkExpect(s, &s.Expect[i], fmt.Sprintf("expect[%d]", i))
	}
}

func (d *decoding) checkPlot(s *Scenario, p *Plot, path string) {
	if p.Kind == "overlay" || p.Kind == "tree" {
		d.checkPicture(s, p, path)
		return
	}
	use := map[string]string{"series": "series", "sweep": "value", "distribution": "distribution"}[p.Kind]
	for k, m := range p.Metrics {
		d.metric(s, fmt.Sprintf("%s.metrics[%d]", path, k), m, use)
	}
	if len(p.Metrics) == 0 {
		d.Problemf(path+".metrics", "got none, want at least one")
	}
	switch {
	case p.Kind == "sweep" && p.X == "":
		d.Problem(path+".x", Problem{Message: "missing: a plot of kind \"sweep\" needs it", Valid: s.sweptKeys()})
	case p.Kind == "sweep":
		d.sweptKey(s, path+".x", p.X)
	case p.X != "":
		d.Problemf(path+".x", "a plot of kind %q does not take this", p.Kind)
	}
	if p.By != "" {
		d.sweptKey(s, path+".by", p.By)
	}
	d.checkWhere(s, path, p.Where)
	d.finite(path+".y_min", p.YMin)
	d.finite(path+".y_max", p.YMax)
	if p.YMin != nil && p.YMax != nil && *p.YMin >= *p.YMax {
		d.Problemf(path+".y_max", "got %g, want more than y_min, %g", *p.YMax, *p.YMin)
	}
	for k, r := range p.Reference {
		at := fmt.Sprintf("%s.reference[%d]", path, k)
		d.finite(at+".y", r.Y)
		if (r.Y != nil) == (len(r.Points) > 0) {
			d.Problem(at, Problem{Message: "got both or neither, want one", Valid: []string{"y", "points"}})
		}
	}
}

// pictureKeys are the keys of a plot that shows a graph.
var pictureKeys = []string{"name", "title", "kind", "where"}

// checkPicture checks a plot that shows a graph.
func (d *decoding) checkPicture(s *Scenario, p *Plot, path string) {
	d.allowed(path, document.Subtree(s.tree, path), p.Kind, pictureKeys...)
	d.checkWhere(s, path, p.Where)
}

// rowOfAll is the row of a table without rows.
const rowOfAll = "all"

func (d *decoding) checkTable(s *Scenario, t *Table, path string) {
	d.checkWhere(s, path, t.Where)
	rows := s.sweptValues(t.Rows)
	if d.sweptKey(s, path+".rows", t.Rows); t.Rows == "" {
		rows = []string{rowOfAll}
	}
	if len(t.Columns) == 0 {
		d.Problemf(path+".columns", "got none, want at least one")
	}
	for k, c := range t.Columns {
		at := fmt.Sprintf("%s.columns[%d]", path, k)
		d.metric(s, at+".metric", c.Metric, "value")
		if len(rows) == 0 {
			continue
		}
		if c.RelativeTo != "" {
			d.row(at+".relative_to", c.RelativeTo, rows)
		}
		for _, row := range slices.Sorted(maps.Keys(c.Published)) {
			d.row(at+".published."+row, row, rows)
		}
	}
}

func (d *decoding) row(path, row string, rows []string) {
	if !slices.Contains(rows, row) {
		d.Problem(path, Problem{Message: fmt.Sprintf("got %q, which is no row", row), Nearest: document.Nearest(row, rows), Valid: rows})
	}
}

func (d *decoding) checkExpect(s *Scenario, e *Expect, path string) {
	d.metric(s, path+".metric", e.Metric, "value")
	if e.Min == nil && e.Max == nil && e.Equal == nil && !d.WrongBelow(path) {
		d.Problem(path, Problem{Message: "expects nothing", Valid: []string{"min", "max", "equal"}})
	}
	d.finite(path+".min", e.Min)
	d.finite(path+".max", e.Max)
	d.finite(path+".equal", e.Equal)
	if e.Min != nil && e.Max != nil && *e.Min > *e.Max {
		d.Problemf(path+".min", "got %g, want at most max, %g", *e.Min, *e.Max)
	}
	d.checkWhere(s, path, e.Where)
	if e.RelativeTo == "" {
		return
	}
	if names := s.sweptValues(variantKey); !slices.Contains(names, e.RelativeTo) {
		d.Problem(path+".relative_to", Problem{
			Message: fmt.Sprintf("got %q, which is no variant", e.RelativeTo), Nearest: document.Nearest(e.RelativeTo, names), Valid: names,
		})
	} else if e.Where[variantKey] == e.RelativeTo {
		d.Problemf(path+".relative_to", "got %q, which is the variant itself", e.RelativeTo)
	}
}

func (d *decoding) finite(path string, v *float64) {
	if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
		d.Problemf(path, "got %g, want a finite number", *v)
	}
}

// checkWhere checks a filter of runs: keys that the sweep varies, and values that
// they take.
func (d *decoding) checkWhere(s *Scenario, path string, where map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(where)) {
		at := path + ".where." + key
		if !d.sweptKey(s, at, key) {
			continue
		}
		values, text := s.sweptValues(key), document.ValueText(where[key])
		if !slices.Contains(values, text) {
			d.Problem(at, Problem{Message: fmt.Sprintf("got %q, which the sweep does not take", text), Nearest: document.Nearest(text, values), Valid: values})
		}
	}
}

// sweptValues lists the values that the sweep gives a key, as text.
func (s *Scenario) sweptValues(key string) []string {
	var values []string
	if key == variantKey {
		for _, v := range s.Variant {
			values = append(values, v.Name)
		}
	}
	for _, a := range s.Sweep.Axes {
		if a.Key == key {
			for _, v := range a.Values {
				values = append(values, document.ValueText(v))
			}
		}
	}
	return values
}

// sweptKeys lists the keys that the sweep varies.
func (s *Scenario) sweptKeys() []string {
	var keys []string
	for _, a := range s.Sweep.Axes {
		keys = append(keys, a.Key)
	}
	if len(s.Variant) > 0 {
		keys = append(keys, variantKey)
	}
	return keys
}

// variantKey is the name of the dimension that variants span.
const variantKey = "variant"

// sweptKey demands that the sweep varies a key.
func (d *decoding) sweptKey(s *Scenario, path, key string) bool {
	keys := s.sweptKeys()
	if slices.Contains(keys, key) {
		return true
	}
	if key != "" {
		d.Problem(path, Problem{Message: fmt.Sprintf("got %q, which the sweep does not vary", key), Nearest: document.Nearest(key, keys), Valid: keys})
	}
	return false
}

// checkSweep tries every value of the sweep by itself, and every variant.
func (d *decoding) checkSweep(s *Scenario) {
	alright := len(d.Problems()) == 0 // otherwise problems would come twice
	if last := s.Seed + uint64(s.Sweep.Seeds) - 1; last > math.MaxInt64 {
		d.Problemf("seed", "got %d, with %d seeds that count up from it; want at most %d", s.Seed, s.Sweep.Seeds, uint64(math.MaxInt64)-uint64(s.Sweep.Seeds)+1)
	}
	runs := s.Sweep.Seeds * max(len(s.Variant), 1)
	for _, a := range s.Sweep.Axes {
		path := "sweep." + a.Key
		if !d.sweepable(a.Key, path) {
			continue
		}
		var seen []string
		for k, v := range a.Values {
			at := fmt.Sprintf("%s[%d]", path, k)
			if text := document.ValueText(v); slices.Contains(seen, text) {
				d.Problemf(at, "got %s a second time", text)
			} else if seen = append(seen, text); alright {
				d.try(s, map[string]any{a.Key: v}, at)
			}
		}
		if runs *= len(a.Values); runs > maxRuns {
			d.Problemf(path, "got a sweep of more than %d runs", maxRuns)
			return
		}
	}
	d.checkVariants(s, alright)
}

func (d *decoding) checkVariants(s *Scenario, alright bool) {
	taken := map[string]bool{}
	for i, v := range s.Variant {
		path := fmt.Sprintf("variant[%d]", i)
		if taken[v.Name] {
			d.Problemf(path+".name", "got %q, which another variant has", v.Name)
		}
		taken[v.Name] = true
		overrides := flatten(v.Set)
		for _, key := range slices.Sorted(maps.Keys(overrides)) {
			at := path + ".set." + key
			if d.sweepable(key, at) && slices.ContainsFunc(s.Sweep.Axes, func(a Axis) bool { return a.Key == key }) {
				d.Problemf(at, "the sweep varies this too")
			}
		}
		if alright && !d.WrongBelow(path) {
			d.try(s, overrides, path+".set")
		}
	}
}

// sweepable demands that a key may be varied: that it says something of the run,
// and not of how runs are varied, shown and judged.
func (d *decoding) sweepable(key, path string) bool {
	top, _, _ := strings.Cut(key, ".")
	switch {
	case key == "seed":
		d.Problemf(path, "cannot be varied here; sweep.seeds is the number of seeds")
	case top == "name" || top == "question" || top == "notes" || slices.Contains(resultTables, top):
		d.Problemf(path, "cannot be varied: it does not change what happens in a run")
	default:
		return true
	}
	return false
}

// try notes what is wrong with a scenario under overrides, at the place of the
// override that it is about, if that can be told, or else of them all.
func (d *decoding) try(s *Scenario, overrides map[string]any, path string) {
	_, problems := s.with(overrides)
	for _, p := range problems {
		if slices.ContainsFunc(d.Problems(), func(q Problem) bool { return q.Key == p.Key && q.Message == p.Message }) {
			continue // another value has the same
		}
		d.ProblemAt(p, path+"."+dotted(p.Key), path)
	}
}

// dotted writes a path as overrides do: "fault[0].at" as "fault.0.at".
func dotted(path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
}
