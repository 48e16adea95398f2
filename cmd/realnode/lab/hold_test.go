package lab_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// heldWorld is a world as an orchestrator's process reads it.
func heldWorld(t *testing.T) *lab.World {
	t.Helper()
	path := filepath.Join(t.TempDir(), "world.json")
	w := &lab.World{
		Network: lab.Network{Nodes: 1, Latency: netmodel.Constant{Delay: time.Millisecond}},
		Nodes:   []protocol.NodeID{7}, Held: true,
	}
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	read, err := lab.ReadWorld(path)
	if err != nil {
		t.Fatal(err)
	}
	if !read.Held {
		t.Fatal("the world is not held")
	}
	return read
}

func TestAHeldProcessBeginsWhenItIsTold(t *testing.T) {
	w := heldWorld(t)
	if w.Now() != 0 {
		t.Errorf("got time %v before the beginning, want 0", w.Now())
	}
	from, to := io.Pipe()
	go func() { _ = lab.Begin(to, time.Now().Add(-time.Second)) }()
	ctx, err := w.Hold(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	if now := w.Now(); now < time.Second {
		t.Errorf("got time %v, want a second at least", now)
	}
	w.Born()
	if at := w.RunTime(time.Minute); at < time.Minute+time.Second {
		t.Errorf("got %v for a minute after the protocols began, want more than 1m1s", at)
	}
	_ = to.Close()
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), lab.ErrOrphan) {
		t.Errorf("got %v, want ErrOrphan", context.Cause(ctx))
	}
}

func TestAHeldProcessWaitsForTheEpoch(t *testing.T) {
	w := heldWorld(t)
	from, to := io.Pipe()
	defer to.Close()
	epoch := time.Now().Add(50 * time.Millisecond)
	go func() { _ = lab.Begin(to, epoch) }()
	if _, err := w.Hold(t.Context(), from); err != nil || time.Now().Before(epoch) {
		t.Errorf("got %v at %v, want no error and %v", err, time.Now(), epoch)
	}
}

func TestAHeldProcessDoesNotOutliveItsOrchestrator(t *testing.T) {
	for _, said := range []string{"", "nonsense\n"} {
		from, to := io.Pipe()
		go func() {
			_, _ = io.WriteString(to, said)
			_ = to.Close()
		}()
		if _, err := heldWorld(t).Hold(t.Context(), from); !errors.Is(err, lab.ErrOrphan) {
			t.Errorf("told %q: got %v, want ErrOrphan", said, err)
		}
	}
}

func TestAHeldProcessCanBeStopped(t *testing.T) {
	from, to := io.Pipe()
	defer to.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := heldWorld(t).Hold(ctx, from); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
