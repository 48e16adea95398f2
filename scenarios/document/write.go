package document

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Marshal writes a struct with all its keys. Written is what a user wrote of it,
// nil if nothing: a zero whose tag has an option is left out unless it was
// written. Reading the text gives the same struct.
func Marshal(content any, written map[string]any) ([]byte, error) {
	w := &writer{}
	w.table("", reflect.Indirect(reflect.ValueOf(content)), written)
	if w.err != nil {
		return nil, w.err
	}
	return []byte(w.text.String()), nil
}

// Inline returns a value as TOML in a line.
func Inline(v any) (string, error) {
	w := &writer{}
	text := w.inline(reflect.ValueOf(v), nil)
	return text, w.err
}

// writer writes a struct as a person would: keys in the order of the
// documentation, small tables in a line. A TOML library writes neither, and
// cannot tell a zero that was meant from a key that does not apply.
type writer struct {
	text strings.Builder
	err  error
}

// table writes the fields of a struct: first what fits in a line, then tables of
// their own. Written is the same table in the document, nil if it is not in it.
func (w *writer) table(path string, v reflect.Value, written map[string]any) {
	var below []Field
	for _, f := range Fields(v.Type()) {
		value := v.FieldByIndex(f.Index)
		if ownTable(path, f, value) {
			below = append(below, f)
		} else if text, ok := w.field(f, value, written); ok {
			fmt.Fprintf(&w.text, "%s = %s\n", f.Key, text)
		}
	}
	for _, f := range below {
		w.below(Join(path, f.Key), v.FieldByIndex(f.Index), written[f.Key])
	}
}

// ownTable reports whether a value gets a header of its own: tables at the top,
// those whose tag says so and lists of tables. Others are written in a line.
func ownTable(path string, f Field, v reflect.Value) bool {
	t := v.Type()
	if isText(t) {
		return false
	}
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Struct && !isText(t.Elem())
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return (path == "" || f.Tag.Get("layout") == "table") && element(t).Kind() != reflect.Float64
	}
	return false
}

func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (w *writer) below(path string, v reflect.Value, written any) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			w.below(path, v.Elem(), written)
		}
	case reflect.Slice:
		items, _ := written.([]any)
		for i := range v.Len() {
			fmt.Fprintf(&w.text, "\n[[%s]]\n", path)
			var item map[string]any
			if i < len(items) {
				item, _ = items[i].(map[string]any)
			}
			w.table(path, v.Index(i), item)
		}
	case reflect.Map: // configurations by protocol
		tables := v.Interface().(map[string]map[string]any)
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			fmt.Fprintf(&w.text, "\n[%s.%s]\n", path, key(name))
			for _, k := range slices.Sorted(maps.Keys(tables[name])) {
				fmt.Fprintf(&w.text, "%s = %s\n", key(k), w.inline(reflect.ValueOf(tables[name][k]), nil))
			}
		}
	default:
		fmt.Fprintf(&w.text, "\n[%s]\n", path)
		table, _ := written.(map[string]any)
		w.table(path, v, table)
	}
}

// field returns the value of a field, false if it is left out: it is zero,
// means nothing then, and was not written.
func (w *writer) field(f Field, v reflect.Value, written map[string]any) (string, bool) {
	value, ok := written[f.Key]
	_, options, _ := strings.Cut(f.Tag.Get("toml"), ",")
	if options != "" && v.IsZero() && !ok || v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false
	}
	return w.inline(v, value), true
}

// inline returns a value in one line.
func (w *writer) inline(v reflect.Value, written any) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			w.err = err
		}
		return Quoted(string(text))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return w.inline(v.Elem(), written)
	case reflect.String:
		return Quoted(v.String())
	case reflect.Float64:
		return float(v.Float())
	case reflect.Slice, reflect.Array:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, w.inline(v.Index(i), nil))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(stringKeys(v))) {
			parts = append(parts, key(k)+" = "+w.inline(v.MapIndex(reflect.ValueOf(k)), nil))
		}
		return braces(parts)
	case reflect.Struct:
		table, _ := written.(map[string]any)
		var parts []string
		for _, f := range Fields(v.Type()) {
			if text, ok := w.field(f, v.FieldByIndex(f.Index), table); ok {
				parts = append(parts, f.Key+" = "+text)
			}
		}
		return braces(parts)
	}
	return fmt.Sprint(v.Interface())
}

func stringKeys(v reflect.Value) map[string]bool {
	keys := map[string]bool{}
	//starling:exempt maprange a set of the keys
	for _, k := range v.MapKeys() {
		keys[k.String()] = true
	}
	return keys
}

func braces(parts []string) string {
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func key(k string) string {
	if bareKey.MatchString(k) {
		return k
	}
	return Quoted(k)
}

// Quoted returns text as a basic string of TOML.
func Quoted(text string) string {
	var b strings.Builder
	quote := `"`
	if strings.Contains(text, "\n") {
		quote = `"""`
		b.WriteString(quote + "\n") // the first newline does not count
	} else {
		b.WriteString(quote)
	}
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(quote)
	return b.String()
}

// float writes a floating-point number so that it is not read as a whole one.
func float(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if strings.Trim(text, "-0123456789") == "" {
		text += ".0"
	}
	return text
}
