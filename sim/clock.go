package sim

import (
	"math"
	"math/bits"
)

const billion = 1_000_000_000

// maxDrift bounds a clock's rate: it runs at half to one and a half of true
// speed.
const maxDrift = billion / 2

// clock is a node's own clock: at world time since it read base, and it has
// gained ppb nanoseconds a second from then on.
type clock struct {
	since, base int64
	ppb         int64
}

// read returns what the clock shows at world time now.
func (c *clock) read(now int64) int64 {
	return c.base + scale(now-c.since, billion+c.ppb, billion)
}

// worldTime returns how much world time passes while the clock gains d, rounded
// up, so that a timer is never early.
func (c *clock) worldTime(d int64) int64 {
	if c.ppb == 0 {
		return d
	}
	t := scale(d, billion, billion+c.ppb)
	for t < math.MaxInt64/2 && scale(t, billion+c.ppb, billion) < d {
		t++
	}
	return t
}

// set makes the clock show shows at now and run at a rate from then on.
func (c *clock) set(now, shows, ppb int64) { *c = clock{since: now, base: shows, ppb: ppb} }

// scale returns d * num / den, rounded towards zero, for d >= 0 and num < 2 den.
func scale(d, num, den int64) int64 {
	hi, lo := bits.Mul64(uint64(d), uint64(num))
	if hi >= uint64(den) {
		return math.MaxInt64 / 2
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	return int64(min(q, math.MaxInt64/2))
}
