package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios"
)

// environment is what scenarios are checked against.
func environment() (scenarios.Environment, error) {
	r, err := stack.Default()
	return scenarios.Environment{Registry: r, Metric: checkMetric}, err
}

// checkMetric tells whether a metric of that name can be put to a use.
func checkMetric(name, use string) (nearest string, ok bool) {
	u, known := map[string]analysis.Use{
		"value": analysis.UseValue, "series": analysis.UseSeries, "distribution": analysis.UseSamples,
	}[use]
	if !known {
		return "", false
	}
	if analysis.CheckName(name, u) == nil {
		return "", true
	}
	if near := analysis.Nearest(name); analysis.CheckName(near, u) == nil {
		return near, false
	}
	return "", false
}

// loadFlags are the flags of every command that loads a scenario.
type loadFlags struct {
	seed    uint64
	hasSeed func() bool
	assign  []string
}

func (f *loadFlags) add(c *cobra.Command) {
	c.Flags().Uint64Var(&f.seed, "seed", 0, "seed of all chance (default: the scenario's)")
	f.hasSeed = func() bool { return c.Flags().Changed("seed") }
	c.Flags().StringArrayVar(&f.assign, "set", nil, "override a key of the scenario, `key=value` with its unit, for instance nodes.count=100 or duration=30s; repeatable")
}

// load reads the scenario of a name or path, with the overrides.
func (f *loadFlags) load(name string) (*scenarios.Scenario, error) {
	s, err := loadScenario(name)
	if err != nil {
		return nil, err
	}
	var overrides []scenarios.Assignment
	for _, text := range f.assign {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usagef("--set: got %q, want key=value, for instance nodes.count=100", text)
		}
		overrides = append(overrides, scenarios.Assignment{Key: key, Value: value})
	}
	if f.hasSeed() {
		overrides = append(overrides, scenarios.Assignment{Key: "seed", Value: strconv.FormatUint(f.seed, 10)})
	}
	return s, s.Set(overrides...)
}

func loadScenario(path string) (*scenarios.Scenario, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	return scenarios.Load(path, env)
}

// nodesOf is the number of nodes that may ever take part.
func nodesOf(s *scenarios.Scenario) int { return s.Nodes.Count + s.Nodes.Spare }

// scenarioDifferences returns the lines in which the behaviour of two sweeps
// differs; the number of seeds, which may grow, does not count.
func scenarioDifferences(before, after *scenarios.Scenario) ([]string, error) {
	var texts [2]string
	for i, s := range []*scenarios.Scenario{before, after} {
		plain := s.Behaviour()
		plain.Sweep.Seeds = 1
		text, err := plain.Marshal()
		if err != nil {
			return nil, err
		}
		texts[i] = string(text)
	}
	return diffLines(texts[0], texts[1]), nil
}

// readFiles reads the files that a scenario refers to. They are going to stand
// beside the scenario in the result, so that it can be run again; that is why
// they must not lie above it.
func readFiles(s *scenarios.Scenario) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range s.Files() {
		if !filepath.IsAbs(name) && !filepath.IsLocal(name) {
			return nil, usagef("the scenario refers to %s, which lies outside its directory; put it beside the scenario", name)
		}
		content, err := s.ReadFile(name)
		if err != nil {
			return nil, usageError{err}
		}
		files[name] = content
	}
	return files, nil
}

// assignments returns the values by key of a where table, sorted by key.
func assignments(where map[string]any) []analysis.Assignment {
	var out []analysis.Assignment
	for _, key := range slices.Sorted(maps.Keys(where)) {
		out = append(out, analysis.Assignment{Key: key, Value: fmt.Sprint(where[key])})
	}
	return out
}

func plotOf(p scenarios.Plot) analysis.Plot {
	out := analysis.Plot{
		Name: p.Name, Title: p.Title, Kind: p.Kind, Metrics: p.Metrics, X: p.X, By: p.By, LogX: p.LogX, LogY: p.LogY,
		XLabel: p.XLabel, YLabel: p.YLabel, YMin: p.YMin, YMax: p.YMax,
	}
	for _, r := range p.Reference {
		out.References = append(out.References, analysis.Reference{Label: r.Label, Points: r.Points, Y: r.Y})
	}
	return out
}

func tableOf(t scenarios.Table) analysis.TableSpec {
	out := analysis.TableSpec{Name: t.Name, Title: t.Title, Rows: t.Rows}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, analysis.Column{
			Metric: c.Metric, Label: c.Label, RelativeTo: c.RelativeTo, Published: c.Published,
		})
	}
	return out
}

func expectationOf(e scenarios.Expect) analysis.Expectation {
	return analysis.Expectation{
		Metric: e.Metric, Min: e.Min, Max: e.Max, Equal: e.Equal,
		Where: assignments(e.Where), Statistic: e.Statistic, RelativeTo: e.RelativeTo,
	}
}
