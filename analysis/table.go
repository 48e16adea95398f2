package analysis

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TableSpec describes a table: a row per value of a swept key, a column per
// metric.
type TableSpec struct {
	Name  string
	Title string
	// Rows is the swept key, usually "variant". Runs that differ in other
	// keys are pooled. Empty means one row of all runs, which Published calls
	// "all".
	Rows    string
	Columns []Column
}

// Column is one metric of a table.
type Column struct {
	Metric string
	// Label is the column's head; empty means the metric's name.
	Label string
	// RelativeTo is the row that counts as 100 %; empty for absolute values.
	RelativeTo string
	// Published are the values that the literature gives, by row, in per cent
	// if the column is relative.
	Published map[string]float64
}

// Table is a filled-in TableSpec. Cells are text.
type Table struct {
	Name  string
	Title string
	Head  []string
	Rows  [][]string
	// Notes say how to read the cells.
	Notes []string
}

// rowOfAll is the row of a table without rows.
const rowOfAll = "all"

// BuildTable fills a table. Means are over all runs of a row, with their 95 %
// confidence interval; relative values are ratios of means over runs that
// share seed and all other swept keys. Published values stand beside the
// measured ones, and by how much those differ in per cent of the published.
func BuildTable(spec TableSpec, runs []Run) (*Table, error) {
	byRow := groupBy(runs, func(r Run) []Assignment {
		if spec.Rows == "" {
			return []Assignment{{Value: rowOfAll}}
		}
		v, _ := r.Value(spec.Rows)
		return []Assignment{{Key: spec.Rows, Value: v}}
	})
	t := &Table{Name: spec.Name, Title: spec.Title, Head: []string{spec.Rows}}
	if len(byRow) == 0 {
		return nil, fmt.Errorf("build table %q: there is no run", spec.Name)
	}
	for _, group := range byRow {
		if group.Point[0].Value == "" {
			return nil, fmt.Errorf("build table %q: run %q has no %q to make rows of", spec.Name, group.Runs[0].PointName(), spec.Rows)
		}
		name := group.Point[0].Value
		if spec.Rows == "" {
			name = "all runs"
		}
		t.Rows = append(t.Rows, []string{name})
	}
	for _, column := range spec.Columns {
		if err := t.addColumn(column, byRow); err != nil {
			return nil, fmt.Errorf("build table %q: %w", spec.Name, err)
		}
	}
	t.Notes = append(t.Notes, intervalNote(byRow))
	if slices.ContainsFunc(spec.Columns, func(c Column) bool { return len(c.Published) > 0 }) {
		t.Notes = append(t.Notes, "The difference is that of the measured mean from the published value, in per cent of the latter.")
	}
	return t, nil
}

func intervalNote(byRow []PointRuns) string {
	fewest, most := math.MaxInt, 0
	for _, group := range byRow {
		fewest, most = min(fewest, len(group.Runs)), max(most, len(group.Runs))
	}
	runs := fmt.Sprintf("%d", most)
	if fewest != most {
		runs = fmt.Sprintf("%d to %d", fewest, most)
	}
	if most < 2 {
		return "One run a row: there are no confidence intervals."
	}
	return "Means over " + runs + " runs a row; ± is the half-width of the 95 % confidence interval."
}

func (t *Table) addColumn(column Column, byRow []PointRuns) error {
	label := column.Label
	if label == "" {
		label = column.Metric
		if m, ok := lookup(column.Metric, UseValue); ok && m.Unit != "count" && column.RelativeTo == "" {
			label += " (" + m.Unit + ")"
		}
	}
	var base *PointRuns
	if column.RelativeTo != "" {
		for i, group := range byRow {
			if sameValue(group.Point[0].Value, column.RelativeTo) {
				base = &byRow[i]
			}
		}
		if base == nil {
			return fmt.Errorf("column %q: no row %q to be relative to", column.Metric, column.RelativeTo)
		}
		if column.Label == "" {
			label += " (% of " + column.RelativeTo + ")"
		}
	}
	t.Head = append(t.Head, label)
	for i, group := range byRow {
		t.Rows[i] = append(t.Rows[i], cell(column.Metric, group, base))
	}
	if len(column.Published) == 0 {
		return nil
	}
	t.Head = append(t.Head, label+", published", "difference")
	for i, group := range byRow {
		published, difference := "–", "–"
		for _, row := range slices.Sorted(maps.Keys(column.Published)) {
			if sameValue(row, group.Point[0].Value) {
				want := column.Published[row]
				published = FormatValue(want)
				difference = formatDifference(measured(column.Metric, group, base), want)
			}
		}
		t.Rows[i] = append(t.Rows[i], published, difference)
	}
	return nil
}

// measured is the mean of a row, in per cent if it is relative to another.
func measured(metric string, group PointRuns, base *PointRuns) float64 {
	if base == nil {
		return Summarise(group.Values(metric)).Mean
	}
	ratio, _ := Ratio(pairs(metric, group, *base))
	return 100 * ratio
}

// formatDifference writes by how much a value differs from another, in per cent
// of that; "–" if that is no number.
func formatDifference(got, want float64) string {
	switch {
	case got == want:
		return "0 %"
	case math.IsNaN(got) || want == 0:
		return "–"
	}
	percent := 100 * (got - want) / math.Abs(want)
	text := FormatValue(percent)
	if math.Abs(percent) < 100 {
		text = strconv.FormatFloat(percent, 'f', 2, 64)
	}
	if percent > 0 {
		text = "+" + text
	}
	return text + " %"
}

func cell(metric string, group PointRuns, base *PointRuns) string {
	if base == nil {
		s := Summarise(group.Values(metric))
		text := formatCI(s.Mean, s.CI)
		if s.Missing > 0 {
			text += fmt.Sprintf(" [%d of %d without a value]", s.Missing, s.Missing+s.N)
		}
		return text
	}
	a, b := pairs(metric, group, *base)
	ratio, ci := Ratio(a, b)
	if len(a) < len(group.Runs) {
		return formatCI(100*ratio, 100*ci) + fmt.Sprintf(" [%d of %d paired]", len(a), len(group.Runs))
	}
	return formatCI(100*ratio, 100*ci)
}

// pairs matches runs of two rows that share their seed and all swept keys but
// the row's.
func pairs(metric string, group, base PointRuns) (a, b []float64) {
	key := func(r Run) string {
		return fmt.Sprint(r.Seed, " ", assignments(without(r.Point, group.Point[0].Key)))
	}
	below := map[string]float64{}
	for _, r := range base.Runs {
		below[key(r)] = r.metric(metric)
	}
	for _, r := range group.Runs {
		if v, ok := below[key(r)]; ok {
			a, b = append(a, r.metric(metric)), append(b, v)
		}
	}
	return a, b
}

// Text returns the table with aligned columns, for a terminal.
func (t *Table) Text() string {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var out strings.Builder
	if t.Title != "" {
		out.WriteString(t.Title + "\n\n")
	}
	line := func(row []string) {
		var b strings.Builder
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if i == 0 {
				b.WriteString(text + pad)
			} else {
				b.WriteString("  " + pad + text)
			}
		}
		out.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	}
	line(t.Head)
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
	}
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	for _, note := range t.Notes {
		out.WriteString(note + "\n")
	}
	return out.String()
}
