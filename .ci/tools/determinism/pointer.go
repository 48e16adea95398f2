package determinism

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// formatters are the functions of package fmt that print, with the index of
// the first argument that is printed.
var formatters = map[string]int{
	"Sprint": 0, "Sprintln": 0, "Sprintf": 1, "Print": 0, "Println": 0, "Printf": 1, "Errorf": 1,
	"Fprint": 1, "Fprintln": 1, "Fprintf": 2, "Append": 1, "Appendln": 1, "Appendf": 2,
}

// formats looks at what a call of package fmt prints.
func (c *checker) formats(n *ast.CallExpr) {
	f := c.callee(n)
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != "fmt" {
		return
	}
	first, ok := formatters[f.Name()]
	if !ok || len(n.Args) < first {
		return
	}
	if strings.HasSuffix(f.Name(), "f") && c.formatOf(n.Args[first-1], "%p") {
		c.report(n.Pos(), Pointer, "%%p prints an address: %s", addressWhy)
		return
	}
	if n.Ellipsis.IsValid() {
		return
	}
	for _, arg := range n.Args[first:] {
		if t := c.typeOf(arg); t != nil && printsAddress(t) {
			c.report(arg.Pos(), Pointer, "printing %s prints an address: %s", c.name(t), addressWhy)
		}
	}
}

// formatOf says whether a constant format string contains a verb.
func (c *checker) formatOf(format ast.Expr, verb string) bool {
	v := c.pass.TypesInfo.Types[format].Value
	return v != nil && v.Kind() == constant.String &&
		strings.Contains(strings.ReplaceAll(constant.StringVal(v), "%%", ""), verb)
}

// printsAddress says whether package fmt, printing a value of type t, prints an
// address in memory. Interfaces are given the benefit of the doubt.
func printsAddress(t types.Type) bool { return addressIn(t, true, nil) }

// addressIn is printsAddress for a value within others, outermost first. With
// methods, fmt asks the value for its text if it has one; it cannot do so below
// an unexported field.
func addressIn(t types.Type, methods bool, within []types.Type) bool {
	if methods && saysItself(t) {
		return false
	}
	for _, outer := range within {
		if types.Identical(outer, t) && !isPointer(t) {
			return false // a type that contains itself
		}
	}
	top := len(within) == 0
	within = append(within, t)
	switch u := t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Pointer:
		// At the top, fmt prints &{...} for what it can look into.
		return !top || !isComposite(u.Elem()) || addressIn(u.Elem(), methods, within)
	case *types.Struct:
		for f := range u.Fields() {
			if addressIn(f.Type(), methods && f.Exported(), within) {
				return true
			}
		}
	case *types.Array:
		return addressIn(u.Elem(), methods, within)
	case *types.Slice:
		return addressIn(u.Elem(), methods, within)
	case *types.Map:
		return addressIn(u.Key(), methods, within) || addressIn(u.Elem(), methods, within)
	}
	return false
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

func isComposite(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Struct, *types.Array, *types.Slice, *types.Map:
		return true
	}
	return false
}

// saysItself says whether a value of type t has a method that package fmt calls
// in place of looking inside.
func saysItself(t types.Type) bool {
	for _, name := range []string{"Error", "String", "Format"} {
		obj, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
		if f, ok := obj.(*types.Func); ok && f.Exported() {
			return true
		}
	}
	return false
}
