package scenarios_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/starling-sim/starling/scenarios"
)

const swept = `name = "swept"
seed = 5
duration = "30s"
stack = ["swim"]
nodes.count = 10

[[fault]]
at = "10s"
kind = "crash"
count = 1

[[variant]]
name = "plain"
set = { "protocol.swim.local_health" = false }

[[variant]]
name = "health"
set = {}

[sweep]
"nodes.count" = [10, 20]
"fault.0.count" = [0, 1, 2]
seeds = 2
`

func TestPointsStandInOrder(t *testing.T) {
	s := mustParseText(t, []byte(swept), environment(t))
	var got []string
	for _, p := range s.Points() {
		var b strings.Builder
		for _, a := range p.Assignments {
			fmt.Fprintf(&b, "%s=%s ", a.Key, a.Value)
		}
		fmt.Fprintf(&b, "seed=%d", p.Scenario.Seed)
		got = append(got, b.String())
	}
	// Axes in the order of their keys, the last fastest; then variants; then seeds.
	want := []string{
		"fault.0.count=0 nodes.count=10 variant=plain seed=5",
		"fault.0.count=0 nodes.count=10 variant=plain seed=6",
		"fault.0.count=0 nodes.count=10 variant=health seed=5",
	}
	if len(got) != 3*2*2*2 || !reflect.DeepEqual(got[:3], want) {
		t.Errorf("got %d points\n%s\nwant 24, first\n%s", len(got), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A point is the scenario with its assignments made by hand.
func TestPointsAreWhatOverridesMake(t *testing.T) {
	for _, p := range mustParseText(t, []byte(swept), environment(t)).Points() {
		s := mustParseText(t, []byte(swept[:strings.Index(swept, "[[variant]]")]), environment(t))
		for _, a := range p.Assignments {
			key, value := a.Key, a.Value
			if key == "variant" {
				key, value = "protocol.swim.local_health", fmt.Sprint(value == "health")
			}
			if err := s.Set(scenarios.Assignment{key, value}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Set(scenarios.Assignment{"seed", fmt.Sprint(p.Scenario.Seed)}); err != nil {
			t.Fatal(err)
		}
		if got, want := mustMarshal(t, p.Scenario), mustMarshal(t, s); !bytes.Equal(got, want) {
			t.Errorf("%v: got\n%s\nwant\n%s", p.Assignments, got, want)
		}
	}
}

func TestScenarioWithoutSweepIsOnePoint(t *testing.T) {
	s := mustParseText(t, []byte(swept[:strings.Index(swept, "[[variant]]")]), environment(t))
	points := s.Points()
	if len(points) != 1 || len(points[0].Assignments) != 0 || !bytes.Equal(mustMarshal(t, points[0].Scenario), mustMarshal(t, s)) {
		t.Errorf("got %d points, the first %+v", len(points), points[0])
	}
}

// Each value fits, but not with each other: the point says so, the others run.
func TestPointsWhoseValuesDoNotGoTogether(t *testing.T) {
	s := mustParseText(t, []byte(`name = "clash"
duration = "30s"
stack = ["swim"]
nodes.count = 10
protocol.swim.probe_interval = "4s"

[sweep]
"protocol.swim.probe_interval" = ["1s", "4s"]
"protocol.swim.probe_timeout" = ["500ms", "2s"]
`), environment(t))
	var broken []int
	for i, p := range s.Points() {
		_, err := p.Scenario.World(scenarios.WorldOptions{})
		if (err == nil) != (p.Scenario.Err() == nil) {
			t.Errorf("point %d: the world says %v, the scenario %v", i, err, p.Scenario.Err())
		}
		if err == nil {
			continue
		}
		broken = append(broken, i)
		if !strings.Contains(err.Error(), "protocol.swim.probe_timeout: got 2s, want less than probe_interval (1s)") {
			t.Errorf("point %d: got %v", i, err)
		}
	}
	if want := []int{1}; !reflect.DeepEqual(broken, want) {
		t.Errorf("got points %v broken, want %v", broken, want)
	}
}

// An override is what writing it in the file would be.
func TestSetIsAsWritten(t *testing.T) {
	base := swept[:strings.Index(swept, "[[fault]]")]
	for _, c := range []struct{ key, value, line string }{
		{"nodes.spare", "3", `nodes.spare = 3`},
		{"wire", "encode", `wire = "encode"`},
		{"wire", `"encode"`, `wire = "encode"`},
		{"network.loss.model", "independent", ""},
		{"protocol.swim.probe_interval", "2s", `protocol.swim.probe_interval = "2s"`},
		{"protocol.swim.local_health", "false", `protocol.swim.local_health = false`},
		{"network.loss", `{ model = "independent", probability = "5%" }`, `network.loss = { model = "independent", probability = "5%" }`},
		{"stack", `["swim"]`, ``},
	} {
		s := mustParseText(t, []byte(base), environment(t))
		before := mustMarshal(t, s)
		err := s.Set(scenarios.Assignment{c.key, c.value})
		if c.key == "network.loss.model" {
			// The model alone lacks its probability: nothing changes.
			var wrong *scenarios.Error
			if !errors.As(err, &wrong) || !bytes.Equal(mustMarshal(t, s), before) {
				t.Errorf("%s: got %v, want an *Error and the scenario as it was", c.key, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s=%s: %v", c.key, c.value, err)
			continue
		}
		if got, want := mustMarshal(t, s), mustMarshal(t, mustParseText(t, []byte(base+c.line+"\n"), environment(t))); !bytes.Equal(got, want) {
			t.Errorf("%s=%s: got\n%s\nwant\n%s", c.key, c.value, got, want)
		}
	}
}

func TestSetReachesIntoLists(t *testing.T) {
	s := mustParseText(t, []byte(swept), environment(t))
	for key, value := range map[string]string{"fault.0.count": "3", "sweep.seeds": "7", "variant.1.name": "ours"} {
		if err := s.Set(scenarios.Assignment{key, value}); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if s.Fault[0].Count != 3 || s.Sweep.Seeds != 7 || s.Variant[1].Name != "ours" || len(s.Points()) != 3*2*2*7 {
		t.Errorf("got %+v, sweep %+v, variants %+v", s.Fault[0], s.Sweep, s.Variant)
	}
}

// What is about several points is not asked of one.
func TestPointsStandForThemselves(t *testing.T) {
	s := mustParseText(t, []byte(strings.Replace(swept, "[sweep]", `[[plot]]
name = "curve"
kind = "sweep"
metrics = ["swim.false_positives"]
x = "nodes.count"

[[plot]]
name = "time"
kind = "series"
metrics = ["net.message_rate"]
by = "variant"
where = { "nodes.count" = 20 }

[[expect]]
metric = "swim.false_positives"
max = 0
where = { variant = "health" }

[[expect]]
metric = "swim.detect_first_s.mean"
max = 2
statistic = "mean"

[sweep]`, 1)), environment(t))
	for _, p := range s.Points() {
		large, health := p.Assignments[1].Value == "20", p.Assignments[2].Value == "health"
		again := mustParseText(t, mustMarshal(t, p.Scenario), environment(t))
		if got := len(again.Plot) == 1; got != large {
			t.Errorf("%v: got plots %+v", p.Assignments, again.Plot)
		}
		if got := len(again.Expect) == 1; got != health {
			t.Errorf("%v: got expectations %+v", p.Assignments, again.Expect)
		}
	}
}

// Overrides that only make sense together are taken together.
func TestSetChecksTheWhole(t *testing.T) {
	s := mustParseText(t, []byte(swept), environment(t))
	longer := []scenarios.Assignment{{Key: "fault.0.at", Value: "1h"}, {Key: "duration", Value: "2h"}}
	if err := s.Set(longer[0]); err == nil {
		t.Error("a fault after the end was taken")
	}
	if err := s.Set(longer...); err != nil {
		t.Error(err)
	}
}
