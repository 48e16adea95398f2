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
	"github.com/starling-sim/starling/cmd/simrun/real"
	"github.com/starling-sim/starling/scenarios"
	"github.com/starling-sim/starling/sim"
)

type runFlags struct {
	loadFlags
	out     string
	workers int
	json    bool
	force   bool

	real     bool
	realnode string
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
runs its points.

With --real every node is a process of its own on this machine (realnode), on
loopback and in real time, with the network of the scenario between them. The
result has the same files; two such runs are never quite alike. It is short for
--set world=real; "simrun sweep" runs both worlds where a variant says so.`,
		Example: `  simrun run quickstart
  simrun run quickstart --seed 7
  simrun run quickstart --set nodes.count=200 --set network.loss.probability=5%
  simrun run mine.toml --out results/mine --force
  simrun run quickstart --json | jq .metrics
  simrun run quickstart --real --set nodes.count=32`,
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
	c.Flags().BoolVar(&f.real, "real", false, "run on real processes, in real time")
	c.Flags().StringVar(&f.realnode, "realnode", "", "with --real: the program realnode (default: beside simrun, or in PATH)")
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
	if f.real {
		if err := s.Set(scenarios.Assignment{Key: "world", Value: scenarios.WorldReal}); err != nil {
			return err
		}
	}
	if s.Real() {
		if f.workers != 0 {
			return usagef("--workers is of no use with real processes")
		}
		if err := real.Check(s); err != nil {
			return err
		}
		if f.realnode, err = findRealnode(f.realnode); err != nil {
			return err
		}
		warnOfRealTime(a.stderr, s.Duration.Std())
	} else if f.realnode != "" {
		return usagef("--realnode is of use with --real only")
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
	advance := func(passed time.Duration, events uint64) { show.advance(int64(passed), events) }
	summary, series, err := execute(ctx, s, executeOptions{workers: f.workers, realnode: f.realnode, advance: advance})
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
	what := "of virtual time"
	if s.Real {
		what = "on real processes"
	}
	fmt.Fprintf(&b, "%s nodes, %s s %s, seed %d\n\n",
		analysis.FormatValue(float64(s.Nodes)), analysis.FormatValue(s.VirtualSeconds), what, s.Seed)
	printKeyMetrics(&b, r, p)
	a.printCurve(&b, r)
	printVerdicts(&b, p)
	printNotes(&b, p.notes)
	wall := time.Duration(s.WallSeconds * float64(time.Second))
	if s.Real {
		late := func(metric string) string {
			return siSeconds(time.Duration(s.Metrics["engine.late_"+metric] * float64(time.Second)))
		}
		fmt.Fprintf(&b, "\nWall time   %s\n", siSeconds(wall))
		fmt.Fprintf(&b, "Lateness    of messages %s on average, %s at most; of the timeline %s at most\n",
			late("message_s.mean"), late("message_s.max"), late("timeline_s.max"))
	} else {
		fmt.Fprintf(&b, "\nTrace hash  %s\n", s.TraceHash)
		fmt.Fprintf(&b, "Speed       %s events in %s: %s\n", siNumber(float64(s.Events)), siSeconds(wall), eventRate(s.Events, wall))
	}
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
