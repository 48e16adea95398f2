package scenarios_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios"
)

func environment(t testing.TB) scenarios.Environment {
	t.Helper()
	r, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	return scenarios.Environment{Registry: r}
}

func mustLoad(t testing.TB, name string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Load(name, environment(t))
	if err != nil {
		t.Fatalf("load %s:\n%v", name, err)
	}
	return s
}

func TestShippedScenariosAreComplete(t *testing.T) {
	names := scenarios.Names()
	for _, want := range []string{
		"quickstart", "swim/first-detection", "swim/dissemination", "swim/false-positives", "swim/lifeguard",
		"swim/gray-failure", "swim/partition-heal", "swim/churn", "swim/large", "swim/wan", "swim/memberlist",
	} {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+want+" ") {
			t.Errorf("%s is not built in; there are %v", want, names)
		}
	}
	for _, name := range names {
		s := mustLoad(t, name)
		switch {
		case s.Name != name:
			t.Errorf("%s: its name is %q", name, s.Name)
		case s.Question == "":
			t.Errorf("%s: asks nothing", name)
		case len(s.Plot) == 0 && len(s.Table) == 0:
			t.Errorf("%s: shows nothing", name)
		case len(s.Expect) == 0 && len(s.Table) == 0:
			t.Errorf("%s: neither expects anything nor compares with what is published", name)
		}
	}
}

// Every point of every shipped sweep makes a world, small ones run.
func TestShippedScenariosMakeWorlds(t *testing.T) {
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			points := mustLoad(t, name).Points()
			step := max(len(points)/8, 1)
			for k := 0; k < len(points); k += step {
				s := points[k].Scenario
				if s.Nodes.Count > 1000 {
					continue
				}
				if _, ok := s.Protocol["replica"]; ok { // a data set is as large as it likes
					if err := s.Set(scenarios.Assignment{Key: "protocol.replica.initial_keys", Value: "1000"}); err != nil {
						t.Fatal(err)
					}
				}
				w, err := s.World(scenarios.WorldOptions{Workers: 1})
				if err != nil {
					t.Fatalf("%v: %v", points[k].Assignments, err)
				}
				// Some are still until a workload begins.
				silent := true
				for until := 2 * time.Second; silent; until *= 2 {
					if err := w.Run(context.Background(), min(s.Duration.Std(), until)); err != nil {
						t.Fatalf("%v: %v", points[k].Assignments, err)
					}
					c := w.Counters()
					silent = c.SentDatagrams+c.SentStream == 0
					if silent && until >= s.Duration.Std() {
						t.Fatalf("%v: nobody says anything", points[k].Assignments)
					}
				}
			}
		})
	}
}
