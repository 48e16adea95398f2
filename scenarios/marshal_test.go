package scenarios_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"github.com/starling-sim/starling/scenarios"
)

// testdata/filled shows scenarios and what they are with every default.
func TestFilledIn(t *testing.T) {
	datadriven.Walk(t, "testdata/filled", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return string(mustMarshal(t, mustParseText(t, []byte(d.Input), environment(t))))
		})
	})
}

// What is written with every default reads as the same scenario, and that is
// written the same.
func TestFilledInIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkFilledIn(t, mustParseText(t, []byte(generate(t)), beaconEnvironment(t)), beaconEnvironment(t))
	})
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			s := mustLoad(t, name)
			checkFilledIn(t, s, environment(t))
			points := s.Points()
			for _, i := range []int{0, len(points) / 2, len(points) - 1} {
				checkFilledIn(t, points[i].Scenario, environment(t))
			}
		})
	}
}

// A zero that was written is a decision, and is not lost.
func TestFilledInKeepsZeros(t *testing.T) {
	s := mustParseText(t, []byte(`name = "zeros"
duration = "10s"
stack = ["swim"]
nodes.count = 5
network.latency = { model = "constant", delay = "0s" }
network.loss = { model = "independent", probability = "0%" }

[[fault]]
at = "0s"
kind = "crash"
count = 0

[[fault]]
at = "1s"
kind = "loss"
share = "0%"
probability = "0%"
`), environment(t))
	checkFilledIn(t, s, environment(t))
}

// tester is what testing.TB and rapid.T share.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func checkFilledIn(t tester, s *scenarios.Scenario, env scenarios.Environment) {
	t.Helper()
	text := mustMarshal(t, s)
	again := mustParseText(t, text, env)
	if !reflect.DeepEqual(again.Content, s.Content) {
		t.Errorf("got\n%+v\nwant\n%+v\nfrom\n%s", again.Content, s.Content, text)
	}
	if !reflect.DeepEqual(again.Sweep, s.Sweep) {
		t.Errorf("sweep: got %v, want %v", again.Sweep, s.Sweep)
	}
	if second := mustMarshal(t, again); !bytes.Equal(second, text) {
		t.Errorf("written twice, got\n%s\nthen\n%s", text, second)
	}
}

func mustMarshal(t tester, s *scenarios.Scenario) []byte {
	t.Helper()
	text, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func mustParseText(t tester, source []byte, env scenarios.Environment) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("test.toml", source, env)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, source)
	}
	return s
}

// Whether a file has notes, a question or expectations is no matter of what
// happens.
func TestBehaviourLeavesOutPresentation(t *testing.T) {
	const bare = "name = \"x\"\nduration = \"1s\"\nstack = [\"swim\"]\n[nodes]\ncount = 2\n"
	const shown = "notes = \"Read this.\"\nquestion = \"Why?\"\n" + bare + "[[expect]]\nmetric = \"swim.undetected\"\nequal = 0\n"
	want := mustMarshal(t, mustParseText(t, []byte(bare), environment(t)).Behaviour())
	got := mustMarshal(t, mustParseText(t, []byte(shown), environment(t)).Behaviour())
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
