package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// outputRoot is where results go when --out is not given.
const outputRoot = "starling-out"

// Names of files in a result directory.
const (
	scenarioFile = "scenario.toml"
	summaryFile  = "summary.json"
	sweepFile    = "sweep.json"
	reportFile   = "report.html"
	plotsDir     = "plots"
	tablesDir    = "tables"
	pointsDir    = "points"
)

// resultDir is a directory that appears under its name only when it is
// complete: the work is done in a sibling, which is renamed at the end.
type resultDir struct {
	final string // where it shall stand
	work  string // where it is being written
	force bool   // replace what stands at final
}

// createResultDir prepares a result directory at final, or, if final is empty,
// at the first free one of fallback, fallback.2, fallback.3 and so on. What
// exists is replaced only with force, and only if it is a result.
func createResultDir(final, fallback string, force bool) (*resultDir, error) {
	if final == "" {
		final = fallback
		for n := 2; !force && exists(final); n++ {
			final = fallback + "." + strconv.Itoa(n)
		}
	}
	final = filepath.Clean(final)
	if final == "." || final == ".." {
		return nil, usagef("--out %s: want a directory that can be made or replaced, not one that is in use", final)
	}
	if err := checkReplaceable(final, force); err != nil {
		return nil, err
	}
	parent := filepath.Dir(final)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, usagef("create the directory for results: %w", err)
	}
	work, err := mkdirUnused(partialName(final))
	if err != nil {
		return nil, usagef("create the directory for results: %w", err)
	}
	return &resultDir{final: final, work: work, force: force}, nil
}

// commit puts the directory under its name.
func (d *resultDir) commit() error {
	if err := checkReplaceable(d.final, d.force); err != nil {
		return err // somebody else was faster
	}
	var old string
	if exists(d.final) {
		old = d.work + ".old"
		if err := os.Rename(d.final, old); err != nil {
			return fmt.Errorf("replace %s: %w", d.final, err)
		}
	}
	if err := os.Rename(d.work, d.final); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, d.final))
		}
		return fmt.Errorf("finish %s: %w", d.final, err)
	}
	d.work = ""
	if old != "" {
		if err := os.RemoveAll(old); err != nil {
			return fmt.Errorf("remove the replaced %s: %w", d.final, err)
		}
	}
	return nil
}

// discard removes what was written unless it was committed.
func (d *resultDir) discard() {
	if d.work != "" {
		os.RemoveAll(d.work)
	}
}

// checkReplaceable returns why path may not be written to: it is not empty and
// force is not given, or it holds something else than a result.
func checkReplaceable(path string, force bool) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usagef("open the directory for results: %w", err)
	case len(entries) == 0:
		return nil
	case !force:
		return usagef("%s exists and is not empty; choose another --out, or replace it with --force", path)
	case !isResult(path):
		return usagef("%s holds something else than a result of simrun (no %s); --force does not replace that", path, scenarioFile)
	}
	return nil
}

// isResult reports whether path looks like the result of a run or a sweep.
func isResult(path string) bool {
	return exists(filepath.Join(path, scenarioFile)) &&
		(exists(filepath.Join(path, summaryFile)) || exists(filepath.Join(path, sweepFile)) || exists(filepath.Join(path, pointsDir)))
}

// mkdirUnused creates a directory whose name begins with prefix and returns its
// path. Unlike os.MkdirTemp it leaves the permissions to the umask.
func mkdirUnused(prefix string) (string, error) {
	for n := os.Getpid(); ; n++ {
		path := prefix + strconv.Itoa(n)
		if err := os.Mkdir(path, 0o777); !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
}

// partialName returns what the names of unfinished work on path begin with.
func partialName(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial-")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeFile writes a file that is either complete or as it was before.
func writeFile(path string, data []byte) error {
	partial := partialName(path) + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(partial, data, 0o666); err != nil {
		return err
	}
	return os.Rename(partial, path)
}
