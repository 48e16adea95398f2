package netmodel

import (
	"math"
	"slices"
	"testing"
	"time"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustNew(t failer, cfg Config) *Model {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return m
}

func mustApply(t failer, m *Model, r Rule) RuleID {
	t.Helper()
	id, err := m.Apply(r)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return id
}

func mustRemove(t failer, m *Model, id RuleID) {
	t.Helper()
	if err := m.Remove(id); err != nil {
		t.Fatalf("Remove: %v", err)
	}
}

func must[T any](t failer) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v", err)
		}
		return v
	}
}

// probability is p out of 2^64.
func probability(p float64) uint64 {
	if p >= 1 {
		return Always
	}
	return uint64(math.Ldexp(p, 64))
}

func send(m *Model, from, to, k uint32, now int64) (f Fate) {
	m.Datagram(&Packet{From: from, To: to, Size: 100, K: k, Now: now}, &f)
	return f
}

// delays are the first n delays from node 0 to node 1, in nanoseconds, sorted.
func delays(m *Model, n int) []float64 {
	out := make([]float64, n)
	for k := range out {
		f := send(m, 0, 1, uint32(k), 0)
		out[k] = float64(f.Delay)
	}
	slices.Sort(out)
	return out
}

// checkKS fails the test if the sorted samples are further from the
// distribution than one sample in a thousand of that size would be
// (Kolmogorov and Smirnov, asymptotic).
func checkKS(t *testing.T, samples []float64, cdf func(float64) float64) {
	t.Helper()
	n := float64(len(samples))
	var d float64
	for i, x := range samples {
		p := cdf(x)
		d = max(d, p-float64(i)/n, float64(i+1)/n-p)
	}
	if limit := 1.95 / math.Sqrt(n); d > limit {
		t.Errorf("got Kolmogorov-Smirnov distance %.5f, want at most %.5f", d, limit)
	}
}

// checkShare fails the test if hits of n trials are further than 4 standard
// deviations from probability p.
func checkShare(t *testing.T, what string, hits, n int, p float64) {
	t.Helper()
	got, sd := float64(hits)/float64(n), math.Sqrt(p*(1-p)/float64(n))
	if math.Abs(got-p) > 4*sd {
		t.Errorf("%s: got share %.5f of %d, want %.5f +- %.5f", what, got, n, p, 4*sd)
	}
}

func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

func ns(d time.Duration) float64 { return float64(d) }

// patient is the patience of a stream that only the number of retries ends.
const patient = int64(1 << 60)
