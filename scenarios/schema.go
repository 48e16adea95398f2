package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
)

// schema is a JSON Schema or a part of one.
type schema = document.Schema

// Schema returns the JSON Schema (draft 2020-12) of scenarios whose stacks are
// made of the registry's protocols. It is derived from the same tags that files
// are checked by; what depends on several keys at once, such as times beyond the
// end of the run, it does not say.
func Schema(r *stack.Registry) ([]byte, error) {
	root, err := document.StructSchema(fileContent{Content: defaults()})
	if err != nil {
		return nil, fmt.Errorf("derive schema: %w", err)
	}
	protocols, err := document.ProtocolSchemas(r)
	if err != nil {
		return nil, fmt.Errorf("derive schema: %w", err)
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Starling scenario"
	root["description"] = "An experiment with gossip and replication protocols in a seeded virtual world."
	document.Refine(document.Property(root, "protocol"), protocols)
	document.Refine(document.Property(root, "stack"), document.StackSchema(r))
	document.Refine(document.Property(root, "sweep"), sweepSchema())
	document.Refine(document.Property(root, "workload", "[]", "command"), schema{"enum": commandNames(r)})
	document.Refine(document.Property(root, "workload", "[]"), schema{"allOf": workloadSchema()})
	document.Refine(document.Property(root, "workload", "[]", "sizes"), schema{"allOf": byModel(sizesKeys)})
	document.Refine(document.Property(root, "workload", "[]", "keys"), schema{"allOf": byModel(keysKeys)})
	document.Refine(document.Property(root, "fault", "[]"), faultSchema())
	document.Refine(document.Property(root, "network", "latency"), schema{"allOf": byModel(latencyKeys)})
	document.Refine(document.Property(root, "network", "loss"), schema{"allOf": byModel(lossKeys)})
	document.Refine(document.Property(root, "plot", "[]"), plotSchema())
	document.Refine(document.Property(root, "expect", "[]"), schema{"anyOf": requireEach("min", "max", "equal")})
	document.Refine(document.Property(root, "churn"), schema{"oneOf": requireEach("session", "share", "trace")})
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(text, '\n'), nil
}

func specs(r *stack.Registry) []protocol.Spec {
	var all []protocol.Spec
	for _, name := range r.Names() {
		if spec, ok := r.Lookup(name); ok {
			all = append(all, spec)
		}
	}
	return all
}

func commandNames(r *stack.Registry) []string {
	names := []string{} // an enumeration may be empty, not null
	for _, spec := range specs(r) {
		for _, c := range spec.Commands {
			names = append(names, c.Name)
		}
	}
	return names
}

func sweepSchema() schema {
	return schema{
		"description": "what is varied: every value of every key with every other",
		"properties": schema{
			"seeds": schema{"type": "integer", "minimum": 1, "maximum": maxRuns, "default": 1, "description": "runs of each point, with the seeds seed, seed+1, ..."},
		},
		"additionalProperties": schema{"type": "array", "minItems": 1, "description": "values of the key of this dotted path"},
	}
}

// when says what holds if a key has a value.
func when(key, value string, then schema) schema {
	return schema{
		"if":   schema{"properties": schema{key: schema{"const": value}}, "required": []string{key}},
		"then": then,
	}
}

// byModel restricts the keys of a table by what its key model says.
func byModel(keys map[string][]string) []any {
	var all []any
	for _, model := range slices.Sorted(maps.Keys(keys)) {
		all = append(all, when("model", model, schema{"propertyNames": schema{"enum": keys[model]}}))
	}
	return all
}

func requireEach(keys ...string) []any {
	var all []any
	for _, key := range keys {
		all = append(all, schema{"required": []string{key}})
	}
	return all
}

// plotSchema says what a plot needs by its kind.
func plotSchema() schema {
	picture := schema{"propertyNames": schema{"enum": pictureKeys}}
	return schema{"allOf": []any{
		when("kind", "series", schema{"required": []string{"metrics"}}),
		when("kind", "sweep", schema{"required": []string{"metrics", "x"}}),
		when("kind", "distribution", schema{"required": []string{"metrics"}}),
		when("kind", "overlay", picture),
		when("kind", "tree", picture),
	}}
}

// workloadSchema says which keys of a workload exclude each other.
func workloadSchema() []any {
	var all []any
	for _, pair := range workloadRivals {
		all = append(all, schema{"not": schema{"required": pair[:]}})
	}
	return all
}

// faultSchema restricts the keys of a fault by its kind.
func faultSchema() schema {
	var all []any
	for _, kind := range slices.Sorted(maps.Keys(faultKeys)) {
		keys := slices.Concat([]string{"at", "kind", "every", "times"}, targetKeys, faultKeys[kind])
		then := schema{"propertyNames": schema{"enum": keys}}
		if needs := faultNeeds[kind]; len(needs) > 0 {
			then["required"] = needs
		}
		all = append(all, when("kind", kind, then))
	}
	return schema{"allOf": all, "oneOf": requireEach(targetKeys...)}
}
