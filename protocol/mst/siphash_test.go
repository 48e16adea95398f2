package mst

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"testing"
)

// sipHash is SipHash-2-4 with 128 bits of output (Aumasson and Bernstein 2012),
// for other people's vectors.
func sipHash(key [16]byte, in []byte) (out [16]byte) {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	v := [4]uint64{0x736f6d6570736575 ^ k0, 0x646f72616e646f6d ^ k1 ^ 0xee, 0x6c7967656e657261 ^ k0, 0x7465646279746573 ^ k1}
	rounds := func(n int) {
		for range n {
			v[0] += v[1]
			v[2] += v[3]
			v[1] = bits.RotateLeft64(v[1], 13) ^ v[0]
			v[3] = bits.RotateLeft64(v[3], 16) ^ v[2]
			v[0] = bits.RotateLeft64(v[0], 32)
			v[2] += v[1]
			v[0] += v[3]
			v[1] = bits.RotateLeft64(v[1], 17) ^ v[2]
			v[3] = bits.RotateLeft64(v[3], 21) ^ v[0]
			v[2] = bits.RotateLeft64(v[2], 32)
		}
	}
	last := uint64(len(in)) << 56
	for ; len(in) >= 8; in = in[8:] {
		m := binary.LittleEndian.Uint64(in)
		v[3] ^= m
		rounds(2)
		v[0] ^= m
	}
	for i, b := range in {
		last |= uint64(b) << (8 * i)
	}
	v[3] ^= last
	rounds(2)
	v[0] ^= last
	v[2] ^= 0xee
	rounds(4)
	binary.LittleEndian.PutUint64(out[:8], v[0]^v[1]^v[2]^v[3])
	v[1] ^= 0xdd
	rounds(4)
	binary.LittleEndian.PutUint64(out[8:], v[0]^v[1]^v[2]^v[3])
	return out
}

// The first two of the reference implementation's vectors_sip128.
func TestSipHash(t *testing.T) {
	var key [16]byte
	for i := range key {
		key[i] = byte(i)
	}
	for n, want := range []string{"a3817f04ba25a8e66df67214c7550293", "da87c1d86b99af44347659119b22fc45"} {
		got := sipHash(key, []byte{0}[:n])
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: got %x, want %s", n, got, want)
		}
	}
}
