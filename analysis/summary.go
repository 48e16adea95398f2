package analysis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Summary is the content of summary.json: one run in figures.
type Summary struct {
	Scenario       string
	Seed           uint64
	Version        string
	TraceHash      string
	VirtualSeconds float64
	// Real: the nodes were real processes. Then there is no trace hash, virtual
	// time is real time, and no two runs are alike.
	Real bool
	// WallSeconds and PeakRSSBytes are the only figures that differ between
	// two runs of the same scenario and seed.
	WallSeconds  float64
	Events       uint64
	PeakRSSBytes uint64
	Nodes        int
	// Point are the swept keys of a sweep's run; absent from the file
	// outside a sweep.
	Point   []Assignment
	Metrics map[string]float64
	Expect  []Verdict
}

// Run returns the summary and the series as a run to be analysed.
func (s *Summary) Run(series []Series) Run {
	return Run{Point: s.Point, Seed: s.Seed, TraceHash: s.TraceHash, Metrics: s.Metrics, Series: series}
}

// jsonNumber is a float64 for which JSON has a word: NaN and the infinities,
// which mean that there is no value, are null.
type jsonNumber float64

func (n jsonNumber) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n *jsonNumber) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = jsonNumber(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// Files have their keys in the order of these structs; those of maps are
// sorted.
type (
	summaryFile struct {
		Scenario       string                `json:"scenario"`
		Seed           uint64                `json:"seed"`
		Version        string                `json:"version"`
		TraceHash      string                `json:"trace_hash"`
		Real           bool                  `json:"real,omitempty"`
		VirtualSeconds float64               `json:"virtual_seconds"`
		WallSeconds    float64               `json:"wall_seconds"`
		Events         uint64                `json:"events"`
		PeakRSSBytes   uint64                `json:"peak_rss_bytes"`
		Nodes          int                   `json:"nodes"`
		Point          []Assignment          `json:"point,omitempty"`
		Metrics        map[string]jsonNumber `json:"metrics"`
		Expect         []verdictFile         `json:"expect"`
	}
	verdictFile struct {
		Metric string      `json:"metric"`
		Op     string      `json:"op"`
		Where  string      `json:"where,omitempty"`
		RelTo  string      `json:"relative_to,omitempty"`
		Want   jsonNumber  `json:"want"`
		Got    jsonNumber  `json:"got"`
		OK     bool        `json:"ok"`
		Point  string      `json:"point,omitempty"`
		Seed   *uint64     `json:"seed,omitempty"`
		N      int         `json:"n,omitempty"`
		CI     *jsonNumber `json:"ci95,omitempty"`
		Note   string      `json:"note,omitempty"`
	}
)

// WriteSummary writes summary.json.
func WriteSummary(w io.Writer, s *Summary) error {
	f := summaryFile{
		Scenario: s.Scenario, Seed: s.Seed, Version: s.Version, TraceHash: s.TraceHash, Real: s.Real,
		VirtualSeconds: s.VirtualSeconds, WallSeconds: s.WallSeconds, Events: s.Events,
		PeakRSSBytes: s.PeakRSSBytes, Nodes: s.Nodes, Point: s.Point,
		Metrics: make(map[string]jsonNumber, len(s.Metrics)),
		Expect:  verdictFiles(s.Expect),
	}
	for name, v := range s.Metrics {
		f.Metrics[name] = jsonNumber(v)
	}
	if err := writeJSON(w, f); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

func verdictFiles(verdicts []Verdict) []verdictFile {
	out := []verdictFile{}
	for _, v := range verdicts {
		f := verdictFile{
			Metric: v.Metric, Op: v.Op, Where: v.Where, RelTo: v.RelativeTo, Want: jsonNumber(v.Want), Got: jsonNumber(v.Got), OK: v.OK,
			Point: v.Point, Seed: v.Seed, N: v.N, Note: v.Note,
		}
		if v.N > 0 {
			ci := jsonNumber(v.CI)
			f.CI = &ci
		}
		out = append(out, f)
	}
	return out
}

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// ReadSummary reads what WriteSummary wrote. Keys it does not know are left
// out, so that a later version's files can be read.
func ReadSummary(r io.Reader) (*Summary, error) {
	var f summaryFile
	d := json.NewDecoder(r)
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("read summary: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read summary: got more after the object, want the end of the file")
	}
	if f.Scenario == "" || f.TraceHash == "" && !f.Real || f.Metrics == nil {
		return nil, fmt.Errorf("read summary: got scenario %q, trace_hash %q and %d metrics, want all three to be there",
			f.Scenario, f.TraceHash, len(f.Metrics))
	}
	s := &Summary{
		Scenario: f.Scenario, Seed: f.Seed, Version: f.Version, TraceHash: f.TraceHash, Real: f.Real,
		VirtualSeconds: f.VirtualSeconds, WallSeconds: f.WallSeconds, Events: f.Events,
		PeakRSSBytes: f.PeakRSSBytes, Nodes: f.Nodes, Point: f.Point,
		Metrics: make(map[string]float64, len(f.Metrics)),
	}
	for name, v := range f.Metrics {
		s.Metrics[name] = float64(v)
	}
	for _, v := range f.Expect {
		s.Expect = append(s.Expect, v.verdict())
	}
	return s, nil
}

func (f verdictFile) verdict() Verdict {
	v := Verdict{
		Metric: f.Metric, Op: f.Op, Where: f.Where, RelativeTo: f.RelTo, Want: float64(f.Want), Got: float64(f.Got), OK: f.OK,
		Point: f.Point, Seed: f.Seed, N: f.N, Note: f.Note,
	}
	if f.N > 0 {
		v.CI = math.NaN() // null does not reach UnmarshalJSON of a pointer
	}
	if f.CI != nil {
		v.CI = float64(*f.CI)
	}
	return v
}
