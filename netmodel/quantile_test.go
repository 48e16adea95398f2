package netmodel

import (
	"math"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

const one28 = 1 << q28

// TestNormalTable checks every entry against the error function.
func TestNormalTable(t *testing.T) {
	for j, z := range normalTail {
		octave, i := j/normalSegments, j%normalSegments
		q := math.Ldexp(1+float64(i)/normalSegments, octave-33)
		got := normalCDF(-float64(z) / one28)
		// An error of one unit of z changes the tail by about z units of it.
		if math.Abs(got/q-1) > 8*8.0/one28 {
			t.Fatalf("normalTail[%d] = %d: got tail %g, want %g", j, z, got, q)
		}
	}
}

func TestExp2Table(t *testing.T) {
	for i, v := range exp2Table {
		want := math.Ldexp(math.Exp2(float64(i)/exp2Steps), q30)
		if math.Abs(float64(v)-want) > 1 {
			t.Fatalf("exp2Table[%d]: got %d, want %.1f", i, v, want)
		}
	}
}

func TestNormalQuantileAgreesWithErfinv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Tails are what a uniform u would hardly ever try.
		u := rapid.Uint64Range(1<<62, 1<<63-1).Draw(t, "u") >> rapid.UintRange(0, normalOctaves-1).Draw(t, "octave")
		q := (float64(u) + 0.5) / math.Exp2(64)
		z := float64(normalQuantile(u)) / one28
		if got := normalCDF(z); math.Abs(got/q-1) > 2e-4 {
			t.Fatalf("quantile of %g is %g, whose probability is %g", q, z, got)
		}
	})
}

func TestNormalQuantileIsOddAndDoesNotDecrease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint64().Draw(t, "u") >> rapid.UintRange(0, 63).Draw(t, "shift")
		v := rapid.Uint64Range(u, math.MaxUint64).Draw(t, "v")
		if normalQuantile(^u) != -normalQuantile(u) {
			t.Fatalf("got %d at %d and %d at its mirror", normalQuantile(u), u, normalQuantile(^u))
		}
		if normalQuantile(u) > normalQuantile(v) {
			t.Fatalf("got %d at %d above %d at %d", normalQuantile(u), u, normalQuantile(v), v)
		}
	})
}

func TestScaleExp2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Int64Range(1, int64(MaxDelay)).Draw(t, "x")
		e := rapid.Int64Range(-60*one28, 60*one28).Draw(t, "e")
		want := min(float64(x)*math.Exp2(float64(e)/one28), float64(MaxDelay))
		if got := float64(scaleExp2(x, e)); math.Abs(got-want) > 1+want*2e-6 {
			t.Fatalf("got %g, want %g", got, want)
		}
	})
}

func TestScaleExp2DoesNotDecrease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Int64Range(1, int64(MaxDelay)).Draw(t, "x")
		e := rapid.Int64Range(-50*one28, 50*one28).Draw(t, "e")
		d := rapid.Int64Range(0, 3*one28).Draw(t, "d") >> rapid.UintRange(0, 29).Draw(t, "shift")
		if scaleExp2(x, e) > scaleExp2(x, e+d) {
			t.Fatalf("got %d at %d and %d at %d", scaleExp2(x, e), e, scaleExp2(x, e+d), e+d)
		}
	})
}

func TestLog2Ratio(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.Uint64Range(1, uint64(MaxDelay)).Draw(t, "b")
		a := rapid.Uint64Range(b, uint64(MaxDelay)).Draw(t, "a")
		want := math.Log2(float64(a)/float64(b)) * one28
		if got := float64(log2Ratio(a, b)); math.Abs(got-want) > 3 {
			t.Fatalf("log2(%d/%d): got %g, want %g", a, b, got, want)
		}
	})
}

func TestScaleZ(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Int64Range(0, int64(MaxDelay)).Draw(t, "x")
		z := rapid.Int64Range(-7*one28, 7*one28).Draw(t, "z")
		want := float64(x) * float64(z) / one28
		if got := float64(scaleZ(x, z)); math.Abs(got-want) > 1+math.Abs(want)*1e-12 {
			t.Fatalf("got %g, want %g", got, want)
		}
	})
}

func TestRootIsTheIntegerSquareRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64().Draw(t, "x") >> rapid.UintRange(0, 63).Draw(t, "shift")
		r := root(x)
		hi, lo := bits.Mul64(r+1, r+1)
		if r*r > x || (hi == 0 && lo <= x) {
			t.Fatalf("root(%d): got %d", x, r)
		}
	})
}

func TestEitherIsTheProbabilityOfAUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := rapid.Uint64().Draw(t, "p"), rapid.Uint64().Draw(t, "q")
		x, y := math.Ldexp(float64(p), -64), math.Ldexp(float64(q), -64)
		if got := math.Ldexp(float64(either(p, q)), -64); math.Abs(got-(x+y-x*y)) > 1e-12 {
			t.Fatalf("got %g, want %g", got, x+y-x*y)
		}
	})
	if either(Always, 5) != Always || either(0, 7) != 7 || either(7, 0) != 7 {
		t.Error("certainty and impossibility must be exact")
	}
}
