package scenarios

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/stack"
)

// schema is a JSON Schema or a part of one.
type schema = map[string]any

// Schema returns the JSON Schema (draft 2020-12) of scenarios whose stacks are
// made of the registry's protocols. It is derived from the same tags that files
// are checked by; what depends on several keys at once, such as times beyond the
// end of the run, it does not say.
func Schema(r *stack.Registry) ([]byte, error) {
	root, err := structSchema(reflect.ValueOf(document{Content: defaults()}))
	if err != nil {
		return nil, fmt.Errorf("derive schema: %w", err)
	}
	protocols, err := protocolSchemas(r)
	if err != nil {
		return nil, fmt.Errorf("derive schema: %w", err)
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Starling scenario"
	root["description"] = "An experiment with gossip and replication protocols in a seeded virtual world."
	refine(property(root, "protocol"), protocols)
	refine(property(root, "stack"), schema{"items": schema{"enum": r.Names()}, "minItems": 1, "uniqueItems": true})
	refine(property(root, "sweep"), sweepSchema())
	refine(property(root, "workload", "[]", "command"), schema{"enum": commandNames(r)})
	refine(property(root, "workload", "[]"), schema{"allOf": workloadSchema()})
	refine(property(root, "workload", "[]", "sizes"), schema{"allOf": byModel(sizesKeys)})
	refine(property(root, "fault", "[]"), faultSchema())
	refine(property(root, "network", "latency"), schema{"allOf": byModel(latencyKeys)})
	refine(property(root, "network", "loss"), schema{"allOf": byModel(lossKeys)})
	refine(property(root, "plot", "[]"), plotSchema())
	refine(property(root, "expect", "[]"), schema{"anyOf": requireEach("min", "max", "equal")})
	refine(property(root, "churn"), schema{"oneOf": requireEach("session", "share", "trace")})
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(text, '\n'), nil
}

// property finds the schema of a key, "[]" standing for the items of a list.
func property(s schema, path ...string) schema {
	for _, key := range path {
		if key == "[]" {
			s = s["items"].(schema)
		} else {
			s = s["properties"].(schema)[key].(schema)
		}
	}
	return s
}

func refine(s, more schema) { maps.Copy(s, more) }

// structSchema describes a table; v holds the defaults of its keys.
func structSchema(v reflect.Value) (schema, error) {
	properties := schema{}
	var required []string
	for _, f := range fields(v.Type()) {
		p, err := fieldSchema(f, fieldByKey(v, f.key))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.key, err)
		}
		properties[f.key] = p
		if f.Tag.Get("required") != "" {
			required = append(required, f.key)
		}
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s, nil
}

// fieldByKey returns the value of a field that may be in an embedded struct.
func fieldByKey(v reflect.Value, key string) reflect.Value {
	all := map[string]reflect.Value{}
	fieldValues(v, all)
	return all[key]
}

func fieldSchema(f keyed, v reflect.Value) (schema, error) {
	s, err := valueSchema(v)
	if err != nil {
		return nil, err
	}
	if doc := f.Tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		s["enum"] = strings.Split(enum, ",")
	}
	//starling:exempt maprange each tag sets a keyword of its own
	for tag, keyword := range map[string]string{"min": "minimum", "max": "maximum"} {
		if text := f.Tag.Get(tag); text != "" {
			if s[keyword], err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, err
			}
		}
	}
	if text, ok := defaultOf(v); ok && f.Tag.Get("required") == "" {
		s["default"] = text
	}
	return s, nil
}

// defaultOf returns the value that a key has if it is not written, where that
// is more than nothing at all.
func defaultOf(v reflect.Value) (any, bool) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err == nil && !v.IsZero()
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), true
	case reflect.String, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return v.Interface(), !v.IsZero()
	}
	return nil, false
}

// valueSchema describes a value of a type; v holds the defaults inside.
func valueSchema(v reflect.Value) (schema, error) {
	if s := quantitySchema(v.Interface()); s != nil {
		return s, nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return valueSchema(reflect.New(v.Type().Elem()).Elem())
	case reflect.Struct:
		return structSchema(v)
	case reflect.Slice, reflect.Array:
		items, err := valueSchema(reflect.New(v.Type().Elem()).Elem())
		s := schema{"type": "array", "items": items}
		if v.Kind() == reflect.Array {
			s["minItems"], s["maxItems"] = v.Len(), v.Len()
		}
		return s, err
	case reflect.Map:
		items, err := valueSchema(reflect.New(v.Type().Elem()).Elem())
		return schema{"type": "object", "additionalProperties": items}, err
	case reflect.Interface:
		return schema{"type": []string{"string", "number", "boolean", "array", "object"}}, nil
	case reflect.String:
		return schema{"type": "string"}, nil
	case reflect.Bool:
		return schema{"type": "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}, nil
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return schema{"type": "integer", "minimum": 0}, nil
	case reflect.Float64:
		return schema{"type": "number"}, nil
	}
	return nil, fmt.Errorf("no schema for values of type %v", v.Type())
}

// Patterns of the quantities' text forms.
const (
	number          = `(\d+(\.\d*)?|\.\d+)`
	shareNumber     = `(100(\.0*)?|\d?\d(\.\d*)?|\.\d+)`
	durationPattern = `^(0|(` + number + `(ns|us|µs|μs|ms|s|m|h))+)$`
	sharePattern    = `^\s*(` + shareNumber + `\s*%|0?\.\d+|0(\.0*)?|1(\.0*)?)\s*$`
	sizePattern     = `^\s*` + number + `\s*(GiB|MiB|KiB|GB|MB|kB|KB|B)$`
	bandPattern     = `^\s*` + number + `\s*(Gbit/s|Mbit/s|kbit/s|Kbit/s|bit/s|Gbps|Mbps|kbps|Kbps|bps)$`
	ratePattern     = `^\s*` + number + `\s*/\s*` + number + `?(ns|us|µs|μs|ms|s|m|h)` + `(` + number + `(ns|us|µs|μs|ms|s|m|h))*$`
)

func quantitySchema(v any) schema {
	text := func(pattern string, examples ...string) schema {
		return schema{"type": "string", "pattern": pattern, "examples": examples}
	}
	switch v.(type) {
	case quantity.Duration:
		return text(durationPattern, "250ms", "2m")
	case quantity.Share:
		s := text(sharePattern, "5%", "0.1%")
		s["type"], s["minimum"], s["maximum"] = []string{"string", "number"}, 0, 1
		return s
	case quantity.Size:
		return text(sizePattern, "1400B", "32KiB")
	case quantity.Bandwidth:
		return text(bandPattern, "50Mbit/s")
	case quantity.Rate:
		return text(ratePattern, "2/s", "10/m")
	}
	return nil
}

func protocolSchemas(r *stack.Registry) (schema, error) {
	properties := schema{}
	for _, spec := range specs(r) {
		s, err := valueSchema(reflect.ValueOf(spec.NewConfig()).Elem())
		if err != nil {
			return nil, fmt.Errorf("configuration of %s: %w", spec.Name, err)
		}
		s["description"] = spec.Doc
		properties[spec.Name] = s
	}
	return schema{"properties": properties, "additionalProperties": false}, nil
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
