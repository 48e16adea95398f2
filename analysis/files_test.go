package analysis_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
)

// golden compares with a file of testdata; UPDATE_GOLDEN=1 writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func exampleSummary() *analysis.Summary {
	seed := uint64(1)
	return &analysis.Summary{
		Scenario: "quickstart", Seed: 1, Version: "v0.1.0", TraceHash: strings.Repeat("0f", 32),
		VirtualSeconds: 60, WallSeconds: 1.25, Events: 1234567, PeakRSSBytes: 123 << 20, Nodes: 1000,
		Metrics: map[string]float64{
			"swim.false_positives": 0, "swim.detect_first_s.p50": 1.4, "swim.whole_again_s": math.NaN(),
			"swim.false_positive_rate": 1e-7, "net.messages_by_kind.swim.ping": 60000,
		},
		Expect: []analysis.Verdict{
			{Metric: "swim.false_positives", Op: "<=", Want: 0.0001, Got: 0, OK: true},
			{Metric: "swim.whole_again_s", Op: "<=", Want: 30, Got: math.NaN(), Note: "measured, but <no> value"},
			{Metric: "swim.flaps", Op: "==", Got: 2.5, Point: "nodes.count=10", Seed: &seed},
			{Metric: "swim.flaps", Op: ">=", Got: 2.5, OK: true, N: 1, CI: math.NaN()},
		},
	}
}

func TestSummaryFile(t *testing.T) {
	var b bytes.Buffer
	if err := analysis.WriteSummary(&b, exampleSummary()); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.json", b.Bytes())
	read, err := analysis.ReadSummary(&b)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := analysis.WriteSummary(&again, read); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.json", again.Bytes())
	if !math.IsNaN(read.Metrics["swim.whole_again_s"]) || !math.IsNaN(read.Expect[3].CI) {
		t.Errorf("got %v and %v, want what has no value to stay so", read.Metrics["swim.whole_again_s"], read.Expect[3].CI)
	}
}

func TestSummaryOfARealRunHasNoTraceHash(t *testing.T) {
	s := exampleSummary()
	s.Real, s.TraceHash = true, ""
	var b bytes.Buffer
	if err := analysis.WriteSummary(&b, s); err != nil {
		t.Fatal(err)
	}
	if read, err := analysis.ReadSummary(&b); err != nil || !read.Real {
		t.Errorf("got %+v, %v, want a real run", read, err)
	}
}

func TestReadSummaryRefuses(t *testing.T) {
	for _, text := range []string{
		"", "{", "[]", "{}", `{"scenario":"a","trace_hash":"b"}`, `{"scenario":"a","trace_hash":"b","metrics":{}} {}`,
		`{"scenario":"a","trace_hash":"b","metrics":{"m":"1"}}`,
	} {
		if s, err := analysis.ReadSummary(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %+v, want an error", text, s)
		}
	}
}

func drawSeries(t *rapid.T) []analysis.Series {
	var all []analysis.Series
	for _, metric := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b.c", "net.message_rate", "x,\"y\""}), 0, 4, rapid.ID[string]).Draw(t, "metrics") {
		for _, group := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "swim.ping", "lost, \"quoted\"\nline"}), 1, 3, rapid.ID[string]).Draw(t, "groups") {
			s := analysis.Series{Metric: metric, Group: group}
			for range rapid.IntRange(1, 20).Draw(t, "points") {
				s.X = append(s.X, rapid.Float64Range(0, 1e6).Draw(t, "x"))
				y := rapid.Float64().Draw(t, "y")
				if rapid.IntRange(0, 4).Draw(t, "none") == 0 {
					y = math.NaN()
				}
				s.Y = append(s.Y, y)
			}
			all = append(all, s)
		}
	}
	return all
}

func TestSeriesSurviveTheirFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawSeries(t)
		var text, binary bytes.Buffer
		if err := analysis.WriteSeriesCSV(&text, all); err != nil {
			t.Fatal(err)
		}
		if err := analysis.WriteSeriesParquet(&binary, all); err != nil {
			t.Fatal(err)
		}
		fromText, err := analysis.ReadSeriesCSV(&text)
		if err != nil {
			t.Fatal(err)
		}
		fromBinary, err := analysis.ReadSeriesParquet(bytes.NewReader(binary.Bytes()), int64(binary.Len()))
		if err != nil {
			t.Fatal(err)
		}
		sameSeries(t, "csv", fromText, all)
		sameSeries(t, "parquet", fromBinary, all)
	})
}

func sameSeries(t *rapid.T, what string, got, want []analysis.Series) {
	if len(got) != len(want) {
		t.Fatalf("%s: got %d series, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Metric != w.Metric || g.Group != w.Group || !reflect.DeepEqual(g.X, w.X) || len(g.Y) != len(w.Y) {
			t.Fatalf("%s: got %+v, want %+v", what, g, w)
		}
		for k := range w.Y {
			if g.Y[k] != w.Y[k] && !(math.IsNaN(g.Y[k]) && math.IsNaN(w.Y[k])) {
				t.Fatalf("%s: %s at %v: got %v, want %v", what, w.Metric, w.X[k], g.Y[k], w.Y[k])
			}
		}
	}
}

func TestSeriesFilesRefuse(t *testing.T) {
	for _, text := range []string{
		"", "time,metric,group,value\n", "time_s,metric,group,value\n1,a,b\n", "time_s,metric,group,value\nx,a,b,1\n",
		"time_s,metric,group,value\n1,a,b,y\n",
	} {
		if s, err := analysis.ReadSeriesCSV(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, s)
		}
	}
	if _, err := analysis.ReadSeriesParquet(strings.NewReader("no parquet at all"), 17); err == nil {
		t.Error("got no error from a file that is no parquet")
	}
	uneven := []analysis.Series{{Metric: "a", X: []float64{1, 2}, Y: []float64{1}}}
	if err := analysis.WriteSeriesCSV(&bytes.Buffer{}, uneven); err == nil {
		t.Error("got no error from a series with two times and one value")
	}
}

func TestSeriesFileText(t *testing.T) {
	var b bytes.Buffer
	err := analysis.WriteSeriesCSV(&b, []analysis.Series{
		{Metric: "net.message_rate", X: []float64{1, 2.5}, Y: []float64{2, math.NaN()}},
		{Metric: "swim.known_dead_share", X: []float64{20}, Y: []float64{1.0 / 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "metrics.csv", b.Bytes())
}

// orderedRuns are sixRuns in a fixed order, with a series each.
func orderedRuns() []analysis.Run {
	var runs []analysis.Run
	for i, variant := range []string{"swim", "lifeguard"} {
		for seed := range 3 {
			v := float64(10 - 8*i + seed)
			curve := analysis.Series{Metric: "swim.known_dead_share", X: []float64{0, 10, 20, 30}, Y: []float64{0, 0.2 + 0.01*v, 0.9, 1}}
			samples := analysis.Series{Metric: "swim.detect_all_s", X: []float64{5, 5, 5}, Y: []float64{v, v + 1, v + 4}}
			unfinished := analysis.Series{Metric: "swim.detect_all_s.unfinished", X: []float64{5}, Y: []float64{25}}
			runs = append(runs, analysis.Run{
				Point: at("variant", variant, "nodes.count", "128"), Seed: uint64(seed + 1), TraceHash: strings.Repeat("ab", 32),
				Metrics: map[string]float64{"swim.false_positives": v, "swim.detect_all_s.mean": 1.5 + v/7, "swim.flaps": 0, "swim.whole_again_s": math.NaN()},
				Series:  []analysis.Series{curve, samples, unfinished},
			})
		}
	}
	return runs
}

func TestSweepFiles(t *testing.T) {
	runs := orderedRuns()
	var text, tree bytes.Buffer
	if err := analysis.WriteSweepCSV(&text, runs); err != nil {
		t.Fatal(err)
	}
	golden(t, "sweep.csv", text.Bytes())
	verdicts := analysis.Evaluate(runs, []analysis.Expectation{{Metric: "swim.false_positives", Max: of(11), Statistic: analysis.StatisticMean}})
	if err := analysis.WriteSweep(&tree, &analysis.Sweep{Scenario: "swim/lifeguard", Version: "v0.1.0", Runs: runs, Expect: verdicts}); err != nil {
		t.Fatal(err)
	}
	golden(t, "sweep.json", tree.Bytes())
}

func lifeguardTable() analysis.TableSpec {
	return analysis.TableSpec{Name: "fp", Title: "False positives", Rows: "variant", Columns: []analysis.Column{
		{Metric: "swim.false_positives", Label: "FP"},
		{Metric: "swim.false_positives", RelativeTo: "swim", Published: map[string]float64{"swim": 100, "lifeguard": 1.53}},
		{Metric: "swim.detect_all_s.mean"},
		{Metric: "swim.whole_again_s"},
	}}
}

func TestTableText(t *testing.T) {
	table, err := analysis.BuildTable(lifeguardTable(), orderedRuns())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "table.txt", []byte(table.Text()))
}

func TestTablesRefuse(t *testing.T) {
	for name, change := range map[string]func(*analysis.TableSpec){
		"no such key": func(s *analysis.TableSpec) { s.Rows = "nodes.cout" },
		"no such row": func(s *analysis.TableSpec) { s.Columns[1].RelativeTo = "buddy" },
	} {
		spec := lifeguardTable()
		change(&spec)
		if table, err := analysis.BuildTable(spec, orderedRuns()); err == nil {
			t.Errorf("%s: got %v, want an error", name, table)
		}
	}
	if _, err := analysis.BuildTable(lifeguardTable(), nil); err == nil {
		t.Error("no run: got no error")
	}
}

func TestFormatValue(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1.5: "1.5", 12.345678: "12.35", 0.00012345: "0.0001234", 1e-9: "1e-09",
		1234: "1234", 12345.6: "12\u202f346", 1234567: "1\u202f234\u202f567", -54321: "-54\u202f321",
		math.Inf(1): "–",
	} {
		if got := analysis.FormatValue(v); got != want {
			t.Errorf("FormatValue(%v) = %q, want %q", v, got, want)
		}
	}
	if got := analysis.FormatValue(math.NaN()); got != "–" {
		t.Errorf("NaN: got %q", got)
	}
}
