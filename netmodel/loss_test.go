package netmodel

import (
	"math"
	"testing"
	"time"
)

func TestIndependentLoss(t *testing.T) {
	for _, p := range []float64{0.0001, 0.01, 0.3, 0.99} {
		m := mustNew(t, Config{Seed: 1, Nodes: 2, Latency: Constant{}, Loss: Independent{probability(p)}})
		lost, pairs := 0, 0
		before := false
		for k := range uint32(samples) {
			now := send(m, 0, 1, k, 0).Lost == LostRandom
			if now {
				lost++
			}
			if now && before {
				pairs++
			}
			before = now
		}
		checkShare(t, "lost", lost, samples, p)
		checkShare(t, "two in a row", pairs, samples-1, p*p)
	}
}

func TestCertainAndImpossibleLoss(t *testing.T) {
	always := mustNew(t, Config{Nodes: 2, Latency: Constant{}, Loss: Independent{Always}})
	never := mustNew(t, Config{Nodes: 2, Latency: Constant{}, Loss: Independent{0}})
	for k := range uint32(10_000) {
		if send(always, 0, 1, k, 0).Lost != LostRandom || send(never, 0, 1, k, 0).Lost != Delivered {
			t.Fatalf("message %d: probability 1 or 0 was not exact", k)
		}
	}
}

var bursts = GilbertElliott{
	MeanGood: 900 * time.Millisecond, MeanBad: 100 * time.Millisecond,
	LossGood: probability(0.01), LossBad: probability(0.8),
}

// states samples the states of one link at equal steps.
func states(m *Model, from, to uint32, n int, step int64) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = m.burst.isBad(link(m.states, from, to), int64(i)*step)
	}
	return out
}

// Stays are exponential with the means configured: the chain sampled at a step
// d is a Markov chain in discrete time with the transition probabilities of
// the continuous one. The standard deviation of a share takes the chain's
// correlation into account.
func TestGilbertElliottIsTheMarkovChain(t *testing.T) {
	m := mustNew(t, Config{Seed: 9, Nodes: 2, Latency: Constant{}, Loss: bursts})
	const n = 400_000
	rate := 1/ns(bursts.MeanGood) + 1/ns(bursts.MeanBad)
	for _, step := range []time.Duration{time.Millisecond, 7 * time.Millisecond, 50 * time.Millisecond, 400 * time.Millisecond} {
		s := states(m, 0, 1, n, int64(step))
		var bad, badAfterBad, badAfterGood int
		for i := range s[:n-1] {
			if s[i] {
				bad++
			}
			if s[i] && s[i+1] {
				badAfterBad++
			}
			if !s[i] && s[i+1] {
				badAfterGood++
			}
		}
		decay := math.Exp(-rate * ns(step))
		checkShare(t, step.String()+": bad after bad", badAfterBad, bad, 0.1+0.9*decay)
		checkShare(t, step.String()+": bad after good", badAfterGood, n-1-bad, 0.1*(1-decay))
		sd := math.Sqrt(0.1 * 0.9 / n * (1 + decay) / (1 - decay))
		if got := float64(bad) / n; math.Abs(got-0.1) > 4*sd {
			t.Errorf("%v: got share of bad time %.4f, want 0.1 +- %.4f", step, got, 4*sd)
		}
	}
}

// What happened before the present state does not matter: Markov's property,
// which a construction from independent pieces could lose.
func TestGilbertElliottForgetsItsPast(t *testing.T) {
	m := mustNew(t, Config{Seed: 10, Nodes: 2, Latency: Constant{}, Loss: bursts})
	const n = 1_000_000
	step := 20 * time.Millisecond
	s := states(m, 0, 1, n, int64(step))
	stay := 0.1 + 0.9*math.Exp(-(1/ns(bursts.MeanGood)+1/ns(bursts.MeanBad))*ns(step))
	var seen, stayed [2]int
	for i := 2; i < n; i++ {
		if !s[i-1] {
			continue
		}
		before := 0
		if s[i-2] {
			before = 1
		}
		seen[before]++
		if s[i] {
			stayed[before]++
		}
	}
	checkShare(t, "bad after good, bad", stayed[0], seen[0], stay)
	checkShare(t, "bad after bad, bad", stayed[1], seen[1], stay)
}

func TestGilbertElliottMeanBurst(t *testing.T) {
	m := mustNew(t, Config{Seed: 11, Nodes: 2, Latency: Constant{}, Loss: bursts})
	const n = 2_000_000
	step := ns(bursts.MeanBad) / 200
	s := states(m, 0, 1, n, int64(step))
	var lengths []float64
	length := 0
	for _, bad := range s {
		if bad {
			length++
		} else if length > 0 {
			lengths = append(lengths, float64(length))
			length = 0
		}
	}
	var sum float64
	for _, b := range lengths {
		sum += b
	}
	// Sampled stays are geometric.
	leave := 0.9 * (1 - math.Exp(-(1/ns(bursts.MeanGood)+1/ns(bursts.MeanBad))*step))
	mean, count := sum/float64(len(lengths)), float64(len(lengths))
	if want := 1 / leave; math.Abs(mean-want) > 4*want/math.Sqrt(count) {
		t.Errorf("got mean burst %.1f steps over %.0f bursts, want %.1f", mean, count, want)
	}
}

// The long-run loss is p/(p+r) of the bad state's and the rest of the good
// one's.
func TestGilbertElliottLossRate(t *testing.T) {
	m := mustNew(t, Config{Seed: 12, Nodes: 400, Latency: Constant{}, Loss: bursts})
	lost := [LossReasons]int{}
	const links, each = 20_000, 10
	for i := range uint32(links) {
		for k := range uint32(each) {
			// Ten relaxation times apart: nearly independent.
			lost[send(m, i%200, 200+i/200, k, int64(k)*int64(time.Second)).Lost]++
		}
	}
	checkShare(t, "lost in bursts", lost[LostBurst], links*each, 0.1*0.8)
	checkShare(t, "lost between them", lost[LostRandom], links*each, 0.9*0.01)
	if want := probability(0.1*0.8 + 0.9*0.01); math.Abs(float64(m.averageLoss())/float64(want)-1) > 1e-9 {
		t.Errorf("got average loss %d, want %d", m.averageLoss(), want)
	}
}

// Links have states of their own, in each direction.
func TestGilbertElliottLinksAreIndependent(t *testing.T) {
	m := mustNew(t, Config{Seed: 13, Nodes: 3, Latency: Constant{}, Loss: bursts})
	const n = 100_000
	step := 2 * int64(time.Second) // twenty relaxation times
	a := states(m, 0, 1, n, step)
	for name, b := range map[string][]bool{
		"way back": states(m, 1, 0, n, step), "other receiver": states(m, 0, 2, n, step),
	} {
		both := 0
		for i := range a {
			if a[i] && b[i] {
				both++
			}
		}
		checkShare(t, "bad with "+name, both, n, 0.01)
	}
}

// The state is no matter of traffic: who has sent more, in any order of time,
// sees the same.
func TestGilbertElliottStateDoesNotDependOnTraffic(t *testing.T) {
	sure := bursts
	sure.LossGood, sure.LossBad = 0, Always
	quiet := mustNew(t, Config{Seed: 14, Nodes: 2, Latency: Constant{}, Loss: sure})
	busy := mustNew(t, Config{Seed: 14, Nodes: 2, Latency: Constant{}, Loss: sure})
	k, seen := uint32(0), 0
	for i := range uint32(20_000) {
		now := int64(i) * int64(13*time.Millisecond)
		for range i % 5 {
			send(busy, 0, 1, k, now)
			k++
		}
		a, b := send(quiet, 0, 1, i, now), send(busy, 0, 1, k, now)
		k++
		if a.Lost != b.Lost {
			t.Fatalf("at %d ns: got %v on the quiet link, %v on the busy one", now, a.Lost, b.Lost)
		}
		if a.Lost == LostBurst {
			seen++
		}
	}
	if seen < 1000 || seen > 3000 {
		t.Errorf("got %d of 20000 lost, want about 2000", seen)
	}
}

// Extreme means keep the construction small and the thresholds in range.
func TestGilbertElliottExtremes(t *testing.T) {
	for _, c := range []GilbertElliott{
		{MeanGood: leastStay, MeanBad: leastStay},
		{MeanGood: MaxDelay, MeanBad: leastStay},
		{MeanGood: leastStay, MeanBad: MaxDelay},
		{MeanGood: MaxDelay, MeanBad: MaxDelay},
	} {
		b, err := newBurst("Loss", c)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(b.middle); n < 10 || n > 20 {
			t.Errorf("%+v: got %d levels, want 10 to 20", c, n)
		}
		want := ns(c.MeanBad) / ns(c.MeanGood+c.MeanBad)
		bad := 0
		const n = 20_000
		for i := range uint64(n) {
			if b.isBad(mix(i+1), int64(i)) {
				bad++
			}
		}
		checkShare(t, "bad", bad, n, want)
	}
}

// What counts is the state when a datagram has left the sender's uplink.
func TestGilbertElliottMeetsWhatHasLeftTheUplink(t *testing.T) {
	m := mustNew(t, Config{
		Seed: 15, Nodes: 2, Latency: Constant{}, Loss: GilbertElliott{MeanGood: time.Second, MeanBad: time.Second, LossBad: Always},
		Bandwidth: []BandwidthClass{{Share: Always, Up: 8000}}, // 100 bytes in 0.1 s
	})
	for k := range uint32(5000) {
		now := int64(k) * int64(time.Second)
		want := m.burst.isBad(link(m.states, 0, 1), now+int64(100*time.Millisecond))
		if got := send(m, 0, 1, k, now).Lost == LostBurst; got != want {
			t.Fatalf("at %d ns: got lost %t, want %t", now, got, want)
		}
	}
}
