package fixed_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol/fixed"
)

func value(x uint64) float64 { return float64(x) / float64(fixed.One) }

func TestLog2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Min(1).Draw(t, "n")
		if got, want := value(fixed.Log2(n)), math.Log2(float64(n)); math.Abs(got-want) > 1e-12 {
			t.Fatalf("Log2(%d): got %.15f, want %.15f", n, got, want)
		}
	})
	for k := range 64 {
		if got := fixed.Log2(1 << k); got != uint64(k)<<fixed.Fraction {
			t.Errorf("Log2(2^%d): got %d", k, got)
		}
	}
}

func TestExp2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64Max(16<<fixed.Fraction-1).Draw(t, "x")
		got, want := value(fixed.Exp2(x)), math.Exp2(value(x))
		if math.Abs(got-want)/want > 1e-12 {
			t.Fatalf("Exp2(%v): got %.15f, want %.15f", value(x), got, want)
		}
	})
	if got := fixed.Exp2(0); got != fixed.One {
		t.Errorf("Exp2(0): got %d, want %d", got, fixed.One)
	}
	if got := fixed.Exp2(16 << fixed.Fraction); got != math.MaxUint64 {
		t.Errorf("Exp2(16): got %d, want the largest", got)
	}
}

func TestMulAndDiv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Uint64Max(200<<fixed.Fraction).Draw(t, "a")
		b := rapid.Uint64Range(1<<30, 200<<fixed.Fraction).Draw(t, "b")
		if got, want := value(fixed.Mul(a, b)), value(a)*value(b); math.Abs(got-want) > 1e-9*(1+want) {
			t.Fatalf("%v * %v: got %v, want %v", value(a), value(b), got, want)
		}
		want := value(a) / value(b)
		if got := fixed.Div(a, b); want < 1<<15 && math.Abs(value(got)-want) > 1e-9*(1+want) {
			t.Fatalf("%v / %v: got %v, want %v", value(a), value(b), value(got), want)
		}
	})
	if got := fixed.Mul(math.MaxUint64, math.MaxUint64); got != math.MaxUint64 {
		t.Errorf("a product that does not fit: got %d", got)
	}
	if got := fixed.Div(math.MaxUint64, 1); got != math.MaxUint64 {
		t.Errorf("a quotient that does not fit: got %d", got)
	}
}

func TestLn2(t *testing.T) {
	if got := value(fixed.Ln2); math.Abs(got-math.Ln2) > 1e-14 {
		t.Errorf("got %.16f, want %.16f", got, math.Ln2)
	}
}
