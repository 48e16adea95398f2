package swim

import (
	"math/bits"
	"time"

	"github.com/starling-sim/starling/protocol/fixed"
	"github.com/starling-sim/starling/protocol/quantity"
)

// The formulae below are those of memberlist v0.7.0, in integers: a trace must
// not depend on how an architecture rounds.

// suspicionMin is the shortest suspicion time-out among n members: mult times
// max(1, log10 n) periods, the factor cut to thousandths.
func suspicionMin(mult, n int, interval time.Duration) time.Duration {
	factor := max(1000, log10Milli(uint32(max(n, 1))))
	return time.Duration(mult) * time.Duration(factor) * interval / 1000
}

// confirmationsWanted is the number of further accusers that shorten a
// suspicion among n members all the way: alpha - 2, or 0 if there are not that
// many who could.
func confirmationsWanted(mult, n int) int {
	k := mult - 2
	if k < 0 || n-2 < k {
		return 0
	}
	return k
}

// suspicionTimeout is the time-out after c of k further accusers:
// max - (max - min) ln(c+1)/ln(k+1), cut to a millisecond, at least min.
func suspicionTimeout(c, k int, shortest, longest time.Duration) time.Duration {
	if k <= 0 || c >= k {
		return shortest
	}
	cut := time.Duration(mulDiv(uint64(longest-shortest), fixed.Log2(uint64(c+1)), fixed.Log2(uint64(k+1))))
	// The exact value is never a whole millisecond for 0 < c < k unless
	// ln(c+1)/ln(k+1) is rational; the half unit keeps those from falling short.
	left := (longest - cut + roundingSlack).Truncate(time.Millisecond)
	return max(shortest, left)
}

const roundingSlack = 50 * time.Nanosecond

// transmissions is how often an update is passed on among n members: mult times
// ceil(log10(n+1)).
func transmissions(mult, n int) int {
	digits := 0
	for p := uint64(1); p < uint64(n)+1; p *= 10 {
		digits++
	}
	return mult * digits
}

// pushPullScale is by how much full exchanges are rarer among n members:
// ceil(log2 n - 5) + 1 beyond 32.
func pushPullScale(n int) int {
	if n <= 32 {
		return 1
	}
	return bits.Len(uint(n-1)) - 5 + 1
}

// log10Milli returns floor(1000 log10 n) for n > 0.
func log10Milli(n uint32) int {
	// What is added is more than the error of log2Fixed and less than what any
	// n that is no power of ten lacks to the next whole number.
	return int(fixed.Mul(fixed.Log2(uint64(n))+1<<(fixed.Fraction-36), log10Of2) >> fixed.Fraction)
}

// log10Of2 is 1000 log10 2 in fixed point.
const log10Of2 = 84732411018727983

// part returns the share of d, rounded to the nanosecond.
func part(share quantity.Share, d time.Duration) time.Duration {
	hi, lo := bits.Mul64(uint64(d), share.Threshold())
	return time.Duration(hi + lo>>63)
}

func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	q, _ := bits.Div64(hi, lo, c)
	return q
}
