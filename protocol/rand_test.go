package protocol_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

func TestMixIsABijection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64().Draw(t, "x")
		if got := protocol.Unmix(protocol.Mix(x)); got != x {
			t.Fatalf("Unmix(Mix(%#x)) = %#x", x, got)
		}
		if got := protocol.Mix(protocol.Unmix(x)); got != x {
			t.Fatalf("Mix(Unmix(%#x)) = %#x", x, got)
		}
	})
}

// The first outputs of SplitMix64 with state 0, as in the reference
// implementation by Sebastiano Vigna: published trace hashes rest on these bits.
func TestRandKnownAnswers(t *testing.T) {
	r := protocol.NewRand(0) // Mix(0) is 0, so the state starts at 0
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec} {
		if got := r.Uint64(); got != want {
			t.Errorf("output %d: got %#x, want %#x", i, got, want)
		}
	}
}

func TestUint64NStaysInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := protocol.NewRand(rapid.Uint64().Draw(t, "seed"))
		n := rapid.Uint64Min(1).Draw(t, "n")
		for range 10 {
			if got := r.Uint64N(n); got >= n {
				t.Fatalf("Uint64N(%d) = %d", n, got)
			}
		}
		d := time.Duration(rapid.Int64().Draw(t, "d"))
		if got := r.DurationN(d); got < 0 || (d > 0 && got >= d) || (d <= 0 && got != 0) {
			t.Fatalf("DurationN(%d) = %d", d, got)
		}
	})
}

// Pearson's statistic over 60 cells; 59 degrees of freedom exceed 110 with
// probability below 1e-4.
func TestIntNIsUniform(t *testing.T) {
	const cells, draws = 60, 600_000
	r := protocol.NewRand(7)
	var count [cells]float64
	for range draws {
		count[r.IntN(cells)]++
	}
	const want = float64(draws) / cells
	var chi2 float64
	for _, c := range count {
		chi2 += (c - want) * (c - want) / want
	}
	if chi2 > 110 {
		t.Errorf("chi-square over %d cells: got %.1f, want below 110", cells, chi2)
	}
}

func TestBelowHitsWithItsProbability(t *testing.T) {
	const draws = 400_000
	r := protocol.NewRand(11)
	hits := 0
	for range draws {
		if r.Below(math.MaxUint64 / 100) {
			hits++
		}
	}
	sigma := math.Sqrt(draws * 0.01 * 0.99)
	if math.Abs(float64(hits)-draws*0.01) > 5*sigma {
		t.Errorf("got %d hits of %d, want %d within 5 sigma (%.0f)", hits, draws, draws/100, 5*sigma)
	}
}

func TestShuffleReachesEveryOrder(t *testing.T) {
	r := protocol.NewRand(3)
	seen := map[[4]int]bool{}
	for range 1000 {
		a := [4]int{0, 1, 2, 3}
		r.Shuffle(len(a), func(i, j int) { a[i], a[j] = a[j], a[i] })
		seen[a] = true
	}
	if len(seen) != 24 {
		t.Errorf("got %d of the 24 orders of four elements", len(seen))
	}
}

func TestDeriveSeparatesPurposeAndOwner(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range uint64(20) {
		for _, purpose := range []string{"", "a", "b", "ab", "ba", "node", "faults"} {
			for owner := range uint64(50) {
				s := protocol.Derive(seed, purpose, owner)
				if was, ok := seen[s]; ok {
					t.Fatalf("seed %d, purpose %q, owner %d: same as %s", seed, purpose, owner, was)
				}
				seen[s] = purpose
			}
		}
	}
}

func TestNodeIDText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := protocol.NodeID(rapid.Uint64().Draw(t, "id"))
		got, err := protocol.ParseNodeID(id.String())
		if err != nil || got != id {
			t.Fatalf("ParseNodeID(%q) = %v, %v", id.String(), got, err)
		}
	})
	for _, bad := range []string{"", "12", "zzzzzzzzzzzzzzzz", "00000000000000000", "+000000000000001"} {
		if _, err := protocol.ParseNodeID(bad); err == nil {
			t.Errorf("ParseNodeID(%q) accepted", bad)
		}
	}
}

func BenchmarkRandUint64N(b *testing.B) {
	b.ReportAllocs()
	r := protocol.NewRand(1)
	var sum uint64
	for b.Loop() {
		sum += r.Uint64N(1000)
	}
	_ = sum
}
