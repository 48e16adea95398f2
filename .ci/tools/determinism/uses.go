package determinism

import (
	"go/ast"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// forbiddenImports are packages whose import alone is a finding.
var forbiddenImports = map[string]struct {
	rule Rule
	why  string
}{
	"math/rand":    {Random, "shared state, and its streams are not ours to keep stable: use protocol.Rand"},
	"math/rand/v2": {Random, "shared state, and its streams are not ours to keep stable: use protocol.Rand"},
	"crypto/rand":  {Random, "differs in every process: use protocol.Rand"},
	"hash/maphash": {Random, "seeded anew in every process"},
	"sync/atomic":  {Goroutine, "its values depend on who came first"},
	"weak":         {Goroutine, "depends on the garbage collector"},
	"net":          {Environment, "reaches out of the process"},
	"os/exec":      {Environment, "reaches out of the process"},
	"os/signal":    {Environment, "reaches out of the process"},
	"os/user":      {Environment, "differs from machine to machine"},
	"syscall":      {Environment, "reaches out of the process"},
	"plugin":       {Environment, "reaches out of the process"},
}

// forbiddenNames are functions, methods and types, by package and name; a
// method is "Type.Method".
var forbiddenNames = map[string]map[string]struct {
	rule Rule
	why  string
}{
	"time": {
		"Now": {WallClock, clockWhy}, "Since": {WallClock, clockWhy}, "Until": {WallClock, clockWhy},
		"Sleep": {WallClock, clockWhy}, "After": {WallClock, clockWhy}, "AfterFunc": {WallClock, clockWhy},
		"Tick": {WallClock, clockWhy}, "NewTimer": {WallClock, clockWhy}, "NewTicker": {WallClock, clockWhy},
		"Local": {WallClock, zoneWhy}, "Time.Local": {WallClock, zoneWhy}, "LoadLocation": {WallClock, zoneWhy},
		"Unix": {WallClock, zoneWhy}, "UnixMilli": {WallClock, zoneWhy}, "UnixMicro": {WallClock, zoneWhy},
	},
	"context": {
		"WithTimeout": {WallClock, clockWhy}, "WithTimeoutCause": {WallClock, clockWhy},
		"WithDeadline": {WallClock, clockWhy}, "WithDeadlineCause": {WallClock, clockWhy},
		"AfterFunc": {Goroutine, "starts a goroutine"},
	},
	"sync": {
		"WaitGroup": {Goroutine, "waits for goroutines"}, "Cond": {Goroutine, "waits for goroutines"},
		"NewCond": {Goroutine, "waits for goroutines"},
		"Pool":    {Goroutine, "what it returns depends on the garbage collector and the scheduler"},
		"Map":     {Goroutine, "its order is that of a map"}, "Map.Range": {MapRange, orderWhy},
	},
	"runtime": {
		"NumCPU": {Goroutine, machineWhy}, "GOMAXPROCS": {Goroutine, machineWhy},
		"NumGoroutine": {Goroutine, machineWhy}, "Gosched": {Goroutine, "yields to other goroutines"},
		"GC": {Goroutine, "depends on the garbage collector"}, "ReadMemStats": {Goroutine, machineWhy},
		"SetFinalizer": {Goroutine, "depends on the garbage collector"},
		"AddCleanup":   {Goroutine, "depends on the garbage collector"},
		"GOOS":         {Environment, machineWhy}, "GOARCH": {Environment, machineWhy},
	},
	"os": {
		"Getenv": {Environment, envWhy}, "LookupEnv": {Environment, envWhy}, "Environ": {Environment, envWhy},
		"ExpandEnv": {Environment, envWhy}, "Setenv": {Environment, envWhy}, "Hostname": {Environment, machineWhy},
		"Getpid": {Environment, machineWhy}, "Getppid": {Environment, machineWhy}, "Args": {Environment, machineWhy},
		"TempDir": {Environment, machineWhy}, "UserHomeDir": {Environment, machineWhy},
		"UserCacheDir": {Environment, machineWhy}, "UserConfigDir": {Environment, machineWhy},
	},
	"maps": {
		"Keys": {MapRange, orderWhy}, "Values": {MapRange, orderWhy}, "All": {MapRange, orderWhy},
		"DeleteFunc": {MapRange, orderWhy}, "EqualFunc": {MapRange, orderWhy},
	},
	"reflect": {
		"Value.MapRange": {MapRange, orderWhy}, "Value.MapKeys": {MapRange, orderWhy},
		"Value.Seq": {MapRange, "over a map, " + orderWhy}, "Value.Seq2": {MapRange, "over a map, " + orderWhy},
		"Select":              {Channel, "picks among ready cases at random"},
		"Value.Send":          {Channel, "sends on a channel"},
		"Value.Recv":          {Channel, "receives from a channel"},
		"Value.Pointer":       {Pointer, addressWhy},
		"Value.UnsafePointer": {Pointer, addressWhy},
		"Value.UnsafeAddr":    {Pointer, addressWhy},
	},
}

const (
	clockWhy   = "the wall clock differs from run to run: use the node's or the world's own"
	zoneWhy    = "the time zone differs from machine to machine: use time.UTC"
	orderWhy   = "map order differs from run to run: sort the keys first"
	machineWhy = "differs from machine to machine"
	addressWhy = "an address differs from run to run"
	envWhy     = "the environment differs from machine to machine"
)

func (c *checker) imports() {
	for _, spec := range c.file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // does not compile
		}
		if f, ok := forbiddenImports[path]; ok {
			c.report(spec.Pos(), f.rule, "import of %s: %s", path, f.why)
		} else if strings.HasPrefix(path, "net/") {
			c.report(spec.Pos(), Environment, "import of %s: reaches out of the process", path)
		}
	}
}

// use looks at one mention of a name that another package declares.
func (c *checker) use(id *ast.Ident, path []ast.Node) {
	obj := c.pass.TypesInfo.Uses[id]
	if obj == nil || obj.Pkg() == nil || obj.Pkg() == c.pass.Pkg {
		return
	}
	_, isFunc := obj.(*types.Func)
	f, ok := forbiddenNames[obj.Pkg().Path()][declaredName(obj)]
	if !ok || !isFunc && obj.Parent() != obj.Pkg().Scope() {
		c.floatFunction(id, obj)
		return
	}
	if f.rule == MapRange && c.sortedAtOnce(path) {
		return
	}
	c.report(id.Pos(), f.rule, "%s.%s: %s", obj.Pkg().Name(), declaredName(obj), f.why)
}

// declaredName is an object's name in its package: "Type.Method" for a method.
func declaredName(obj types.Object) string {
	f, ok := obj.(*types.Func)
	if !ok {
		return obj.Name()
	}
	recv := f.Signature().Recv()
	if recv == nil {
		return obj.Name()
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name() + "." + obj.Name()
	}
	return obj.Name()
}

// calls says whether e is a call of one of a package's functions.
func (c *checker) calls(e ast.Expr, pkg string, names ...string) (*ast.CallExpr, bool) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil, false
	}
	f := c.callee(call)
	return call, f != nil && f.Pkg() != nil && f.Pkg().Path() == pkg && slices.Contains(names, declaredName(f))
}

// callee is the declared function that a call names, nil for anything else.
func (c *checker) callee(call *ast.CallExpr) *types.Func {
	fun := ast.Unparen(call.Fun)
	if ix, ok := fun.(*ast.IndexExpr); ok {
		fun = ix.X
	}
	var id *ast.Ident
	switch fun := fun.(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return nil
	}
	f, _ := c.pass.TypesInfo.Uses[id].(*types.Func)
	return f
}
