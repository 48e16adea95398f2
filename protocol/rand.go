package protocol

import (
	"math/bits"
	"time"
)

// Rand is a seeded stream of pseudo-random numbers: SplitMix64 (Steele, Lea,
// Flood, OOPSLA 2014), one word of state, the same on every architecture and
// with every version of Go. It is ours, and not math/rand/v2, because published
// trace hashes rest on its bits. Not for cryptography.
type Rand struct {
	state uint64
}

// NewRand returns the stream of a seed. Seeds that are close give streams that
// are not.
func NewRand(seed uint64) Rand { return Rand{state: Mix(seed)} }

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return Mix(r.state)
}

// Uint64N returns a number uniform in [0, n). It panics if n is 0.
func (r *Rand) Uint64N(n uint64) uint64 {
	if n == 0 {
		panic("protocol: Uint64N of 0")
	}
	hi, lo := bits.Mul64(r.Uint64(), n)
	if lo < n {
		// Lemire 2019: reject the few draws that would favour small results.
		for threshold := -n % n; lo < threshold; {
			hi, lo = bits.Mul64(r.Uint64(), n)
		}
	}
	return hi
}

// IntN returns a number uniform in [0, n). It panics if n is not positive.
func (r *Rand) IntN(n int) int {
	if n <= 0 {
		panic("protocol: IntN of a number that is not positive")
	}
	return int(r.Uint64N(uint64(n)))
}

// DurationN returns a duration uniform in [0, d), zero if d is not positive.
func (r *Rand) DurationN(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(r.Uint64N(uint64(d)))
}

// Below returns true with probability threshold / 2^64.
func (r *Rand) Below(threshold uint64) bool { return r.Uint64() < threshold }

// Shuffle puts n elements into random order (Fisher and Yates).
func (r *Rand) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.IntN(i+1))
	}
}

// Mix is a bijection on 64 bits in which every input bit affects every output
// bit (the finaliser of SplitMix64).
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Unmix is the inverse of [Mix].
func Unmix(x uint64) uint64 {
	x = (x ^ x>>31 ^ x>>62) * 0x319642b2d24d8ec3
	x = (x ^ x>>27 ^ x>>54) * 0x96de1b173f119089
	return x ^ x>>30 ^ x>>60
}

// Derive returns a seed for one purpose and owner out of a seed, so that
// streams of different purposes or owners have nothing to do with each other.
func Derive(seed uint64, purpose string, owner uint64) uint64 {
	h := Mix(seed ^ 0x6a09e667f3bcc909)
	for i := range len(purpose) {
		h = Mix(h^uint64(purpose[i])) + 0x9e3779b97f4a7c15
	}
	return Mix(h ^ Mix(owner+0xbb67ae8584caa73b))
}
