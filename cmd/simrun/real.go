package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/cmd/simrun/real"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios"
)

// findRealnode returns the path of the program that a real node is: the one that
// was named, or one beside this program, or one in PATH.
func findRealnode(named string) (string, error) {
	if named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", usagef("--realnode: %w", err)
		}
		return filepath.Abs(path)
	}
	name := "realnode"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), name)); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	return "", usagef("there is no realnode beside simrun or in PATH; build it with\n\n  go build -o %s ./cmd/realnode\n\nor say where it is: --realnode PATH", name)
}

// realRunError is what went wrong with processes; the machine may be to blame.
type realRunError struct{ error }

func (e realRunError) Unwrap() error { return e.error }

// warnOfRealTime says if runs are going to take a while.
func warnOfRealTime(w io.Writer, d time.Duration) {
	if d > real.LongRun {
		fmt.Fprintf(w, "simrun: this is going to take %s: with real processes, a second takes a second\n", quantity.Duration(d))
	}
}

// executeReal runs a scenario on real processes.
func executeReal(ctx context.Context, s *scenarios.Scenario, o executeOptions) (*analysis.Summary, []analysis.Series, error) {
	start := time.Now()
	recording, err := real.Run(ctx, s, real.Options{Realnode: o.realnode, Advance: o.advance})
	if errors.Is(err, context.Canceled) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, realRunError{err}
	}
	specs, err := specsOf(s)
	if err != nil {
		return nil, nil, err
	}
	cfg := measuresOf(s, specs)
	cfg.Nodes = len(recording.IDs)
	cfg.NodeID = func(i int) protocol.NodeID { return recording.IDs[i] }
	cfg.NetworkFault = func(fault int) analysis.NetworkFault { return faultOf(recording.NextFault(fault)) }
	collector, err := analysis.NewCollector(cfg)
	if err != nil {
		return nil, nil, err
	}
	records := recording.Records
	last := len(recording.Samples) - 1
	for k, sample := range recording.Samples {
		for len(records) > 0 && (k == last || records[0].Time < int64(sample.Time)) {
			collector.Observe(records[0])
			records = records[1:]
		}
		if k < last { // the last is Finish's
			collector.Sample(sample.Time, sample.Counters)
		}
	}
	end := recording.Samples[last]
	result, err := collector.Finish(end.Time, end.Counters)
	if err != nil {
		return nil, nil, err
	}
	return &analysis.Summary{
		Scenario: s.Name, Seed: s.Seed, Version: version(), Real: true,
		VirtualSeconds: end.Time.Seconds(), WallSeconds: time.Since(start).Seconds(),
		Events: end.Events, PeakRSSBytes: recording.PeakRSSBytes, Nodes: len(recording.IDs),
		Metrics: result.Metrics,
	}, result.Series, nil
}
