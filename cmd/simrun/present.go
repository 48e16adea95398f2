package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/starling-sim/starling/analysis"
)

// presentation is what is shown of a result.
type presentation struct {
	verdicts []analysis.Verdict
	unjudged int // expectations that only a sweep can meet
	figures  []*analysis.Figure
	tables   []*analysis.Table
	// notes say which plots and tables were left out and why.
	notes []string
}

// isSweep reports whether the result is that of a sweep.
func (r *result) isSweep() bool { return r.summary == nil }

// judge holds the runs against the scenario's expectations. It leaves out those
// that only a sweep can meet if there is but one run: those about a point of the
// sweep, about a mean over several seeds, and about two variants.
func (r *result) judge() (verdicts []analysis.Verdict, unjudged int) {
	var expectations []analysis.Expectation
	for _, spec := range r.scenario.Expect {
		e := expectationOf(spec)
		overSeeds := e.Statistic == analysis.StatisticMean && r.scenario.Sweep.Seeds > 1
		if !r.isSweep() && (len(e.Where) > 0 || e.RelativeTo != "" || overSeeds) {
			unjudged++
			continue
		}
		expectations = append(expectations, e)
	}
	return analysis.Evaluate(r.runs, expectations), unjudged
}

// present draws what the scenario asks for.
func (r *result) present() *presentation {
	p := &presentation{}
	p.verdicts, p.unjudged = r.judge()
	for _, spec := range r.scenario.Plot {
		if spec.Kind == analysis.PlotSweep && !r.isSweep() {
			continue // one point makes no curve
		}
		figure, err := analysis.Draw(plotOf(spec), r.selected(spec.Where))
		if err != nil {
			p.notes = append(p.notes, err.Error())
			continue
		}
		p.figures = append(p.figures, figure)
	}
	for _, spec := range r.scenario.Table {
		if spec.Rows != "" && !r.isSweep() {
			continue // it compares points
		}
		table, err := analysis.BuildTable(tableOf(spec), r.selected(spec.Where))
		if err != nil {
			p.notes = append(p.notes, err.Error())
			continue
		}
		p.tables = append(p.tables, table)
	}
	return p
}

// selected returns the runs that a plot or table is about. A single run is no
// point of a sweep, and every plot is about it.
func (r *result) selected(where map[string]any) []analysis.Run {
	if !r.isSweep() {
		return r.runs
	}
	return analysis.Select(r.runs, assignments(where))
}

// writePlots puts the figures into dir/plots, in place of what was there.
func (p *presentation) writePlots(dir string) error {
	files := map[string][]byte{}
	for _, f := range p.figures {
		files[f.Name+".svg"], files[f.Name+".png"] = f.SVG, f.PNG
	}
	return replaceFiles(filepath.Join(dir, plotsDir), files)
}

// writeTables puts the tables into dir/tables, in place of what was there.
func (p *presentation) writeTables(dir string) error {
	files := map[string][]byte{}
	for _, t := range p.tables {
		files[t.Name+".txt"] = []byte(t.Text())
	}
	return replaceFiles(filepath.Join(dir, tablesDir), files)
}

// replaceFiles makes dir hold just the given files; without any, it is gone.
func replaceFiles(dir string, files map[string][]byte) error {
	if err := os.RemoveAll(dir); err != nil || len(files) == 0 {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

// publish judges and draws a result and writes all that follows from its runs
// into its directory: the verdicts, plots and report.html.
func (r *result) publish() (*presentation, error) {
	p := r.present()
	write := r.writeSweep
	if !r.isSweep() {
		write = r.writeSummary
	}
	if err := write(p); err != nil {
		return nil, err
	}
	if err := errors.Join(p.writePlots(r.dir), p.writeTables(r.dir)); err != nil {
		return nil, err
	}
	return p, r.writeReport(p)
}

func (r *result) writeSummary(p *presentation) error {
	r.summary.Expect = p.verdicts
	return createFile(filepath.Join(r.dir, summaryFile), func(w io.Writer) error {
		return analysis.WriteSummary(w, r.summary)
	})
}

// writeReport writes report.html.
func (r *result) writeReport(p *presentation) error {
	command := "simrun run " + scenarioFile
	if r.isSweep() {
		command = "simrun sweep " + scenarioFile
	}
	source, err := r.scenario.Marshal()
	if err != nil {
		return err
	}
	return createFile(filepath.Join(r.dir, reportFile), func(w io.Writer) error {
		return analysis.WriteReport(w, &analysis.Report{
			Name: r.scenario.Name, Question: r.scenario.Question, Notes: r.scenario.Notes, Version: r.version(),
			Runs: r.runs, Summary: r.summary, Verdicts: p.verdicts, Figures: p.figures, Tables: p.tables,
			Command:  []string{command + "   # the file beside this page: the scenario as it ran"},
			Scenario: string(source),
		})
	})
}

func (r *result) writeSweep(p *presentation) error {
	err := createFile(filepath.Join(r.dir, sweepFile), func(w io.Writer) error {
		return analysis.WriteSweep(w, r.sweep(p))
	})
	if err != nil {
		return err
	}
	return createFile(filepath.Join(r.dir, "sweep.csv"), func(w io.Writer) error { return analysis.WriteSweepCSV(w, r.runs) })
}

func (r *result) sweep(p *presentation) *analysis.Sweep {
	return &analysis.Sweep{Scenario: r.scenario.Name, Version: r.version(), Runs: r.runs, Expect: p.verdicts}
}

// version names the versions that made the runs, usually one.
func (r *result) version() string {
	return strings.Join(r.versions, ", ")
}
