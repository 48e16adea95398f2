package determinism

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// New returns the analyser with the rules that scopeOf gives for a package's
// import path.
func New(scopeOf func(path string) []Rule) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name: "determinism",
		Doc:  "report what could make two runs of one scenario and seed differ",
		Run: func(pass *analysis.Pass) (any, error) {
			if path := importPath(pass.Pkg); !strings.HasSuffix(path, ".test") { // what go test generates
				run(pass, scopeOf(path))
			}
			return nil, nil
		},
	}
}

// importPath is the package's path without what go vet appends to a package
// that is compiled for its tests: "p [p.test]".
func importPath(p *types.Package) string {
	path, _, _ := strings.Cut(p.Path(), " ")
	return path
}

func run(pass *analysis.Pass, rules []Rule) {
	if len(rules) == 0 {
		return
	}
	for _, file := range pass.Files {
		if strings.HasSuffix(pass.Fset.File(file.Package).Name(), "_test.go") {
			continue
		}
		c := &checker{pass: pass, file: file, on: map[Rule]bool{}}
		for _, r := range rules {
			c.on[r] = true
		}
		c.exempt = c.readExemptions()
		c.imports()
		c.walk()
		c.unusedExemptions()
	}
}

// checker looks at one file.
type checker struct {
	pass   *analysis.Pass
	file   *ast.File
	on     map[Rule]bool
	exempt []*exemption
}

// report reports a finding unless the rule is off here or the line is exempt.
func (c *checker) report(pos token.Pos, rule Rule, format string, args ...any) {
	if !c.on[rule] {
		return
	}
	line := c.line(pos)
	for _, e := range c.exempt {
		if e.covers(rule, line) {
			e.used[rule] = true
			return
		}
	}
	c.pass.Reportf(pos, "%s: %s", rule, fmt.Sprintf(format, args...))
}

func (c *checker) line(pos token.Pos) int { return c.pass.Fset.Position(pos).Line }

// walk visits every node of the file with the path that leads to it.
func (c *checker) walk() {
	var path []ast.Node
	ast.Inspect(c.file, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		path = append(path, n)
		c.node(n, path)
		return true
	})
}

func (c *checker) node(n ast.Node, path []ast.Node) {
	switch n := n.(type) {
	case *ast.Ident:
		c.use(n, path)
	case *ast.RangeStmt:
		c.rangeStmt(n, path)
	case *ast.GoStmt:
		c.report(n.Pos(), Goroutine, "go statement")
	case *ast.SelectStmt:
		c.report(n.Pos(), Channel, "select picks among ready cases at random")
	case *ast.SendStmt:
		c.report(n.Pos(), Channel, "send on a channel")
	case *ast.UnaryExpr:
		c.unary(n)
	case *ast.CallExpr:
		c.call(n)
	case *ast.BinaryExpr:
		c.floatBinary(n)
	case *ast.AssignStmt:
		c.assign(n)
	case *ast.IncDecStmt:
		c.floatOperand(n.X, n.TokPos, n.Tok)
		c.write(n.X)
	}
}

func (c *checker) unary(n *ast.UnaryExpr) {
	switch n.Op {
	case token.ARROW:
		c.report(n.Pos(), Channel, "receive from a channel")
	case token.AND:
		if v := c.globalBelow(n.X); v != nil {
			c.report(n.Pos(), Global, "address of package-level variable %s", v.Name())
		}
	}
}

func (c *checker) assign(n *ast.AssignStmt) {
	if n.Tok != token.ASSIGN && n.Tok != token.DEFINE {
		c.floatOperand(n.Lhs[0], n.TokPos, n.Tok)
	}
	if n.Tok != token.DEFINE {
		for _, lhs := range n.Lhs {
			c.write(lhs)
		}
	}
}

// call looks at the called function's arguments; the function itself is an
// identifier that use looks at.
func (c *checker) call(n *ast.CallExpr) {
	if tv := c.pass.TypesInfo.Types[n.Fun]; tv.IsType() {
		c.conversion(n, tv.Type)
		return
	}
	if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok {
		if b, ok := c.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			c.builtin(n, b.Name())
			return
		}
	}
	c.formats(n)
	c.pointerMethod(n)
}

// builtin looks at calls of the language's own functions.
func (c *checker) builtin(n *ast.CallExpr, name string) {
	if len(n.Args) == 0 {
		return
	}
	switch name {
	case "make", "close":
		if isChan(c.typeOf(n.Args[0])) {
			c.report(n.Pos(), Channel, "%s of a channel", name)
		}
	case "copy", "delete", "clear":
		c.write(n.Args[0])
	}
}

func (c *checker) typeOf(e ast.Expr) types.Type { return c.pass.TypesInfo.TypeOf(e) }
