package document

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/starling-sim/starling/protocol/quantity"
)

// Schema is a JSON Schema (draft 2020-12) or a part of one.
type Schema = map[string]any

// StructSchema describes the documents that decode into a struct, which holds
// the defaults of its keys.
func StructSchema(content any) (Schema, error) {
	return structSchema(reflect.Indirect(reflect.ValueOf(content)))
}

// Property finds the schema of a key, "[]" standing for the items of a list.
func Property(s Schema, path ...string) Schema {
	for _, key := range path {
		if key == "[]" {
			s = s["items"].(Schema)
		} else {
			s = s["properties"].(Schema)[key].(Schema)
		}
	}
	return s
}

// Refine adds keywords to a schema; of those that it has, it gets the new ones.
func Refine(s, more Schema) { maps.Copy(s, more) }

// structSchema describes a table; v holds the defaults of its keys.
func structSchema(v reflect.Value) (Schema, error) {
	properties := Schema{}
	var required []string
	for _, f := range Fields(v.Type()) {
		p, err := fieldSchema(f, v.FieldByIndex(f.Index))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
		properties[f.Key] = p
		if f.Tag.Get("required") != "" {
			required = append(required, f.Key)
		}
	}
	s := Schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s, nil
}

func fieldSchema(f Field, v reflect.Value) (Schema, error) {
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
func valueSchema(v reflect.Value) (Schema, error) {
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
		s := Schema{"type": "array", "items": items}
		if v.Kind() == reflect.Array {
			s["minItems"], s["maxItems"] = v.Len(), v.Len()
		}
		return s, err
	case reflect.Map:
		items, err := valueSchema(reflect.New(v.Type().Elem()).Elem())
		return Schema{"type": "object", "additionalProperties": items}, err
	case reflect.Interface:
		return Schema{"type": []string{"string", "number", "boolean", "array", "object"}}, nil
	case reflect.String:
		return Schema{"type": "string"}, nil
	case reflect.Bool:
		return Schema{"type": "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return Schema{"type": "integer"}, nil
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return Schema{"type": "integer", "minimum": 0}, nil
	case reflect.Float64:
		return Schema{"type": "number"}, nil
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

func quantitySchema(v any) Schema {
	text := func(pattern string, examples ...string) Schema {
		return Schema{"type": "string", "pattern": pattern, "examples": examples}
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
