package determinism

import (
	"go/ast"
	"go/types"
	"slices"
)

// globalBelow returns the package-level variable that an expression is a part
// of, or that leads to it through pointers, slices and maps; nil if none does.
// Aliases are not followed.
func (c *checker) globalBelow(e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok && c.isPackage(id) {
				return c.global(x.Sel)
			}
			e = x.X
		case *ast.Ident:
			return c.global(x)
		default:
			return nil
		}
	}
}

func (c *checker) isPackage(id *ast.Ident) bool {
	_, ok := c.pass.TypesInfo.Uses[id].(*types.PkgName)
	return ok
}

func (c *checker) global(id *ast.Ident) *types.Var {
	if v, ok := c.pass.TypesInfo.Uses[id].(*types.Var); ok && !v.IsField() && isGlobal(v) {
		return v
	}
	return nil
}

// write looks at an expression that is assigned to.
func (c *checker) write(e ast.Expr) {
	if e == nil {
		return
	}
	if v := c.globalBelow(e); v != nil {
		c.report(e.Pos(), Global, "writes to package-level variable %s: what one run leaves behind, the next one sees", v.Name())
	}
}

// immutable are types whose methods have pointer receivers and change nothing
// that a caller can see.
var immutable = []string{"regexp.Regexp", "strings.Replacer", "time.Location"}

// pointerMethod looks at the call of a method that may change its receiver.
func (c *checker) pointerMethod(n *ast.CallExpr) {
	sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	method, ok := c.pass.TypesInfo.Selections[sel]
	if !ok || method.Kind() != types.MethodVal {
		return
	}
	recv, ok := method.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
	if !ok || slices.Contains(immutable, types.TypeString(recv.Elem(), nil)) {
		return
	}
	if v := c.globalBelow(sel.X); v != nil {
		c.report(n.Pos(), Global, "method %s may change package-level variable %s", sel.Sel.Name, v.Name())
	}
}
