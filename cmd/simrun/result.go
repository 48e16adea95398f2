package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/scenarios"
)

// result is what stands in a directory: a run, or the runs of a sweep.
type result struct {
	dir      string
	scenario *scenarios.Scenario
	summary  *analysis.Summary // of a run; nil for a sweep
	runs     []analysis.Run
	versions []string // that made the runs, in order of appearance
}

// writeScenario writes a scenario with every default filled in, and beside it
// the files that it refers to.
func writeScenario(dir string, s *scenarios.Scenario, files map[string][]byte) error {
	text, err := s.Marshal()
	if err != nil {
		return err
	}
	for name, content := range files {
		if filepath.IsAbs(name) {
			continue // it is found where it is
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := writeFile(path, content); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, scenarioFile), text)
}

// writeRun writes the files that hold what came out of a run.
func writeRun(dir string, s *analysis.Summary, series []analysis.Series) error {
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"metrics.csv", func(w io.Writer) error { return analysis.WriteSeriesCSV(w, series) }},
		{"metrics.parquet", func(w io.Writer) error { return analysis.WriteSeriesParquet(w, series) }},
		{summaryFile, func(w io.Writer) error { return analysis.WriteSummary(w, s) }},
	}
	for _, f := range files {
		if err := createFile(filepath.Join(dir, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}

// createFile creates or replaces a file with what write writes.
func createFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// readRun reads what writeRun wrote.
func readRun(dir string) (*analysis.Summary, []analysis.Series, error) {
	f, err := os.Open(filepath.Join(dir, summaryFile))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	summary, err := analysis.ReadSummary(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	g, err := os.Open(filepath.Join(dir, "metrics.csv"))
	if err != nil {
		return nil, nil, err
	}
	defer g.Close()
	series, err := analysis.ReadSeriesCSV(g)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", g.Name(), err)
	}
	return summary, series, nil
}

// loadResult reads a result directory.
func loadResult(dir string) (*result, error) {
	path := filepath.Join(dir, scenarioFile)
	if !exists(path) {
		return nil, usagef("%s is not a result of simrun: it has no %s", dir, scenarioFile)
	}
	s, err := loadScenario(path)
	if err != nil {
		return nil, err
	}
	r := &result{dir: dir, scenario: s}
	if exists(filepath.Join(dir, pointsDir)) {
		return r, r.loadPoints()
	}
	summary, series, err := readRun(dir)
	if err != nil {
		return nil, usagef("%s is not a result of simrun: %w", dir, err)
	}
	r.summary = summary
	r.add(summary, series)
	return r, nil
}

// add appends a run.
func (r *result) add(s *analysis.Summary, series []analysis.Series) {
	r.runs = append(r.runs, s.Run(series))
	for _, v := range r.versions {
		if v == s.Version {
			return
		}
	}
	r.versions = append(r.versions, s.Version)
}

// incompleteError reports that a sweep has runs that are not finished.
type incompleteError struct {
	dir           string
	missing, runs int
}

func (e *incompleteError) Error() string {
	return fmt.Sprintf("%d of the %s in %s are missing; simrun sweep %s --out %s runs them",
		e.missing, plural(e.runs, "run"), e.dir, filepath.Join(e.dir, scenarioFile), e.dir)
}

// loadPoints reads the runs of a sweep in the order of its points.
func (r *result) loadPoints() error {
	points, err := pointsOf(r.scenario)
	if err != nil {
		return err
	}
	store := pointStore{dir: filepath.Join(r.dir, pointsDir)}
	missing := 0
	for _, p := range points {
		if !store.has(p.key) {
			missing++
			continue
		}
		summary, series, err := readRun(store.path(p.key))
		if err != nil {
			return usagef("read run %s: %w", p, err)
		}
		r.add(summary, series)
	}
	if missing > 0 {
		return &incompleteError{dir: r.dir, missing: missing, runs: len(points)}
	}
	return nil
}
