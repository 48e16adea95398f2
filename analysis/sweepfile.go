package analysis

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// WriteSweepCSV writes sweep.csv: a column per swept key, then metric, unit, n
// (runs with a value), missing (runs without), mean, ci95 (half-width of the 95
// % confidence interval), min, median, max; a row per point and metric.
func WriteSweepCSV(w io.Writer, runs []Run) error {
	keys := sweptKeys(runs)
	out := csv.NewWriter(w)
	err := out.Write(append(slices.Clone(keys), "metric", "unit", "n", "missing", "mean", "ci95", "min", "median", "max"))
	names := MetricNames(runs)
	for _, p := range ByPoint(runs) {
		for _, name := range names {
			if err == nil {
				err = out.Write(append(pointColumns(p, keys), statisticsColumns(name, Summarise(p.Values(name)))...))
			}
		}
	}
	out.Flush()
	if err = errors.Join(err, out.Error()); err != nil {
		return fmt.Errorf("write sweep: %w", err)
	}
	return nil
}

// sweptKeys returns the keys of all points, in the order of their first
// appearance.
func sweptKeys(runs []Run) []string {
	var keys []string
	for _, r := range runs {
		for _, a := range r.Point {
			if !slices.Contains(keys, a.Key) {
				keys = append(keys, a.Key)
			}
		}
	}
	return keys
}

func pointColumns(p PointRuns, keys []string) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i], _ = Run{Point: p.Point}.Value(key)
	}
	return out
}

func statisticsColumns(name string, s Statistics) []string {
	m, _ := lookup(name, UseValue)
	out := []string{name, m.Unit, strconv.Itoa(s.N), strconv.Itoa(s.Missing)}
	for _, v := range []float64{s.Mean, s.CI, s.Min, s.Median, s.Max} {
		text := ""
		if v == v { // not NaN
			text = formatFloat(rounded(v))
		}
		out = append(out, text)
	}
	return out
}

// Sweep is the content of sweep.json.
type Sweep struct {
	Scenario string
	Version  string
	Runs     []Run
	Expect   []Verdict
}

type (
	sweepFile struct {
		Scenario string        `json:"scenario"`
		Version  string        `json:"version"`
		Runs     int           `json:"runs"`
		Points   []pointFile   `json:"points"`
		Expect   []verdictFile `json:"expect"`
	}
	pointFile struct {
		Point       []Assignment              `json:"point"`
		Seeds       []uint64                  `json:"seeds"`
		TraceHashes []string                  `json:"trace_hashes"`
		Metrics     map[string]statisticsFile `json:"metrics"`
	}
	statisticsFile struct {
		N       int        `json:"n"`
		Missing int        `json:"missing,omitempty"`
		Mean    jsonNumber `json:"mean"`
		CI      jsonNumber `json:"ci95"`
		Min     jsonNumber `json:"min"`
		Median  jsonNumber `json:"median"`
		Max     jsonNumber `json:"max"`
	}
)

// WriteSweep writes sweep.json: the statistics of every metric at every point.
func WriteSweep(w io.Writer, s *Sweep) error {
	f := sweepFile{Scenario: s.Scenario, Version: s.Version, Runs: len(s.Runs), Points: []pointFile{}, Expect: verdictFiles(s.Expect)}
	for _, p := range ByPoint(s.Runs) {
		point := pointFile{Point: p.Point, Metrics: map[string]statisticsFile{}}
		for _, r := range p.Runs {
			point.Seeds = append(point.Seeds, r.Seed)
			point.TraceHashes = append(point.TraceHashes, r.TraceHash)
		}
		for _, name := range MetricNames(p.Runs) {
			v := Summarise(p.Values(name))
			point.Metrics[name] = statisticsFile{
				N: v.N, Missing: v.Missing, Mean: jsonNumber(rounded(v.Mean)), CI: jsonNumber(rounded(v.CI)),
				Min: jsonNumber(v.Min), Median: jsonNumber(rounded(v.Median)), Max: jsonNumber(v.Max),
			}
		}
		f.Points = append(f.Points, point)
	}
	if err := writeJSON(w, f); err != nil {
		return fmt.Errorf("write sweep: %w", err)
	}
	return nil
}
