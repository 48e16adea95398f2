package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

const floatWhy = "the low bits differ between architectures that fuse multiply-adds and those that do not"

func (c *checker) floatBinary(n *ast.BinaryExpr) {
	if c.pass.TypesInfo.Types[n].Value != nil {
		return // constants are exact
	}
	c.floatOperand(n.X, n.OpPos, n.Op)
}

// floatOperand reports an operation on floating point that rounds. Comparing
// and changing the sign do not.
func (c *checker) floatOperand(x ast.Expr, pos token.Pos, op token.Token) {
	switch op {
	case token.ADD, token.SUB, token.MUL, token.QUO, token.INC, token.DEC,
		token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.QUO_ASSIGN:
		if t := c.typeOf(x); isFloat(t) {
			c.report(pos, Float, "%s on %s: %s", op, c.name(t), floatWhy)
		}
	}
}

// conversion looks at a conversion's two types.
func (c *checker) conversion(n *ast.CallExpr, to types.Type) {
	if len(n.Args) != 1 || c.pass.TypesInfo.Types[n].Value != nil {
		return
	}
	from := c.typeOf(n.Args[0])
	switch {
	case isFloat(from) && isBasic(to, types.IsInteger):
		c.report(n.Pos(), Float, "conversion of %s to %s: what is out of range differs between architectures",
			c.name(from), c.name(to))
	case isBasicKind(from, types.UnsafePointer) && isBasicKind(to, types.Uintptr):
		c.report(n.Pos(), Pointer, "uintptr of an unsafe.Pointer: %s", addressWhy)
	}
}

// floatFunction reports a mention of a function of package math that computes
// in floating point. Those that only look at bits are allowed.
func (c *checker) floatFunction(id *ast.Ident, obj types.Object) {
	f, ok := obj.(*types.Func)
	if !ok || obj.Pkg().Path() != "math" && obj.Pkg().Path() != "math/cmplx" ||
		strings.HasPrefix(f.Name(), "Float") || strings.HasPrefix(f.Name(), "Is") {
		return
	}
	for v := range f.Signature().Params().Variables() {
		if isFloat(v.Type()) {
			c.report(id.Pos(), Float, "%s.%s: %s", obj.Pkg().Name(), f.Name(), floatWhy)
			return
		}
	}
}

func (c *checker) name(t types.Type) string { return types.TypeString(t, types.RelativeTo(c.pass.Pkg)) }

func isFloat(t types.Type) bool { return isBasic(t, types.IsFloat|types.IsComplex) }

// isBasic says whether t, or a type in its constraint, is of a basic type with
// one of the given properties.
func isBasic(t types.Type, info types.BasicInfo) bool {
	return anyBasic(t, func(b *types.Basic) bool { return b.Info()&info != 0 })
}

func isBasicKind(t types.Type, kind types.BasicKind) bool {
	return anyBasic(t, func(b *types.Basic) bool { return b.Kind() == kind })
}
