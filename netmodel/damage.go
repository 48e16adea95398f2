package netmodel

// Damage returns what is left of a datagram's payload after damage with the
// given seed.
func Damage(b []byte, seed uint64) []byte { return b }
