package netmodel

import "math/bits"

// All chance comes from one hash of (seed, from, to, k). What is decided about
// a message draws its own number out of that hash by its purpose, so that
// turning one imperfection on leaves the draws of the others as they were.
const (
	purposeLoss uint64 = iota + 1
	purposeBurst
	purposeDuplicate
	purposeCopyLatency
	purposeReorder
	purposeReorderDelay
	purposeCorrupt
	purposeDamage
	purposeJitter
	purposeRetry
	purposeReply
)

// Keys keep apart what would otherwise be hashed alike.
const (
	golden       = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, the step of SplitMix64
	keyMessages  = 0x6a09e667f3bcc908 // fractions of square roots of primes, as in SHA-512
	keyStreams   = 0xbb67ae8584caa73b
	keyConnects  = 0x3c6ef372fe94f82b
	keyStates    = 0xa54ff53a5f1d36f1
	keySites     = 0x510e527fade682d1
	keyRegions   = 0x9b05688c2b3e6c1f
	keyBandwidth = 0x1f83d9abfb41bd6b
	keySets      = 0x5be0cd19137e2179
	keyRules     = 0xcbbb9d5dc1059ed8
)

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a
// bijection in which every input bit affects every output bit. It is written
// out here because published trace hashes rest on its bits.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// link is the state of a directed link's own stream of random numbers.
func link(key uint64, from, to uint32) uint64 {
	return mix(key ^ (uint64(from)<<32 | uint64(to)))
}

// sub is the number for one purpose out of a message's hash h, or the k-th
// number out of a link's stream.
func sub(h, purpose uint64) uint64 { return mix(h + purpose*golden) }

// hit tells whether a uniform number u falls below probability p.
func hit(u, p uint64) bool { return u < p || p == Always }

// below scales a uniform number u to [0, n).
func below(u, n uint64) uint64 {
	hi, _ := bits.Mul64(u, n)
	return hi
}

// part is share/2^64 of n, rounded to the nearest whole number.
func part(n int, share uint64) int {
	hi, lo := bits.Mul64(uint64(n), share)
	return int(hi + lo>>63)
}

// either is the probability that at least one of two independent events of
// probabilities p and q happens.
func either(p, q uint64) uint64 {
	switch {
	case p == Always || q == Always:
		return Always
	case p == 0:
		return q
	}
	hi, _ := bits.Mul64(^p, q)
	return p + hi
}

// shufflePrefix puts n elements of list, chosen by key, into its first n
// places in random order (Fisher and Yates). A smaller n gives a prefix of
// what a larger one gives.
func shufflePrefix(list []uint32, n int, key uint64) {
	for i := range n {
		j := i + int(below(sub(key, uint64(i)+1), uint64(len(list)-i)))
		list[i], list[j] = list[j], list[i]
	}
}

// indices lists 0 to n-1.
func indices(n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(i)
	}
	return list
}
