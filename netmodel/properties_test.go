package netmodel

import (
	"math"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const crowd = 12

func drawLatency(t *rapid.T) Latency {
	ms := func(label string, least, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(int64(least), int64(most)).Draw(t, label))
	}
	switch rapid.IntRange(0, 5).Draw(t, "latency") {
	case 0:
		return Constant{Delay: ms("delay", 0, time.Second)}
	case 1:
		least := ms("min", 0, time.Second)
		return Uniform{Min: least, Max: ms("max", least, 2*time.Second)}
	case 2:
		mean := ms("mean", 0, time.Second)
		return Normal{Mean: mean, StdDev: ms("stddev", 0, time.Second), Min: ms("min", 0, mean)}
	case 3:
		median := ms("median", time.Microsecond, time.Second)
		return LogNormal{Median: median, P90: ms("p90", median, 900*median), Max: ms("max", median, time.Minute)}
	}
	n := rapid.IntRange(1, 5).Draw(t, "places")
	x := &Matrix{}
	for i := range n {
		x.Names = append(x.Names, string(rune('a'+i)))
		row := make([]time.Duration, n)
		for j := range row {
			row[j] = ms("matrix", 0, time.Second)
		}
		x.OneWay = append(x.OneWay, row)
	}
	jitter := rapid.SampledFrom([]uint64{0, probability(0.3), Always}).Draw(t, "jitter")
	if rapid.Bool().Draw(t, "by region") {
		return RegionMatrix{Matrix: x, Jitter: jitter}
	}
	return PairMatrix{Matrix: x, Jitter: jitter}
}

func drawConfig(t *rapid.T) Config {
	sometimes := func(label string) uint64 {
		return rapid.SampledFrom([]uint64{0, 0, probability(0.1), Always}).Draw(t, label)
	}
	cfg := Config{
		Seed: rapid.Uint64().Draw(t, "seed"), Nodes: crowd, Latency: drawLatency(t),
		Duplicate: sometimes("duplicate"), Corrupt: sometimes("corrupt"),
		Reorder: sometimes("reorder"), ReorderDelay: time.Duration(rapid.Int64Range(1, 1e9).Draw(t, "reorder delay")),
	}
	switch rapid.IntRange(0, 2).Draw(t, "loss") {
	case 1:
		cfg.Loss = Independent{sometimes("loss")}
	case 2:
		cfg.Loss = GilbertElliott{
			MeanGood: time.Duration(rapid.Int64Range(int64(leastStay), 1e10).Draw(t, "good")),
			MeanBad:  time.Duration(rapid.Int64Range(int64(leastStay), 1e10).Draw(t, "bad")),
			LossGood: sometimes("good loss"), LossBad: sometimes("bad loss"),
		}
	}
	if rapid.Bool().Draw(t, "limited") {
		cfg.Bandwidth = []BandwidthClass{{
			Share: sometimes("class"), Up: rapid.Int64Range(100_000, 1e9).Draw(t, "up"), Down: rapid.Int64Range(100_000, 1e9).Draw(t, "down"),
		}}
	}
	return cfg
}

// No message between two nodes takes less than MinDelay, whatever the
// network and the rules: the engine's parallel execution stands on it.
func TestNothingIsFasterThanMinDelay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := mustNew(t, drawConfig(t))
		promised := m.MinDelay()
		var rules []RuleID
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			rules = append(rules, mustApply(t, m, drawRule(t)))
		}
		check := func() {
			now := int64(0)
			for k := range uint32(40) {
				now += rapid.Int64Range(0, 1e8).Draw(t, "gap")
				from := rapid.Uint32Range(0, crowd-1).Draw(t, "from")
				to := (from + rapid.Uint32Range(1, crowd-1).Draw(t, "step")) % crowd
				var f Fate
				m.Datagram(&Packet{From: from, To: to, Size: 1428, K: k, Now: now}, &f)
				if f.Lost == Delivered && f.Delay < promised {
					t.Fatalf("got delay %d, want at least %d", f.Delay, promised)
				}
				if f.Duplicate >= 0 && (f.Duplicate < promised || f.Lost != Delivered) {
					t.Fatalf("got %+v, want a copy no earlier than %d, and none of what is lost", f, promised)
				}
				if d, ok := m.StreamTransmit(from, to, 10_000, now, patient, k); ok && d < promised {
					t.Fatalf("stream: got delay %d, want at least %d", d, promised)
				}
				if d, ok := m.StreamConnect(from, to, now, k); ok && d < 2*promised {
					t.Fatalf("connect: got delay %d, want at least %d", d, 2*promised)
				}
				if at, ok := m.Arrive(to, 1428, now); ok && at < now {
					t.Fatalf("arrive: got %d, before %d", at, now)
				}
			}
		}
		check()
		for _, id := range rules {
			mustRemove(t, m, id)
		}
		check()
		if m.MinDelay() != promised {
			t.Fatalf("got MinDelay %d after rules, want %d", m.MinDelay(), promised)
		}
	})
}

// Rules may only add delay: of two equal networks the one with rules delivers
// no datagram that the other loses, and none earlier.
func TestRulesOnlyMakeItWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		plain, ruled := mustNew(t, cfg), mustNew(t, cfg)
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			mustApply(t, ruled, drawRule(t))
		}
		for k := range uint32(100) {
			p := Packet{From: k % crowd, To: (k + 1 + k%7) % crowd, Size: 500, K: k, Now: int64(k) * 1e6}
			var f, g Fate
			plain.Datagram(&p, &f)
			ruled.Datagram(&p, &g)
			if f.Lost != Delivered && g.Lost == Delivered {
				t.Fatalf("%+v: lost (%v) without rules, delivered with them", p, f.Lost)
			}
			if g.Lost == Delivered && g.Delay < f.Delay {
				t.Fatalf("%+v: got delay %d with rules, %d without", p, g.Delay, f.Delay)
			}
		}
	})
}

// Turning one imperfection on leaves the draws of all others as they were:
// the ground of comparisons under common random numbers.
func TestImperfectionsDoNotDisturbEachOther(t *testing.T) {
	base := Config{Seed: 77, Nodes: 4, Latency: Uniform{Min: 1e6, Max: 1e9}, Loss: Independent{probability(0.1)}}
	reference := mustNew(t, base)
	variants := map[string]func(*Config) []Rule{
		"duplication": func(c *Config) []Rule { c.Duplicate = probability(0.5); return nil },
		"corruption":  func(c *Config) []Rule { c.Corrupt = probability(0.5); return nil },
		"regions":     func(c *Config) []Rule { c.Regions = []Region{{Name: "a"}, {Name: "b"}}; return nil },
		"downlinks": func(c *Config) []Rule {
			c.Bandwidth = []BandwidthClass{{Share: Always, Down: 1e6}}
			return nil
		},
		"a rule that duplicates": func(*Config) []Rule { return []Rule{{Duplicate: Always}} },
		"a rule that corrupts":   func(*Config) []Rule { return []Rule{{Corrupt: Always}} },
		"a rule elsewhere":       func(*Config) []Rule { return []Rule{{From: Set{Nodes: []uint32{3}}, Cut: true}} },
	}
	for name, change := range variants {
		cfg := base
		rules := change(&cfg)
		m := mustNew(t, cfg)
		for _, r := range rules {
			mustApply(t, m, r)
		}
		for k := range uint32(2000) {
			a, b := send(reference, k%3, 3, k, 0), send(m, k%3, 3, k, 0)
			if a.Lost != b.Lost || a.Delay != b.Delay {
				t.Fatalf("%s: message %d: got %+v, want %+v", name, k, b, a)
			}
		}
	}
	// Reordering and loss change what they are about, and nothing else.
	held := base
	held.Reorder, held.ReorderDelay = probability(0.5), time.Second
	lossless := base
	lossless.Loss = nil
	h, l := mustNew(t, held), mustNew(t, lossless)
	late := 0
	for k := range uint32(2000) {
		a, b, c := send(reference, 0, 1, k, 0), send(h, 0, 1, k, 0), send(l, 0, 1, k, 0)
		if a.Lost != b.Lost || a.Delay != c.Delay {
			t.Fatalf("message %d: got %+v and %+v, want the loss and the delay of %+v", k, b, c, a)
		}
		if a.Delay != b.Delay {
			late++
		}
	}
	if late < 700 || late > 1100 { // half of nine tenths
		t.Errorf("got %d of 2000 held back, want about 900", late)
	}
}

// The fate of a message is a function of (seed, from, to, k) and not of what
// else was asked, or when.
func TestFateIsAFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		cfg.Bandwidth = nil
		if _, ok := cfg.Loss.(GilbertElliott); ok {
			cfg.Loss = nil
		}
		a, b := mustNew(t, cfg), mustNew(t, cfg)
		for k := range uint32(30) {
			send(a, 1, 2, k, int64(k))
		}
		k := rapid.Uint32().Draw(t, "k")
		if f, g := send(a, 3, 4, k, 100), send(b, 3, 4, k, 999); f != g {
			t.Fatalf("got %+v and %+v", f, g)
		}
	})
}

func TestAnotherSeedIsAnotherWorld(t *testing.T) {
	a := mustNew(t, Config{Seed: 1, Nodes: 2, Latency: Uniform{Max: time.Second}})
	b := mustNew(t, Config{Seed: 2, Nodes: 2, Latency: Uniform{Max: time.Second}})
	var sum float64
	for k := range uint32(samples) {
		sum += (float64(send(a, 0, 1, k, 0).Delay)/1e9 - 0.5) * (float64(send(b, 0, 1, k, 0).Delay)/1e9 - 0.5)
	}
	if r := 12 * sum / samples; math.Abs(r) > 4/math.Sqrt(samples) {
		t.Errorf("got correlation %.5f, want 0", r)
	}
}

// Different senders may ask at once (run with -race), and get what they get
// one after the other.
func TestConcurrentSenders(t *testing.T) {
	type fates [crowd][100]Fate
	build := func() *Model {
		m := mustNew(t, Config{
			Seed: 5, Nodes: crowd, Latency: LogNormal{Median: 1e7, P90: 3e7}, Loss: bursts, Duplicate: probability(0.1),
			Bandwidth: []BandwidthClass{{Share: Always, Up: 1e7, Down: 1e7}},
		})
		mustApply(t, m, Rule{Bandwidth: 1e6, Delay: 5, Loss: probability(0.1)})
		return m
	}
	work := func(m *Model, from uint32, out *fates) {
		for k := range uint32(100) {
			now, to := int64(k)*1e5, (from+k)%crowd
			m.Datagram(&Packet{From: from, To: to, Size: 900, K: k, Now: now}, &out[from][k])
			m.StreamTransmit(from, to, 100, now, patient, k)
			m.Arrive(from, 500, now)
		}
	}
	var alone, together fates
	m := build()
	for from := range uint32(crowd) {
		work(m, from, &alone)
	}
	m = build()
	var all sync.WaitGroup
	for from := range uint32(crowd) {
		all.Go(func() { work(m, from, &together) })
	}
	all.Wait()
	if alone != together {
		t.Error("concurrent senders got different fates")
	}
}

func TestDatagramAllocatesNothing(t *testing.T) {
	m := mustNew(t, Config{
		Nodes: crowd, Latency: Normal{Mean: 1e7, StdDev: 1e6}, Loss: bursts, Duplicate: Always, Reorder: Always, ReorderDelay: 5,
		Corrupt: Always, Bandwidth: []BandwidthClass{{Share: Always, Up: 1e7, Down: 1e7}},
	})
	mustApply(t, m, Rule{Bandwidth: 1e7, Loss: 5, Jitter: 9, Duplicate: 5})
	var f Fate
	p := Packet{From: 1, To: 2, Size: 100}
	if n := testing.AllocsPerRun(1000, func() {
		p.K++
		p.Now += 1e5
		m.Datagram(&p, &f)
		m.Arrive(2, 100, p.Now)
	}); n != 0 {
		t.Errorf("got %.1f allocations, want none", n)
	}
}
