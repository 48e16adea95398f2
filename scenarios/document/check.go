package document

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// CheckTags checks what the tags required, enum, min and max say of a struct
// that the document, or what was written of it in tree, was decoded into. Tree
// tells a missing key from a zero.
func (d *Document) CheckTags(content any, tree map[string]any) {
	d.checkTags(reflect.Indirect(reflect.ValueOf(content)), "", tree)
}

func (d *Document) checkTags(v reflect.Value, path string, tree any) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			d.checkTags(v.Elem(), path, tree)
		}
	case reflect.Slice:
		items, _ := tree.([]any)
		for i := range v.Len() {
			if i < len(items) {
				d.checkTags(v.Index(i), fmt.Sprintf("%s[%d]", path, i), items[i])
			}
		}
	case reflect.Struct:
		table, _ := tree.(map[string]any)
		for _, f := range Fields(v.Type()) {
			written, ok := table[f.Key]
			d.checkField(f, v.FieldByIndex(f.Index), Join(path, f.Key), written, ok)
		}
	}
}

func (d *Document) checkField(f Field, v reflect.Value, path string, written any, ok bool) {
	if !ok && f.Tag.Get("required") != "" {
		d.Problemf(path, "missing: %s", f.Tag.Get("doc"))
		return
	}
	if enum := f.Tag.Get("enum"); enum != "" && ok && v.Kind() == reflect.String {
		if valid := strings.Split(enum, ","); !slices.Contains(valid, v.String()) {
			d.Problem(path, Problem{Message: fmt.Sprintf("got %q", v.String()), Nearest: Nearest(v.String(), valid), Valid: valid})
		}
	}
	if ok {
		d.checkBounds(f, v, path)
	}
	d.checkTags(v, path, written)
}

func (d *Document) checkBounds(f Field, v reflect.Value, path string) {
	lowText, highText := f.Tag.Get("min"), f.Tag.Get("max")
	if lowText == "" || !v.CanInt() && !v.CanUint() {
		return
	}
	var n int64
	if v.CanInt() {
		n = v.Int()
	} else {
		n = int64(min(v.Uint(), 1<<62))
	}
	low, _ := strconv.ParseInt(lowText, 10, 64)
	high, _ := strconv.ParseInt(highText, 10, 64)
	if n < low || n > high {
		d.Problemf(path, "got %d, want %d to %d", n, low, high)
	}
}
