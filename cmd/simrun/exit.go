package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/starling-sim/starling/scenarios"
)

// Exit statuses; the package comment says what they mean.
const (
	exitOK          = 0
	exitExpectation = 1
	exitUsage       = 2
	exitInternal    = 3
	exitInterrupted = 130 // 128 + SIGINT, as shells count it
)

// errExpectation reports that a run went through and its verdict, which has
// been printed, is no.
var errExpectation = errors.New("an expectation failed")

// usageError is a mistake of the user's: the command line, or a path on it.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usagef returns a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// interruptedError reports that the context ended the work, and how to go on.
type interruptedError struct{ hint string }

func (e interruptedError) Error() string { return "interrupted; " + e.hint }

// guard calls do and turns a panic into an error.
func guard(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return do()
}

// exitStatus returns the status an error stands for.
func exitStatus(err error) int {
	var (
		usage       usageError
		scenario    *scenarios.Error
		interrupted interruptedError
		incomplete  *incompleteError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errExpectation):
		return exitExpectation
	case errors.As(err, &usage), errors.As(err, &scenario), errors.As(err, &incomplete):
		return exitUsage
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitInternal
	}
}

// report writes to w what the user should know of err, with which the command
// line ended.
func report(w io.Writer, err error, commandLine string) {
	var processes realRunError
	switch status := exitStatus(err); {
	case status == exitOK, status == exitExpectation: // the verdict said it
	case errors.As(err, &processes):
		fmt.Fprintf(w, "simrun: %v\n", err)
	case status == exitInternal:
		fmt.Fprintf(w, "simrun: internal fault: %v\n\n", err)
		fmt.Fprintf(w, "Unless the machine is to blame (a full disk, say), this is a defect of Starling.\n"+
			"Please report it with the lines above, the scenario if it is your own, and this:\n\n"+
			"  simrun %s\n  version %s\n\n"+
			"The same scenario and seed make it happen again.\n", commandLine, versionLine())
	default:
		fmt.Fprintf(w, "simrun: %s\n", strings.TrimRight(err.Error(), "\n"))
	}
}
