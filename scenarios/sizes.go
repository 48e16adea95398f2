package scenarios

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/fixed"
	"github.com/starling-sim/starling/protocol/quantity"
)

// z90 is the 90 % quantile of the standard normal distribution,
// 1.2815515655446004, in fixed point.
const z90 = 360724697065171

// sample draws a size.
func (x *Sizes) sample(r *protocol.Rand) quantity.Size {
	switch x.Model {
	case "uniform":
		return x.Min + quantity.Size(r.Uint64N(uint64(x.Max-x.Min)+1))
	case "lognormal":
		return min(max(x.logNormal(r), x.Min), x.most())
	case "choice":
		return x.choose(r)
	}
	return x.Size
}

// most is the largest size of a log-normal distribution.
func (x *Sizes) most() quantity.Size {
	if x.Max == 0 {
		return maxPayload
	}
	return x.Max
}

// choose draws one of the sizes by its weight.
func (x *Sizes) choose(r *protocol.Rand) quantity.Size {
	if x.Weights == nil {
		return x.Of[r.IntN(len(x.Of))]
	}
	all := uint64(0)
	for _, w := range x.Weights {
		all += w
	}
	at := r.Uint64N(all)
	for i, w := range x.Weights {
		if at < w {
			return x.Of[i]
		}
		at -= w
	}
	return x.Of[len(x.Of)-1]
}

// logNormal is median * 2^(s z), where z is standard normal and s follows from
// P90, before it is truncated.
func (x *Sizes) logNormal(r *protocol.Rand) quantity.Size {
	s := fixed.Div(fixed.Log2(uint64(x.P90))-fixed.Log2(uint64(x.Median)), z90)
	z, negative := normal(r)
	e := fixed.Mul(s, z)
	whole, part := e>>fixed.Fraction, e&(fixed.One-1)
	if negative && part > 0 {
		whole, part = whole+1, fixed.One-part
	}
	return quantity.Size(scaled(uint64(x.Median), negative, whole, fixed.Exp2(part)))
}

// normal draws from the standard normal distribution, as its absolute value in
// fixed point and its sign: the polar method of Marsaglia (1964). Of a point
// uniform in the unit circle, at (u, v) and q = u^2 + v^2 from the origin,
// u sqrt(-2 ln q / q) is normal.
func normal(r *protocol.Rand) (z uint64, negative bool) {
	for {
		draw := r.Uint64()
		u, v := draw>>33, draw>>2&(1<<31-1) // in 2^-31; signs are drawn apart
		q := u*u + v*v                      // in 2^-62
		if u == 0 || q >= 1<<62 {
			continue
		}
		negLog2 := uint64(62)<<fixed.Fraction - fixed.Log2(q)
		negLog := fixed.Mul(negLog2, fixed.Ln2)
		if negLog == 0 {
			return 0, false
		}
		// As logarithms to base 2 of the factors in units of 2^-Fraction:
		// u^2 * 2 * -ln q / q, whose root is the result.
		up := 2*fixed.Log2(u) + uint64(1)<<fixed.Fraction + fixed.Log2(negLog)
		down := fixed.Log2(q) + uint64(fixed.Fraction)<<fixed.Fraction
		if up >= down {
			return fixed.Exp2((up - down) / 2), draw&1 != 0
		}
		low := (down - up) / 2
		whole, part := low>>fixed.Fraction, low&(fixed.One-1)
		if part > 0 {
			whole, part = whole+1, fixed.One-part
		}
		return fixed.Exp2(part) >> min(whole, 63), draw&1 != 0
	}
}
