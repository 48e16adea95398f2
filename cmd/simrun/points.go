package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/cmd/simrun/real"
	"github.com/starling-sim/starling/scenarios"
)

// point is one run of a sweep.
type point struct {
	scenario *scenarios.Scenario // concrete: without a sweep
	files    map[string][]byte   // those it refers to, by name
	assign   []analysis.Assignment
	// key names the run on disk: it is the hash of everything in the scenario
	// that has a bearing on what happens.
	key string
}

// runsOf is the number of runs of a sweep, 1 without.
func runsOf(s *scenarios.Scenario) int {
	n := s.Sweep.Seeds * max(len(s.Variant), 1)
	for _, a := range s.Sweep.Axes {
		n *= len(a.Values)
	}
	return n
}

// pointsOf returns all runs of a sweep. The error says what is wrong with one
// that cannot be run.
func pointsOf(s *scenarios.Scenario) ([]point, error) {
	var points []point
	for _, p := range s.Points() {
		out := point{scenario: p.Scenario}
		for _, a := range p.Assignments {
			out.assign = append(out.assign, analysis.Assignment{Key: a.Key, Value: a.Value})
		}
		err := p.Scenario.Err()
		if err == nil && p.Scenario.Real() {
			err = real.Check(p.Scenario)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", out, err)
		}
		if out.files, err = readFiles(p.Scenario); err != nil {
			return nil, err
		}
		if out.key, err = keyOf(out.scenario, out.files); err != nil {
			return nil, err
		}
		points = append(points, out)
	}
	return points, nil
}

func keyOf(s *scenarios.Scenario, files map[string][]byte) (string, error) {
	text, err := s.Behaviour().Marshal()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%d\n%s", len(text), text)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(hash, "%q %d\n%s", name, len(files[name]), files[name])
	}
	return hex.EncodeToString(hash.Sum(nil)[:12]), nil
}

// real reports whether the run is one of real processes.
func (p point) real() bool { return p.scenario.Real() }

// work is how much there is to do, in nodes times microseconds of virtual
// time.
func (p point) work() int64 {
	return int64(nodesOf(p.scenario)) * p.scenario.Duration.Std().Microseconds()
}

// String names the run for people.
func (p point) String() string {
	text := p.scenario.Name
	for _, a := range p.assign {
		text += fmt.Sprintf(" %s=%s", a.Key, a.Value)
	}
	return fmt.Sprintf("%s seed=%d", text, p.scenario.Seed)
}
