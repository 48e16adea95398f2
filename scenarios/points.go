package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/scenarios/document"
)

// Assignment is a key with a value, as text.
type Assignment struct{ Key, Value string }

// Point is one run of a sweep.
type Point struct {
	// Scenario is the concrete scenario: without sweep and variants, and
	// without the plots, tables and expectations that are about several
	// points or seeds.
	Scenario *Scenario
	// Assignments are the values that make it what it is, in the order of the
	// axes, then the variant. The seed is in Scenario.Seed.
	Assignments []Assignment
}

// Points returns all runs of the sweep: each combination of the axes' values
// and the variants with each seed. The last axis varies fastest, then variants,
// then seeds. A scenario without a sweep is one point.
func (s *Scenario) Points() []Point {
	variants := s.Variant
	if len(variants) == 0 {
		variants = []Variant{{}}
	}
	var points []Point
	choice := make([]int, len(s.Sweep.Axes))
	for {
		for _, v := range variants {
			points = append(points, s.seeds(choice, v)...)
		}
		if !s.nextChoice(choice) {
			return points
		}
	}
}

// nextChoice counts up, the last axis fastest; false after the last.
func (s *Scenario) nextChoice(choice []int) bool {
	for i := len(choice) - 1; i >= 0; i-- {
		if choice[i]++; choice[i] < len(s.Sweep.Axes[i].Values) {
			return true
		}
		choice[i] = 0
	}
	return false
}

func (s *Scenario) seeds(choice []int, v Variant) []Point {
	overrides := flatten(v.Set)
	var assigned []Assignment
	for i, a := range s.Sweep.Axes {
		value := a.Values[choice[i]]
		overrides[a.Key] = value
		assigned = append(assigned, Assignment{a.Key, document.ValueText(value)})
	}
	if v.Name != "" {
		assigned = append(assigned, Assignment{variantKey, v.Name})
	}
	concrete, problems := s.with(overrides)
	if len(problems) > 0 {
		// Each value was checked by itself; that two do not go together shows
		// when the world is built.
		concrete = s.broken(document.AsError(problems, nil))
	}
	concrete.alone(assigned)
	var points []Point
	for k := range s.Sweep.Seeds {
		one := *concrete
		one.Seed = s.Seed + uint64(k)
		points = append(points, Point{Scenario: &one, Assignments: assigned})
	}
	return points
}

// alone makes a scenario under assignments one that can stand for itself:
// without a sweep and without what only a sweep can show or answer.
func (s *Scenario) alone(assigned []Assignment) {
	value := map[string]string{}
	for _, a := range assigned {
		value[a.Key] = a.Value
	}
	concerns := func(where map[string]any) bool {
		//starling:exempt maprange whether all entries agree
		for key, v := range where {
			if value[key] != document.ValueText(v) {
				return false
			}
		}
		return true
	}
	var plots []Plot
	for _, p := range s.Plot {
		if p.Kind != "sweep" && concerns(p.Where) {
			p.By, p.Where = "", nil
			plots = append(plots, p)
		}
	}
	var expect []Expect
	for _, e := range s.Expect {
		if e.Statistic == "every" && e.RelativeTo == "" && concerns(e.Where) {
			e.Where = nil
			expect = append(expect, e)
		}
	}
	s.Plot, s.Expect, s.Table, s.Variant, s.Sweep = plots, expect, nil, nil, Sweep{Seeds: 1}
	tree := maps.Clone(s.tree)
	for _, key := range resultTables {
		delete(tree, key)
	}
	s.tree = tree
	s.standAlone()
}

// broken returns a copy of s that cannot be run, for the reason given.
func (s *Scenario) broken(why error) *Scenario {
	out := *s
	out.wrong = why
	return &out
}

// Set overrides keys, all at once: what they make together is checked. A key is
// a dotted path (numbers are indices of lists: "fault.0.share"), a value is TOML,
// whose quotes can be left out. Of one key the last value counts. The error is
// an *Error.
func (s *Scenario) Set(values ...Assignment) error {
	overrides := map[string]any{}
	for _, a := range values {
		overrides[a.Key] = document.ParseValue(a.Value)
	}
	changed, problems := s.with(overrides)
	for i := range problems {
		problems[i].File, problems[i].Line = "--set", 0
	}
	if err := document.AsError(problems, nil); err != nil {
		return err
	}
	*s = *changed
	return nil
}

// with returns the scenario under overrides by dotted path, and what is wrong
// with it then.
func (s *Scenario) with(overrides map[string]any) (*Scenario, []Problem) {
	tree := document.CloneTree(s.tree).(map[string]any)
	keys := make([]string, 0, len(overrides))
	for key := range overrides {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := document.Assign(tree, key, overrides[key]); err != nil {
			return nil, []Problem{{Key: key, Message: err.Error()}}
		}
	}
	touched := false
	for _, key := range keys {
		top, _, _ := strings.Cut(key, ".")
		touched = touched || slices.Contains(resultTables, top)
	}
	if touched {
		return s.decodeTree(tree, tree)
	}
	// How runs are varied and judged has not changed: do not check it again for
	// each point.
	plain := make(map[string]any, len(tree))
	for key, value := range tree {
		if !slices.Contains(resultTables, key) {
			plain[key] = value
		}
	}
	out, problems := s.decodeTree(plain, tree)
	if len(problems) == 0 {
		out.Plot, out.Table, out.Expect, out.Variant, out.Sweep = s.Plot, s.Table, s.Expect, s.Variant, s.Sweep
	}
	return out, problems
}

// resultTables are the tables that have no bearing on a single run.
var resultTables = []string{"sweep", "variant", "plot", "table", "expect"}

// decodeTree decodes and checks a tree; the scenario keeps whole as its source.
func (s *Scenario) decodeTree(tree, whole map[string]any) (*Scenario, []Problem) {
	text, err := toml.Marshal(tree)
	if err != nil {
		return nil, []Problem{{Message: fmt.Sprintf("write overridden scenario: %v", err)}}
	}
	d := &decoding{Document: document.Derived(text), stacked: slices.Concat(s.Stack, s.otherStacks())}
	out := &Scenario{env: s.env, file: s.file}
	if d.into(out) {
		d.check(out)
	}
	out.tree = whole
	return out, d.Problems()
}

// flatten turns nested tables into dotted paths.
func flatten(table map[string]any) map[string]any {
	out := map[string]any{}
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if sub, ok := table[key].(map[string]any); ok {
			//starling:exempt maprange sets the entry of each path
			for path, value := range flatten(sub) {
				out[key+"."+path] = value
			}
			continue
		}
		out[key] = table[key]
	}
	return out
}
