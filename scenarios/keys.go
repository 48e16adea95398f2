package scenarios

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// keySpace draws keys. Its size does not depend on their number.
type keySpace struct {
	*Keys
	zipf *zipf // nil if the model is another
	hot  uint64
	// The key of rank r, from 0 for the most frequent, has the number
	// (r step + offset) mod count.
	step, offset uint64
}

func newKeySpace(k *Keys, seed uint64) *keySpace {
	n := uint64(k.Count)
	s := &keySpace{Keys: k, step: scatter(n), offset: protocol.Derive(seed, "keys "+k.Prefix, n) % n}
	switch k.Model {
	case "zipf":
		s.zipf = newZipf(n, k.milliExponent())
	case "hotspot":
		s.hot = uint64(min(max(k.Hot.Of(k.Count), 1), k.Count))
	}
	return s
}

// milliExponent is the exponent in thousandths, which makes it the same number
// everywhere.
func (k *Keys) milliExponent() uint64 {
	if k.Exponent == nil {
		return defaultMilliExponent
	}
	//starling:exempt float a single multiplication rounds alike everywhere
	return uint64(*k.Exponent*1000 + 0.5)
}

// draw draws a key.
func (s *keySpace) draw(r *protocol.Rand) []byte {
	return fmt.Appendf(nil, "%s%08d", s.Prefix, s.number(s.rank(r)))
}

// rank draws how many keys are more frequent than the key.
func (s *keySpace) rank(r *protocol.Rand) uint64 {
	n := uint64(s.Count)
	switch {
	case s.zipf != nil:
		return s.zipf.rank(r)
	case s.hot == 0 || s.hot == n:
		return r.Uint64N(n)
	case r.Below(s.Share.Threshold()):
		return r.Uint64N(s.hot)
	}
	return s.hot + r.Uint64N(n-s.hot)
}

// number is a bijection from ranks to the numbers of keys.
func (s *keySpace) number(rank uint64) uint64 { return (rank*s.step + s.offset) % uint64(s.Count) }

// scatter returns the distance, modulo n, between the numbers of keys whose
// ranks follow each other. It is coprime to n, so that every number has a rank;
// about n over the golden ratio, which spreads ranks evenly (Knuth, The Art of
// Computer Programming, volume 3, section 6.4); and such that the ranks of
// neighbours are at least a quarter of all apart, where n allows it.
func scatter(n uint64) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	start := max(n*(golden>>32)>>32, 1)
	coprime := uint64(0)
	for i := range n {
		step := (start+i-1)%n + 1
		inverse, ok := invert(step, n)
		switch {
		case !ok:
			continue
		case 4*min(inverse, n-inverse) >= n: // of two neighbours, the ranks differ by this
			return step
		case coprime == 0:
			coprime = step
		}
	}
	return coprime
}

// invert returns the x below n with a x = 1 modulo n, false if there is none:
// Euclid's algorithm, extended.
func invert(a, n uint64) (x uint64, ok bool) {
	r, next := int64(n), int64(a%n)
	t, u := int64(0), int64(1)
	for next != 0 {
		q := r / next
		r, next = next, r-q*next
		t, u = u, t-q*u
	}
	if t < 0 {
		t += int64(n)
	}
	return uint64(t), r == 1
}
