package analysis

// Signatures of what is being filled in; each moves to its own file.

import (
	"errors"
	"io"
)

var errUnfinished = errors.New("analysis: not written yet")

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
