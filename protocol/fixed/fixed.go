// Package fixed holds the logarithm and the power of two in fixed point.
//
// Formulas that decide when something happens (SWIM's time-outs, the lengths of
// sessions) need logarithms, and compilers and libraries round floating point
// differently on different architectures. These functions are integers from end
// to end: bit by bit, not fast, the same everywhere.
package fixed

import "math/bits"

// Fraction is the number of fractional bits of a fixed-point number here.
const Fraction = 48

// One is the number 1.
const One = uint64(1) << Fraction

// Ln2 is the natural logarithm of 2, cut.
const Ln2 = 195103586505167

// Log2 returns log2(n), cut, for n > 0: one bit a squaring.
func Log2(n uint64) uint64 {
	whole := uint(bits.Len64(n) - 1)
	x := n << (63 - whole) // in [1, 2) with 63 fractional bits
	out := uint64(whole)
	for range Fraction {
		hi, lo := bits.Mul64(x, x) // in [1, 4) with 126 fractional bits
		out <<= 1
		if hi>>63 != 0 {
			out |= 1
			x = hi
		} else {
			x = hi<<1 | lo>>63
		}
	}
	return out
}

// Exp2 returns 2^x, rounded down within a few units of the last place of its 62
// bits; the largest uint64 if it does not fit below 2^16.
func Exp2(x uint64) uint64 {
	whole := x >> Fraction
	if whole >= 64-Fraction {
		return ^uint64(0)
	}
	y := uint64(1) << 62 // 1 with 62 fractional bits, in [1, 2) throughout
	for i, root := range roots {
		if x>>(Fraction-1-i)&1 != 0 {
			hi, lo := bits.Mul64(y, root)
			y = hi<<2 | lo>>62
		}
	}
	return y >> (62 - Fraction) << whole
}

// Mul returns a*b; the largest uint64 if that does not fit.
func Mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi>>Fraction != 0 {
		return ^uint64(0)
	}
	return hi<<(64-Fraction) | lo>>Fraction
}

// Div returns a/b for b > 0; the largest uint64 if that does not fit.
func Div(a, b uint64) uint64 {
	hi, lo := a>>(64-Fraction), a<<Fraction
	if hi >= b {
		return ^uint64(0)
	}
	q, _ := bits.Div64(hi, lo, b)
	return q
}

// roots[i] is the 2^-(i+1)-th power of 2 with 62 fractional bits.
var roots = [Fraction]uint64{
	0x5a827999fcef3242, 0x4c1bf828c6dc54b8, 0x45cae0f1f545eb73, 0x42d561b3e6243d8a,
	0x4166c34c5615d0ec, 0x40b268f9de0183ba, 0x4058f6a7ecccd5b6, 0x402c6be96af2fb58,
	0x4016321b687027a8, 0x400b18178ba33b14, 0x40058bce410147e8, 0x4002c5d7bff71daf,
	0x400162e807ee7e5b, 0x4000b1730df6a524, 0x400058b9497b8152, 0x40002c5c955dd701,
	0x4000162e46d6f26c, 0x40000b1722757b1b, 0x4000058b90fd3e0c, 0x400002c5c86f3f26,
	0x40000162e433c79b, 0x400000b17218edd0, 0x40000058b90c3968, 0x4000002c5c860d54,
	0x400000162e4302d2, 0x4000000b17218073, 0x400000058b90bffc, 0x40000002c5c85fef,
	0x4000000162e42ff3, 0x40000000b17217f9, 0x4000000058b90bfc, 0x400000002c5c85fe,
	0x40000000162e42ff, 0x400000000b17217f, 0x40000000058b90c0, 0x4000000002c5c860,
	0x400000000162e430, 0x4000000000b17218, 0x400000000058b90c, 0x40000000002c5c86,
	0x4000000000162e43, 0x40000000000b1721, 0x4000000000058b91, 0x400000000002c5c8,
	0x40000000000162e4, 0x400000000000b172, 0x40000000000058b9, 0x4000000000002c5d,
}
