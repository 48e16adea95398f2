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
	"slices"
	"strings"

	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/scenarios/document"
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
		p := Problem{Message: fmt.Sprintf("no scenario %q is built in", name), Nearest: document.Nearest(name, Names()), Valid: Names()}
		return nil, document.AsError([]Problem{p}, nil)
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
		return nil, document.AsError([]Problem{{Message: fmt.Sprintf("read scenario: %v", err)}}, nil)
	}
	source, embedErr := shipped.ReadFile(path.Clean(strings.TrimSuffix(nameOrPath, ".toml")) + ".toml")
	if embedErr != nil {
		p := Problem{
			Message: fmt.Sprintf("no file %q, and no scenario of that name is built in", nameOrPath),
			Nearest: document.Nearest(nameOrPath, Names()), Valid: Names(),
		}
		return nil, document.AsError([]Problem{p}, nil)
	}
	return Parse(strings.TrimSuffix(nameOrPath, ".toml")+".toml", source, env)
}

// Parse reads and checks a scenario. Files that it names are looked for beside
// the file.
func Parse(file string, source []byte, env Environment) (*Scenario, error) {
	d := &decoding{Document: document.Read(file, source)}
	s := &Scenario{env: env, file: file}
	if d.into(s) {
		d.check(s)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// decoding is one document on its way to a Scenario.
type decoding struct {
	*document.Document
	// stacked are protocols that may be configured though they are not in the
	// stack: they are in that of other points of the sweep.
	stacked []string
}

// fileContent is a scenario as it stands in a file.
type fileContent struct {
	Content
	Sweep map[string]any `toml:"sweep,omitempty"`
}

// into decodes the document and fills in defaults; false if it could not.
func (d *decoding) into(s *Scenario) bool {
	if d.Tree == nil {
		return false
	}
	s.tree = d.Tree
	doc := fileContent{Content: defaults()}
	d.Decode(s.tree, &doc, "")
	s.Content = doc.Content
	d.sweep(s, doc.Sweep)
	d.fill(s)
	return true
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
				d.Problemf("sweep.seeds", "got %s, want a number of runs, 1 to %d", document.Describe(value), maxRuns)
				continue
			}
			s.Sweep.Seeds = int(n)
			continue
		}
		values, ok := value.([]any)
		if !ok || len(values) == 0 {
			d.Problemf("sweep."+key, "got %s, want a list of values; the key is written in quotes, such as \"nodes.count\" = [100, 1000]", document.Describe(value))
			continue
		}
		s.Sweep.Axes = append(s.Sweep.Axes, Axis{Key: key, Values: values})
	}
}

// maxRuns bounds the runs of a sweep.
const maxRuns = 1_000_000
