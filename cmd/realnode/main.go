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
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

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
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRunCommand(a), newCheckCommand(a), newKeygenCommand(a), newTicketCommand(a), newDemoCommand(a),
		newStatusCommand(a), newMembersCommand(a), newViewCommand(a), newBroadcastCommand(a), newWatchCommand(a),
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
	case errors.Is(err, context.Canceled):
		return exitFault
	}
	fmt.Fprintln(stderr, "realnode:", err)
	return exitFault
}
