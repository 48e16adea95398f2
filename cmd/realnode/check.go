package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newCheckCommand(a *app) *cobra.Command {
	var f runFlags
	var filled bool
	c := &cobra.Command{
		Use: "check CONFIG", Short: "Say whether a configuration is right, and if not what is wrong and where",
		Long: "Say whether a configuration is right, and if not what is wrong and where: in it, and in\n" +
			"the files and tickets that it names. It is asked what a start would be asked, and nothing\n" +
			"is sent to anybody: whether seeds answer is not known afterwards.\n\n" +
			"At SIGHUP a running node reads its configuration again. These keys take effect then, all\n" +
			"others at the next start:\n  " + strings.Join(reloadable(), "\n  "),
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
			_, err = fmt.Fprintf(a.stdout, "%s: ok\nA running node takes over at SIGHUP: %s; all else at the next start.\n", args[0], strings.Join(reloadable(), ", "))
			return err
		},
	}
	c.Flags().BoolVar(&filled, "filled", false, "print the configuration with every default filled in")
	f.addSet(c)
	return c
}
