package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/cmd/realnode/observe"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// BenchmarkReplicaOpens has a whole node, sockets and Pebble included, start on the
// disk of one that has a million keys, until it knows what it holds. The yardstick,
// in the same run, is reading the same disk from end to end and nothing else. The
// bound is ten seconds.
func BenchmarkReplicaOpens(b *testing.B) {
	const keys = 1_000_000
	registry, err := stack.Default()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	cfg, err := config.Parse(filepath.Join(dir, "node.toml"), fmt.Appendf(nil, `
stack = ["swim", "hyparview", "plumtree", "replica"]
[node]
id = "00000000000000a1"
data_dir = "data"
[transport]
kind = "plain"
listen = "127.0.0.1:0"
[protocol.replica]
initial_keys = %d
initial_value = "100B"
`, keys), config.Environment{Registry: registry})
	if err != nil {
		b.Fatal(err)
	}
	// The first time the disk is filled.
	if err := opens(b, cfg, keys); err != nil {
		b.Fatal(err)
	}
	b.Run("node", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := opens(b, cfg, keys); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/open")
	})
	b.Run("disk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := &parts{cfg: cfg, log: slog.New(slog.DiscardHandler), health: &observe.Health{}}
			err := p.openStore()
			n := 0
			if err == nil {
				err = p.store.Scan(nil, nil, func(_, _ []byte) bool { n++; return true })
			}
			if err = errors.Join(err, p.close()); err != nil || n < keys {
				b.Fatalf("read %d keys: %v", n, err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/open")
	})
}

// opens starts a node and returns when it holds its keys and has ended again,
// which is not counted.
func opens(b *testing.B, cfg *config.Config, keys int) error {
	p, err := assemble(b.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.node.Run(ctx) }()
	held := -1
	err = p.node.Inspect(ctx, func(layers []protocol.Protocol) {
		if k, _, ok := find[keeper](p.specs, layers); ok {
			held = k.Tree().Len()
		}
	})
	if err == nil && held != keys {
		err = fmt.Errorf("the node holds %d keys, want %d", held, keys)
	}
	b.StopTimer()
	defer b.StartTimer()
	cancel()
	if e := <-ended; !errors.Is(e, context.Canceled) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, p.close())
}
