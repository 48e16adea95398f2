package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/analysis"
)

func newMetricsCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "metrics [NAME...]",
		Short: "Explain the metrics: name, unit, definition, source",
		Long: `Explain the metrics that a run may leave behind, all or those named: what each is,
in which unit, and where its definition comes from. A name also matches the
metrics below it, so "simrun metrics swim" explains everything about SWIM.

Metrics marked "over time" are series in metrics.csv; those with a list of
suffixes are distributions, written for instance swim.detect_all_s.p50.`,
		Example: "  simrun metrics\n  simrun metrics swim.detect_all_s net\n  simrun metrics --json",
		RunE: func(_ *cobra.Command, args []string) error {
			metrics, err := selectMetrics(analysis.Catalogue(), args)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.stdout, metrics)
			}
			for i, m := range metrics {
				if i > 0 {
					fmt.Fprintln(a.stdout)
				}
				printMetric(a, m)
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, m := range analysis.Catalogue() {
				names = append(names, m.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of text")
	return c
}

// selectMetrics returns those of all that the names choose, all if none is
// given.
func selectMetrics(all []analysis.Metric, names []string) ([]analysis.Metric, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []analysis.Metric
	unused := map[string]bool{}
	for _, name := range names {
		unused[name] = true
	}
	for _, m := range all {
		match := false
		for _, name := range names {
			full, known := analysis.Lookup(name)
			if m.Name == name || strings.HasPrefix(m.Name, strings.TrimSuffix(name, ".")+".") || known && full.Name == m.Name {
				match = true
				delete(unused, name)
			}
		}
		if match {
			chosen = append(chosen, m)
		}
	}
	for _, name := range names {
		if unused[name] {
			return nil, usagef("unknown metric %q%s", name, didYouMean(analysis.Nearest(name)))
		}
	}
	return chosen, nil
}

func printMetric(a *app, m analysis.Metric) {
	fmt.Fprintf(a.stdout, "%s", m.Name)
	if len(m.Suffixes) > 0 {
		fmt.Fprintf(a.stdout, ".{%s}", strings.Join(m.Suffixes, ","))
	}
	if m.Grouped {
		fmt.Fprint(a.stdout, ".<group>")
	}
	unit := m.Unit
	if m.Series {
		unit += ", over time"
	}
	if m.Links {
		unit = "links of a graph"
	}
	fmt.Fprintf(a.stdout, "  [%s]\n", unit)
	for _, line := range wrapText(m.Definition, 76) {
		fmt.Fprintf(a.stdout, "    %s\n", line)
	}
	if m.Source != "" {
		fmt.Fprintf(a.stdout, "    Source: %s\n", m.Source)
	}
}
