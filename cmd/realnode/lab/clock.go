package lab

import (
	"fmt"
	"math"
	"math/bits"
	"sync"
	"time"
)

// MaxDrift bounds a [Clock]'s drift: it runs at half to one and a half of true
// speed.
const MaxDrift = million / 2

const million = 1_000_000

// Clock turns the true time into that of a clock which is set wrong or runs at
// the wrong speed. The zero Clock is right. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	// At true time since the clock showed base; it gains ppm microseconds a
	// second from then on.
	since, base time.Duration
	ppm         int64
}

// Read returns what the clock shows at true time now. Readings that are older
// than the last change of the clock count as made at the change.
func (c *Clock) Read(now time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(now)
}

func (c *Clock) read(now time.Duration) time.Duration {
	return c.base + scale(now-c.since, million+c.ppm, million, 0)
}

// Wait returns how much true time passes while the clock gains d, rounded up, so
// that a timer is never early. A d that is not positive takes no time.
func (c *Clock) Wait(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d <= 0 {
		return 0
	}
	return scale(d, million, million+c.ppm, million+c.ppm-1)
}

// Step sets the clock ahead, or back if by is negative, at true time now. It
// does not move timers: they run on the monotonic clock of the host.
func (c *Clock) Step(now, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.base = now, c.read(now)+by
}

// SetDrift makes the clock gain ppm microseconds a second (lose, if negative)
// from true time now on.
func (c *Clock) SetDrift(now time.Duration, ppm int64) error {
	if ppm < -MaxDrift || ppm > MaxDrift {
		return fmt.Errorf("set drift of a clock: got %d ppm, want %d to %d", ppm, -MaxDrift, MaxDrift)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.base = now, c.read(now)
	c.ppm = ppm
	return nil
}

// scale returns (d * num + add) / den, rounded down, at most half of the largest
// duration; 0 for a negative d.
func scale(d time.Duration, num, den, add int64) time.Duration {
	hi, lo := bits.Mul64(uint64(max(d, 0)), uint64(num))
	lo, carry := bits.Add64(lo, uint64(add), 0)
	hi += carry
	if hi >= uint64(den) {
		return math.MaxInt64 / 2
	}
	q, _ := bits.Div64(hi, lo, uint64(den))
	return time.Duration(min(q, math.MaxInt64/2))
}
