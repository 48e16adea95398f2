package netmodel

import (
	"math"
	"testing"
	"time"
)

const samples = 200_000

func TestConstantIsConstant(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: 5 * time.Millisecond}})
	for _, d := range delays(m, 100) {
		if d != ns(5*time.Millisecond) {
			t.Fatalf("got %v ns, want 5 ms", d)
		}
	}
	if m.MinDelay() != int64(5*time.Millisecond) {
		t.Errorf("got MinDelay %d, want 5 ms", m.MinDelay())
	}
}

func TestUniformIsUniform(t *testing.T) {
	lo, hi := 10*time.Millisecond, 100*time.Millisecond
	m := mustNew(t, Config{Seed: 1, Nodes: 2, Latency: Uniform{Min: lo, Max: hi}})
	d := delays(m, samples)
	checkKS(t, d, func(x float64) float64 { return (x - ns(lo)) / ns(hi-lo) })
	if d[0] < ns(lo) || d[len(d)-1] >= ns(hi) {
		t.Errorf("got delays in [%v, %v], want [%v, %v)", d[0], d[len(d)-1], lo, hi)
	}
}

// A link's delays and the first delays of many links must look alike: the hash
// has to spread node numbers as well as message numbers.
func TestUniformOverLinksIsUniform(t *testing.T) {
	const side = 450
	m := mustNew(t, Config{Seed: 1, Nodes: side, Latency: Uniform{Max: time.Second}})
	var bins [100]int
	n := 0
	for from := range uint32(side) {
		for to := range uint32(side) {
			if from != to {
				bins[send(m, from, to, 0, 0).Delay*int64(len(bins))/int64(time.Second)]++
				n++
			}
		}
	}
	var chi float64
	want := float64(n) / float64(len(bins))
	for _, got := range bins {
		chi += (float64(got) - want) * (float64(got) - want) / want
	}
	if chi > 148.2 { // 99.9 % quantile at 99 degrees of freedom
		t.Errorf("got chi-square %.1f, want at most 148.2", chi)
	}
}

func TestSuccessiveDelaysAreUncorrelated(t *testing.T) {
	m := mustNew(t, Config{Seed: 3, Nodes: 3, Latency: Uniform{Max: time.Second}})
	unit := func(from, to, k uint32) float64 { return float64(send(m, from, to, k, 0).Delay)/1e9 - 0.5 }
	for name, pair := range map[string]func(k uint32) float64{
		"next message":  func(k uint32) float64 { return unit(0, 1, k) * unit(0, 1, k+1) },
		"way back":      func(k uint32) float64 { return unit(0, 1, k) * unit(1, 0, k) },
		"next receiver": func(k uint32) float64 { return unit(0, 1, k) * unit(0, 2, k) },
	} {
		var sum float64
		for k := range uint32(samples) {
			sum += pair(k)
		}
		// The variance of a product of independent ones is (1/12)^2.
		if r := 12 * sum / samples; math.Abs(r) > 4/math.Sqrt(samples) {
			t.Errorf("%s: got correlation %.5f, want 0 +- %.5f", name, r, 4/math.Sqrt(samples))
		}
	}
}

func TestNormalIsTruncatedNormal(t *testing.T) {
	for name, c := range map[string]Normal{
		"hardly truncated": {Mean: 50 * time.Millisecond, StdDev: 5 * time.Millisecond},
		"both sides":       {Mean: 50 * time.Millisecond, StdDev: 20 * time.Millisecond, Min: 30 * time.Millisecond, Max: 60 * time.Millisecond},
		"upper tail":       {Mean: 10 * time.Millisecond, StdDev: 5 * time.Millisecond, Min: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			m := mustNew(t, Config{Seed: 2, Nodes: 2, Latency: c})
			full := func(x float64) float64 { return normalCDF((x - ns(c.Mean)) / ns(c.StdDev)) }
			most := c.Max
			if most == 0 {
				most = MaxDelay
			}
			a, b := full(ns(c.Min)), full(ns(most))
			d := delays(m, samples)
			checkKS(t, d, func(x float64) float64 { return (full(x) - a) / (b - a) })
			if d[0] < ns(c.Min) || d[len(d)-1] > ns(most) {
				t.Errorf("got delays in [%v, %v], want [%v, %v]", d[0], d[len(d)-1], c.Min, most)
			}
		})
	}
}

func TestLogNormalIsLogNormal(t *testing.T) {
	c := LogNormal{Median: 40 * time.Millisecond, P90: 120 * time.Millisecond, Min: 5 * time.Millisecond, Max: 2 * time.Second}
	m := mustNew(t, Config{Seed: 4, Nodes: 2, Latency: c})
	sigma := math.Log(3) / 1.2815515655446004
	full := func(x float64) float64 { return normalCDF(math.Log(x/ns(c.Median)) / sigma) }
	a, b := full(ns(c.Min)), full(ns(c.Max))
	checkKS(t, delays(m, samples), func(x float64) float64 { return (full(x) - a) / (b - a) })
}

// The quantiles that name a LogNormal are its quantiles.
func TestLogNormalMedianAndP90(t *testing.T) {
	c := LogNormal{Median: 40 * time.Millisecond, P90: 120 * time.Millisecond}
	m := mustNew(t, Config{Seed: 4, Nodes: 2, Latency: c})
	for u, want := range map[uint64]time.Duration{1 << 63: c.Median, probability(0.9): c.P90} {
		got := float64(m.latency.draw(0, 1, u))
		if math.Abs(got/ns(want)-1) > 1e-5 {
			t.Errorf("got %v, want %v", time.Duration(got), want)
		}
	}
}

// Moments of the untruncated log-normal, which its quantiles alone do not
// prove.
func TestLogNormalMean(t *testing.T) {
	m := mustNew(t, Config{Seed: 5, Nodes: 2, Latency: LogNormal{Median: 40 * time.Millisecond, P90: 80 * time.Millisecond}})
	sigma := math.Log(2) / 1.2815515655446004
	mean := 40e6 * math.Exp(sigma*sigma/2)
	sd := mean * math.Sqrt(math.Exp(sigma*sigma)-1)
	var sum float64
	for _, d := range delays(m, samples) {
		sum += d
	}
	if got := sum / samples; math.Abs(got-mean) > 4*sd/math.Sqrt(samples) {
		t.Errorf("got mean %.0f ns, want %.0f +- %.0f", got, mean, 4*sd/math.Sqrt(samples))
	}
}

// MinDelay is a bound that can be reached: the draw at the lowest uniform
// number is equal to it.
func TestMinDelayIsExact(t *testing.T) {
	square := &Matrix{Names: []string{"a", "b"}, OneWay: [][]time.Duration{{3, 10}, {7, 5}}}
	for name, c := range map[string]struct {
		cfg  Config
		want int64
	}{
		"constant":          {Config{Latency: Constant{Delay: 9}}, 9},
		"uniform":           {Config{Latency: Uniform{Min: 4, Max: 100}}, 4},
		"normal at Min":     {Config{Latency: Normal{Mean: 1e6, StdDev: 1e6, Min: 1000}}, 1000},
		"log-normal at Min": {Config{Latency: LogNormal{Median: 1e6, P90: 3e6, Min: 1e5}}, 1e5},
		"regions":           {Config{Latency: RegionMatrix{Matrix: square, Jitter: Always / 2}}, 3},
		"one alone in a": {Config{
			Latency: RegionMatrix{Matrix: square}, Regions: []Region{{Name: "a", Nodes: 1}, {Name: "b", Nodes: 9}},
		}, 5},
		"all in b": {Config{
			Latency: RegionMatrix{Matrix: square}, Regions: []Region{{Name: "b", Nodes: 10}},
		}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Nodes = 10
			m := mustNew(t, c.cfg)
			least := int64(math.MaxInt64)
			for from := range uint32(10) {
				for to := range uint32(10) {
					if from != to {
						least = min(least, m.latency.draw(from, to, 0))
					}
				}
			}
			// A truncation falls between two delays of the quantile function, which
			// is steep there by less than a nanosecond and a half.
			if m.MinDelay() != least || m.MinDelay()-c.want > 1 || m.MinDelay() < c.want {
				t.Errorf("got MinDelay %d and least draw %d, want %d", m.MinDelay(), least, c.want)
			}
		})
	}
}

func TestMatrixLatency(t *testing.T) {
	x := &Matrix{Names: []string{"a", "b"}, OneWay: [][]time.Duration{{1e6, 20e6}, {30e6, 2e6}}}
	m := mustNew(t, Config{Nodes: 4, Latency: RegionMatrix{Matrix: x}}) // a a b b
	for _, c := range []struct {
		from, to uint32
		want     int64
	}{{0, 1, 1e6}, {0, 2, 20e6}, {3, 1, 30e6}, {2, 3, 2e6}} {
		if got := send(m, c.from, c.to, 0, 0).Delay; got != c.want {
			t.Errorf("%d to %d: got %d ns, want %d", c.from, c.to, got, c.want)
		}
	}
	j := mustNew(t, Config{Seed: 6, Nodes: 2, Latency: RegionMatrix{Matrix: x, Jitter: probability(0.25)}})
	checkKS(t, delays(j, samples), func(v float64) float64 { return (v - 20e6) / 5e6 })
}

func TestPairMatrixGivesEveryNodeItsOwnSite(t *testing.T) {
	x := must[*Matrix](t)(PlanetLab490())
	m := mustNew(t, Config{Seed: 7, Nodes: 2 * planetLabSites, Latency: PairMatrix{Matrix: x}})
	seen := make(map[uint16]bool)
	for i := range planetLabSites {
		seen[m.latency.place[i]] = true
		if m.latency.place[i] != m.latency.place[i+planetLabSites] {
			t.Fatalf("nodes %d and %d: got different sites", i, i+planetLabSites)
		}
	}
	if len(seen) != planetLabSites {
		t.Errorf("got %d sites, want %d", len(seen), planetLabSites)
	}
	a, b := m.latency.place[3], m.latency.place[8]
	if got := send(m, 3, 8, 0, 0).Delay; got != int64(x.OneWay[a][b]) {
		t.Errorf("got %d ns, want %d", got, x.OneWay[a][b])
	}
	if got := send(m, 3, 3+planetLabSites, 0, 0).Delay; got != int64(PlanetLabSameSite) {
		t.Errorf("same site: got %d ns, want %d", got, PlanetLabSameSite)
	}
}

func TestLoopbackTouchesNoNetwork(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{Delay: time.Second}, Loss: Independent{Always}, Duplicate: Always, Corrupt: Always})
	mustApply(t, m, Rule{Cut: true})
	if f := send(m, 1, 1, 0, 0); f != (Fate{Delay: int64(Loopback), Duplicate: -1}) {
		t.Errorf("got %+v", f)
	}
}

// The range of a truncated distribution is drawn from end to end.
func TestTruncatedRangeIsUsedToBothEnds(t *testing.T) {
	for _, l := range []latency{{first: 0, width: math.MaxUint64}, {first: 5, width: 1 << 44}, {first: 1 << 63, width: 1<<63 - 1}} {
		if a, b := l.within(0), l.within(math.MaxUint64); a != l.first || b != l.first+l.width {
			t.Errorf("got %d to %d, want %d to %d", a, b, l.first, l.first+l.width)
		}
		if got, want := l.within(1<<63), l.first+l.width/2; got-want > 1 {
			t.Errorf("got %d in the middle, want %d", got, want)
		}
	}
}
