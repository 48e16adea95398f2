package scenarios_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/starling-sim/starling/scenarios"
)

// mustSchema returns the schema, compiled by an independent validator.
func mustSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := scenarios.Schema(environment(t).Registry)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatalf("the schema is not one: %v", err)
	}
	return compiled
}

// asJSON turns a TOML document into what a validator sees.
func asJSON(t *testing.T, source []byte) any {
	t.Helper()
	var tree map[string]any
	if err := toml.Unmarshal(source, &tree); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchemaAcceptsShippedScenarios(t *testing.T) {
	s := mustSchema(t)
	for _, name := range scenarios.Names() {
		source, err := scenarios.Source(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asJSON(t, source)); err != nil {
			t.Errorf("%s as written: %v", name, err)
		}
		filled, err := mustLoad(t, name).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asJSON(t, filled)); err != nil {
			t.Errorf("%s with defaults: %v", name, err)
		}
	}
}

// What the schema refuses the loader refuses, too.
func TestSchemaRefusesWhatIsWrong(t *testing.T) {
	s := mustSchema(t)
	right := `
name = "x"
duration = "10s"
stack = ["swim"]
nodes = { count = 10 }
network = { loss = { model = "independent", probability = "1%" } }
fault = [{ at = "1s", kind = "loss", share = "10%", probability = "80%" }]
expect = [{ metric = "swim.undetected", max = 0 }]
`
	if err := s.Validate(asJSON(t, []byte(right))); err != nil {
		t.Fatalf("right: %v", err)
	}
	if _, err := scenarios.Parse("right.toml", []byte(right), environment(t)); err != nil {
		t.Fatalf("right: %v", err)
	}
	for _, c := range []struct{ name, old, new string }{
		{"unknown key", "duration =", "duratoin ="},
		{"unknown key in a table", "count = 10", "count = 10, cuont = 11"},
		{"negative duration", `"10s"`, `"-10s"`},
		{"duration without unit", `"10s"`, `"10"`},
		{"probability of 120 %", `"80%"`, `"120%"`},
		{"no nodes", "count = 10", "count = 0"},
		{"unknown protocol", `"swim"`, `"swin"`},
		{"unknown kind of fault", `kind = "loss"`, `kind = "lost"`},
		{"fault without its parameter", `, probability = "80%" }]`, " }]"},
		{"fault with another's parameter", `probability = "80%"`, `probability = "80%", rate = "1Mbit/s"`},
		{"fault of nobody", `share = "10%", `, ""},
		{"fault of two targets", `share = "10%"`, `share = "10%", count = 1`},
		{"model with another's parameter", `"independent", probability`, `"independent", mean_good = "1s", probability`},
		{"expectation of nothing", ", max = 0", ""},
		{"wrong type", "count = 10", `count = "ten"`},
		{"name missing", `name = "x"`, ""},
	} {
		wrong := strings.Replace(right, c.old, c.new, 1)
		if wrong == right {
			t.Fatalf("%s: nothing to replace", c.name)
		}
		if err := s.Validate(asJSON(t, []byte(wrong))); err == nil {
			t.Errorf("%s: the schema accepts it", c.name)
		}
		if _, err := scenarios.Parse("wrong.toml", []byte(wrong), environment(t)); err == nil {
			t.Errorf("%s: the loader accepts it", c.name)
		}
	}
}

func TestSchemaExplainsEveryKey(t *testing.T) {
	text, err := scenarios.Schema(environment(t).Registry)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	explained := 0
	var walk func(path string, s map[string]any)
	walk = func(path string, s map[string]any) {
		if items, ok := s["items"].(map[string]any); ok {
			walk(path+"[]", items)
		}
		properties, _ := s["properties"].(map[string]any)
		for key, p := range properties {
			p := p.(map[string]any)
			if p["description"] == nil {
				t.Errorf("%s.%s has no description", path, key)
			}
			explained++
			walk(path+"."+key, p)
		}
	}
	walk("", doc)
	if explained < 100 {
		t.Errorf("got %d keys, want all", explained)
	}
}
