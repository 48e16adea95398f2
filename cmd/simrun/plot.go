package main

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/analysis"
)

func newPlotCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "plot DIR...",
		Short: "Draw the plots of finished results again, without running anything",
		Long: `Draw the plots of finished results again from what is on disk. The [[plot]]
sections of DIR/scenario.toml say what to draw; edit them first to draw
something else.`,
		Example: "  simrun plot " + outputRoot + "/quickstart/seed-1",
		Args:    wants(1, math.MaxInt, "directories that simrun wrote"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, dir := range args {
				r, err := loadResult(dir)
				if err != nil {
					return err
				}
				p := r.present()
				if err := p.writePlots(dir); err != nil {
					return fmt.Errorf("draw the plots of %s: %w", dir, err)
				}
				for _, f := range p.figures {
					fmt.Fprintln(a.stdout, filepath.Join(dir, plotsDir, f.Name+".svg"))
					fmt.Fprintln(a.stdout, filepath.Join(dir, plotsDir, f.Name+".png"))
				}
				printNotes(a.stderr, p.notes)
			}
			return nil
		},
	}
}

func newReportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR...",
		Short: "Judge finished results again and write their reports, without running anything",
		Long: `Judge finished results again and write their plots and report.html, of a sweep
also sweep.json and sweep.csv, from what is on disk. The expectations, plots and
tables are those of DIR/scenario.toml. It is also how the shards of a sweep
are put together once all have finished.`,
		Example: "  simrun report " + outputRoot + "/quickstart/seed-1\n  simrun report " + outputRoot + "/swim/*/*",
		Args:    wants(1, math.MaxInt, "directories that simrun wrote"),
		RunE: func(_ *cobra.Command, args []string) error {
			ok := true
			for _, dir := range args {
				r, err := loadResult(dir)
				if err != nil {
					return err
				}
				p, err := r.publish()
				if err != nil {
					return fmt.Errorf("write the report of %s: %w", dir, err)
				}
				fmt.Fprintln(a.stdout, filepath.Join(dir, reportFile))
				printVerdicts(a.stdout, p)
				printNotes(a.stdout, p.notes)
				ok = ok && analysis.AllOK(p.verdicts)
			}
			if !ok {
				return errExpectation
			}
			return nil
		},
	}
}
