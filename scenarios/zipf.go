package scenarios

import (
	"math/bits"
	"sort"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/fixed"
)

// zipf draws ranks of which the k-th, from 1, has the weight k^-s. It is von
// Neumann's rejection under stairs: ranks are cut into blocks, of one each at the
// beginning and a sixteenth of their first rank later on; a block is drawn as if
// all of its ranks had the weight of the first, a rank in it evenly, and that is
// taken as often as its weight is of the first's, else all is drawn again. So
// 10 million ranks take 251 blocks and no table.
//
// How far it is from the distribution: the weight of a block is cut to a multiple
// of 2^(b-61) of the weight of rank 1, where b is the length of n in bits (2^-37
// with 10 million ranks), and the probabilities with which ranks are taken are
// right to 2^-40. So the distributions differ by less than 2^-28 (in total
// variation), and ranks that come less often than once in 2^37 draws may never
// come.
type zipf struct {
	exponent uint64 // fixed point
	first    []uint64
	// log is log2 of first. sums are the sums of the blocks' weights up to
	// this one, sure the probability, of 2^Fraction, with which any rank of
	// the block is taken, so that most draws need no logarithm.
	log, sums, sure []uint64
	n               uint64
}

func newZipf(n, milliExponent uint64) *zipf {
	z := &zipf{exponent: fixed.Div(milliExponent, 1000), n: n}
	up := uint64(61 - bits.Len64(n)) // all of n ranks of weight 2^up fit
	sum := uint64(0)
	for first := uint64(1); first <= n; {
		next := min(first+max(first/16, 1), n+1)
		log := fixed.Log2(first)
		whole, part := below(fixed.Mul(z.exponent, log))
		hi, lo := bits.Mul64(next-first, fixed.Exp2(part))
		hi, lo = shiftLeft(hi, lo, up)
		if down := fixed.Fraction + whole; down < 128 {
			_, lo = shiftRight(hi, lo, down)
			sum += lo
		}
		z.first, z.log, z.sums = append(z.first, first), append(z.log, log), append(z.sums, sum)
		sure := z.taken(len(z.first)-1, next-1)
		z.sure = append(z.sure, sure-min(sure, 1<<8)) // more than what logarithms are off by
		first = next
	}
	return z
}

// rank draws a rank, from 0.
func (z *zipf) rank(r *protocol.Rand) uint64 {
	for {
		at := r.Uint64N(z.sums[len(z.sums)-1])
		b := sort.Search(len(z.sums), func(i int) bool { return z.sums[i] > at })
		first, end := z.first[b], z.n+1
		if b+1 < len(z.first) {
			end = z.first[b+1]
		}
		if end-first == 1 {
			return first - 1
		}
		k := first + r.Uint64N(end-first)
		if draw := r.Uint64() >> (64 - fixed.Fraction); draw < z.sure[b] || draw < z.taken(b, k) {
			return k - 1
		}
	}
}

// taken is the weight of a rank of block b over that of the block's first.
func (z *zipf) taken(b int, k uint64) uint64 {
	whole, part := below(fixed.Mul(z.exponent, fixed.Log2(k)-z.log[b]))
	return fixed.Exp2(part) >> whole
}

// below returns whole and part such that 2^-x is 2^part over 2^whole.
func below(x uint64) (whole, part uint64) {
	whole, part = x>>fixed.Fraction, x&(fixed.One-1)
	if part > 0 {
		whole, part = whole+1, fixed.One-part
	}
	return whole, part
}
