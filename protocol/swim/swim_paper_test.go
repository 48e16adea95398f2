package swim_test

import (
	"math"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/sim"
)

// One test for each claim of the papers. Probabilities of a false alarm are
// below 1e-4 each; the seeds are fixed.

// basic is SWIM of section 3: no suspicion, random targets, no streams.
func basic(phase string) swim.Config {
	c := converged()
	c.Suspicion, c.Confirmations, c.LocalHealth, c.Buddy, c.StreamProbe = false, false, false, false, false
	c.ProbeOrder, c.ProbePhase = "random", phase
	return c
}

// firstDetection returns, in periods, the mean and the standard error of the time
// from a crash to the first declaration of death.
func firstDetection(t *testing.T, phase string, crashes int) (mean, stderr float64) {
	t.Helper()
	const nodes = 64
	var sum, squares float64
	for seed := range crashes {
		c := newCluster(t, options{seed: uint64(seed + 1), nodes: nodes, config: basic(phase), network: lan})
		c.joinAll()
		// Just before a period begins, where there are such.
		at := 3*second - time.Millisecond
		c.at(at, func(w *sim.Control) { must(t, w.Crash(5, sim.CrashHost)) })
		c.run(20 * second)
		dead := c.events(swim.EventConfirmDead, 5)
		if len(dead) == 0 {
			t.Fatalf("seed %d: nobody noticed a crash in 17 periods", seed+1)
		}
		periods := float64(dead[0].Time-int64(at)) / 1e9
		sum += periods
		squares += periods * periods
	}
	n := float64(crashes)
	mean = sum / n
	return mean, math.Sqrt((squares/n - mean*mean) / n)
}

// SWIM, section 3.1: with slotted periods and random targets the expected time
// to the first detection is e/(e-1) periods.
func TestFirstDetectionSlotted(t *testing.T) {
	mean, stderr := firstDetection(t, "aligned", 200)
	// Among n-1 probers: 1 / (1 - (1 - 1/(n-1))^(n-1)); the crash is 1 ms
	// before the period.
	want := 1/(1-math.Pow(1-1.0/63, 63)) + 0.001
	if math.Abs(mean-want) > 4*stderr {
		t.Errorf("got %.3f periods (standard error %.3f), want %.3f", mean, stderr, want)
	}
}

// Probers that are not synchronised: one period until the first of them probes
// the crashed member, one until that has failed.
func TestFirstDetectionUnslotted(t *testing.T) {
	mean, stderr := firstDetection(t, "random", 200)
	if want := 2.0; math.Abs(mean-want) > 4*stderr {
		t.Errorf("got %.3f periods (standard error %.3f), want %.3f", mean, stderr, want)
	}
}

// SWIM, section 3.1: about two messages a member and period while nothing
// happens, whatever the size of the group.
func TestLoadIsConstant(t *testing.T) {
	for _, nodes := range []int{8, 64, 256} {
		config := converged()
		config.PushPullInterval = 0
		c := newCluster(t, options{seed: 1, nodes: nodes, config: config, network: lan})
		c.joinAll()
		c.run(50 * second)
		got := float64(c.counters().SentDatagrams) / float64(nodes) / 50
		if math.Abs(got-2) > 0.05 {
			t.Errorf("%d nodes: got %.3f messages a member and period, want 2", nodes, got)
		}
	}
}

// SWIM, section 3.1: the rate of false positives of the protocol without
// suspicion, at a loss of 1 - m a message and with all members live (q = 1):
// (1 - m^2) (1 - m^4)^k e/(e-1) is the chance that somebody declares a given
// member dead, given that somebody probes it; each probe fails with
// (1 - m^2) (1 - m^4)^k.
func TestFalsePositiveRateWithoutSuspicion(t *testing.T) {
	const nodes, loss, k = 64, 0.20, 2
	config := basic("random")
	config.IndirectProbes = k
	config.GossipInterval = 0 // nobody learns: a probe is a probe
	config.PushPullInterval, config.ReconnectInterval = 0, 0
	network := lossy(20)
	var probes, failed float64
	c := newCluster(t, options{seed: 3, nodes: nodes, config: config, network: network})
	c.joinAll()
	c.check = func(r protocol.Record) {
		if r.Event.Kind == swim.EventProbe {
			probes++
			if r.Event.Args[0] == swim.ProbeFailed {
				failed++
			}
		}
	}
	c.run(8 * second) // while the views are still nearly whole
	const m = 1 - loss
	want := (1 - m*m) * math.Pow(1-m*m*m*m, k)
	sigma := math.Sqrt(want * (1 - want) / probes)
	if got := failed / probes; math.Abs(got-want) > 4*sigma {
		t.Errorf("got %.4f of %.0f probes failed, want %.4f within %.4f", got, probes, want, 4*sigma)
	}
}

// SWIM, section 4.1: after lambda log n periods all but n^-(2 lambda - 2) of the
// members know, by piggyback alone.
func TestPiggybackReachesEverybody(t *testing.T) {
	const nodes = 128
	config := converged()
	config.GossipInterval, config.PushPullInterval = 0, 0
	c := newCluster(t, options{seed: 5, nodes: nodes, config: config, network: lan})
	c.joinAll()
	c.at(second, func(w *sim.Control) {
		must(t, w.Command(3, protocol.Command{Kind: swim.CommandSetMetadata, Value: []byte("x")}, 0))
	})
	// Lambda 4: 4 ln 128 = 19.4 periods; all but 128^-6.
	c.run(second + time.Duration(math.Ceil(4*math.Log(nodes)))*second)
	if got := len(c.events(swim.EventMetadata, 3)); got != nodes-1 {
		t.Errorf("got %d members that know, want %d", got, nodes-1)
	}
}

// SWIM, section 4.3: round robin finds a failure within 2n - 1 periods even if
// only one member is left to look.
func TestRoundRobinBoundsDetection(t *testing.T) {
	const nodes = 12
	config := converged()
	config.Suspicion, config.Confirmations, config.LocalHealth = false, false, false
	for seed := range uint64(30) {
		c := newCluster(t, options{seed: seed, nodes: nodes, config: config, network: lan})
		c.joinAll()
		// All but nodes 0 and 1 are dead to each other's news: only 0's own
		// probes count.
		c.at(0, func(w *sim.Control) {
			_, err := w.Network().Apply(netmodel.Rule{From: netmodel.Set{Nodes: []uint32{0}, Not: true}, To: netmodel.Set{Nodes: []uint32{0}, Not: true}, Cut: true})
			must(t, err)
		})
		c.at(5*second, func(w *sim.Control) { must(t, w.Crash(1, sim.CrashHost)) })
		c.run((5 + 2*nodes - 1 + 1) * second)
		if got := c.statusAt(0, 1); got != membertable.Dead {
			t.Errorf("seed %d: after %d periods the crashed member is %s", seed, 2*nodes-1, got)
		}
	}
}

// Lifeguard, buddy system: who is suspected hears of it from the next that
// probes it, and refutes at once.
func TestBuddyTellsTheSuspected(t *testing.T) {
	refuted := func(buddy bool) int {
		config := converged()
		config.Buddy, config.GossipInterval, config.PushPullInterval = buddy, 0, 0
		config.RetransmitMult = 1
		n := 0
		for seed := range uint64(20) {
			c := newCluster(t, options{seed: seed, nodes: 32, config: config, network: lossy(15)})
			c.joinAll()
			c.run(40 * second)
			for i := range c.nodes {
				n += len(c.events(swim.EventConfirmDead, i))
			}
		}
		return n
	}
	with, without := refuted(true), refuted(false)
	if with >= without {
		t.Errorf("false deaths: got %d with the buddy system and %d without, want fewer with", with, without)
	}
}

// Lifeguard, LHA-Suspicion: with K confirmations the time-out is the shortest,
// without any the longest.
func TestSuspicionShrinksWithConfirmations(t *testing.T) {
	detect := func(nodes int) time.Duration {
		config := converged()
		config.LocalHealth = false
		c := newCluster(t, options{seed: 4, nodes: nodes, config: config, network: lan})
		c.joinAll()
		c.at(second, func(w *sim.Control) { must(t, w.Crash(1, sim.CrashHost)) })
		c.run(90 * second)
		suspected, dead := c.events(swim.EventSuspect, 1), c.events(swim.EventConfirmDead, 1)
		return time.Duration(dead[0].Time - suspected[0].Time)
	}
	// 64 members: two confirmations come soon, 4 log10(63) = 7.196 s remain.
	if got := detect(64); got < 7196*time.Millisecond || got > 8500*time.Millisecond {
		t.Errorf("64 members: got %v from suspicion to death, want 7.2 s or little more", got)
	}
	// 3 members: nobody could confirm, the shortest applies at once.
	if got := detect(3); got != 4*second {
		t.Errorf("3 members: got %v from suspicion to death, want 4 s", got)
	}
}

// Lifeguard, LHA-Probe: a node whose probes fail through its own fault slows
// down to 1 + S periods, and recovers.
func TestLocalHealthSlowsTheSick(t *testing.T) {
	config := converged()
	c := newCluster(t, options{seed: 6, nodes: 32, config: config, network: lan})
	c.joinAll()
	deaf := netmodel.Rule{To: netmodel.Set{Nodes: []uint32{2}}, Cut: true}
	var rule netmodel.RuleID
	c.at(second, func(w *sim.Control) {
		var err error
		rule, err = w.Network().Apply(deaf)
		must(t, err)
	})
	worst := 0
	c.at(60*second, func(w *sim.Control) {
		worst = w.Protocol(2).(*swim.Node).Health()
		must(t, w.Network().Remove(rule))
	})
	end := 0
	c.at(180*second, func(w *sim.Control) { end = w.Protocol(2).(*swim.Node).Health() })
	c.run(180 * second)
	if worst != 8 || end != 0 {
		t.Errorf("got a score of %d while deaf and %d two minutes later, want 8 and 0", worst, end)
	}
}

// A prober of a member that really crashed hears from its helpers that they
// heard nothing, and thinks no worse of itself; memberlist's late nacks
// make it think worse.
func TestNacksClearTheProber(t *testing.T) {
	blamed := func(config swim.Config, after uint64) int {
		config.Bootstrap = "seeds_are_members"
		config.NackAfter = quantity.Percent(after)
		c := newCluster(t, options{seed: 7, nodes: 32, config: config, network: lan})
		c.joinAll()
		c.at(second, func(w *sim.Control) { must(t, w.Crash(1, sim.CrashHost)) })
		n := 0
		c.check = func(r protocol.Record) {
			if r.Event.Kind == swim.EventHealth && r.Event.Args[0] > r.Event.Args[1] {
				n++
			}
		}
		c.run(40 * second)
		return n
	}
	for name, config := range map[string]swim.Config{"LAN": swim.LAN(), "WAN": swim.WAN(), "local": swim.Local()} {
		if got := blamed(config, 80); got != 0 {
			t.Errorf("%s, nacks at 80 %%: %d probers of a crashed member blamed themselves", name, got)
		}
		if got := blamed(config, 100); got == 0 && name != "local" {
			t.Errorf("%s, nacks at 100 %%: no prober of a crashed member blamed itself, as memberlist's do", name)
		}
	}
}

// The remedy for gray failures: another's word alone kills nobody whom the
// accusation has not reached, and a real death is believed no later.
func TestGraceLetsTheAccusedRefute(t *testing.T) {
	const nodes = 60
	deaths := func(grace uint64) (healthy int) {
		config := converged()
		config.Confirmations, config.LocalHealth, config.Buddy = false, false, false
		config.RefutationGrace = quantity.Percent(grace)
		for seed := range uint64(3) {
			c := newCluster(t, options{seed: seed, nodes: nodes, config: config, network: lan})
			c.joinAll()
			c.at(second, func(w *sim.Control) {
				_, err := w.Network().Apply(netmodel.Rule{From: netmodel.Set{Nodes: []uint32{0, 1}}, Loss: netmodel.Always / 10 * 8})
				must(t, err)
			})
			c.run(3 * time.Minute)
			for i := 2; i < nodes; i++ {
				for _, r := range c.events(swim.EventConfirmDead, i) {
					if r.Index >= 2 {
						healthy++
					}
				}
			}
		}
		return healthy
	}
	if with, without := deaths(50), deaths(0); without < nodes || with > 0 {
		t.Errorf("healthy members declared dead at healthy members: got %d with grace and %d without; want none with and many without", with, without)
	}
}
