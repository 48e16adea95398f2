package analysis

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestWithoutUnfinishedCasesSurvivalIsTheEmpiricalDistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 100), 1, 60).Draw(t, "values")
		samples := make([]sample, len(values))
		sum := 0.0
		for i, v := range values {
			samples[i] = sample{value: v, ended: true}
			sum += v
		}
		s := newSurvival(samples)
		sorted := slices.Sorted(slices.Values(values))
		e := exact{sorted: sorted, mean: sum / float64(len(values))}
		for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
			if s.Quantile(q) != e.Quantile(q) {
				t.Fatalf("quantile %v: got %v and %v", q, s.Quantile(q), e.Quantile(q))
			}
			if i, _ := slices.BinarySearch(sorted, e.Quantile(q)); float64(i) > q*float64(len(sorted)) {
				t.Fatalf("quantile %v: %d of %d values are below %v", q, i, len(sorted), e.Quantile(q))
			}
		}
		if math.Abs(s.Mean()-e.Mean()) > 1e-9 {
			t.Fatalf("mean: got %v, want %v", s.Mean(), e.Mean())
		}
	})
}

// Kaplan and Meier's estimate by hand: 6 cases, of which the third and the
// last were not seen to end.
func TestUnfinishedCasesCountForAsLongAsTheyWereWatched(t *testing.T) {
	s := newSurvival([]sample{{value: 1, ended: true}, {value: 2, ended: true}, {value: 2.5}, {value: 3, ended: true}, {value: 4, ended: true}, {value: 5}})
	for i, want := range []float64{5.0 / 6, 4.0 / 6, 4.0 / 6 * 2 / 3, 4.0 / 6 * 1 / 3} {
		if math.Abs(s.left[i]-want) > 1e-12 {
			t.Errorf("share left after %v: got %v, want %v", s.time[i], s.left[i], want)
		}
	}
	if got := s.Quantile(0.5); got != 3 {
		t.Errorf("median: got %v, want 3", got)
	}
	if !math.IsNaN(s.Quantile(0.9)) || !math.IsNaN(s.Mean()) {
		t.Errorf("got a 90th percentile of %v and a mean of %v, want none", s.Quantile(0.9), s.Mean())
	}
	// A case that was watched for a short time says little, and hides nothing.
	s = newSurvival([]sample{{value: 0.5}, {value: 1, ended: true}, {value: 2, ended: true}})
	if s.Mean() != 1.5 || s.Quantile(1) != 2 {
		t.Errorf("got mean %v and maximum %v, want 1.5 and 2", s.Mean(), s.Quantile(1))
	}
}

func TestHistogramKeepsThreeDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(1000, 1e11), 1, 200).Draw(t, "ns")
		h := newHistogram()
		for _, v := range values {
			h.record(v)
		}
		slices.Sort(values)
		for _, q := range []float64{0.5, 0.9, 0.99, 1} {
			want := exactQuantile(values, q)
			if got := h.Quantile(q) * 1e9; math.Abs(got-want) > want*1.1e-3 {
				t.Fatalf("quantile %v: got %v, want %v within 0.1 %%", q, got, want)
			}
		}
	})
}

func exactQuantile(sorted []int64, q float64) float64 {
	return float64(sorted[int(math.Ceil(q*float64(len(sorted))))-1])
}

// An indexSet is a map from int to bool.
func TestIndexSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const universe = 100
		var s indexSet
		twin := map[int]bool{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, universe-1).Draw(t, "i")
			if rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				if s.remove(i) != twin[i] {
					t.Fatalf("remove(%d): got %v", i, !twin[i])
				}
				delete(twin, i)
			} else {
				if s.add(i, universe) == twin[i] {
					t.Fatalf("add(%d): got %v", i, twin[i])
				}
				twin[i] = true
			}
			if s.n != len(twin) || s.has(i) != twin[i] {
				t.Fatalf("got %d members and has(%d) %v, want %d and %v", s.n, i, s.has(i), len(twin), twin[i])
			}
		}
	})
}
