package analysis_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
)

// Of 95 % intervals around means of normal data, 95 % hold the true mean: of
// 4,000, within four standard deviations.
func TestIntervalsCoverTheMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const trials, mu, sigma = 4000, 3.0, 2.0
	for _, n := range []int{2, 5, 20} {
		hits := 0
		for range trials {
			values := make([]float64, n)
			for i := range values {
				values[i] = mu + sigma*r.NormFloat64()
			}
			if s := analysis.Summarise(values); math.Abs(s.Mean-mu) <= s.CI {
				hits++
			}
		}
		slack := 4 * math.Sqrt(0.95*0.05/trials)
		if share := float64(hits) / trials; math.Abs(share-0.95) > slack {
			t.Errorf("n = %d: got a coverage of %.4f, want 0.95 within %.4f", n, share, slack)
		}
	}
}

// Cochran's ratio estimator is approximate; with 20 pairs its interval covers
// to within two per cent.
func TestRatioIntervalsCoverTheRatio(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	const trials, n, ratio = 3000, 20, 0.6
	hits := 0
	for range trials {
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			luck := 10 + r.NormFloat64() // common to both
			b[i] = luck + 0.5*r.NormFloat64()
			a[i] = ratio*luck + 0.5*r.NormFloat64()
		}
		if got, ci := analysis.Ratio(a, b); math.Abs(got-ratio) <= ci {
			hits++
		}
	}
	if share := float64(hits) / trials; math.Abs(share-0.95) > 0.02 {
		t.Errorf("got a coverage of %.4f, want 0.95 within 0.02", share)
	}
}

func TestPairingCancelsCommonLuck(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	a, b := make([]float64, 20), make([]float64, 20)
	for i := range a {
		luck := 10 * r.NormFloat64()
		a[i], b[i] = luck+1+0.1*r.NormFloat64(), luck+0.1*r.NormFloat64()
	}
	d := analysis.Paired(a, b)
	if math.Abs(d.Mean-1) > d.CI || d.CI > 0.2 {
		t.Errorf("got a difference of %v ± %v, want 1 within an interval below 0.2", d.Mean, d.CI)
	}
	if apart := analysis.Summarise(a).CI; apart < 10*d.CI {
		t.Errorf("got an unpaired interval of %v, want it far above the paired %v", apart, d.CI)
	}
}

// The table in any textbook: t(0.975) of 1, 4, 19 degrees of freedom.
func TestIntervalsAreStudents(t *testing.T) {
	for n, quantile := range map[int]float64{2: 12.706, 5: 2.776, 20: 2.093} {
		values := make([]float64, n)
		values[0] = 1
		s := analysis.Summarise(values)
		sd := math.Sqrt((math.Pow(1-s.Mean, 2) + float64(n-1)*s.Mean*s.Mean) / float64(n-1))
		if want := quantile * sd / math.Sqrt(float64(n)); math.Abs(s.CI/want-1) > 1e-3 {
			t.Errorf("n = %d: got %v, want %v", n, s.CI, want)
		}
	}
}

func TestStatisticsDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Float64Range(-1e6, 1e6)).Draw(t, "values")
		if rapid.Bool().Draw(t, "one missing") {
			values = append(values, math.NaN())
		}
		shuffled := rapid.Permutation(values).Draw(t, "shuffled")
		a, b := analysis.Summarise(values), analysis.Summarise(shuffled)
		for _, pair := range [][2]float64{{a.Mean, b.Mean}, {a.CI, b.CI}, {a.Min, b.Min}, {a.Median, b.Median}, {a.Max, b.Max}} {
			if math.Float64bits(pair[0]) != math.Float64bits(pair[1]) {
				t.Fatalf("got %v and %v of the same values in another order", a, b)
			}
		}
		if a.N+a.Missing != len(values) || a.N > 0 && (a.Min > a.Median || a.Median > a.Max || a.Mean < a.Min-1e-6 || a.Mean > a.Max+1e-6) {
			t.Fatalf("got %+v of %v", a, values)
		}
	})
}

func TestFewValuesHaveNoInterval(t *testing.T) {
	if s := analysis.Summarise([]float64{4, math.NaN()}); s.N != 1 || s.Missing != 1 || s.Mean != 4 || !math.IsNaN(s.CI) {
		t.Errorf("one value: got %+v", s)
	}
	if s := analysis.Summarise(nil); s.N != 0 || !math.IsNaN(s.Mean) || !math.IsNaN(s.Max) {
		t.Errorf("no value: got %+v", s)
	}
	if r, ci := analysis.Ratio([]float64{1, 2}, []float64{0, 0}); !math.IsNaN(r) || !math.IsNaN(ci) {
		t.Errorf("ratio to zero: got %v ± %v", r, ci)
	}
	if r, _ := analysis.Ratio([]float64{1, math.NaN()}, []float64{1, 1}); !math.IsNaN(r) {
		t.Errorf("ratio with a missing value: got %v", r)
	}
}

func TestBandsMatchRunsByTime(t *testing.T) {
	nan := math.NaN()
	b := analysis.NewBand([]analysis.Series{
		{X: []float64{0, 1, 2}, Y: []float64{1, 3, nan}},
		{X: []float64{1, 2, 3}, Y: []float64{5, 7, 9}},
	})
	for i, want := range []struct {
		x, mean float64
		n       int
	}{{0, 1, 1}, {1, 4, 2}, {2, 7, 1}, {3, 9, 1}} {
		if b.X[i] != want.x || b.Mean[i] != want.mean || b.N[i] != want.n || math.IsNaN(b.CI[i]) != (want.n < 2) {
			t.Errorf("point %d: got %v %v %v %v, want %+v", i, b.X[i], b.Mean[i], b.N[i], b.CI[i], want)
		}
	}
}
