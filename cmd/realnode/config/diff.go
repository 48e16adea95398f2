package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/starling-sim/starling/scenarios/document"
)

// Change is a key that two configurations have different values for.
type Change struct {
	Key string
	// Old and New are the values as TOML, for people: tickets are cut short.
	Old, New string
	// Restart says that the new value does not take effect before the node is
	// started again.
	Restart bool
}

// Diff lists the keys in which two configurations differ, in the order of the
// file. Keys of protocols all wait for a restart; those of a protocol that is in
// one stack only are not listed.
func Diff(before, after *Config) []Change {
	changes := diffStruct(reflect.ValueOf(before.Content), reflect.ValueOf(after.Content), "", nil)
	for _, name := range slices.Sorted(maps.Keys(before.Protocol)) {
		x, y := before.Protocol[name], after.Protocol[name]
		if y == nil {
			continue // it left the stack, which is a change of that
		}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if !reflect.DeepEqual(x[key], y[key]) {
				changes = append(changes, Change{"protocol." + name + "." + key, shown(x[key]), shown(y[key]), true})
			}
		}
	}
	return changes
}

func diffStruct(before, after reflect.Value, path string, changes []Change) []Change {
	for _, f := range document.Fields(before.Type()) {
		at, x, y := document.Join(path, f.Key), before.FieldByIndex(f.Index), after.FieldByIndex(f.Index)
		switch {
		case f.Type.Kind() == reflect.Map: // the protocols
		case f.Type.Kind() == reflect.Struct && !isText(f.Type):
			changes = diffStruct(x, y, at, changes)
		case f.Type.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0: // none written as [] is none
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			changes = append(changes, Change{at, shown(x.Interface()), shown(y.Interface()), f.Tag.Get("reload") != "true"})
		}
	}
	return changes
}

// Adopt takes the value of a key over from another configuration. The key is one
// of a [Change] that does not wait for a restart; the error is for any other.
func (c *Config) Adopt(key string, from *Config) error {
	if adopt(reflect.ValueOf(&c.Content).Elem(), reflect.ValueOf(from.Content), "", key) {
		return nil
	}
	return fmt.Errorf("adopt key %q: it takes effect at the next start only", key)
}

func adopt(to, from reflect.Value, path, key string) bool {
	for _, f := range document.Fields(to.Type()) {
		at := document.Join(path, f.Key)
		switch {
		case at == key && f.Tag.Get("reload") == "true":
			to.FieldByIndex(f.Index).Set(from.FieldByIndex(f.Index))
			return true
		case f.Type.Kind() == reflect.Struct && !isText(f.Type) && strings.HasPrefix(key, at+"."):
			return adopt(to.FieldByIndex(f.Index), from.FieldByIndex(f.Index), at, key)
		}
	}
	return false
}

// shown writes a value, empty if there is none.
func shown(v any) string {
	switch list, isList := v.([]string); {
	case v == nil:
		return ""
	case isList:
		masked := slices.Clone(list)
		for i, text := range masked {
			if isToken(text) && strings.HasPrefix(text, ticketPrefix) {
				masked[i] = ticketPrefix + "..."
			}
		}
		v = masked
	}
	text, err := document.Inline(v)
	if err != nil {
		return err.Error()
	}
	return text
}
