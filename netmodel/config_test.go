package netmodel

import (
	"strings"
	"testing"
	"time"
)

// Every mistake is answered with the field, what it holds and what it may.
func TestNewNamesTheMistake(t *testing.T) {
	ok := Constant{Delay: time.Millisecond}
	square := &Matrix{Names: []string{"a", "b"}, OneWay: [][]time.Duration{{1, 2}, {3, 4}}}
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Latency: ok}, "Nodes: got 0, want 1 to 1073741824"},
		{Config{Nodes: 2}, "Latency: got none, want Constant, Uniform"},
		{Config{Nodes: 2, Latency: Constant{Delay: -1}}, "Latency.Delay: got -1ns, want 0s to 1h0m0s"},
		{Config{Nodes: 2, Latency: Uniform{Min: 2, Max: 1}}, "Latency.Max: got 1ns, want Min (2ns) to 1h0m0s"},
		{Config{Nodes: 2, Latency: Uniform{Min: -2, Max: 1}}, "Latency.Min: got -2ns, want 0s"},
		{Config{Nodes: 2, Latency: Normal{Mean: -5}}, "Latency.Mean: got -5ns"},
		{Config{Nodes: 2, Latency: Normal{StdDev: 2 * time.Hour}}, "Latency.StdDev: got 2h0m0s"},
		{Config{Nodes: 2, Latency: Normal{Mean: 1e6, StdDev: 1000, Min: 2e6}}, "Latency.Min and Max: got 2ms and 1h0m0s, want bounds"},
		{Config{Nodes: 2, Latency: Normal{Mean: 1e6, StdDev: 1000, Max: 1e5}}, "Latency.Min and Max: got 0s and 100µs, want bounds"},
		{Config{Nodes: 2, Latency: LogNormal{P90: 1}}, "Latency.Median: got 0s, want 1ns"},
		{Config{Nodes: 2, Latency: LogNormal{Median: 10, P90: 9}}, "Latency.P90: got 9ns with a median of 10ns"},
		{Config{Nodes: 2, Latency: LogNormal{Median: 10, P90: 1e5}}, "want the median to 1000 times the median"},
		{Config{Nodes: 2, Latency: PairMatrix{}}, "Latency.Matrix: got none, want a matrix"},
		{Config{Nodes: 2, Latency: RegionMatrix{}}, "Latency.Matrix: got none, want a matrix"},
		{Config{Nodes: 2, Latency: RegionMatrix{Matrix: &Matrix{OneWay: square.OneWay}}}, "Latency.Matrix.Names: got none"},
		{Config{Nodes: 2, Latency: RegionMatrix{Matrix: &Matrix{OneWay: [][]time.Duration{{1, 2}, {3}}}}}, "got 1 values in row 2, want 2"},
		{Config{Nodes: 2, Latency: PairMatrix{Matrix: &Matrix{OneWay: [][]time.Duration{{5 * time.Second}}}}}, "got 5s in row 1, column 1, want 0s to 4.294967295s"},
		{Config{Nodes: 2, Latency: RegionMatrix{Matrix: square}, Regions: []Region{{Name: "c"}}}, `Regions[0].Name: got "c", want a row of the matrix ([a b])`},
		{Config{Nodes: 2, Latency: ok, Regions: []Region{{Name: "a"}, {Name: "a"}}}, `Regions[1].Name: got "a", want a name of its own`},
		{Config{Nodes: 2, Latency: ok, Regions: []Region{{Name: "a", Nodes: 1}}}, "Regions: got 1 nodes in all regions together, want Config.Nodes (2)"},
		{Config{Nodes: 2, Latency: ok, Regions: []Region{{Name: "a", Nodes: 1}, {Name: "b", Weight: 1}}}, "got both Nodes and Weight"},
		{Config{Nodes: 2, Latency: ok, Regions: []Region{{Name: "a", Nodes: 3}}}, "Regions[0].Nodes: got 3, want 0 to 2"},
		{Config{Nodes: 2, Latency: ok, Regions: []Region{{Name: "a", Weight: 1 << 33}}}, "Regions[0].Weight: got 8589934592"},
		{Config{Nodes: 2, Latency: ok, Placement: 7}, "Placement: got 7"},
		{Config{Nodes: 2, Latency: ok, Loss: GilbertElliott{MeanGood: 1, MeanBad: time.Second}}, "Loss.MeanGood: got 1ns, want 2µs to 1h0m0s"},
		{Config{Nodes: 2, Latency: ok, Loss: GilbertElliott{MeanGood: time.Second}}, "Loss.MeanBad: got 0s"},
		{Config{Nodes: 2, Latency: ok, Reorder: 1}, "ReorderDelay: got 0s with a probability"},
		{Config{Nodes: 2, Latency: ok, ReorderDelay: -1}, "ReorderDelay: got -1ns"},
		{Config{Nodes: 2, Latency: ok, Header: -2}, "Header: got -2 bytes"},
		{Config{Nodes: 2, Latency: ok, MTU: 70_000}, "MTU: got 70000 bytes"},
		{Config{Nodes: 2, Latency: ok, MSS: -1}, "MSS: got -1 bytes"},
		{Config{Nodes: 2, Latency: ok, Bandwidth: []BandwidthClass{{Up: 7}}}, "Bandwidth[0].Up: got 7 bit/s, want 0 (no limit) or 8 to 1000000000000"},
		{Config{Nodes: 2, Latency: ok, Bandwidth: []BandwidthClass{{DownQueue: 1000}}}, "Bandwidth[0].Down: got a queue of 1000 bytes"},
		{Config{Nodes: 2, Latency: ok, Bandwidth: []BandwidthClass{{Share: Always}, {Share: 2}}}, "Bandwidth[1].Share: got shares that add up to more than the whole"},
	} {
		_, err := New(c.cfg)
		if err == nil || !strings.HasPrefix(err.Error(), "new network: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q in it", err, c.want)
		}
	}
}

func TestApplyNamesTheMistake(t *testing.T) {
	m := mustNew(t, Config{Nodes: 3, Latency: Constant{}, Regions: []Region{{Name: "north"}, {Name: "south"}}})
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{From: Set{Nodes: []uint32{0, 3}}}, "From.Nodes[1]: got 3, want below 3"},
		{Rule{To: Set{Regions: []string{"east"}}}, `To.Regions[0]: got "east", want one of: north, south`},
		{Rule{Delay: -1}, "Delay: got -1ns, want 0s to 1h0m0s"},
		{Rule{Jitter: 2 * time.Hour}, "Jitter: got 2h0m0s"},
		{Rule{Reorder: 1}, "ReorderDelay: got 0s with a probability"},
		{Rule{Bursts: &GilbertElliott{MeanGood: time.Second}}, "Bursts.MeanBad: got 0s"},
		{Rule{Bandwidth: -8}, "Bandwidth: got -8 bit/s"},
		{Rule{Queue: 5}, "Bandwidth: got a queue of 5 bytes"},
	} {
		_, err := m.Apply(c.rule)
		if err == nil || !strings.HasPrefix(err.Error(), "apply network rule: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q in it", err, c.want)
		}
	}
	if err := m.Remove(5); err == nil || !strings.Contains(err.Error(), "got 5, want a rule in force") {
		t.Errorf("got error %v", err)
	}
	if m.extras {
		t.Error("a rule that was refused left something behind")
	}
}

func TestDefaults(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{}})
	if m.Header() != 28 || m.MTU() != 1400 || m.mss != 1448 || m.Nodes() != 2 {
		t.Errorf("got header %d, MTU %d, MSS %d, %d nodes", m.Header(), m.MTU(), m.mss, m.Nodes())
	}
	m = mustNew(t, Config{Nodes: 2, Latency: Constant{}, Header: NoHeader, MTU: 512, MSS: 100})
	if m.Header() != 0 || m.MTU() != 512 || m.mss != 100 {
		t.Errorf("got header %d, MTU %d, MSS %d", m.Header(), m.MTU(), m.mss)
	}
}
