package document

import (
	"reflect"
	"slices"
	"strings"
)

// Field is a field of a struct with its key. Index is that of the outermost
// struct, also if the field is in an embedded one.
type Field struct {
	reflect.StructField
	Key string
}

// Fields lists the fields of a struct that have keys, embedded ones included.
func Fields(t reflect.Type) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range Fields(f.Type) {
				inner.Index = slices.Concat(f.Index, inner.Index)
				out = append(out, inner)
			}
			continue
		}
		if key, _, _ := strings.Cut(f.Tag.Get("toml"), ","); key != "" {
			out = append(out, Field{f, key})
		}
	}
	return out
}

// FieldOf returns the field of a struct that has a key.
func FieldOf(t reflect.Type, key string) (Field, bool) {
	for _, f := range Fields(t) {
		if f.Key == key {
			return f, true
		}
	}
	return Field{}, false
}

// validKeys lists the keys of a struct.
func validKeys(t reflect.Type) []string {
	var keys []string
	for _, f := range Fields(t) {
		keys = append(keys, f.Key)
	}
	return keys
}

// element strips pointers and slices of tables.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}
