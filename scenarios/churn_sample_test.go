package scenarios

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
)

// cdf is the distribution function in floating point, seconds.
func (x *Distribution) cdf(t float64) float64 {
	mean, scale, shape := x.Mean.Std().Seconds(), x.Scale.Std().Seconds(), x.Shape
	switch x.Model {
	case "exponential":
		return 1 - math.Exp(-t/mean)
	case "weibull":
		return 1 - math.Exp(-math.Pow(t/scale, shape))
	default:
		return 1 - math.Pow(scale/max(t, scale), shape)
	}
}

func TestSamplesFollowTheirDistributions(t *testing.T) {
	const n = 20_000
	for _, x := range []Distribution{
		{Model: "exponential", Mean: quantity.Duration(20 * time.Minute)},
		{Model: "exponential", Mean: quantity.Duration(time.Microsecond)},
		{Model: "weibull", Scale: quantity.Duration(time.Hour), Shape: 0.34},
		{Model: "weibull", Scale: quantity.Duration(time.Minute), Shape: 1},
		{Model: "weibull", Scale: quantity.Duration(time.Minute), Shape: 3.5},
		{Model: "pareto", Scale: quantity.Duration(10 * time.Second), Shape: 1.1},
		{Model: "pareto", Scale: quantity.Duration(10 * time.Second), Shape: 3},
	} {
		r := protocol.NewRand(1)
		values := make([]float64, n)
		for i := range values {
			values[i] = x.sample(&r).Seconds()
		}
		slices.Sort(values)
		// Kolmogorov and Smirnov: the distance exceeds 1.95 / sqrt(n) once in a
		// thousand times.
		distance := 0.0
		for i, v := range values {
			f := x.cdf(v)
			distance = max(distance, f-float64(i)/n, float64(i+1)/n-f)
		}
		if limit := 1.95 / math.Sqrt(n); distance > limit && x.Mean != quantity.Duration(time.Microsecond) {
			t.Errorf("%+v: distance %.4f from the distribution, want at most %.4f", x, distance, limit)
		} else if distance > limit+0.002 { // cut to nanoseconds: a thousandth of the mean
			t.Errorf("%+v: distance %.4f from the distribution, want at most %.4f", x, distance, limit+0.002)
		}
	}
}

func TestConstantsAreConstant(t *testing.T) {
	x := Distribution{Model: "constant", Mean: quantity.Duration(time.Minute)}
	r := protocol.NewRand(1)
	for range 10 {
		if got := x.sample(&r); got != time.Minute {
			t.Fatalf("got %v, want 1m", got)
		}
	}
}

// The quantile function in fixed point against floating point, draw by draw.
func TestSamplesAreQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := Distribution{
			Model: rapid.SampledFrom([]string{"exponential", "weibull", "pareto"}).Draw(t, "model"),
			Mean:  quantity.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "mean")),
			Scale: quantity.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(t, "scale")),
		}
		x.Shape = float64(rapid.IntRange(x.leastShape(), maxMilliShape).Draw(t, "shape")) / 1000
		seed := rapid.Uint64().Draw(t, "seed")
		r, same := protocol.NewRand(seed), protocol.NewRand(seed)
		got := float64(x.sample(&r))
		u := float64(max(same.Uint64(), 1)) / (1 << 64)
		want := 0.0
		switch x.Model {
		case "exponential":
			want = float64(x.Mean) * -math.Log(u)
		case "weibull":
			want = float64(x.Scale) * math.Pow(-math.Log(u), 1/x.Shape)
		default:
			want = float64(x.Scale) * math.Pow(u, -1/x.Shape)
		}
		want = min(want, maxSample)
		// Of u near 1 -ln u has few bits; one nanosecond is lost by cutting.
		if math.Abs(got-want) > 1+want*1e-6 && 1-u > 1e-6 {
			t.Fatalf("%+v at u = %g: got %g ns, want %g", x, u, got, want)
		}
		if got < 0 || got > maxSample {
			t.Fatalf("%+v: got %g", x, got)
		}
	})
}
