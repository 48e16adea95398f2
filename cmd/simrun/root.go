package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what the commands share: where they write, and what they know of.
type app struct {
	stdout, stderr io.Writer
	// onPointStored, if set, is called after each run that a sweep has
	// stored, by the goroutine that ran it. Tests interrupt there.
	onPointStored func()
}

func newApp(stdout, stderr io.Writer) *app {
	return &app{stdout: stdout, stderr: stderr}
}

// main runs one command line and returns the exit status. It prints the error.
func (a *app) main(ctx context.Context, args []string) int {
	err := guard(func() error { return a.execute(ctx, args) })
	report(a.stderr, err, strings.Join(args, " "))
	return exitStatus(err)
}

func (a *app) execute(ctx context.Context, args []string) error {
	started := false
	root := a.command()
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !started {
		return usageError{err} // of the command line itself
	}
	return err
}

// command returns the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "simrun",
		Short: "Run experiments with gossip protocols in a seeded virtual world",
		Long: `Simrun runs experiments with gossip and replication protocols in a virtual world.

A SCENARIO asks a question: which protocol, how many nodes, what network, what
goes wrong, and what is expected to come out. It is a TOML file, or the name of
one that is built in (see "simrun list"). The same scenario and seed give the
same result on every machine, whatever the number of workers; the trace hash
shows it.

Exit status: 0 all expectations hold; 1 the run went through and an expectation
failed; 2 the scenario or the command line is wrong; 3 an internal fault;
130 interrupted.`,
		Example: `  simrun run quickstart
  simrun run quickstart --seed 7 --set nodes.count=200 --out /tmp/q7
  simrun show quickstart > mine.toml && simrun check mine.toml
  simrun sweep swim/dissemination --seeds 5`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(
		newRunCommand(a), newSweepCommand(a),
		newListCommand(a), newShowCommand(a), newCheckCommand(a),
		newPlotCommand(a), newReportCommand(a),
		newMetricsCommand(a), newSchemaCommand(a), newVersionCommand(a),
	)
	root.SetFlagErrorFunc(explainFlag)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// explainFlag adds to what is wrong with a flag the one that was perhaps meant.
func explainFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		names := &cobra.Command{SuggestionsMinimumDistance: 2} // suggests among its subcommands
		c.Flags().VisitAll(func(f *pflag.Flag) {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		})
		if near := names.SuggestionsFor(unknown.GetSpecifiedName()); len(near) > 0 {
			return fmt.Errorf("%w; did you mean --%s?", err, near[0])
		}
	}
	return fmt.Errorf("%w; see simrun %s --help", err, c.Name())
}

// wants returns a check of the number of arguments, which says what they are.
func wants(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("%s: got %s, want %s; for instance:\n\n%s", c.Name(), plural(len(args), "argument"), what, c.Example)
		}
		return nil
	}
}

// printJSON writes v for machines.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
