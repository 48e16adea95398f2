package gossip_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol/gossip"
	"github.com/starling-sim/starling/protocol/quantity"
)

// An hour at a steady rate: what nodes keep stays within its bounds, and ends.
func TestMemoryIsBounded(t *testing.T) {
	for _, mode := range []string{"push", "pull", "push-pull", "rumor"} {
		t.Run(mode, func(t *testing.T) {
			config := aligned(mode)
			config.CacheCount, config.CacheBytes, config.CacheAge = 12, 100, quantity.Duration(20*second)
			config.HistoryCount, config.HistoryOrigins, config.HistoryAge = 50, 3, quantity.Duration(time.Minute)
			c := newCluster(t, options{seed: 7, nodes: 5, config: config})
			c.joinAll()
			for i := range 3600 {
				c.broadcast(time.Duration(i)*second+time.Duration(i%7)*100*time.Millisecond, i%5, make([]byte, i%60))
			}
			check := func(at time.Duration) (sum int) {
				for i, n := range c.made {
					cached, bytes, seen, origins, hot := n.Sizes()
					if cached > 12 || bytes > 100 || seen > 50 || origins > 3 || hot > 12 {
						t.Fatalf("%v: node %d keeps %d messages of %d bytes, %d ids, %d origins, spreads %d", at, i, cached, bytes, seen, origins, hot)
					}
					sum += cached + hot
				}
				return sum
			}
			busy := false
			for at := 10 * second; at <= time.Hour; at += 10 * second {
				c.run(at)
				busy = check(at) > 0 || busy
			}
			if !busy {
				t.Error("nobody ever kept anything")
			}
			c.run(time.Hour + 2*time.Minute)
			for i, n := range c.made {
				if cached, _, _, _, hot := n.Sizes(); cached+hot > 0 {
					t.Errorf("node %d still keeps %d messages and spreads %d", i, cached, hot)
				}
			}
		})
	}
}

// Who only pushes and has nothing to push has no timer: as many fire as in a
// world without any broadcast.
func TestQuietNodesHaveNoTimer(t *testing.T) {
	push, rumor := aligned("push"), aligned("rumor")
	immediate := push
	immediate.Immediate, immediate.Fanout = true, 8
	for _, config := range []gossip.Config{push, rumor, immediate} {
		var fired [2]uint64
		for i := range fired {
			c := newCluster(t, options{seed: 1, nodes: 20, config: config})
			c.joinAll()
			if i == 1 {
				c.broadcast(5*second, 3, []byte("x"))
			}
			c.run(120 * second)
			before := c.world.Counters().Timers
			c.run(300 * second)
			fired[i] = c.world.Counters().Timers - before
		}
		if fired[0] != fired[1] {
			t.Errorf("%s: %d timers fired after all was done, %d where nothing ever was", config.Mode, fired[1], fired[0])
		}
	}
}

// Every hot node loses interest, once.
func TestInterestIsLostOnce(t *testing.T) {
	c := newCluster(t, options{seed: 1, nodes: 50, config: aligned("rumor")})
	c.joinAll()
	c.broadcast(5*second, 3, []byte("x"))
	c.run(120 * second)
	for _, o := range c.outcomes() {
		if o.lost != len(o.reached)+1 {
			t.Errorf("%d nodes knew the message, %d lost interest", len(o.reached)+1, o.lost)
		}
	}
}

// Demers et al., PODC 1987, tables 1 to 3: n = 1000; residue s, traffic m, and
// the cycle of the last delivery.
func TestDemersTables(t *testing.T) {
	for _, c := range []struct {
		direction, stop string
		feedback        bool
		k               int
		s, m, last      float64
	}{
		{"push", "counter", true, 1, 0.18, 1.7, 16.8},
		{"push", "counter", true, 2, 0.037, 3.3, 16.9},
		{"push", "counter", true, 3, 0.011, 4.5, 17.4},
		{"push", "coin", false, 2, 0.20, 1.6, 33},
		{"pull", "counter", true, 1, 0.031, 2.7, 17.6},
	} {
		t.Run(fmt.Sprintf("%s %s feedback=%v k=%d", c.direction, c.stop, c.feedback, c.k), func(t *testing.T) {
			config := aligned("rumor")
			config.RumorDirection, config.Stop, config.Feedback, config.K = c.direction, c.stop, c.feedback, c.k
			const seeds, n = 12, 1000
			var s, m, last float64
			for seed := range uint64(seeds) {
				w := newCluster(t, options{seed: seed + 1, nodes: n, config: config})
				w.joinAll()
				w.broadcast(5*second, 0, []byte("x"))
				w.run(5*second + time.Duration(2*c.last)*second)
				for _, o := range w.outcomes() {
					s += float64(n-1-len(o.reached)) / n / seeds
					m += float64(len(o.reached)+o.duplicate) / n / seeds
					last += float64((o.last-o.start)/int64(second)) / seeds
				}
			}
			t.Logf("s %.4f, m %.2f, last %.1f", s, m, last)
			if math.Abs(s-c.s) > 0.15*c.s+0.002 || math.Abs(m-c.m) > 0.1 || math.Abs(last-c.last) > 0.1*c.last {
				t.Errorf("got s %.4f, m %.2f, last %.1f; want %.3f, %.1f, %.1f", s, m, last, c.s, c.m, c.last)
			}
		})
	}
}

// Who counts rounds, or contacts without feedback, sends each message just so
// often.
func TestContactsAreCounted(t *testing.T) {
	rounds, blind := aligned("push"), aligned("rumor")
	rounds.ActiveRounds, rounds.Fanout = 2, 3
	blind.Feedback, blind.K = false, 6
	for _, config := range []gossip.Config{rounds, blind} {
		c := newCluster(t, options{seed: 1, nodes: 100, config: config})
		c.joinAll()
		c.broadcast(5*second, 0, []byte("x"))
		c.run(60 * second)
		for _, o := range c.outcomes() {
			if sent, want := len(o.reached)+o.duplicate, 6*(len(o.reached)+1); sent != want || o.lost != len(o.reached)+1 {
				t.Errorf("%s: %d sent by %d nodes, want %d; %d lost interest", config.Mode, sent, len(o.reached)+1, want, o.lost)
			}
		}
	}
}

// Synchronous rounds, fanout 1: push takes log2 n + ln n + O(1) of them (16.9 for
// n = 1000), push-pull log3 n + O(ln ln n) (6.3 and a few). Pull grows as fast as
// push at first and ends faster.
func TestRoundsAreThoseOfTheTheory(t *testing.T) {
	const n, seeds = 1000, 10
	for mode, want := range map[string]float64{"push": 17.6, "pull": 14.3, "push-pull": 9.3} {
		sum := 0.0
		for seed := range uint64(seeds) {
			c := newCluster(t, options{seed: seed + 1, nodes: n, config: aligned(mode)})
			c.joinAll()
			c.broadcast(5*second, 0, []byte("x"))
			c.run(33 * second)
			for _, o := range c.outcomes() {
				if len(o.reached) != n-1 {
					t.Errorf("%s: reached %d of %d others", mode, len(o.reached), n-1)
				}
				sum += float64((o.last - o.start) / int64(second))
			}
		}
		t.Logf("%s: %.2f rounds", mode, sum/seeds)
		if math.Abs(sum/seeds-want) > 1.2 {
			t.Errorf("%s: got %.2f rounds, want about %.1f", mode, sum/seeds, want)
		}
	}
}

// Infect and forward with a fanout of ln n + c reaches nearly everybody at once.
func TestImmediateForwardsAtOnce(t *testing.T) {
	config := aligned("push")
	config.Immediate, config.Fanout = true, 10 // ln 500 + 3.8
	c := newCluster(t, options{seed: 1, nodes: 500, config: config})
	c.joinAll()
	c.broadcast(5*second, 0, []byte("x"))
	c.run(6 * second)
	for _, o := range c.outcomes() {
		if len(o.reached) < 498 || o.last-o.start > int64(10*time.Millisecond) {
			t.Errorf("reached %d of 499 in %v", len(o.reached), time.Duration(o.last-o.start))
		}
		sent := len(o.reached) + o.duplicate
		if want := 10 * (len(o.reached) + 1); sent != want {
			t.Errorf("%d messages arrived, want %d: everybody forwards to 10, once", sent, want)
		}
		for _, hops := range o.hops {
			if hops < 1 || hops > 9 {
				t.Errorf("a message travelled %d hops", hops)
			}
		}
	}
}
