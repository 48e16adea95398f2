package netmodel

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite testdata/fates.golden")

const goldenFile = "testdata/fates.golden"

// TestGoldenFates pins the bits of every model: published trace hashes rest on
// them, on every architecture. Whoever changes them on purpose runs
// go test ./netmodel -run Golden -update, and says so.
func TestGoldenFates(t *testing.T) {
	got := goldenFates(t)
	if *update {
		if err := os.WriteFile(goldenFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(text), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("line %d: got %q, want that of %s", i+1, line, goldenFile)
		}
	}
	if len(got) != len(text) {
		t.Errorf("got %d bytes, want %d", len(got), len(text))
	}
}

func goldenFates(t *testing.T) string {
	matrix := must[*Matrix](t)
	ms := time.Millisecond
	constant := Constant{Delay: 10 * ms}
	var out strings.Builder
	for _, c := range []struct {
		name  string
		cfg   Config
		rules []Rule
	}{
		{"constant", Config{Latency: constant}, nil},
		{"uniform and loss", Config{Latency: Uniform{Min: 10 * ms, Max: 100 * ms}, Loss: Independent{probability(0.2)}}, nil},
		{"normal", Config{Latency: Normal{Mean: 50 * ms, StdDev: 20 * ms, Min: 30 * ms}}, nil},
		{"log-normal", Config{Latency: LogNormal{Median: 40 * ms, P90: 120 * ms}}, nil},
		{"AWS", Config{Latency: RegionMatrix{Matrix: matrix(AWS2019()), Jitter: probability(0.1)}}, nil},
		{"libp2p", Config{Latency: RegionMatrix{Matrix: matrix(LibP2P8())}, Placement: PlaceShuffled}, nil},
		{"PlanetLab", Config{Latency: PairMatrix{Matrix: matrix(PlanetLab490()), Jitter: probability(0.1)}}, nil},
		{"Gilbert-Elliott", Config{Latency: constant, Loss: GilbertElliott{300 * ms, 200 * ms, probability(0.1), probability(0.9)}}, nil},
		{"impairments", Config{Latency: Uniform{Max: ms}, Duplicate: probability(0.3), Corrupt: probability(0.3), Reorder: probability(0.3), ReorderDelay: ms}, nil},
		{"bandwidth", Config{Latency: constant, Bandwidth: []BandwidthClass{
			{Share: probability(0.5), Up: 123_457, Down: 34_567, UpQueue: 2000, DownQueue: 2000},
		}}, nil},
		{"rules", Config{Latency: constant, Regions: []Region{{Name: "a"}, {Name: "b"}}}, []Rule{
			{From: Set{Regions: []string{"a"}}, To: Set{Regions: []string{"b"}}, Symmetric: true, Loss: probability(0.3), Delay: ms, Jitter: ms},
			{From: Set{Share: probability(0.3)}, Cut: true},
			{Duplicate: probability(0.3), Corrupt: probability(0.3), Reorder: probability(0.3), ReorderDelay: ms, Bandwidth: 1e6},
		}},
	} {
		c.cfg.Seed, c.cfg.Nodes = 2026, 600
		m := mustNew(t, c.cfg)
		for _, r := range c.rules {
			mustApply(t, m, r)
		}
		fmt.Fprintf(&out, "# %s: MinDelay %d\n", c.name, m.MinDelay())
		goldenMessages(&out, m)
	}
	m := mustNew(t, Config{Seed: 2026, Nodes: 30, Latency: constant})
	fmt.Fprintf(&out, "# members of a third: %v\n", must[[]uint32](t)(m.Members(Set{Share: probability(1.0 / 3)})))
	for seed := range uint64(4) {
		fmt.Fprintf(&out, "# damage %d: %q\n", seed, Damage([]byte("a quick brown fox"), seed))
	}
	return out.String()
}

func goldenMessages(out *strings.Builder, m *Model) {
	for i := range uint32(12) {
		from, to := i%2*257, 599-i/6*311
		now := int64(i) * int64(37*time.Millisecond)
		var f Fate
		m.Datagram(&Packet{From: from, To: to, Size: 700, K: i, Now: now}, &f)
		at, ok := m.Arrive(to, 700, now)
		fmt.Fprintf(out, "%d>%d: %d %v %d %x; arrive %d %t", from, to, f.Delay, f.Lost, f.Duplicate, f.Corrupt, at, ok)
		d, ok := m.StreamTransmit(from, to, 10_000, now, patient, i)
		e, connected := m.StreamConnect(from, to, now, i)
		fmt.Fprintf(out, "; stream %d %t, connect %d %t, %d bit/s\n", d, ok, e, connected, m.StreamRate(from, to))
	}
}
