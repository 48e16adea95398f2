package analysis

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLinearAxesAreNice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float64Range(-1e6, 1e6).Draw(t, "lo")
		hi := lo + math.Pow(10, rapid.Float64Range(-2, 7).Draw(t, "log of width"))
		a := linearAxis(lo, hi, rapid.Bool().Draw(t, "fix lo"), rapid.Bool().Draw(t, "fix hi"))
		slack := (hi - lo) * 1e-3
		if a.min > lo+slack || a.max < hi-slack || a.max-a.min > 1.6*(hi-lo) {
			t.Fatalf("got %v for %v to %v", a, lo, hi)
		}
		if len(a.ticks) < 2 || len(a.ticks) > 10 {
			t.Fatalf("got %d ticks", len(a.ticks))
		}
		for i, tick := range a.ticks {
			if tick.Value < a.min-slack || tick.Value > a.max+slack || i > 0 && tick.Value <= a.ticks[i-1].Value {
				t.Fatalf("tick %d: got %v in %v", i, tick.Value, a)
			}
			text, err := strconv.ParseFloat(strings.ReplaceAll(tick.Label, " ", ""), 64)
			if err != nil || math.Abs(text-tick.Value) > math.Abs(tick.Value)*1e-2+slack {
				t.Fatalf("tick at %v: got label %q", tick.Value, tick.Label)
			}
		}
	})
}

func TestLogAxesHoldTheirData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := math.Pow(10, rapid.Float64Range(-7, 7).Draw(t, "log lo"))
		hi := lo * math.Pow(10, rapid.Float64Range(0, 8).Draw(t, "log ratio"))
		a := logAxis(lo, hi, nil)
		if a.min > lo*(1+1e-6) || a.max < hi*(1-1e-6) || a.min <= 0 || a.min >= a.max {
			t.Fatalf("got %v for %v to %v", a, lo, hi)
		}
		labels := 0
		for _, tick := range a.ticks {
			if tick.Label != "" {
				labels++
			}
		}
		if labels < 1 {
			t.Fatalf("got no label for %v to %v", lo, hi)
		}
	})
}

func TestAConstantHasAnAxis(t *testing.T) {
	for _, v := range []float64{0, 1, -3, 1e6} {
		if a := linearAxis(v, v, true, true); a.min >= a.max || a.min > v || a.max < v || len(a.ticks) < 2 {
			t.Errorf("constant %v: got %v with %d ticks", v, a, len(a.ticks))
		}
		if v > 0 {
			if a := logAxis(v, v, nil); a.min >= a.max {
				t.Errorf("constant %v: got logarithmic %v", v, a)
			}
		}
	}
}

func TestNumbersOfSweptValues(t *testing.T) {
	for text, want := range map[string]struct {
		v    float64
		unit string
	}{
		"1000": {1000, ""}, "250ms": {0.25, "s"}, "2m30s": {150, "s"}, "5%": {5, "%"}, "0.05": {0.05, ""},
		"32KiB": {32768, "B"}, "50Mbit/s": {50, "Mbit/s"}, "5/m": {5.0 / 60, "1/s"},
	} {
		if v, unit, ok := number(text); !ok || math.Abs(v-want.v) > 1e-12 || unit != want.unit {
			t.Errorf("number(%q) = %v %q %v, want %v", text, v, unit, ok, want)
		}
	}
	for _, text := range []string{"", "swim", "1 fortnight"} {
		if v, _, ok := number(text); ok {
			t.Errorf("number(%q) = %v, want none", text, v)
		}
	}
	if !sameValue("1s", "1000ms") || !sameValue("5%", "0.05") || sameValue("1s", "1") || sameValue("a", "b") {
		t.Error("sameValue: got another answer than by hand")
	}
}
