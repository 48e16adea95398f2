package lab_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/lab"
)

func TestClockIsRightUntilItIsSet(t *testing.T) {
	var c lab.Clock
	for _, d := range []time.Duration{0, 1, time.Hour} {
		if c.Read(d) != d || c.Wait(d) != d {
			t.Errorf("got %v, %v for %v", c.Read(d), c.Wait(d), d)
		}
	}
}

func TestClockStepsAndDrifts(t *testing.T) {
	var c lab.Clock
	check := func(now, want time.Duration) {
		t.Helper()
		if got := c.Read(now); got != want {
			t.Errorf("at %v: got %v, want %v", now, got, want)
		}
	}
	c.Step(10*time.Second, -15*time.Second)
	check(10*time.Second, -5*time.Second)
	check(20*time.Second, 5*time.Second)
	if err := c.SetDrift(20*time.Second, 100); err != nil {
		t.Fatal(err)
	}
	check(20*time.Second, 5*time.Second)
	check(1020*time.Second, 1005*time.Second+100*time.Millisecond)
	if err := c.SetDrift(1020*time.Second, -lab.MaxDrift); err != nil {
		t.Fatal(err)
	}
	check(1022*time.Second, 1006*time.Second+100*time.Millisecond)
	if got := c.Wait(time.Second); got != 2*time.Second {
		t.Errorf("a second of a clock at half speed: got %v, want 2s", got)
	}
	if got := c.Wait(-time.Second); got != 0 {
		t.Errorf("a negative time: got %v, want 0", got)
	}
	if err := c.SetDrift(0, lab.MaxDrift+1); err == nil {
		t.Error("a clock took a drift beyond MaxDrift")
	}
}

// A timer of d is never early on the clock it is for, and late by no more than
// the clock shows in a nanosecond or two.
func TestClockWaitsLongEnough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var c lab.Clock
		if err := c.SetDrift(0, rapid.Int64Range(-lab.MaxDrift, lab.MaxDrift).Draw(rt, "ppm")); err != nil {
			rt.Fatal(err)
		}
		d := time.Duration(rapid.Int64Range(1, int64(1000*time.Hour)).Draw(rt, "d"))
		if got := c.Read(c.Wait(d)); got < d || got > d+2 {
			rt.Errorf("the clock shows %d after a wait for %d", got, d)
		}
	})
}

func TestClockDoesNotOverflow(t *testing.T) {
	var c lab.Clock
	if err := c.SetDrift(0, lab.MaxDrift); err != nil {
		t.Fatal(err)
	}
	if got := c.Read(math.MaxInt64); got != math.MaxInt64/2 {
		t.Errorf("got %d, want %d", got, int64(math.MaxInt64/2))
	}
}
