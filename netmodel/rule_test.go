package netmodel

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// naiveRules is the obvious way to find the rules on a link.
type naiveRules struct {
	ids   []RuleID
	rules []Rule
	from  [][]uint32
	to    [][]uint32
}

func (x *naiveRules) on(i int, from, to uint32) bool {
	forward := slices.Contains(x.from[i], from) && slices.Contains(x.to[i], to)
	back := slices.Contains(x.from[i], to) && slices.Contains(x.to[i], from)
	return from != to && (forward || x.rules[i].Symmetric && back)
}

func (x *naiveRules) check(t *rapid.T, m *Model, nodes uint32) {
	for from := range nodes {
		for to := range nodes {
			if from == to {
				continue
			}
			cut, delay := false, int64(1000)
			for i, r := range x.rules {
				if x.on(i, from, to) {
					cut = cut || r.Cut
					delay += int64(r.Delay)
				}
			}
			f := send(m, from, to, 0, 0)
			if cut != (f.Lost == LostCut) || m.Cut(from, to) != cut || (!cut && f.Delay != delay) {
				t.Fatalf("%d to %d: got %+v and Cut %t, want cut %t or delay %d", from, to, f, m.Cut(from, to), cut, delay)
			}
		}
	}
}

func drawSet(t *rapid.T, label string, nodes uint32) Set {
	s := Set{
		Salt: rapid.Uint64Range(0, 2).Draw(t, label+" salt"),
		Not:  rapid.Bool().Draw(t, label+" not"),
	}
	if rapid.Bool().Draw(t, label+" by list") {
		s.Nodes = rapid.SliceOfN(rapid.Uint32Range(0, nodes-1), 0, 4).Draw(t, label+" nodes")
	}
	if rapid.Bool().Draw(t, label+" by region") {
		s.Regions = []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, label+" region")}
	}
	if rapid.Bool().Draw(t, label+" by share") {
		s.Share = rapid.Uint64().Draw(t, label+" share")
	}
	return s
}

// Any number of rules, applied and removed in any order, touch just the links
// they name.
func TestRulesAgreeWithTheirNaiveTwin(t *testing.T) {
	const nodes = 7
	rapid.Check(t, func(t *rapid.T) {
		m := mustNew(t, Config{Nodes: nodes, Latency: Constant{Delay: 1000}, Regions: []Region{{Name: "a"}, {Name: "b"}, {Name: "c"}}})
		var twin naiveRules
		apply := func(r Rule) {
			twin.ids = append(twin.ids, mustApply(t, m, r))
			twin.rules = append(twin.rules, r)
			twin.from = append(twin.from, must[[]uint32](t)(m.Members(r.From)))
			twin.to = append(twin.to, must[[]uint32](t)(m.Members(r.To)))
		}
		// More rules than a bank holds, in some runs.
		for range rapid.SampledFrom([]int{0, 0, 0, bankSize - 1, bankSize, 2*bankSize + 2}).Draw(t, "crowd") {
			apply(Rule{From: Set{Nodes: []uint32{uint32(len(twin.ids) % nodes)}}, Delay: 3})
		}
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				apply(Rule{
					From: drawSet(t, "from", nodes), To: drawSet(t, "to", nodes),
					Symmetric: rapid.Bool().Draw(t, "symmetric"),
					Cut:       rapid.IntRange(0, 9).Draw(t, "cut") == 0,
					Delay:     time.Duration(rapid.IntRange(0, 1000).Draw(t, "delay")),
				})
			},
			"remove": func(t *rapid.T) {
				if len(twin.ids) == 0 {
					return
				}
				i := rapid.IntRange(0, len(twin.ids)-1).Draw(t, "which")
				mustRemove(t, m, twin.ids[i])
				if m.Remove(twin.ids[i]) == nil {
					t.Fatal("removed a rule twice")
				}
				twin.ids, twin.rules = slices.Delete(twin.ids, i, i+1), slices.Delete(twin.rules, i, i+1)
				twin.from, twin.to = slices.Delete(twin.from, i, i+1), slices.Delete(twin.to, i, i+1)
			},
			"": func(t *rapid.T) {
				twin.check(t, m, nodes)
				if m.extras != (len(twin.ids) > 0) {
					t.Fatalf("got slow path %t with %d rules", m.extras, len(twin.ids))
				}
			},
		})
	})
}

// What rules do does not depend on the order in which they were applied, if
// their streams are named.
func TestOrderOfRulesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Seed: 1, Nodes: 4, Latency: Uniform{Max: time.Second}}
		a, b := mustNew(t, cfg), mustNew(t, cfg)
		var rules []Rule
		for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := drawRule(t)
			r.Stream = uint64(i) + 1
			rules = append(rules, r)
		}
		for i := range rules {
			mustApply(t, a, rules[i])
			mustApply(t, b, rules[len(rules)-1-i])
		}
		for k := range uint32(50) {
			p := Packet{From: k % 4, To: (k + 1 + k/4) % 4, Size: 1000, K: k, Now: int64(k) * 1e6}
			var f, g Fate
			a.Datagram(&p, &f)
			b.Datagram(&p, &g)
			if f != g {
				t.Fatalf("%+v: got %+v and, in reverse order, %+v", p, f, g)
			}
		}
	})
}

// drawRule draws a rule for all nodes with some effects.
func drawRule(t *rapid.T) Rule {
	sometimes := func(label string) uint64 {
		return rapid.SampledFrom([]uint64{0, 0, probability(0.1), probability(0.5), Always}).Draw(t, label)
	}
	r := Rule{
		Symmetric: rapid.Bool().Draw(t, "symmetric"),
		Loss:      sometimes("loss"), Duplicate: sometimes("duplicate"),
		Reorder: sometimes("reorder"), Corrupt: sometimes("corrupt"),
		ReorderDelay: time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "reorder delay")),
		Delay:        time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "delay")),
		Jitter:       time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "jitter")),
		Bandwidth:    rapid.SampledFrom([]int64{0, 0, 100_000, 10_000_000}).Draw(t, "bandwidth"),
	}
	if rapid.IntRange(0, 4).Draw(t, "bursty") == 0 {
		r.Bursts = &bursts
	}
	if rapid.IntRange(0, 4).Draw(t, "list") == 0 {
		r.From.Nodes = []uint32{0, 1}
	}
	return r
}

// A share of nodes that loses most of what it sends: the rule's loss is seen
// on its egress and nowhere else.
func TestGrayFailure(t *testing.T) {
	m := mustNew(t, Config{Seed: 8, Nodes: 1000, Latency: Constant{Delay: 1000}})
	sick := Set{Share: probability(0.01)}
	mustApply(t, m, Rule{From: sick, Loss: probability(0.8)})
	members := must[[]uint32](t)(m.Members(sick))
	if len(members) != 10 {
		t.Fatalf("got %d sick nodes, want 10", len(members))
	}
	var sent, lost, healthyLost int
	for from := range uint32(1000) {
		for k := range uint32(40) {
			f := send(m, from, (from+1+k*7)%1000, k, 0)
			if slices.Contains(members, from) {
				sent++
				if f.Lost == LostRule {
					lost++
				}
			} else if f.Lost != Delivered {
				healthyLost++
			}
		}
	}
	checkShare(t, "lost by the sick", lost, sent, 0.8)
	if healthyLost != 0 {
		t.Errorf("got %d datagrams of healthy nodes lost, want none", healthyLost)
	}
}

func TestPartitionAndHeal(t *testing.T) {
	m := mustNew(t, Config{Seed: 8, Nodes: 100, Latency: Constant{Delay: 1000}})
	side := Set{Share: probability(0.4)}
	other := side
	other.Not = true
	id := mustApply(t, m, Rule{From: side, To: other, Symmetric: true, Cut: true})
	left := must[[]uint32](t)(m.Members(side))
	for from := range uint32(100) {
		for to := range uint32(100) {
			apart := slices.Contains(left, from) != slices.Contains(left, to)
			if (send(m, from, to, 0, 0).Lost == LostCut) != apart {
				t.Fatalf("%d to %d: want cut %t", from, to, apart)
			}
		}
	}
	mustRemove(t, m, id)
	if f := send(m, left[0], must[[]uint32](t)(m.Members(other))[0], 0, 0); f.Lost != Delivered {
		t.Errorf("after the partition: got %v", f.Lost)
	}
}

func TestRuleEffectsFollowTheirProbabilities(t *testing.T) {
	m := mustNew(t, Config{Seed: 1, Nodes: 2, Latency: Constant{Delay: 1000}})
	mustApply(t, m, Rule{
		Loss: probability(0.2), Duplicate: probability(0.1), Corrupt: probability(0.05),
		Reorder: probability(0.3), ReorderDelay: time.Millisecond, Delay: time.Second,
	})
	var lost, arrived, copied, corrupt, held int
	for k := range uint32(samples) {
		f := send(m, 0, 1, k, 0)
		if f.Lost == LostRule {
			lost++
			continue
		}
		arrived++
		if f.Duplicate >= 0 {
			copied++
		}
		if f.Corrupt != 0 {
			corrupt++
		}
		if f.Delay > 1000+int64(time.Second) {
			held++
		}
	}
	checkShare(t, "lost", lost, samples, 0.2)
	checkShare(t, "duplicated", copied, arrived, 0.1)
	checkShare(t, "corrupted", corrupt, arrived, 0.05)
	checkShare(t, "held back", held, arrived, 0.3)
}

func TestRuleJitterIsUniform(t *testing.T) {
	m := mustNew(t, Config{Seed: 1, Nodes: 2, Latency: Constant{Delay: 1e6}})
	mustApply(t, m, Rule{Delay: 2e6, Jitter: 5e6})
	checkKS(t, delays(m, samples), func(x float64) float64 { return (x - 3e6) / 5e6 })
}

// A rule's bandwidth limit is each sender's for all its links together.
func TestRuleBandwidth(t *testing.T) {
	m := mustNew(t, Config{Nodes: 3, Latency: Constant{}, Regions: []Region{{Name: "a", Nodes: 1}, {Name: "b", Nodes: 2}}})
	mustApply(t, m, Rule{From: Set{Regions: []string{"a"}}, To: Set{Regions: []string{"b"}}, Bandwidth: 8_000_000, Queue: 10_000})
	var f Fate
	for i := range int64(10) { // 1,000 bytes are 1 ms
		m.Datagram(&Packet{From: 0, To: uint32(1 + i%2), Size: 1000}, &f)
		if f.Delay != (i+1)*int64(time.Millisecond) || f.Lost != Delivered {
			t.Fatalf("datagram %d: got %+v, want %d ms", i, f, i+1)
		}
	}
	if m.Datagram(&Packet{From: 0, To: 1, Size: 1000}, &f); f.Lost != LostLimit {
		t.Errorf("got %v, want the queue to be full", f.Lost)
	}
	if m.Datagram(&Packet{From: 1, To: 0, Size: 1000}, &f); f.Lost != Delivered || f.Delay != 0 {
		t.Errorf("the other direction: got %+v, want no limit", f)
	}
}

// A rule's bursts have the loss rate of their own chain, independent of the
// model's.
func TestRuleBursts(t *testing.T) {
	m := mustNew(t, Config{Seed: 3, Nodes: 2, Latency: Constant{}, Loss: bursts})
	sure := GilbertElliott{MeanGood: 300 * time.Millisecond, MeanBad: 100 * time.Millisecond, LossBad: Always}
	mustApply(t, m, Rule{From: Set{Nodes: []uint32{0}}, Bursts: &sure})
	const n = 50_000
	var lost, there, back int
	for k := range uint32(n) {
		now := int64(k) * int64(time.Second)
		switch send(m, 0, 1, k, now).Lost {
		case LostRule:
			there++
		case LostBurst, LostRandom:
			lost++
		}
		if send(m, 1, 0, k, now).Lost == LostRule {
			back++
		}
	}
	own := 0.1*0.8 + 0.9*0.01
	checkShare(t, "lost by the model", lost, n, own)
	checkShare(t, "lost by the rule alone", there, n, 0.25*(1-own))
	if back != 0 {
		t.Errorf("got %d lost on the way back, want none", back)
	}
}

// A copy leaves the sender with the original, meets the same rules, and then
// goes its own way: with a latency of its own, and not held back.
func TestCopiesTravelOnTheirOwn(t *testing.T) {
	cfg := Config{
		Seed: 2, Nodes: 2, Latency: Uniform{Min: 1e6, Max: 2e6}, Duplicate: Always,
		Reorder: Always, ReorderDelay: time.Hour, Bandwidth: []BandwidthClass{{Share: Always, Up: 8e5}},
	}
	m := mustNew(t, cfg)
	mustApply(t, m, Rule{Delay: 5e6, Bandwidth: 8e8})
	var copies []float64
	var sum float64
	cfg.Reorder = 0
	plain := mustNew(t, cfg)
	for k := range uint32(samples) {
		now := int64(k) * 1e6 // as fast as the uplink can
		f, g := send(m, 0, 1, k, now), send(plain, 0, 1, k, now)
		copies = append(copies, float64(f.Duplicate))
		// 100 bytes are 1 ms on the uplink and 1 us at the rule's limit.
		sum += (float64(f.Duplicate) - 7_501_000) * (float64(g.Delay) - 2_500_000) / 1e12
	}
	slices.Sort(copies)
	checkKS(t, copies, func(x float64) float64 { return (x - 7_001_000) / 1e6 })
	if r := 12 * sum / samples; r > 4/447.2 || r < -4/447.2 { // 4 / sqrt(samples)
		t.Errorf("got correlation %.5f of copies with originals, want 0", r)
	}
}

// Rules draw independently, unless their streams are the same.
func TestRulesHaveStreamsOfTheirOwn(t *testing.T) {
	for name, c := range map[string]struct {
		streams [2]uint64
		want    float64
	}{"by number": {[2]uint64{0, 0}, 0.75}, "named": {[2]uint64{7, 8}, 0.75}, "shared": {[2]uint64{7, 7}, 0.5}} {
		m := mustNew(t, Config{Seed: 2, Nodes: 2, Latency: Constant{}})
		for _, stream := range c.streams {
			mustApply(t, m, Rule{Loss: 1 << 63, Stream: stream})
		}
		lost := 0
		for k := range uint32(samples) {
			if send(m, 0, 1, k, 0).Lost == LostRule {
				lost++
			}
		}
		checkShare(t, name, lost, samples, c.want)
	}
}
