package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/sim"
)

type runFlags struct {
	loadFlags
	out     string
	workers int
	json    bool
	force   bool
}

func newRunCommand(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Run a scenario once and judge what came out",
		Long: `Run a scenario once: print its measures and whether its expectations hold, and
leave a directory with the scenario as it ran, summary.json, time series
(metrics.csv, metrics.parquet), plots and report.html.

Of a scenario with a sweep this runs the values outside [sweep]; "simrun sweep"
runs its points.`,
		Example: `  simrun run quickstart
  simrun run quickstart --seed 7
  simrun run quickstart --set nodes.count=200 --set network.loss.probability=5%
  simrun run mine.toml --out results/mine --force
  simrun run quickstart --json | jq .metrics`,
		Args:              wants(1, 1, "a scenario: a file or a name (simrun list)"),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, args []string) error {
			return a.run(c.Context(), args[0], f)
		},
	}
	f.loadFlags.add(c)
	c.Flags().StringVar(&f.out, "out", "", "directory for the result (default "+outputRoot+"/SCENARIO/seed-N, or the next free name)")
	c.Flags().IntVar(&f.workers, "workers", 0, "number of threads that carry the run out, 0 to choose; it does not change the result")
	c.Flags().BoolVar(&f.json, "json", false, "print summary.json to standard output and nothing else")
	c.Flags().BoolVar(&f.force, "force", false, "replace an existing result")
	return c
}

func (a *app) run(ctx context.Context, name string, f runFlags) error {
	if f.workers < 0 || f.workers > sim.MaxWorkers {
		return usagef("--workers: got %d, want 0 to %d", f.workers, sim.MaxWorkers)
	}
	s, err := f.load(name)
	if err != nil {
		return err
	}
	files, err := readFiles(s)
	if err != nil {
		return err
	}
	dir, err := createResultDir(f.out, filepath.Join(outputRoot, filepath.FromSlash(s.Name), fmt.Sprintf("seed-%d", s.Seed)), f.force)
	if err != nil {
		return err
	}
	defer dir.discard()

	show := newRunProgress(a.stderr, s.Name, s.Duration.Std())
	summary, series, err := execute(ctx, s, executeOptions{
		workers: f.workers,
		advance: func(passed time.Duration, events uint64) { show.advance(int64(passed), events) },
	})
	show.close()
	if errors.Is(err, context.Canceled) {
		return interruptedError{"nothing was written"}
	}
	if err != nil {
		return err
	}
	r := &result{dir: dir.work, scenario: s, summary: summary}
	r.add(summary, series)
	if err := errors.Join(writeScenario(dir.work, s, files), writeRun(dir.work, summary, series)); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	p, err := r.publish()
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if err := dir.commit(); err != nil {
		return err
	}
	r.dir = dir.final
	if err := a.printRun(r, p, f.json); err != nil {
		return err
	}
	if !analysis.AllOK(p.verdicts) {
		return errExpectation
	}
	return nil
}

func (a *app) printRun(r *result, p *presentation, asJSON bool) error {
	if asJSON {
		return analysis.WriteSummary(a.stdout, r.summary)
	}
	var b bytes.Buffer
	s := r.summary
	fmt.Fprintf(&b, "%s: %s\n", s.Scenario, r.scenario.Question)
	fmt.Fprintf(&b, "%s nodes, %s s of virtual time, seed %d\n\n",
		analysis.FormatValue(float64(s.Nodes)), analysis.FormatValue(s.VirtualSeconds), s.Seed)
	printKeyMetrics(&b, r, p)
	a.printCurve(&b, r)
	printVerdicts(&b, p)
	printNotes(&b, p.notes)
	wall := time.Duration(s.WallSeconds * float64(time.Second))
	fmt.Fprintf(&b, "\nTrace hash  %s\n", s.TraceHash)
	fmt.Fprintf(&b, "Speed       %s events in %s: %s\n", siNumber(float64(s.Events)), siSeconds(wall), eventRate(s.Events, wall))
	fmt.Fprintf(&b, "Report      %s\n", filepath.Join(r.dir, reportFile))
	_, err := a.stdout.Write(b.Bytes())
	return err
}

// printKeyMetrics prints the most asked for of a run's metrics.
func printKeyMetrics(w io.Writer, r *result, p *presentation) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range analysis.KeyMetrics(r.runs, p.verdicts) {
		m, _ := analysis.Lookup(name)
		fmt.Fprintf(t, "  %s\t%s\t%s\n", name, analysis.FormatValue(r.runs[0].Metrics[name]), m.Unit)
	}
	t.Flush()
	fmt.Fprintln(w)
}

// printCurve draws the first plot that a terminal can show, if standard output
// is one.
func (a *app) printCurve(w io.Writer, r *result) {
	width := terminalWidth(a.stdout)
	if width == 0 {
		return
	}
	for _, spec := range r.scenario.Plot {
		text, err := analysis.TerminalPlot(plotOf(spec), r.selected(spec.Where), min(width, 100), 16, os.Getenv("NO_COLOR") == "")
		if err == nil {
			fmt.Fprintln(w, text)
			return
		}
	}
}

func printNotes(w io.Writer, notes []string) {
	for _, note := range notes {
		fmt.Fprintln(w, "Left out:", note)
	}
}
