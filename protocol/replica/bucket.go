package replica

import (
	"math/bits"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// bucket is a token bucket of bytes.
type bucket struct {
	rate, burst int64 // bytes in a second; bytes at most
	spent       int64 // of the burst
	at          protocol.Time
}

// take takes bytes if they are there, or if nothing is spent: what is larger
// than the burst has to go as well. If not, it returns after what time to try
// again.
func (b *bucket) take(now protocol.Time, size int) (wait time.Duration, ok bool) {
	b.earn(now)
	if need := b.spent + int64(size) - b.burst; b.spent > 0 && need > 0 {
		return time.Duration(share(time.Second, min(need, b.spent), b.rate)) + time.Millisecond, false
	}
	b.spent += int64(size)
	return 0, true
}

// earn takes account of the time that has passed. A clock that was set back
// counts on from there.
func (b *bucket) earn(now protocol.Time) {
	passed := now.Sub(b.at)
	if passed < 0 {
		b.at = now
		return
	}
	if earned := share(passed, b.rate, int64(time.Second)); earned > 0 {
		b.spent, b.at = max(b.spent-earned, 0), now
	}
}

// full reports whether nothing is spent.
func (b *bucket) full(now protocol.Time) bool {
	b.earn(now)
	return b.spent == 0
}

// share is d × of / per, at most 2^62.
func share(d time.Duration, of, per int64) int64 {
	high, low := bits.Mul64(uint64(d), uint64(of))
	if high >= uint64(per) {
		return 1 << 62
	}
	v, _ := bits.Div64(high, low, uint64(per))
	return int64(min(v, 1<<62))
}
