package document

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A tree is a TOML document as maps, slices and scalars. Overrides are made in
// it, so that they go through the same decoding and checks as what is written.

// CloneTree returns a deep copy of a tree.
func CloneTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		//starling:exempt maprange each entry is copied by itself
		for k, item := range v {
			out[k] = CloneTree(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = CloneTree(item)
		}
		return out
	}
	return v
}

// Assign puts a value at a dotted path, in which numbers are indices of arrays:
// "fault.0.share". Tables on the way are made.
func Assign(tree map[string]any, path string, value any) error {
	keys := strings.Split(path, ".")
	if slices.Contains(keys, "") {
		return fmt.Errorf("got key %q, want keys with dots between them, such as nodes.count", path)
	}
	var at any = tree
	for i, key := range keys[:len(keys)-1] {
		switch node := at.(type) {
		case map[string]any:
			if _, ok := node[key]; !ok {
				if _, err := strconv.Atoi(keys[i+1]); err == nil {
					return fmt.Errorf("there is no %s", strings.Join(keys[:i+2], "."))
				}
				node[key] = map[string]any{}
			}
			at = node[key]
		case []any:
			k, err := strconv.Atoi(key)
			if err != nil || k < 0 || k >= len(node) {
				return fmt.Errorf("got %q, want 0 to %d: %s is a list", key, len(node)-1, strings.Join(keys[:i], "."))
			}
			at = node[k]
		default:
			return fmt.Errorf("%s is a value and has no keys", strings.Join(keys[:i], "."))
		}
	}
	last, list := keys[len(keys)-1], strings.Join(keys[:len(keys)-1], ".")
	switch node := at.(type) {
	case map[string]any:
		node[last] = value
		return nil
	case []any:
		return fmt.Errorf("%s is a list, want a key of one of its items: %s.0.%s", list, list, last)
	}
	return fmt.Errorf("%s is a value and has no keys", list)
}

// ParseValue reads a value from a command line: as TOML if it is, otherwise as
// the text it is, so that quotes can be left out.
func ParseValue(text string) any {
	var out struct{ V any }
	if err := toml.Unmarshal([]byte("V = "+text), &out); err == nil && out.V != nil {
		return out.V
	}
	return text
}

// ValueText writes a value as people would.
func ValueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = ValueText(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, key+" = "+ValueText(v[key]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return fmt.Sprint(v)
}

// Subtree returns what was written at a dotted path with indices, nil if
// nothing was.
func Subtree(tree any, path string) any {
	for _, key := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

// HasKey reports whether a key was written in a table.
func HasKey(table map[string]any, key string) bool {
	_, ok := table[key]
	return ok
}
