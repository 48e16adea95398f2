package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// Keys between two bounds are those with the prefix that are behind the last page.
func TestBetween(t *testing.T) {
	draw := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xfe, 0xff}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		prefix, after, key := draw.Draw(t, "prefix"), draw.Draw(t, "after"), draw.Draw(t, "key")
		if rapid.Bool().Draw(t, "below") {
			key = append(bytes.Clone(prefix), key...)
		}
		if len(key) == 0 {
			return // there is no such key
		}
		start, end := between(prefix, after)
		got := bytes.Compare(key, start) >= 0 && (end == nil || bytes.Compare(key, end) < 0)
		want := bytes.HasPrefix(key, prefix) && (len(after) == 0 || bytes.Compare(key, after) > 0)
		if got != want {
			t.Fatalf("%q in [%q, %q): got %v, want %v", key, start, end, got, want)
		}
	})
}

// A node of a run finds on its disk what the scenario's seed makes of its
// configuration and its identity; one for itself what no seed does.
func TestDisksBeginAsTheScenarioSays(t *testing.T) {
	registry, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	const id = 0xa1
	disk := func(world string) (got, made map[string]string) {
		dir := t.TempDir()
		cfg, err := config.Parse(filepath.Join(dir, "node.toml"), fmt.Appendf(nil, `
stack = ["swim", "replica"]
[node]
id = "00000000000000a1"
data_dir = "data"
[transport]
kind = "plain"
listen = "127.0.0.1:0"
[lab]
enabled = %v
world = %q
[protocol.replica]
push = "none"
initial_keys = 50
initial_divergence = "50%%"
`, world != "", world), config.Environment{Registry: registry})
		if err != nil {
			t.Fatal(err)
		}
		p, err := assemble(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := p.close(); err != nil {
				t.Error(err)
			}
		}()
		st, err := cfg.NewStack()
		if err != nil {
			t.Fatal(err)
		}
		seed := uint64(0)
		if world != "" {
			seed = 5
		}
		var m node.Memory
		if err := node.Fill(&m, st.Initial(), seed, id); err != nil {
			t.Fatal(err)
		}
		return dump(t, p.store), dump(t, &m)
	}
	file := filepath.Join(t.TempDir(), "world")
	w := &lab.World{
		Network: lab.Network{Nodes: 1, Latency: netmodel.Constant{Delay: time.Millisecond}}, Nodes: []protocol.NodeID{id}, Seed: 5,
	}
	if err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	inRun, want := disk(file)
	if len(inRun) < 50 || !maps.Equal(inRun, want) {
		t.Errorf("in a run: got %d pairs, want %d others", len(inRun), len(want))
	}
	alone, want := disk("")
	if !maps.Equal(alone, want) || maps.Equal(alone, inRun) {
		t.Errorf("alone: got %d pairs, want %d that are not those of the run", len(alone), len(want))
	}
}

// dump is what a store holds.
func dump(t *testing.T, s protocol.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := s.Scan(nil, nil, func(key, value []byte) bool { all[string(key)] = string(value); return true }); err != nil {
		t.Fatal(err)
	}
	return all
}
