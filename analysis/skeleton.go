package analysis

// Signatures of what is being filled in; each moves to its own file.

import (
	"errors"
	"io"
)

var errUnfinished = errors.New("analysis: not written yet")

// Evaluate holds runs against expectations.
func Evaluate(runs []Run, expect []Expectation) []Verdict { return nil }

// WriteSummary and the others write and read a run's directory.
func WriteSummary(w io.Writer, s *Summary) error                    { return errUnfinished }
func ReadSummary(r io.Reader) (*Summary, error)                     { return nil, errUnfinished }
func WriteSeriesCSV(w io.Writer, s []Series) error                  { return errUnfinished }
func ReadSeriesCSV(r io.Reader) ([]Series, error)                   { return nil, errUnfinished }
func WriteSeriesParquet(w io.Writer, s []Series) error              { return errUnfinished }
func ReadSeriesParquet(r io.ReaderAt, size int64) ([]Series, error) { return nil, errUnfinished }

// Draw renders a plot over runs (one run, or the runs of a sweep).
func Draw(p Plot, runs []Run) (*Figure, error) { return nil, errUnfinished }

// TerminalPlot returns a plot (series or distribution: curves of the mean over runs) for a terminal.
func TerminalPlot(p Plot, runs []Run, width, height int) (string, error) { return "", errUnfinished }

// Table is a filled-in TableSpec.
type Table struct{}

// BuildTable fills a table.
func BuildTable(spec TableSpec, runs []Run) (*Table, error) { return nil, errUnfinished }

// Text returns the table with aligned columns, for a terminal.
func (t *Table) Text() string { return "" }

// PointTable returns a sweep's results: a row per point and metric: mean, 95 % CI, n, min, median, max.
func WriteSweepCSV(w io.Writer, runs []Run) error { return errUnfinished }

// Report is the content of report.html.
type Report struct {
	Name       string
	Question   string
	Runs       []Run    // one, or a sweep's
	Summary    *Summary // of a single run; nil for a sweep
	Version    string
	Verdicts   []Verdict
	Figures    []*Figure
	Tables     []*Table
	KeyMetrics []string // shown as key numbers; empty lets the report choose
	Command    []string // how to reproduce, a line each
	Scenario   string   // the scenario's source
}

// WriteReport writes a self-contained page.
func WriteReport(w io.Writer, r *Report) error { return errUnfinished }
