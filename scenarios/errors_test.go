package scenarios

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/scenarios/document"
)

// mustEnvironment is SWIM, commands about keys, and a handful of metrics.
func mustEnvironment(t testing.TB) Environment {
	t.Helper()
	r, err := stack.NewRegistry(swim.Spec(), shelfSpec())
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string][]string{
		"value":        {"swim.false_positives", "swim.detect_first_s.mean"},
		"series":       {"swim.known_dead_share", "net.message_rate"},
		"distribution": {"swim.detect_first_s"},
	}
	return Environment{Registry: r, Metric: func(name, use string) (string, bool) {
		if slices.Contains(metrics[use], name) {
			return "", true
		}
		return document.Nearest(name, metrics[use]), false
	}}
}

type shelf struct{}

func (shelf) Start(protocol.Env)                                      {}
func (shelf) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (shelf) Timer(protocol.Env, protocol.Timer)                      {}

// shelfSpec has commands and does nothing.
func shelfSpec() protocol.Spec {
	return protocol.Spec{
		Name: "shelf", Number: 201, Doc: "commands",
		NewConfig: func() any { return &struct{}{} },
		NewBuilder: func(any) protocol.Builder {
			return func([]protocol.Protocol) (protocol.Protocol, error) { return shelf{}, nil }
		},
		Commands: []protocol.CommandSpec{
			{Kind: 201<<8 | 1, Name: "shelf.put", Key: true}, {Kind: 201<<8 | 2, Name: "shelf.get", Key: true}, {Kind: 201<<8 | 3, Name: "shelf.sweep"},
		},
	}
}

// settable is what testdata/errors/set overrides.
const settable = `name = "settable"
duration = "60s"
stack = ["swim"]
nodes.count = 10

[[fault]]
at = "1s"
kind = "crash"
share = "10%"
`

// TestErrors goes through testdata/errors: a wrong scenario, what is said of
// it. "go test -run TestErrors -rewrite" writes what is said now.
func TestErrors(t *testing.T) {
	env := mustEnvironment(t)
	datadriven.Walk(t, "testdata/errors", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var err error
			switch d.Cmd {
			case "check":
				_, err = Parse("wrong.toml", []byte(d.Input), env)
			case "set":
				key, value, _ := strings.Cut(d.Input, "=")
				s := mustParse(t, settable, env)
				err = s.Set(Assignment{key, value})
			default:
				d.Fatalf(t, "unknown directive %q", d.Cmd)
			}
			if err == nil {
				return "no error\n"
			}
			var wrong *Error
			if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
				t.Errorf("%s: got error %T (%v), want *Error with problems", d.Pos, err, err)
			}
			return err.Error() + "\n"
		})
	})
}

func mustParse(t testing.TB, source string, env Environment) *Scenario {
	t.Helper()
	s, err := Parse("test.toml", []byte(source), env)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, source)
	}
	return s
}
