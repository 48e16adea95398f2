// Command realnode runs a node: the same protocol code as in the simulator, on
// real sockets, a real clock and a real disk.
//
// A node is the runtime of package node over package transport, on the host's
// sockets or inside the tunnel of package tunnel; package admin is how one looks at it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		// A second signal ends the process at once, but it has to be a second
		// one: some send a signal to a process and then to its group.
		time.Sleep(secondSignal)
		stop()
	})
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// secondSignal is the least time between two signals that count as two.
const secondSignal = 500 * time.Millisecond

// Exit statuses.
const (
	exitOK    = 0
	exitFault = 1 // the node or the other side failed
	exitUsage = 2 // the command line or the configuration is wrong
)

// app is what commands talk through.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// usageError is what the user can put right.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "realnode",
		Short: "Run a Starling node, look at it, tell it what to do",
		Long: `Run a node: the protocols of the simulator on real UDP and TCP, plain on
loopback or inside WireGuard without root.

Three nodes on one machine, in three terminals; what is typed in one appears in
the others:

  realnode run --listen 127.0.0.1:7001
  realnode run --listen 127.0.0.1:7002 --join 127.0.0.1:7001
  realnode run --listen 127.0.0.1:7003 --join 127.0.0.1:7001`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var names []string
		for _, c := range root.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		return usagef("unknown command %q (valid: %s)", args[0], strings.Join(names, ", "))
	}
	root.RunE = func(*cobra.Command, []string) error { return root.Help() }
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRunCommand(a), newCheckCommand(a), newKeygenCommand(a), newTicketCommand(a), newDemoCommand(a),
		newStatusCommand(a), newMembersCommand(a), newViewCommand(a), newBroadcastCommand(a), newWatchCommand(a),
		newPutCommand(a), newGetCommand(a), newDeleteCommand(a), newKeysCommand(a), newIncrementCommand(a), newAddCommand(a), newRemoveCommand(a),
		newLeaveCommand(a), newVersionCommand(a),
	)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), unknownCommand(err):
		fmt.Fprintln(stderr, "realnode:", err)
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return exitFault // who interrupted it knows why
	}
	fmt.Fprintln(stderr, "realnode:", err)
	return exitFault
}
