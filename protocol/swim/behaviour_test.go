package swim_test

import (
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

const second = time.Second

var lan = netmodel.Config{Latency: netmodel.Uniform{Min: 250 * time.Microsecond, Max: 750 * time.Microsecond}}

func lossy(percent uint64) netmodel.Config {
	c := lan
	c.Loss = netmodel.Independent{Probability: netmodel.Always / 100 * percent}
	return c
}

func TestCrashedMemberIsDeadEverywhere(t *testing.T) {
	c := newCluster(t, options{seed: 1, nodes: 50, config: converged(), network: lan})
	c.joinAll()
	c.at(5*second, func(w *sim.Control) { must(t, w.Crash(7, sim.CrashHost)) })
	c.run(40 * second)
	c.wantEverywhere(7, membertable.Dead)
	for i := range c.nodes {
		if i != 7 && len(c.events(swim.EventConfirmDead, i)) > 0 {
			t.Errorf("node %d was declared dead and is not", i)
		}
	}
}

func TestJoinBurstLeavesNoViewIncomplete(t *testing.T) {
	c := newCluster(t, options{seed: 2, nodes: 200, config: swim.LAN(), network: lossy(1)})
	c.at(0, func(w *sim.Control) {
		for i := range c.nodes {
			must(t, w.Join(i, []int{0, 1, 2}))
		}
	})
	c.run(20 * second)
	for i := range c.nodes {
		if table, _ := c.view(i); table.Count(membertable.Alive) != c.nodes {
			t.Errorf("node %d knows %d of %d members", i, table.Count(membertable.Alive), c.nodes)
		}
	}
}

func TestJoinRetriesUntilASeedAnswers(t *testing.T) {
	c := newCluster(t, options{seed: 3, nodes: 2, config: swim.LAN(), network: lan})
	c.at(0, func(w *sim.Control) { must(t, w.Join(1, []int{0})) })
	c.at(25*second, func(w *sim.Control) { must(t, w.Join(0, nil)) })
	c.run(60 * second)
	c.wantEverywhere(0, membertable.Alive)
	c.wantEverywhere(1, membertable.Alive)
}

func TestLeaveIsNotFailure(t *testing.T) {
	c := newCluster(t, options{seed: 4, nodes: 60, config: converged(), network: lossy(2)})
	c.joinAll()
	c.at(3*second, func(w *sim.Control) { must(t, w.Leave(9)) })
	c.run(20 * second)
	c.wantEverywhere(9, membertable.Left)
	if got := len(c.events(swim.EventConfirmDead, 9)); got != 0 {
		t.Errorf("declared dead %d times, though it left", got)
	}
}

func TestLeaverThatRestartsIsAliveAgain(t *testing.T) {
	c := newCluster(t, options{seed: 5, nodes: 30, config: swim.LAN(), network: lan})
	c.at(0, func(w *sim.Control) {
		for i := range c.nodes {
			must(t, w.Join(i, []int{0}))
		}
	})
	c.at(20*second, func(w *sim.Control) { must(t, w.Leave(9)) })
	c.at(30*second, func(w *sim.Control) { must(t, w.Restart(9, []int{0})) })
	c.run(45 * second)
	c.wantEverywhere(9, membertable.Alive)
}

// A node comes back with incarnation 0 while it is held for dead with another.
func TestRestartCatchesUpWithItsOwnPast(t *testing.T) {
	c := newCluster(t, options{seed: 6, nodes: 30, config: swim.LAN(), network: lan})
	c.at(0, func(w *sim.Control) {
		for i := range c.nodes {
			must(t, w.Join(i, []int{0}))
		}
	})
	for k := range 3 {
		c.at(time.Duration(15+k)*second, func(w *sim.Control) {
			must(t, w.Command(4, protocol.Command{Kind: swim.CommandSetMetadata, Value: []byte{byte(k)}}, 0))
		})
	}
	c.at(20*second, func(w *sim.Control) { must(t, w.Crash(4, sim.CrashProcess)) })
	c.at(60*second, func(w *sim.Control) { must(t, w.Restart(4, []int{0})) })
	c.run(70 * second)
	c.wantEverywhere(4, membertable.Alive)
	// At once, too: while it is not even suspected.
	c.at(71*second, func(w *sim.Control) { must(t, w.Crash(5, sim.CrashProcess)) })
	c.at(71*second+second/2, func(w *sim.Control) { must(t, w.Restart(5, []int{0})) })
	c.run(100 * second)
	c.wantEverywhere(5, membertable.Alive)
}

func TestMetadataReachesEverybody(t *testing.T) {
	c := newCluster(t, options{seed: 7, nodes: 40, config: converged(), network: lossy(5)})
	c.joinAll()
	c.at(second, func(w *sim.Control) {
		must(t, w.Command(3, protocol.Command{Kind: swim.CommandSetMetadata, Value: []byte("rack 12")}, 0))
		if w.Command(3, protocol.Command{Kind: swim.CommandSetMetadata, Value: make([]byte, 513)}, 0) == nil {
			t.Error("513 bytes of metadata: accepted")
		}
		if w.Command(3, protocol.Command{Kind: swim.Number<<8 + 99}, 0) == nil {
			t.Error("unknown command: accepted")
		}
	})
	c.run(10 * second)
	for i := range c.nodes {
		table, _ := c.view(i)
		if m, _ := table.Get(c.world.ID(3)); m.Metadata != "rack 12" {
			t.Errorf("node %d has metadata %q", i, m.Metadata)
		}
	}
}

// Both sides of a partition hold each other for dead, and find each other again
// within seconds and without anybody's help; in plain SWIM, too.
func TestHealedPartitionBecomesWhole(t *testing.T) {
	plain := converged()
	plain.Suspicion, plain.Confirmations, plain.LocalHealth, plain.Buddy = false, false, false, false
	for name, config := range map[string]swim.Config{"lifeguard": converged(), "plain": plain} {
		t.Run(name, func(t *testing.T) {
			const nodes = 100
			c := newCluster(t, options{seed: 8, nodes: nodes, config: config, network: lossy(1)})
			c.joinAll()
			heal := c.split(2*second, 40)
			c.run(122 * second)
			if got := c.statusAt(0, 99); got != membertable.Dead {
				t.Fatalf("two minutes apart, the other side is held for %s", got)
			}
			c.at(122*second, heal)
			c.run(137 * second)
			for i := range nodes {
				c.wantEverywhere(i, membertable.Alive)
			}
		})
	}
}

// split cuts the first nodes off from the others and returns what heals it.
func (c *cluster) split(at time.Duration, first int) (heal func(*sim.Control)) {
	var side netmodel.Set
	for i := range first {
		side.Nodes = append(side.Nodes, uint32(i))
	}
	others := side
	others.Not = true
	var rule netmodel.RuleID
	c.at(at, func(w *sim.Control) {
		var err error
		rule, err = w.Network().Apply(netmodel.Rule{From: side, To: others, Symmetric: true, Cut: true})
		must(c.t, err)
	})
	return func(w *sim.Control) { must(c.t, w.Network().Remove(rule)) }
}

// Two nodes come back while they can reach only each other, and are content. The
// others think that they left. Their seeds lead them out.
func TestAnIslandOfNewcomersFindsTheOthers(t *testing.T) {
	c := newCluster(t, options{seed: 12, nodes: 6, config: swim.LAN(), network: lan})
	seeds := []int{0, 1, 2}
	c.at(0, func(w *sim.Control) {
		for i := range c.nodes {
			must(t, w.Join(i, seeds))
		}
	})
	c.at(10*second, func(w *sim.Control) {
		must(t, w.Leave(0))
		must(t, w.Leave(1))
	})
	heal := c.split(15*second, 2)
	c.at(20*second, func(w *sim.Control) {
		must(t, w.Restart(0, seeds))
		must(t, w.Restart(1, seeds))
	})
	c.run(60 * second)
	if a, b := c.statusAt(0, 1), c.statusAt(0, 5); a != membertable.Alive || b != membertable.Unknown {
		t.Fatalf("on the island the other is %s and those outside %s, want alive and unknown", a, b)
	}
	c.at(60*second, heal)
	c.run(4 * time.Minute)
	for i := range c.nodes {
		c.wantEverywhere(i, membertable.Alive)
	}
}

// Both sides have forgotten each other. The seeds of the one that is alone lead
// it back.
func TestALoneNodeAsksItsSeedsAgain(t *testing.T) {
	config := converged()
	must(t, config.ReconnectTimeout.UnmarshalText([]byte("1m")))
	c := newCluster(t, options{seed: 11, nodes: 10, config: config, network: lan})
	c.joinAll()
	heal := c.split(second, 1)
	c.run(5 * time.Minute)
	if got := c.statusAt(3, 0); got != membertable.Unknown {
		t.Fatalf("after five minutes apart: the lone node is %s, want it forgotten", got)
	}
	c.at(5*time.Minute, heal)
	c.run(6 * time.Minute)
	for i := range c.nodes {
		c.wantEverywhere(i, membertable.Alive)
	}
}

func TestDeadAreForgotten(t *testing.T) {
	config := converged()
	must(t, config.ReconnectTimeout.UnmarshalText([]byte("60s")))
	must(t, config.LeftTimeout.UnmarshalText([]byte("40s")))
	c := newCluster(t, options{seed: 9, nodes: 20, config: config, network: lan})
	c.joinAll()
	c.at(second, func(w *sim.Control) {
		must(t, w.Crash(1, sim.CrashHost))
		must(t, w.Leave(2))
	})
	c.run(4 * time.Minute)
	c.wantEverywhere(1, membertable.Unknown)
	c.wantEverywhere(2, membertable.Unknown)
}

func TestAFrozenNodeThatWakesIsAliveAgain(t *testing.T) {
	c := newCluster(t, options{seed: 10, nodes: 40, config: converged(), network: lan})
	c.joinAll()
	c.at(2*second, func(w *sim.Control) { must(t, w.Pause(3, sim.Pause{Model: sim.PauseFrozen})) })
	c.at(42*second, func(w *sim.Control) { must(t, w.Resume(3)) })
	c.run(60 * second)
	if len(c.events(swim.EventConfirmDead, 3)) == 0 {
		t.Error("frozen for 40 s and nobody noticed")
	}
	for i := range c.nodes {
		c.wantEverywhere(i, membertable.Alive)
	}
}
