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

// panicError is a panic that was caught, with what was being done then.
type panicError struct {
	doing string // for instance "run swim/churn --seed 7"
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("%s: panic: %v", e.doing, e.value) }

// guard calls do and turns a panic into a *panicError.
func guard(doing string, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{doing: doing, value: v, stack: debug.Stack()}
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
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errExpectation):
		return exitExpectation
	case errors.As(err, &usage), errors.As(err, &scenario):
		return exitUsage
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitInternal
	}
}

// report writes to w what the user should know of err.
func report(w io.Writer, err error) {
	var panicked *panicError
	switch status := exitStatus(err); {
	case status == exitOK, status == exitExpectation: // the verdict says it
	case errors.As(err, &panicked):
		fmt.Fprintf(w, "simrun: internal fault: %v\n\n%s\n", err, panicked.stack)
		fmt.Fprintf(w, "This is a defect of Starling. Please report it with the lines above, the version\n"+
			"(%s) and the scenario; the seed makes it happen again:\n\n  simrun %s\n", versionLine(), panicked.doing)
	case status == exitInternal:
		fmt.Fprintf(w, "simrun: internal fault: %v\n", err)
	default:
		message := err.Error()
		if strings.Contains(message, "\n") {
			fmt.Fprintf(w, "simrun: %s\n", strings.TrimRight(message, "\n"))
			return
		}
		fmt.Fprintf(w, "simrun: %s\n", message)
	}
}
