package sim_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// Whatever becomes of nodes, those that are up are counted and found in order.
func TestNodesThatAreUpAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const nodes = 2500
		w := must(sim.New(sim.Config{
			Seed: 1, Nodes: nodes, Network: uniformNetwork(nodes, time.Millisecond, time.Second), Workers: 1,
			Build: func() (protocol.Protocol, error) { return &sleeper{}, nil },
		}))
		spans := rapid.SliceOfN(rapid.IntRange(0, nodes-1), 2, 2)
		changes := rapid.IntRange(1, 8).Draw(t, "changes")
		w.Every(0, time.Second, func(c *sim.Control) {
			span := spans.Draw(t, "span")
			act := rapid.IntRange(0, 3).Draw(t, "act")
			for i := min(span[0], span[1]); i <= max(span[0], span[1]); i++ {
				switch act {
				case 0:
					_ = c.Join(i, nil)
				case 1:
					_ = c.Restart(i, nil)
				case 2:
					_ = c.Leave(i)
				case 3:
					_ = c.Crash(i, sim.CrashHost)
				}
			}
			k := 0
			for i := range nodes {
				if c.State(i) != sim.Up {
					continue
				}
				if k%97 == 0 && c.NthUp(k) != i {
					t.Errorf("number %d that is up: got %d, want %d", k, c.NthUp(k), i)
				}
				k++
			}
			if c.CountUp() != k || c.NthUp(k) != -1 || c.NthUp(-1) != -1 {
				t.Errorf("got %d up, want %d; beyond: %d and %d", c.CountUp(), k, c.NthUp(k), c.NthUp(-1))
			}
		})
		mustRunRapid(t, w, time.Duration(changes)*time.Second)
	})
}

func mustRunRapid(t *rapid.T, w *sim.World, until time.Duration) {
	if err := w.Run(t.Context(), until); err != nil {
		t.Fatal(err)
	}
}
