package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newCheckCommand(a *app) *cobra.Command {
	var f runFlags
	var filled bool
	c := &cobra.Command{
		Use: "check CONFIG", Short: "Say whether a configuration is right, and if not what is wrong and where",
		Example: "  realnode check node.toml\n  realnode check node.toml --filled   # with every default",
		Args:    oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := f.load(args)
			if err != nil {
				return err
			}
			if err := f.checkFiles(cfg, args); err != nil {
				return err
			}
			if filled {
				text, err := cfg.Filled()
				if err != nil {
					return err
				}
				_, err = a.stdout.Write(text)
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s: ok\n", args[0])
			return err
		},
	}
	c.Flags().BoolVar(&filled, "filled", false, "print the configuration with every default filled in")
	f.addSet(c)
	return c
}
