package main

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/scenarios"
)

// listing is one line of "simrun list".
type listing struct {
	Name     string `json:"name"`
	Question string `json:"question"`
	Nodes    int    `json:"nodes"`
	Duration string `json:"duration"`
	Runs     int    `json:"runs"` // of a sweep; 1 without
}

func newListCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios that are built in",
		Example: "  simrun list\n  simrun list --json",
		Args:    wants(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			listings, err := a.listScenarios()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.stdout, listings)
			}
			var table bytes.Buffer
			t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "SCENARIO\tNODES\tDURATION\tSWEEP\tQUESTION")
			for i, l := range listings {
				if i > 0 && path.Dir(l.Name) != path.Dir(listings[i-1].Name) {
					fmt.Fprintln(t, "\t\t\t\t") // an empty line would end the columns
				}
				sweep := "-"
				if l.Runs > 1 {
					sweep = fmt.Sprintf("%d runs", l.Runs)
				}
				fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", l.Name, l.Nodes, l.Duration, sweep, l.Question)
			}
			if err := t.Flush(); err != nil {
				return err
			}
			for line := range strings.Lines(table.String()) {
				fmt.Fprintln(a.stdout, strings.TrimRight(line, " \n"))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return c
}

func (a *app) listScenarios() ([]listing, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	var listings []listing
	for _, name := range scenarios.Names() {
		s, err := scenarios.Load(name, env)
		if err != nil {
			return nil, fmt.Errorf("load the built-in scenario %s: %w", name, err)
		}
		listings = append(listings, listing{
			Name: name, Question: s.Question, Nodes: s.Nodes.Count, Duration: s.Duration.String(), Runs: runsOf(s),
		})
	}
	return listings, nil
}
