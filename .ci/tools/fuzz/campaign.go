package fuzz

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Campaign is a run of targets.
type Campaign struct {
	// Cache is go's cache of fuzzing, $GOCACHE/fuzz.
	Cache string
	// Binaries is a directory for test binaries.
	Binaries string
	// Log gets what the fuzzer says.
	Log io.Writer
}

// Cache is where go test keeps what the fuzzer found to be of interest.
func Cache(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("find go's cache: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "fuzz"), nil
}

func (c *Campaign) binary(t Target) string {
	return filepath.Join(c.Binaries, strings.ReplaceAll(t.Package, "/", "_")+".test")
}

// interesting is the directory of what was found to be of interest.
func (c *Campaign) interesting(t Target) string { return filepath.Join(c.Cache, t.Package, t.Name) }

// Build builds the test binaries of targets. Instrumented says that they are for
// fuzzing; those for Keep measure the coverage of statements instead.
func (c *Campaign) Build(ctx context.Context, targets []Target, instrumented bool) error {
	built := map[string]bool{}
	for _, t := range targets {
		if built[t.Package] {
			continue
		}
		built[t.Package] = true
		how := "-fuzz=^Fuzz"
		if !instrumented {
			how = "-coverpkg=" + t.Module + "/..."
		}
		cmd := exec.CommandContext(ctx, "go", "test", "-c", how, "-o", c.binary(t), ".")
		cmd.Dir = t.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the tests of %s: %w\n%s", t.Package, err, out)
		}
	}
	return nil
}

// minimise bounds the runs that are spent on making one input smaller.
const minimise = "200x"

// Run fuzzes a target for a while, with one worker.
func (c *Campaign) Run(ctx context.Context, t Target, during time.Duration) Outcome {
	before := names(t.Seeds())
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, c.binary(t), "-test.short", "-test.run=^$", "-test.fuzz=^"+t.Name+"$", "-test.fuzztime="+during.String(),
		"-test.fuzzminimizetime="+minimise, "-test.fuzzcachedir="+filepath.Dir(c.interesting(t)), "-test.parallel=1")
	cmd.Dir = t.Dir
	cmd.Stdout = io.MultiWriter(c.Log, &out)
	cmd.Stderr = cmd.Stdout
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	o := outcome(t, out.String(), err)
	if o.Err == nil {
		return o
	}
	for name := range names(t.Seeds()) {
		if !before[name] {
			o.Findings = append(o.Findings, filepath.Join(t.Seeds(), name))
		}
	}
	return o
}

// names are those of the files in a directory; none if there is no directory.
func names(dir string) map[string]bool {
	entries, _ := os.ReadDir(dir)
	out := make(map[string]bool, len(entries))
	for _, e := range entries {
		out[e.Name()] = true
	}
	return out
}

// number reads the digits after a word.
func number(line, after string) uint64 {
	_, rest, _ := strings.Cut(line, after)
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseUint(rest[:end], 10, 64) // 0 if the fuzzer did not come so far
	return n
}
