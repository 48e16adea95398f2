package netmodel

import "math/bits"

// Fixed-point formats: standard normal quantiles and logarithms to base 2 are
// in units of 2^-28, results of exp2 in units of 2^-30. The tables were
// computed once in floating point (netmodel/internal/gen) and are data.
const (
	normalOctaves  = 32
	normalSegments = 64
	exp2Steps      = 256

	q28 = 28
	q30 = 30

	// z90 is the standard normal's 90 % quantile, 1.2815515655446004.
	z90 = 344_013_879
)

// normalQuantile is the standard normal's quantile at (u + 1/2) / 2^64. It does
// not decrease in u, and it is odd: of u and ^u one is the other's negative.
// Beyond the quantiles of 2^-33 and 1 - 2^-33 (6.34 standard deviations) it
// stays there.
func normalQuantile(u uint64) int64 {
	if u>>63 == 0 {
		return -normalUpper(u)
	}
	return normalUpper(^u)
}

// normalUpper is the quantile whose upper tail has probability v / 2^64, for v
// below 2^63: linear between the entries of a table that divides each octave
// of the probability into equal segments.
func normalUpper(v uint64) int64 {
	octave := bits.Len64(v) - 1 - (63 - normalOctaves) // v in [2^(31+octave), 2^(32+octave))
	if octave < 0 {
		return int64(normalTail[0])
	}
	x := v << (63 - (uint(octave) + 31)) // leading one at bit 63
	i := octave*normalSegments + int(x>>57&(normalSegments-1))
	rest := x << 7 >> 32
	a, b := uint64(normalTail[i]), uint64(normalTail[i+1])
	return int64(a - (a-b)*rest>>32)
}

// scaleZ is x * z for x of at most MaxDelay, rounded towards zero.
func scaleZ(x, z int64) int64 {
	negative := z < 0
	if negative {
		z = -z
	}
	hi, lo := bits.Mul64(uint64(x), uint64(z))
	v := int64(hi<<(64-q28) | lo>>q28)
	if negative {
		return -v
	}
	return v
}

// scaleExp2 is x * 2^e for x of at most MaxDelay and |e| below 64, at most
// MaxDelay.
func scaleExp2(x, e int64) int64 {
	whole, frac := e>>q28, uint64(e)&(1<<q28-1)
	i, rest := frac>>(q28-8), frac&(1<<(q28-8)-1)
	a, b := uint64(exp2Table[i]), uint64(exp2Table[i+1])
	hi, lo := bits.Mul64(uint64(x), a+(b-a)*rest>>(q28-8)) // below 2^73
	if whole >= 0 {
		if whole > 45 {
			return int64(MaxDelay)
		}
		hi, lo = hi<<uint(whole)|lo>>(64-uint(whole)), lo<<uint(whole)
		if hi>>q30 != 0 {
			return int64(MaxDelay)
		}
		return int64(min(hi<<(64-q30)|lo>>q30, uint64(MaxDelay)))
	}
	shift := q30 + uint(-whole)
	if shift >= 64 {
		return int64(hi >> (shift - 64))
	}
	return int64(min(hi<<(64-shift)|lo>>shift, uint64(MaxDelay)))
}

// log2Ratio is log2(a / b), for 0 < b <= a, by repeated squaring.
func log2Ratio(a, b uint64) int64 {
	whole := bits.Len64(a) - bits.Len64(b)
	// m is a / (b * 2^whole) in units of 2^-63, in (1/2, 2) before it is put
	// into [1, 2).
	num, den := a<<uint(bits.LeadingZeros64(a)), b<<uint(bits.LeadingZeros64(b))
	if num < den {
		whole--
		den >>= 1
	}
	hi, lo := num>>1, num<<63
	if hi >= den { // by rounding of den only
		hi, lo = den-1, ^uint64(0)
	}
	m, _ := bits.Div64(hi, lo, den)
	result := int64(whole) << q28
	for bit := int64(1) << (q28 - 1); bit > 0; bit >>= 1 {
		hi, lo := bits.Mul64(m, m) // units of 2^-126
		if hi>>63 == 1 {
			result |= bit
			m = hi
		} else {
			m = hi<<1 | lo>>63
		}
	}
	return result
}
