package document

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Documents are decoded here and not by the TOML library, which stops at the
// first value that does not fit: whoever has made three mistakes wants to hear
// of three.

// Decode decodes a table that stands at a path, "" for the whole document, into
// the struct that out points to, over what is there. What does not fit is noted
// and left as it was.
func (d *Document) Decode(table map[string]any, out any, path string) {
	d.decodeStruct(table, reflect.ValueOf(out).Elem(), path)
}

func (d *Document) decodeStruct(table map[string]any, out reflect.Value, path string) {
	fields := Fields(out.Type())
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key }); i >= 0 {
			d.decodeValue(table[key], out.FieldByIndex(fields[i].Index), Join(path, key))
			continue
		}
		valid := validKeys(out.Type())
		d.Problem(Join(path, key), Problem{Message: "unknown key", Nearest: Nearest(key, valid), Valid: valid})
	}
}

// decodeValue decodes a value of a TOML document into out.
func (d *Document) decodeValue(value any, out reflect.Value, path string) {
	if u, ok := out.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.decodeText(value, u, path)
		return
	}
	switch out.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(out.Type().Elem())
		if !out.IsNil() {
			fresh.Elem().Set(out.Elem())
		}
		d.decodeValue(value, fresh.Elem(), path)
		out.Set(fresh)
	case reflect.Struct:
		if table, ok := value.(map[string]any); ok {
			d.decodeStruct(table, out, path)
		} else {
			d.wrongType(value, out, path)
		}
	case reflect.Map:
		d.decodeMap(value, out, path)
	case reflect.Slice, reflect.Array:
		d.decodeList(value, out, path)
	case reflect.Interface:
		out.Set(reflect.ValueOf(value))
	default:
		if !setScalar(value, out) {
			d.wrongType(value, out, path)
		}
	}
}

// decodeText decodes what is written as text, such as a quantity with its unit.
// A bare number counts as its digits: some quantities have a meaning without a
// unit, the others say which one is missing.
func (d *Document) decodeText(value any, out encoding.TextUnmarshaler, path string) {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		d.Problemf(path, "got %s, want a value in quotes", Describe(value))
		return
	}
	if err := out.UnmarshalText([]byte(text)); err != nil {
		d.Problemf(path, "%v", err)
	}
}

func (d *Document) decodeMap(value any, out reflect.Value, path string) {
	table, ok := value.(map[string]any)
	if !ok {
		d.wrongType(value, out, path)
		return
	}
	fresh := reflect.MakeMapWithSize(out.Type(), len(table))
	for _, key := range slices.Sorted(maps.Keys(table)) {
		item := reflect.New(out.Type().Elem()).Elem()
		d.decodeValue(table[key], item, Join(path, key))
		fresh.SetMapIndex(reflect.ValueOf(key), item)
	}
	out.Set(fresh)
}

func (d *Document) decodeList(value any, out reflect.Value, path string) {
	items, ok := value.([]any)
	if !ok {
		d.wrongType(value, out, path)
		return
	}
	if out.Kind() == reflect.Slice {
		out.Set(reflect.MakeSlice(out.Type(), len(items), len(items)))
	} else if out.Len() != len(items) {
		d.Problemf(path, "got %s, want a list of %d", Describe(value), out.Len())
		return
	}
	for i, item := range items {
		d.decodeValue(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// setScalar sets out if the value is of its type and fits.
func setScalar(value any, out reflect.Value) bool {
	switch v := value.(type) {
	case string:
		if out.Kind() == reflect.String {
			out.SetString(v)
			return true
		}
	case bool:
		if out.Kind() == reflect.Bool {
			out.SetBool(v)
			return true
		}
	case float64:
		if out.CanFloat() {
			out.SetFloat(v)
			return true
		}
	case int64:
		return setInt(v, out)
	}
	return false
}

func setInt(n int64, out reflect.Value) bool {
	switch {
	case out.CanInt() && !out.OverflowInt(n):
		out.SetInt(n)
	case out.CanUint() && n >= 0 && !out.OverflowUint(uint64(n)):
		out.SetUint(uint64(n))
	case out.CanFloat():
		out.SetFloat(float64(n))
	default:
		return false
	}
	return true
}

func (d *Document) wrongType(value any, out reflect.Value, path string) {
	d.Problemf(path, "got %s, want %s", Describe(value), wanted(out.Type()))
}

// Describe says what a value of a TOML document is.
func Describe(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "a table"
	case string:
		return strconv.Quote(v)
	case []any:
		if len(v) > 0 {
			if _, ok := v[0].(map[string]any); ok {
				return "a list of tables"
			}
		}
	}
	return ValueText(value)
}

// wanted says what a document must hold to be decoded into a type.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Uint64:
		return "a whole number, 0 to 9223372036854775807"
	case reflect.Struct, reflect.Map:
		return "a table"
	case reflect.Slice, reflect.Array:
		if element(t).Kind() == reflect.Struct {
			return "a list of tables: each begins with its name in double brackets"
		}
		return "a list in brackets"
	}
	return "a whole number"
}
