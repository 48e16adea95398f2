package determinism

import (
	"go/types"
)

// anyUnderlying says whether is holds of t's underlying type or, for a type
// parameter, of that of any type its constraint names.
func anyUnderlying(t types.Type, is func(types.Type) bool) bool {
	if t == nil {
		return false
	}
	p, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return is(t.Underlying())
	}
	return anyTerm(p.Constraint(), is)
}

func anyTerm(constraint types.Type, is func(types.Type) bool) bool {
	i, ok := constraint.Underlying().(*types.Interface)
	if !ok {
		return is(constraint.Underlying())
	}
	for e := range i.EmbeddedTypes() {
		union, ok := e.(*types.Union)
		if !ok {
			if anyTerm(e, is) {
				return true
			}
			continue
		}
		for term := range union.Terms() {
			if anyTerm(term.Type(), is) {
				return true
			}
		}
	}
	return false
}

func anyBasic(t types.Type, is func(*types.Basic) bool) bool {
	return anyUnderlying(t, func(u types.Type) bool { b, ok := u.(*types.Basic); return ok && is(b) })
}

// isGlobal says whether v is a package-level variable of any package.
func isGlobal(v *types.Var) bool {
	return v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}
