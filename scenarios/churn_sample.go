package scenarios

import (
	"math"
	"math/bits"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/fixed"
)

// Distributions are sampled by inverting their distribution functions, in fixed
// point from end to end, so that the same draw is the same duration on every
// architecture. With u uniform in (0, 1):
//
//	exponential  mean * -ln u
//	weibull      scale * (-ln u)^(1/shape)
//	pareto       scale * u^(-1/shape)

const (
	// maxSample bounds what is drawn: 73 years, so that a time in a run and a
	// sample can be added.
	maxSample = 1 << 61

	maxMilliShape = 100_000
)

// milliShape is the shape in thousandths. Rounding a product of floating point
// once is the same everywhere.
func (x *Distribution) milliShape() int {
	//starling:exempt float one product, nothing to fuse it with, and clamped to what an int32 holds
	return int(math.Round(1000 * min(max(x.Shape, -1000), 1000)))
}

// leastShape is the smallest shape, in thousandths: a Pareto distribution of
// shape 1 or less has no mean, and a Weibull one of a very small shape is all
// tail.
func (x *Distribution) leastShape() int {
	if x.Model == "pareto" {
		return 1001
	}
	return 100
}

// sample draws a duration, cut to nanoseconds and at most 73 years.
func (x *Distribution) sample(r *protocol.Rand) time.Duration {
	// -log2 u for u in 2^-64, fixed point; u = 0 counts as 1.
	negLog2 := uint64(64)<<fixed.Fraction - fixed.Log2(max(r.Uint64(), 1))
	switch x.Model {
	case "exponential":
		return scaled(uint64(x.Mean), false, 0, fixed.Mul(negLog2, fixed.Ln2))
	case "weibull":
		e := max(fixed.Mul(negLog2, fixed.Ln2), 1)
		exponent, negative := fixed.Log2(e), false
		if one := uint64(fixed.Fraction) << fixed.Fraction; exponent < one {
			exponent, negative = one-exponent, true
		} else {
			exponent -= one
		}
		return x.power(exponent, negative)
	case "pareto":
		return x.power(negLog2, false)
	}
	return x.Mean.Std()
}

// power is scale * 2^(±exponent/shape).
func (x *Distribution) power(exponent uint64, negative bool) time.Duration {
	shape := uint64(max(x.milliShape(), 1))
	hi, lo := bits.Mul64(exponent, 1000)
	if hi >= shape {
		if negative {
			return 0
		}
		return maxSample
	}
	q, _ := bits.Div64(hi, lo, shape)
	whole, part := q>>fixed.Fraction, q&(fixed.One-1)
	if negative && part > 0 {
		whole, part = whole+1, fixed.One-part
	}
	return scaled(uint64(x.Scale), negative, whole, fixed.Exp2(part))
}

// scaled is n * factor (fixed point) * 2^(±shift).
func scaled(n uint64, negative bool, shift, factor uint64) time.Duration {
	hi, lo := bits.Mul64(n, factor)
	down := uint64(fixed.Fraction)
	if negative {
		down += shift
	} else {
		up := min(shift, 127)
		if up > uint64(leadingZeros(hi, lo)) {
			return maxSample
		}
		hi, lo = shiftLeft(hi, lo, up)
	}
	if down >= 128 {
		return 0
	}
	hi, lo = shiftRight(hi, lo, down)
	if hi != 0 || lo > maxSample {
		return maxSample
	}
	return time.Duration(lo)
}

func leadingZeros(hi, lo uint64) int {
	if hi != 0 {
		return bits.LeadingZeros64(hi)
	}
	return 64 + bits.LeadingZeros64(lo)
}

// shiftLeft and shiftRight shift 128 bits by fewer than 128; Go's shifts by 64
// and more give 0.
func shiftLeft(hi, lo, n uint64) (uint64, uint64) {
	if n >= 64 {
		return lo << (n - 64), 0
	}
	return hi<<n | lo>>(64-n), lo << n
}

func shiftRight(hi, lo, n uint64) (uint64, uint64) {
	if n >= 64 {
		return 0, hi >> (n - 64)
	}
	return hi >> n, lo>>n | hi<<(64-n)
}
