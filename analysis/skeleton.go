package analysis

// Signatures of what is being filled in; each moves to its own file.

import (
	"errors"
	"io"
)

var errUnfinished = errors.New("analysis: not written yet")

// Draw renders a plot over runs (one run, or the runs of a sweep).
func Draw(p Plot, runs []Run) (*Figure, error) { return nil, errUnfinished }

// TerminalPlot returns a plot (series or distribution: curves of the mean over runs) for a terminal.
func TerminalPlot(p Plot, runs []Run, width, height int) (string, error) { return "", errUnfinished }

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
