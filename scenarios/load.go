package scenarios

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/starling-sim/starling/protocol/stack"
)

// Environment is what a scenario is checked against.
type Environment struct {
	// Registry holds the protocols that a stack can name.
	Registry *stack.Registry
	// Metric checks the name of a metric for a use: "value" (expectations,
	// tables, sweeps), "series" or "distribution". It returns the nearest
	// valid name, if there is one, and false if the name will not do. Nil
	// accepts every name.
	Metric func(name, use string) (nearest string, ok bool)
}

// Whatever lies in a directory beside this file is shipped.
//
//go:embed *.toml */*.toml
var shipped embed.FS

// Names returns the names of the scenarios that are built in, directory by
// directory, those in none first.
func Names() []string {
	var names []string
	// The embedded file system cannot fail.
	_ = fs.WalkDir(shipped, ".", func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimSuffix(file, ".toml"))
		}
		return err
	})
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(path.Dir(a), path.Dir(b)), cmp.Compare(a, b)) // "." is before letters
	})
	return names
}

// Source returns the file of a scenario that is built in.
func Source(name string) ([]byte, error) {
	source, err := shipped.ReadFile(strings.TrimSuffix(name, ".toml") + ".toml")
	if err != nil {
		p := Problem{Message: fmt.Sprintf("no scenario %q is built in", name), Nearest: nearest(name, Names()), Valid: Names()}
		return nil, asError([]Problem{p}, nil)
	}
	return source, nil
}

// Load reads a scenario: a file if there is one of that name, otherwise one that
// is built in. The error is an *Error if the scenario is wrong.
func Load(nameOrPath string, env Environment) (*Scenario, error) {
	source, err := os.ReadFile(nameOrPath)
	switch {
	case err == nil:
		return Parse(nameOrPath, source, env)
	case !errors.Is(err, fs.ErrNotExist) && filepath.Ext(nameOrPath) == ".toml":
		return nil, asError([]Problem{{Message: fmt.Sprintf("read scenario: %v", err)}}, nil)
	}
	source, embedErr := shipped.ReadFile(path.Clean(strings.TrimSuffix(nameOrPath, ".toml")) + ".toml")
	if embedErr != nil {
		p := Problem{
			Message: fmt.Sprintf("no file %q, and no scenario of that name is built in", nameOrPath),
			Nearest: nearest(nameOrPath, Names()), Valid: Names(),
		}
		return nil, asError([]Problem{p}, nil)
	}
	return Parse(strings.TrimSuffix(nameOrPath, ".toml")+".toml", source, env)
}

// Parse reads and checks a scenario. Files that it names are looked for beside
// the file.
func Parse(file string, source []byte, env Environment) (*Scenario, error) {
	d := &decoding{file: file, source: source, at: indexPositions(source)}
	s := &Scenario{env: env, file: file}
	if !d.into(s) {
		return nil, asError(d.problems, source)
	}
	d.check(s)
	if len(d.problems) > 0 {
		return nil, asError(d.problems, source)
	}
	return s, nil
}

// decoding is one document on its way to a Scenario.
type decoding struct {
	file     string
	source   []byte
	at       positions // nil if the document is not what the user wrote
	problems []Problem
	wrong    map[string]bool // paths of the problems
	// stacked are protocols that may be configured though they are not in the
	// stack: they are in that of other points of the sweep.
	stacked []string
}

// problem notes that something is wrong at a path, unless something is known to
// be wrong there already: what follows from that would only confuse.
func (d *decoding) problem(path string, p Problem) {
	if d.wrong[path] {
		return
	}
	if d.wrong == nil {
		d.wrong = map[string]bool{}
	}
	d.wrong[path] = true
	p.Key, p.File = path, d.file
	if d.at != nil {
		at := d.at.at(path)
		p.Line, p.Column = at.line, at.column
	}
	d.problems = append(d.problems, p)
}

func (d *decoding) problemf(path, format string, args ...any) {
	d.problem(path, Problem{Message: fmt.Sprintf(format, args...)})
}

// document is a scenario as it stands in a file.
type document struct {
	Content
	Sweep map[string]any `toml:"sweep,omitempty"`
}

// into decodes the document and fills in defaults; false if it could not.
func (d *decoding) into(s *Scenario) bool {
	if err := toml.Unmarshal(d.source, &s.tree); err != nil {
		d.decodeError(err)
		return false
	}
	doc := document{Content: defaults()}
	d.decodeTable(s.tree, &doc, "")
	s.Content = doc.Content
	d.sweep(s, doc.Sweep)
	d.fill(s)
	return true
}

// decodeError turns what the TOML parser says into a problem.
func (d *decoding) decodeError(err error) {
	p := Problem{File: d.file, Message: plain(err.Error())}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		p.Key = strings.Join(at.Key(), ".")
		if d.at != nil {
			p.Line, p.Column = at.Position()
		}
	}
	d.problems = append(d.problems, p)
}

// plain takes the decoder's prefix off a message.
func plain(message string) string { return strings.TrimPrefix(message, "toml: ") }

// validKeys lists the keys of the table at a path below a type.
func validKeys(t reflect.Type, path []string) []string {
	for _, key := range path {
		t = element(t)
		if t.Kind() != reflect.Struct {
			return nil
		}
		next, ok := field(t, key)
		if !ok {
			return nil
		}
		t = next.Type
	}
	t = element(t)
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for _, f := range fields(t) {
		keys = append(keys, f.key)
	}
	return keys
}

// element strips pointers and slices of tables.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// keyed is a struct field with its key.
type keyed struct {
	reflect.StructField
	key string
}

// fields lists the fields of a struct that have keys, embedded ones included.
func fields(t reflect.Type) []keyed {
	var out []keyed
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, fields(f.Type)...)
			continue
		}
		if key := tomlKey(f); key != "" {
			out = append(out, keyed{f, key})
		}
	}
	return out
}

func field(t reflect.Type, key string) (keyed, bool) {
	for _, f := range fields(t) {
		if f.key == key {
			return f, true
		}
	}
	return keyed{}, false
}

// sweep splits the table [sweep] into axes and the number of seeds.
func (d *decoding) sweep(s *Scenario, table map[string]any) {
	s.Sweep.Seeds = 1
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		value := table[key]
		if key == "seeds" {
			n, ok := value.(int64)
			if !ok || n < 1 || n > maxRuns {
				d.problemf("sweep.seeds", "got %s, want a number of runs, 1 to %d", describe(value), maxRuns)
				continue
			}
			s.Sweep.Seeds = int(n)
			continue
		}
		values, ok := value.([]any)
		if !ok || len(values) == 0 {
			d.problemf("sweep."+key, "got %s, want a list of values; the key is written in quotes, such as \"nodes.count\" = [100, 1000]", describe(value))
			continue
		}
		s.Sweep.Axes = append(s.Sweep.Axes, Axis{Key: key, Values: values})
	}
}

// maxRuns bounds the runs of a sweep.
const maxRuns = 1_000_000
