package sim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// listener is told its seeds and says nothing.
type listener struct{ seeds *[]protocol.Peer }

func (l listener) Start(env protocol.Env)                                { *l.seeds = env.Seeds() }
func (listener) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}
func (listener) Timer(protocol.Env, protocol.Timer)                      {}

func listenerWorld(t *testing.T, nodes int, build func() (protocol.Protocol, error)) *sim.World {
	t.Helper()
	return must(sim.New(sim.Config{
		Seed: 1, Nodes: nodes, Workers: 1, Build: build,
		Network: uniformNetwork(nodes, 10*time.Millisecond, 20*time.Millisecond),
	}))
}

// Under churn with seeds drawn anew each time, a world keeps the lists of the
// present lives and not of all that ever were; and each life sees its own.
func TestSeedListsDoNotPileUp(t *testing.T) {
	const nodes, lives = 5, 300
	var seen []protocol.Peer
	w := listenerWorld(t, nodes, func() (protocol.Protocol, error) { return listener{&seen}, nil })
	w.At(0, func(c *sim.Control) {
		r := c.Rand("seeds")
		for life := range lives {
			for i := range nodes {
				seeds := make([]int, r.IntN(8))
				want := make([]protocol.NodeID, len(seeds))
				for k := range seeds {
					seeds[k] = r.IntN(nodes)
					want[k] = w.ID(seeds[k])
				}
				start := c.Restart
				if life == 0 {
					start = c.Join
				} else if err := c.Crash(i, sim.CrashProcess); err != nil {
					t.Fatal(err)
				}
				if err := start(i, seeds); err != nil {
					t.Fatal(err)
				}
				got := make([]protocol.NodeID, len(seen))
				for k, p := range seen {
					got[k] = p.ID
				}
				if !slices.Equal(got, want) {
					t.Fatalf("life %d of node %d: got seeds %v, want %v", life, i, got, want)
				}
			}
		}
	})
	mustRun(t, w, time.Second)
	// One a node, the empty one, and one that is made before another is given up.
	if n := w.SeedLists(); n > nodes+2 {
		t.Errorf("got room for %d lists after %d lives of %d nodes, want at most %d", n, lives, nodes, nodes+2)
	}
}

func TestBuildMustReturnAProtocol(t *testing.T) {
	w := listenerWorld(t, 1, func() (protocol.Protocol, error) { return nil, nil })
	var err error
	w.At(0, func(c *sim.Control) { err = c.Join(0, nil) })
	mustRun(t, w, time.Second)
	if err == nil || !strings.Contains(err.Error(), "join node 0: got no protocol") {
		t.Errorf("got %v", err)
	}
}

// An interrupt is heeded even if there are never enough events between two
// control events to make up a slice, and when nothing happens at all.
func TestInterruptBetweenControlEvents(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			w := gossipWorld(t, 4, workers, 0)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w.Every(time.Second, time.Second, func(c *sim.Control) {
				if c.Now() == 3*time.Second {
					cancel()
				}
			})
			if err := w.Run(ctx, time.Hour); err != context.Canceled || w.Now() != 3*time.Second {
				t.Errorf("got %v at %v, want %v at 3s", err, w.Now(), context.Canceled)
			}
			mustRun(t, w, 5*time.Second)
		})
	}
}

// A process that runs for so long that its sequence numbers come round to their
// beginning goes on as it was.
func TestALongLifeGoesOn(t *testing.T) {
	var counts [2]sim.Counters
	for k := range counts {
		w := gossipWorld(t, 20, 1, 0)
		for range 8 {
			mustRun(t, w, w.Now()+10*time.Second)
			w.Age(uint32(k) << 29)
		}
		counts[k] = w.Counters()
	}
	if a, b := counts[0].Timers, counts[1].Timers; a != b || a != 20*80 {
		t.Errorf("got %d timers, %d in long lives, want %d", a, b, 20*80)
	}
}
