package netmodel

// Damage does the damage with the given seed to a payload, in place, and
// returns what is left of it: in three cases of four a few bits are flipped,
// in one the end is cut off. What is left differs from what there was, unless
// that was empty. UDP's checksum would discard most such datagrams; this is
// about the rest.
func Damage(b []byte, seed uint64) []byte {
	if len(b) == 0 {
		return b
	}
	if sub(seed, 1)&3 == 0 {
		return b[:below(sub(seed, 2), uint64(len(b)))]
	}
	// An odd number of flips cannot undo itself.
	flips := 1 + 2*below(sub(seed, 3), 4)
	for i := range flips {
		at := below(sub(seed, 4+i), 8*uint64(len(b)))
		b[at/8] ^= 1 << (at % 8)
	}
	return b
}
