package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

func (c *checker) rangeStmt(n *ast.RangeStmt, path []ast.Node) {
	if n.Tok == token.ASSIGN {
		c.write(n.Key)
		c.write(n.Value)
	}
	t := c.typeOf(n.X)
	if isChan(t) {
		c.report(n.Pos(), Channel, "range over a channel")
	}
	if !isMap(t) || n.Key == nil && n.Value == nil {
		return // without variables only the map's length is used
	}
	if v := c.collected(n); v != nil && c.sortedAfter(v, n, path[:len(path)-1]) {
		return
	}
	if c.copiesByKey(n) {
		return
	}
	c.report(n.Pos(), MapRange, "range over a map: %s", orderWhy)
}

// isMap says whether t is a map or a type parameter that may be one.
func isMap(t types.Type) bool {
	return anyUnderlying(t, func(u types.Type) bool { _, ok := u.(*types.Map); return ok })
}

func isChan(t types.Type) bool {
	return anyUnderlying(t, func(u types.Type) bool { _, ok := u.(*types.Chan); return ok })
}

// copiesByKey says whether a loop over a map does nothing but set, for each key,
// another map's entry of the same key.
func (c *checker) copiesByKey(loop *ast.RangeStmt) bool {
	key, ok := loop.Key.(*ast.Ident)
	body, read := guarded(loop.Body.List)
	if !ok || loop.Tok != token.DEFINE || len(body) != 1 {
		return false
	}
	assign, ok := body[0].(*ast.AssignStmt)
	if !ok || assign.Tok != token.ASSIGN || len(assign.Lhs) != 1 || len(assign.Rhs) != 1 {
		return false
	}
	entry, ok := assign.Lhs[0].(*ast.IndexExpr)
	if !ok || !isMap(c.typeOf(entry.X)) || !c.pure(entry.X) {
		return false
	}
	for _, e := range append(read, assign.Rhs[0]) {
		if !c.pure(e) || c.readsOtherEntries(e) {
			return false
		}
	}
	at, ok := entry.Index.(*ast.Ident)
	return ok && c.pass.TypesInfo.Uses[at] == c.pass.TypesInfo.Defs[key]
}

// guarded takes a statement out of the conditions it stands under.
func guarded(body []ast.Stmt) ([]ast.Stmt, []ast.Expr) {
	var conditions []ast.Expr
	for len(body) == 1 {
		guard, ok := body[0].(*ast.IfStmt)
		if !ok || guard.Init != nil || guard.Else != nil {
			break
		}
		conditions = append(conditions, guard.Cond)
		body = guard.Body.List
	}
	return body, conditions
}

// readsOtherEntries says whether an expression looks into a map, where it might
// see what the loop has or has not yet done.
func (c *checker) readsOtherEntries(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IndexExpr:
			found = found || isMap(c.typeOf(n.X))
		case *ast.CallExpr:
			found = found || c.isLen(n)
		}
		return !found
	})
	return found
}

// collected returns the local slice that a loop over a map does nothing but
// append to, nil if it does anything else. The loop may skip entries.
func (c *checker) collected(loop *ast.RangeStmt) *types.Var {
	body, read := guarded(loop.Body.List) // read is what decides whether and what to append
	if len(body) != 1 {
		return nil
	}
	assign, ok := body[0].(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 1 || len(assign.Rhs) != 1 {
		return nil
	}
	slice := c.localSlice(assign.Lhs[0])
	call, ok := assign.Rhs[0].(*ast.CallExpr)
	if slice == nil || !ok || !c.isAppendTo(slice, call) || call.Ellipsis.IsValid() {
		return nil
	}
	for _, e := range append(read, call.Args[1:]...) {
		if !c.pure(e) || c.mentions(e, slice) {
			return nil
		}
	}
	return slice
}

// localSlice returns the variable that e names, if it is a function's own.
func (c *checker) localSlice(e ast.Expr) *types.Var {
	id, ok := e.(*ast.Ident)
	if !ok {
		return nil
	}
	v, ok := c.pass.TypesInfo.ObjectOf(id).(*types.Var)
	if !ok || isGlobal(v) || v.Kind() == types.ResultVar {
		return nil // a named result is also used by a bare return
	}
	return v
}

func (c *checker) isAppendTo(v *types.Var, call *ast.CallExpr) bool {
	id, ok := call.Fun.(*ast.Ident)
	if !ok || len(call.Args) < 2 {
		return false
	}
	b, ok := c.pass.TypesInfo.Uses[id].(*types.Builtin)
	to, isName := call.Args[0].(*ast.Ident)
	return ok && b.Name() == "append" && isName && c.pass.TypesInfo.Uses[to] == v
}

// pure says whether evaluating e calls nothing but conversions, len, and
// functions that only look.
func (c *checker) pure(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			ok = ok && (c.pass.TypesInfo.Types[n.Fun].IsType() || c.isLen(n) || c.onlyLooks(n))
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.FuncLit:
			ok = false
		}
		return ok
	})
	return ok
}

func (c *checker) onlyLooks(call *ast.CallExpr) bool {
	_, contains := c.calls(call, "slices", "Contains", "Index")
	_, compares := c.calls(call, "strings", "Contains", "HasPrefix", "HasSuffix", "TrimPrefix", "TrimSuffix", "ToLower", "EqualFold")
	return contains || compares
}

func (c *checker) isLen(call *ast.CallExpr) bool {
	id, ok := call.Fun.(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := c.pass.TypesInfo.Uses[id].(*types.Builtin)
	return ok && b.Name() == "len"
}

func (c *checker) mentions(n ast.Node, v *types.Var) bool { return len(c.usesOf(v, n)) > 0 }

// usesOf lists the mentions of v below n, in the order of the text.
func (c *checker) usesOf(v *types.Var, n ast.Node) []*ast.Ident {
	var found []*ast.Ident
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && c.pass.TypesInfo.Uses[id] == v {
			found = append(found, id)
		}
		return true
	})
	return found
}

// sortedAfter says whether the slice v, filled by stmt, is sorted before
// anything else can see it: the next statement that mentions v is a call of a
// sort function, in a block that stmt is in, and no loop leads from stmt back
// to an earlier mention. Path leads to stmt.
func (c *checker) sortedAfter(v *types.Var, stmt ast.Node, path []ast.Node) bool {
	child := stmt
	for i := len(path) - 1; i >= 0; i-- {
		switch n := path[i].(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			// The sort is outside this loop, so the loop may do nothing
			// with v but what stmt does.
			if !c.onlyAppends(v, n) {
				return false
			}
		}
		rest, isBlock := following(path[i], child)
		child = path[i]
		if !isBlock {
			continue
		}
		for _, s := range rest {
			if c.isSortOf(v, s) {
				return true
			}
			if c.mentions(s, v) && !c.collectsOnly(v, s) {
				return false
			}
			if leaves(s) {
				return false
			}
		}
	}
	return false
}

// following returns the statements after child in a list of statements.
func following(block, child ast.Node) ([]ast.Stmt, bool) {
	var list []ast.Stmt
	switch b := block.(type) {
	case *ast.BlockStmt:
		list = b.List
	case *ast.CaseClause:
		list = b.Body
	default:
		return nil, false
	}
	for i, s := range list {
		if s == child {
			return list[i+1:], true
		}
	}
	return nil, false
}

// collectsOnly says whether a statement is one more loop that appends to v.
func (c *checker) collectsOnly(v *types.Var, s ast.Stmt) bool {
	loop, ok := s.(*ast.RangeStmt)
	return ok && c.collected(loop) == v && !c.mentions(loop.X, v)
}

// onlyAppends says whether all that a loop does with v is v = append(v, ...).
func (c *checker) onlyAppends(v *types.Var, loop ast.Node) bool {
	mentions, appends := len(c.usesOf(v, loop)), 0
	ast.Inspect(loop, func(n ast.Node) bool {
		if inner, ok := n.(*ast.RangeStmt); ok && c.collected(inner) == v {
			appends++
		}
		return true
	})
	return mentions == 2*appends
}

// leaves says whether a statement may jump past the ones after it. One that
// returns v mentions it and is refused for that.
func leaves(s ast.Stmt) bool {
	found := false
	ast.Inspect(s, func(n ast.Node) bool {
		_, jumps := n.(*ast.BranchStmt)
		found = found || jumps
		return !found
	})
	return found
}

var sorters = map[string][]string{
	"slices": {"Sort", "SortFunc", "SortStableFunc"},
	"sort":   {"Slice", "SliceStable", "Strings", "Ints", "Float64s", "Sort", "Stable"},
}

// isSortOf says whether a statement does nothing but sort v.
func (c *checker) isSortOf(v *types.Var, s ast.Stmt) bool {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return false
	}
	for pkg, names := range sorters {
		call, ok := c.calls(e.X, pkg, names...)
		if ok && c.isOrConverts(call.Args[0], v) {
			return true
		}
	}
	return false
}

// isOrConverts says whether e is v, or a conversion of v: sort.Sort(byID(v)).
func (c *checker) isOrConverts(e ast.Expr, v *types.Var) bool {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok && len(call.Args) == 1 && c.pass.TypesInfo.Types[call.Fun].IsType() {
		e = call.Args[0]
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && c.pass.TypesInfo.Uses[id] == v
}

// sortedAtOnce says whether the iterator that maps.Keys or a sibling returns
// goes straight into a function that sorts, or into a slice that is sorted
// next. Path leads to the name of the iterator's function.
func (c *checker) sortedAtOnce(path []ast.Node) bool {
	i := len(path) - 1
	for i > 0 && !isCall(path[i]) {
		i-- // the selector maps.Keys, to its call
	}
	if i == 0 || c.callee(path[i].(*ast.CallExpr)) != c.pass.TypesInfo.Uses[path[len(path)-1].(*ast.Ident)] {
		return false
	}
	outer, ok := path[i-1].(ast.Expr)
	if !ok {
		return false
	}
	if call, ok := c.calls(outer, "slices", "Sorted", "SortedFunc", "SortedStableFunc"); ok {
		return call.Args[0] == path[i]
	}
	if _, ok := c.calls(outer, "slices", "Collect", "AppendSeq"); !ok || i < 2 {
		return false
	}
	assign, ok := path[i-2].(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 1 {
		return false
	}
	v := c.localSlice(assign.Lhs[0])
	return v != nil && c.sortedAfter(v, assign, path[:i-2])
}

func isCall(n ast.Node) bool {
	_, ok := n.(*ast.CallExpr)
	return ok
}
