package main

import (
	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios"
)

func newSchemaCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors",
		Long: `Print the JSON Schema (draft 2020-12) of scenario files. An editor with a TOML
language server completes and checks scenarios with it; Taplo and Even Better
TOML look for a first line such as

  #:schema ./starling.schema.json`,
		Example: "  simrun schema > starling.schema.json",
		Args:    wants(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			registry, err := stack.Default()
			if err != nil {
				return err
			}
			schema, err := scenarios.Schema(registry)
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(schema)
			return err
		},
	}
}
