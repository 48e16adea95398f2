package main

import (
	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/scenarios"
)

func newShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print the source of a scenario that is built in",
		Long: `Print the TOML source of a scenario that is built in. It is a good start for one
of your own.`,
		Example:           "  simrun show quickstart\n  simrun show swim/churn > mine.toml",
		Args:              wants(1, 1, "the name of a scenario (simrun list)"),
		ValidArgsFunction: completeNames,
		RunE: func(_ *cobra.Command, args []string) error {
			source, err := scenarios.Source(args[0])
			if err != nil {
				return usageError{err}
			}
			_, err = a.stdout.Write(source)
			return err
		},
	}
}

// completeNames completes the name of a built-in scenario.
func completeNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return scenarios.Names(), cobra.ShellCompDirectiveNoFileComp
}

// completeScenarios completes the name of a built-in scenario or a file.
func completeScenarios(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return scenarios.Names(), cobra.ShellCompDirectiveDefault
}
