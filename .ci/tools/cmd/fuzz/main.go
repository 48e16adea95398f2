// Fuzz runs every fuzz target of the module for an equal share of some minutes:
//
//	fuzz [-log FILE] MODULE MINUTES [PACKAGE...]
//
// With 0 minutes it only copies what earlier runs found to be of interest to
// testdata/fuzz, as every run does at its end. It ends with status 1 if
// something was found.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/starling-sim/starling/tools/fuzz"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log := flag.String("log", "", "`FILE` for what the fuzzer says")
	flag.Parse()
	if err := run(ctx, *log, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

var errFound = errors.New("there are findings")

func run(ctx context.Context, logFile string, args []string) error {
	if len(args) < 2 {
		return errors.New("want MODULE MINUTES [PACKAGE...]")
	}
	module, patterns := args[0], args[2:]
	minutes, err := strconv.ParseFloat(args[1], 64)
	if err != nil || minutes < 0 {
		return fmt.Errorf("got %q minutes, want a number", args[1])
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	targets, err := fuzz.Targets(ctx, module, patterns)
	if err != nil {
		return err
	}
	c := &fuzz.Campaign{Log: io.Discard}
	if logFile != "" {
		f, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		c.Log = f
	}
	if c.Cache, err = fuzz.Cache(ctx); err != nil {
		return err
	}
	if c.Binaries, err = os.MkdirTemp("", "fuzz"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Binaries)
	var failed error
	if minutes > 0 {
		share := time.Duration(minutes * float64(time.Minute) / float64(max(len(targets), 1))).Round(time.Second)
		failed = campaign(ctx, c, targets, max(share, time.Second))
	}
	if ctx.Err() != nil {
		return errors.Join(failed, ctx.Err())
	}
	return errors.Join(failed, keep(ctx, c, targets))
}

func campaign(ctx context.Context, c *fuzz.Campaign, targets []fuzz.Target, share time.Duration) error {
	fmt.Printf("%d targets for %v each\n", len(targets), share)
	if err := c.Build(ctx, targets, true); err != nil {
		return err
	}
	var failed error
	for _, t := range targets {
		if ctx.Err() != nil {
			break
		}
		o := c.Run(ctx, t, share)
		fmt.Println(o)
		if o.Failed() {
			failed = errFound
		}
	}
	return failed
}
