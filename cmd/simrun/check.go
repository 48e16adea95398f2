package main

import (
	"fmt"
	"math"

	"github.com/spf13/cobra"
)

func newCheckCommand(a *app) *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "check SCENARIO...",
		Short: "Read and validate scenarios without running them",
		Long: `Read and validate scenarios without running them: every key, every unit, every
name, and whether each point of a sweep makes a world. What is wrong is printed
with file, line and column; the exit status is then 2.`,
		Example:           "  simrun check mine.toml\n  simrun check quickstart --set nodes.count=10",
		Args:              wants(1, math.MaxInt, "scenarios: files or names (simrun list)"),
		ValidArgsFunction: completeScenarios,
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				s, err := f.load(name)
				if err != nil {
					return err
				}
				points, err := pointsOf(s)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "%s: ok (%s, %s, %s)\n", name, plural(s.Nodes.Count, "node"), s.Duration, plural(len(points), "run"))
			}
			return nil
		},
	}
	f.add(c)
	return c
}
