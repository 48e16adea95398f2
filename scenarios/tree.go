package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A tree is a TOML document as maps, slices and scalars. Overrides are made in
// it, so that they go through the same decoding and checks as what is written.

func cloneTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = cloneTree(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = cloneTree(item)
		}
		return out
	}
	return v
}

// assign puts a value at a dotted path, in which numbers are indices of arrays:
// "fault.0.share". Tables on the way are made.
func assign(tree map[string]any, path string, value any) error {
	keys := strings.Split(path, ".")
	var at any = tree
	for i, key := range keys[:len(keys)-1] {
		switch node := at.(type) {
		case map[string]any:
			if _, ok := node[key]; !ok {
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
	last := keys[len(keys)-1]
	node, ok := at.(map[string]any)
	if !ok {
		return fmt.Errorf("%s is a list, want one of its items: %s.0", strings.Join(keys[:len(keys)-1], "."), strings.Join(keys[:len(keys)-1], "."))
	}
	node[last] = value
	return nil
}

// parseValue reads a value from a command line: as TOML if it is, otherwise as
// the text it is, so that quotes can be left out.
func parseValue(text string) any {
	var out struct{ V any }
	if err := toml.Unmarshal([]byte("V = "+text), &out); err == nil && out.V != nil {
		return out.V
	}
	return text
}

// valueText writes a value as people would.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = valueText(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}
