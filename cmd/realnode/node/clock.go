package node

import (
	"slices"
	"sync"
	"time"
)

// Clock is where a node has the time from.
type Clock interface {
	// Now is a monotonic reading, since an epoch of the clock's own. Setting the
	// wall clock has no effect on it.
	Now() time.Duration
	// Wall is the wall clock, which is read once, when a node starts.
	Wall() time.Time
	// NewAlarm returns an alarm that is not set.
	NewAlarm() Alarm
}

// Alarm wakes a node.
type Alarm interface {
	// C receives when the time has come.
	C() <-chan time.Time
	// Set makes the alarm go off once, d from now, and at no time set before.
	Set(d time.Duration)
	// Stop makes it not go off.
	Stop()
}

// SystemClock returns the operating system's clock. Its readings begin at 0.
func SystemClock() Clock { return &systemClock{began: time.Now()} }

type systemClock struct{ began time.Time }

// Now is a difference of two readings that both have a monotonic part, which is
// all that the difference is made of.
func (c *systemClock) Now() time.Duration { return time.Since(c.began) }

func (c *systemClock) Wall() time.Time { return time.Now() }

func (c *systemClock) NewAlarm() Alarm {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return systemAlarm{t}
}

type systemAlarm struct{ t *time.Timer }

func (a systemAlarm) C() <-chan time.Time { return a.t.C }
func (a systemAlarm) Set(d time.Duration) { a.t.Reset(d) }
func (a systemAlarm) Stop()               { a.t.Stop() }

// ShimClock is a clock that somebody sets: for tests and labs. It is safe for
// concurrent use.
type ShimClock struct {
	below Clock

	mu     sync.Mutex
	wall   time.Duration // how far the wall clock was set ahead
	leap   time.Duration // how far the monotonic clock jumped
	alarms []*shimAlarm
}

// NewShimClock returns a clock that shows what another does until it is set.
func NewShimClock(below Clock) *ShimClock { return &ShimClock{below: below} }

// StepWall sets the wall clock ahead by d, back if d is negative, as an
// administrator does. A node must not notice.
func (c *ShimClock) StepWall(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall += d
}

// Leap makes the monotonic clock jump, as no clock should but those of virtual
// machines that were moved or put to sleep do: to a node, a leap ahead is like a
// pause of its process.
func (c *ShimClock) Leap(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leap += d
	for _, a := range c.alarms {
		a.Set(0) // so that everybody looks at the clock
	}
}

// Now implements [Clock].
func (c *ShimClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.below.Now() + c.leap
}

// Wall implements [Clock].
func (c *ShimClock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.below.Wall().Add(c.wall)
}

// NewAlarm implements [Clock].
func (c *ShimClock) NewAlarm() Alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &shimAlarm{c.below.NewAlarm(), c}
	c.alarms = append(c.alarms, a)
	return a
}

type shimAlarm struct {
	Alarm
	clock *ShimClock
}

// Stop implements [Alarm].
func (a *shimAlarm) Stop() {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	a.Alarm.Stop()
	if i := slices.Index(a.clock.alarms, a); i >= 0 {
		a.clock.alarms = slices.Delete(a.clock.alarms, i, i+1)
	}
}
