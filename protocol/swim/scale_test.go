package swim

import (
	"math"
	"testing"
	"time"
)

func TestLog10MilliIsTheFloatFormula(t *testing.T) {
	for n := uint32(1); n <= 200_000; n++ {
		if got, want := log10Milli(n), int(math.Floor(math.Log10(float64(n))*1000+1e-9)); got != want {
			t.Fatalf("n = %d: got %d, want %d", n, got, want)
		}
	}
	for _, n := range []uint32{1_000_000, 10_000_000, 999_999_999, 1_000_000_000, math.MaxUint32} {
		if got, want := log10Milli(n), int(math.Floor(math.Log10(float64(n))*1000+1e-9)); got != want {
			t.Errorf("n = %d: got %d, want %d", n, got, want)
		}
	}
}

// memberlist v0.7.0 suspicion.go and util.go, in floating point.
func TestSuspicionFormulas(t *testing.T) {
	for _, n := range []int{1, 2, 9, 10, 11, 64, 128, 1000, 4096, 100_000} {
		for _, mult := range []int{1, 2, 4, 5, 6} {
			scale := math.Max(1, math.Log10(math.Max(1, float64(n))))
			want := time.Duration(mult) * time.Duration(scale*1000+1e-9) * time.Second / 1000
			if got := suspicionMin(mult, n, time.Second); got != want {
				t.Errorf("mult %d, n %d: got %v, want %v", mult, n, got, want)
			}
		}
	}
	for k := 1; k <= 8; k++ {
		for c := 0; c <= k; c++ {
			shortest, longest := 8428*time.Millisecond, 50568*time.Millisecond
			frac := math.Log(float64(c)+1) / math.Log(float64(k)+1)
			raw := longest.Seconds() - frac*(longest.Seconds()-shortest.Seconds())
			want := max(shortest, time.Duration(math.Floor(1000*raw+1e-6))*time.Millisecond)
			if got := suspicionTimeout(c, k, shortest, longest); got != want {
				t.Errorf("%d of %d: got %v, want %v", c, k, got, want)
			}
		}
	}
	if got := suspicionTimeout(0, 0, time.Second, time.Minute); got != time.Second {
		t.Errorf("nobody could confirm: got %v, want the shortest", got)
	}
}

func TestManyOf(t *testing.T) {
	for _, c := range []struct{ n, want int }{{1, 1}, {2, 1}, {7, 2}, {16, 4}, {64, 4}, {220, 14}, {10_000, 625}} {
		if got := manyOf(c.n); got != c.want {
			t.Errorf("many of %d: got %d, want %d", c.n, got, c.want)
		}
	}
}

func TestOtherScales(t *testing.T) {
	for n := 1; n < 20_000; n++ {
		if got, want := transmissions(4, n), 4*int(math.Ceil(math.Log10(float64(n+1)))); got != want {
			t.Fatalf("transmissions among %d: got %d, want %d", n, got, want)
		}
		want := 1
		if n > 32 {
			want = int(math.Ceil(math.Log2(float64(n))-5)) + 1
		}
		if got := pushPullScale(n); got != want {
			t.Fatalf("push-pull scale among %d: got %d, want %d", n, got, want)
		}
	}
	for _, c := range []struct{ mult, n, want int }{{4, 64, 2}, {5, 128, 3}, {4, 3, 0}, {4, 4, 2}, {1, 100, 0}} {
		if got := confirmationsWanted(c.mult, c.n); got != c.want {
			t.Errorf("mult %d, n %d: got %d confirmations, want %d", c.mult, c.n, got, c.want)
		}
	}
}
