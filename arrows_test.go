package starling_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/starling-sim/starling"

// A room is a set of packages that obey the same arrows.
type room struct {
	name string
	// trees are the room's directories; the longest that fits a package
	// decides which room it is in. A final "/*" gives every package below its
	// own room of this kind.
	trees []string
	// imports names the rooms that its packages may import; tests those that
	// its test files may import as well.
	imports, tests []string
}

// rooms are the arrows of ARCHITECTURE.md. Every package is in one room, and
// imports of its own room's tree are free.
var rooms = []room{
	{name: "root", trees: []string{"."}},
	{name: "contract", trees: []string{"protocol"}},
	{
		name:    "data structures", // pure: no Env
		trees:   []string{"protocol/clock", "protocol/crdt", "protocol/fixed", "protocol/membertable", "protocol/mst", "protocol/quantity", "protocol/wire"},
		imports: []string{"contract", "data structures"},
	},
	{
		name:    "parts of protocols", // they are handed an Env, and are no protocol
		trees:   []string{"protocol/broadcast"},
		imports: []string{"contract", "data structures"},
	},
	{
		name: "a protocol", trees: []string{"protocol/*"},
		imports: []string{"contract", "data structures", "parts of protocols"},
		tests:   []string{"stack", "a protocol", "network", "world", "disks on Pebble", "scenarios", "analysis"},
	},
	{
		name: "stack", trees: []string{"protocol/stack"},
		imports: []string{"contract", "data structures", "a protocol"},
		tests:   []string{"network", "world"},
	},
	{name: "network", trees: []string{"netmodel"}},
	{
		name: "world", trees: []string{"sim"},
		imports: []string{"contract", "data structures", "network"},
		tests:   []string{"stack", "a protocol", "disks on Pebble"},
	},
	{
		name: "store on Pebble", trees: []string{"protocol/pebblestore"}, // what real nodes and worlds have in common: neither
		imports: []string{"contract"},
	},
	{
		name: "disks on Pebble", trees: []string{"sim/pebbledisk"}, // so that the world need not know Pebble
		imports: []string{"contract", "store on Pebble", "world"},
	},
	{
		name: "documents", trees: []string{"scenarios/document"}, // also read by real nodes: no world
		imports: []string{"contract", "data structures", "stack"},
	},
	{
		name: "scenarios", trees: []string{"scenarios"},
		imports: []string{"contract", "data structures", "stack", "network", "world", "disks on Pebble", "documents"},
		tests:   []string{"a protocol", "analysis"},
	},
	{
		name: "analysis", trees: []string{"analysis"},
		imports: []string{"contract"},
		tests:   []string{"stack", "a protocol", "network", "world"},
	},
	{
		name:    "doors of real nodes", // by which another command starts them and tells them what to do
		trees:   []string{"cmd/realnode/admin", "cmd/realnode/lab"},
		imports: []string{"contract", "network"},
		tests:   []string{"data structures", "world"},
	},
	{
		name: "a command", trees: []string{"cmd/*"},
		imports: []string{
			"contract", "data structures", "parts of protocols", "a protocol", "stack", "network", "world", "documents", "scenarios", "analysis",
			"doors of real nodes", "store on Pebble",
		},
	},
}

func TestImportsFollowTheArrows(t *testing.T) {
	broken, err := brokenArrows(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

// brokenArrows names, by file and import, what breaks the arrows in a module's
// source tree. It reads imports only: build constraints do not hide a file.
func brokenArrows(tree fs.FS) ([]string, error) {
	var broken []string
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(tree, file)
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		imports, err := importsOf(tree, file)
		for _, imported := range imports {
			if why := whyNot(file, imported); why != "" {
				broken = append(broken, fmt.Sprintf("%s imports %s: %s", file, imported, why))
			}
		}
		if _, inRoom := roomOf(path.Dir(file)); !inRoom {
			broken = append(broken, fmt.Sprintf("%s: %s is in no room", file, path.Dir(file)))
		}
		return err
	})
	return broken, err
}

// enter skips the directories that the go command does not look into.
func enter(tree fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base == "testdata" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func importsOf(tree fs.FS, file string) ([]string, error) {
	source, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", file, spec.Path.Value, err)
		}
		imports = append(imports, imported)
	}
	return imports, nil
}

// whyNot says why a file may not import a package, "" if it may.
func whyNot(file, imported string) string {
	to, inProject := strings.CutPrefix(imported, module+"/")
	if imported == module {
		to, inProject = ".", true
	}
	if !inProject {
		return ""
	}
	source, ok := roomOf(path.Dir(file))
	if !ok {
		return "" // reported for the file
	}
	target, ok := roomOf(to)
	if !ok {
		return to + " is in no room"
	}
	if source.tree == target.tree {
		return ""
	}
	allowed := source.imports
	if strings.HasSuffix(file, "_test.go") {
		allowed = slices.Concat(allowed, source.tests)
	}
	if slices.Contains(allowed, target.name) {
		return ""
	}
	return fmt.Sprintf("%s (%s) may import %q only, not %s (%s)", source.name, source.tree, allowed, target.name, target.tree)
}

// place is a room together with the tree in it that a package belongs to.
type place struct {
	room
	tree string
}

// roomOf finds the tree that fits a directory best: the longest, and one that is
// named rather than one of a kind.
func roomOf(dir string) (found place, ok bool) {
	best := -1
	for _, r := range rooms {
		for _, tree := range r.trees {
			at, fits := within(dir, tree)
			rank := 2 * len(at)
			if at == tree {
				rank++
			}
			if fits && rank > best {
				best, found, ok = rank, place{r, at}, true
			}
		}
	}
	return found, ok
}

// within returns the tree that dir is in, if it is the named one: for "a/*" the
// directory right below a.
func within(dir, tree string) (string, bool) {
	if parent, each := strings.CutSuffix(tree, "/*"); each {
		rest, below := strings.CutPrefix(dir, parent+"/")
		name, _, _ := strings.Cut(rest, "/")
		return parent + "/" + name, below
	}
	return tree, dir == tree || tree != "." && strings.HasPrefix(dir, tree+"/")
}

func TestEveryNamedTreeExists(t *testing.T) {
	for _, r := range rooms {
		for _, tree := range r.trees {
			if _, err := os.Stat(strings.TrimSuffix(tree, "/*")); err != nil {
				t.Errorf("room %s: %v", r.name, err)
			}
		}
		for _, name := range slices.Concat(r.imports, r.tests) {
			if !slices.ContainsFunc(rooms, func(r room) bool { return r.name == name }) {
				t.Errorf("room %s may import %q, which is no room", r.name, name)
			}
		}
	}
}

func TestArrowsThatAreAllowed(t *testing.T) {
	for _, c := range []struct{ file, imported string }{
		{"protocol/message.go", "errors"},
		{"protocol/swim/swim.go", "protocol"},
		{"protocol/swim/swim.go", "protocol/membertable"},
		{"protocol/swim/swim.go", "protocol/swim/internal/probe"},
		{"protocol/swim/world_test.go", "sim"},
		{"protocol/membertable/table.go", "protocol/wire"},
		{"protocol/stack/default.go", "protocol/swim"},
		{"sim/world.go", "netmodel"},
		{"sim/disk_test.go", "sim/storetest"},
		{"sim/example_test.go", "protocol/stack"},
		{"sim/determinism_test.go", "sim/pebbledisk"},
		{"sim/pebbledisk/disk.go", "sim"},
		{"sim/pebbledisk/disk_test.go", "sim/storetest"},
		{"scenarios/world.go", "sim"},
		{"scenarios/world.go", "sim/pebbledisk"},
		{"cmd/realnode/disk/store.go", "protocol/pebblestore"},
		{"scenarios/load.go", "scenarios/document"},
		{"cmd/realnode/config/load.go", "scenarios/document"},
		{"analysis/swim.go", "protocol"},
		{"cmd/simrun/run.go", "analysis"},
		{"cmd/simrun/run.go", "cmd/simrun/internal/bars"},
		{"cmd/simrun/real/node.go", "cmd/realnode/admin"},
		{"cmd/realnode/labmode.go", "cmd/realnode/lab"},
		{"cmd/simrun/run.go", "github.com/spf13/cobra"},
	} {
		if broken := arrowsOf(t, c.file, c.imported); len(broken) > 0 {
			t.Errorf("got %q, want nothing", broken)
		}
	}
}

func TestArrowsThatAreBroken(t *testing.T) {
	for _, c := range []struct{ file, imported string }{
		{"protocol/message.go", "protocol/wire"},
		{"protocol/message_test.go", "sim"},
		{"protocol/wire/wire.go", "protocol/swim"},
		{"protocol/swim/swim.go", "protocol/hyparview"},
		{"protocol/swim/swim.go", "protocol/stack"},
		{"protocol/swim/swim.go", "sim"},
		{"netmodel/model.go", "protocol"},
		{"netmodel/model.go", module},
		{"netmodel/model_test.go", "sim"},
		{"sim/world.go", "protocol/swim"},
		{"sim/world.go", "protocol/stack"},
		{"sim/disk.go", "protocol/pebblestore"},
		{"sim/disk.go", "sim/pebbledisk"},
		{"protocol/pebblestore/store.go", "sim"},
		{"cmd/realnode/disk/store.go", "sim/pebbledisk"},
		{"sim/world_test.go", "scenarios"},
		{"scenarios/world.go", "protocol/swim"},
		{"scenarios/world.go", "analysis"},
		{"scenarios/document/decode.go", "sim"},
		{"scenarios/document/decode.go", "scenarios"},
		{"analysis/swim.go", "protocol/swim"},
		{"analysis/swim.go", "sim"},
		{"cmd/simrun/run.go", "cmd/realnode"},
		{"cmd/simrun/real/node.go", "cmd/realnode/node"},
		{"cmd/realnode/lab/shim.go", "cmd/realnode/transport"},
		{"sim/world.go", "cmd/simrun"},
		{"doc.go", "sim"},
		{"util/strings.go", "errors"},
		{"sim/world.go", "util"},
	} {
		broken := arrowsOf(t, c.file, c.imported)
		if len(broken) != 1 || !strings.Contains(broken[0], c.file) {
			t.Errorf("%s imports %s: got %q, want one finding that names the file", c.file, c.imported, broken)
		}
	}
}

func TestOtherModulesAndTestdataAreNotLookedAt(t *testing.T) {
	wrong := &fstest.MapFile{Data: []byte("package p\nimport _ \"" + module + "/cmd/simrun\"\n")}
	broken, err := brokenArrows(fstest.MapFS{
		"sim/testdata/a.go": wrong, ".ci/tools/a.go": wrong, "sim/_old/a.go": wrong,
		"sim/other/go.mod": {}, "sim/other/a.go": wrong, "sim/a.go": wrong,
	})
	if err != nil || len(broken) != 1 || !strings.HasPrefix(broken[0], "sim/a.go imports "+module+"/cmd/simrun: ") {
		t.Errorf("got %q, %v, want sim/a.go only", broken, err)
	}
}

// arrowsOf checks a tree of one file with one import.
func arrowsOf(t *testing.T, file, imported string) []string {
	t.Helper()
	if head, _, _ := strings.Cut(imported, "/"); slices.Contains([]string{"protocol", "netmodel", "sim", "scenarios", "analysis", "cmd", "protocol/pebblestore", "util"}, head) {
		imported = module + "/" + imported
	}
	source := fmt.Sprintf("//go:build never\n\npackage p\n\nimport _ %q\n", imported)
	broken, err := brokenArrows(fstest.MapFS{file: {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	return broken
}
