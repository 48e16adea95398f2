package analysis_test

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

// tinyStore is a run of 20 replicas: hot keys are pushed and are everywhere after
// tens of milliseconds, cold ones by anti-entropy in turn, and a partition keeps
// the last five apart from 20 s to 40 s.
func tinyStore(t *testing.T) analysis.Result {
	t.Helper()
	const nodes = 20
	type event struct {
		at   time.Duration
		kind protocol.EventKind
		node int
		args [3]uint64
	}
	rng := protocol.NewRand(1)
	var events []event
	add := func(at time.Duration, kind protocol.EventKind, node int, args ...uint64) {
		e := event{at: at, kind: kind, node: node}
		copy(e.args[:], args)
		events = append(events, e)
	}
	apart := func(node int, at time.Duration) bool {
		return node >= 15 && at >= 20*time.Second && at < 40*time.Second
	}
	const writes = 400
	hold := make([][]time.Duration, nodes) // when each write got there
	for w := range writes {
		at := time.Duration(w+1) * 100 * time.Millisecond
		hot := w%4 != 0
		flags := uint64(0)
		if hot {
			flags = pushed
		}
		writer := rng.IntN(15)
		add(at, evWrite, writer, uint64(w%50), uint64(w+1), flags)
		for node := range nodes {
			came := at
			switch {
			case node == writer:
			case hot && !apart(node, at):
				came += 20*time.Millisecond + rng.DurationN(60*time.Millisecond)
			default:
				came += time.Second + rng.DurationN(9*time.Second)
			}
			if apart(node, came) {
				came = 40*time.Second + rng.DurationN(8*time.Second)
			}
			hold[node] = append(hold[node], came)
			if node != writer && came < 45*time.Second {
				add(came, evApply, node, uint64(w%50), uint64(w+1), 1-flags/pushed)
			}
		}
	}
	for s := time.Duration(1); s <= 50; s++ {
		for node := range nodes {
			have := uint64(0)
			for _, came := range hold[node] {
				if came < s*time.Second {
					have++
				}
			}
			add(s*time.Second, evRoot, node, have, have, 0)
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	s := newReplicas(t, nodes)
	for _, e := range events {
		s.now = e.at
		s.emit(e.kind, e.node, -1, e.args[:]...)
	}
	return s.at(51).finish()
}

// Series and distributions of replication can be drawn as any others.
// STARLING_FIGURES names a directory to which the figures are written.
func TestReplicationIsDrawn(t *testing.T) {
	r := tinyStore(t)
	runs := []analysis.Run{{Metrics: r.Metrics, Series: r.Series}}
	if v := r.Metrics["replica.same_root_share"]; v != 1 {
		t.Errorf("got a share of %v with the same root at the end, want 1", v)
	}
	if math.IsNaN(r.Metrics["replica.latency_hot_s.p50"]) || r.Metrics["replica.latency_hot_s.p50"] > r.Metrics["replica.latency_cold_s.p50"] {
		t.Error("hot keys take longer than cold ones")
	}
	for _, p := range []analysis.Plot{
		{Name: "same-root", Kind: analysis.PlotSeries, Metrics: []string{"replica.same_root_share"}},
		{Name: "latency", Kind: analysis.PlotDistribution, Metrics: []string{"replica.latency_hot_s", "replica.latency_cold_s"}, LogX: true},
	} {
		f, err := analysis.Draw(p, runs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(f.PNG)); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		text := svgTexts(t, f.SVG)
		for _, name := range p.Metrics {
			if m, _ := analysis.Lookup(name); !strings.Contains(text, m.Label) {
				t.Errorf("%s: no %q among %q", p.Name, m.Label, text)
			}
		}
		if dir := os.Getenv("STARLING_FIGURES"); dir != "" {
			if err := os.WriteFile(dir+"/"+p.Name+".png", f.PNG, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
