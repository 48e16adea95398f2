package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// Target is one fuzz target.
type Target struct {
	Module  string // path
	Package string // import path
	Dir     string // of the package
	Name    string // FuzzX
}

// Seeds is the directory from which go test takes seeds, and where the fuzzer
// leaves what fails.
func (t Target) Seeds() string { return filepath.Join(t.Dir, "testdata", "fuzz", t.Name) }

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)

// Targets lists the fuzz targets of packages, as patterns of go list, in the
// module in a directory.
func Targets(ctx context.Context, module string, patterns []string) ([]Target, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-json=ImportPath,Dir,Module,TestGoFiles,XTestGoFiles", "--"}, patterns...)...)
	cmd.Dir, cmd.Stderr = module, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var targets []Target
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir           string
			Module                    struct{ Path string }
			TestGoFiles, XTestGoFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return targets, nil
		} else if err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
		for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			source, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return nil, fmt.Errorf("list targets of %s: %w", p.ImportPath, err)
			}
			for _, m := range declaration.FindAllSubmatch(source, -1) {
				targets = append(targets, Target{p.Module.Path, p.ImportPath, p.Dir, string(m[1])})
			}
		}
	}
}
