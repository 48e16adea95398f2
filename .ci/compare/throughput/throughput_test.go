package throughput

import (
	"fmt"
	"testing"
)

// text is a message that does not get shorter by compression.
func text(size int) []byte {
	b := make([]byte, size)
	x := uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

// BenchmarkEcho sends an application's messages to and fro. memberlist compresses
// whatever it sends unless told otherwise, so it is measured both ways.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{32, 1000} {
		b.Run(fmt.Sprintf("%dB/starling", size), func(b *testing.B) { starlingEcho(b, size) })
		b.Run(fmt.Sprintf("%dB/memberlist", size), func(b *testing.B) { memberlistEcho(b, size, true) })
		b.Run(fmt.Sprintf("%dB/memberlist-uncompressed", size), func(b *testing.B) { memberlistEcho(b, size, false) })
	}
}

// BenchmarkProbe sends the smallest messages of the membership protocols: pings
// and their answers.
func BenchmarkProbe(b *testing.B) {
	b.Run("starling", starlingProbe)
	b.Run("memberlist", memberlistProbe)
}
