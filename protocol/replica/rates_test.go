package replica

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
)

// The count of a key is that of an exponential decay, but for what the straight
// lines add, which is at most 6.2 %, and never less; and keys become hot and cold
// by it.
func TestHeatDecays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := still()
		c.HalfLife = quantity.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Minute)).Draw(rt, "half_life"))
		c.HotRate = quantity.Every(time.Duration(rapid.Int64Range(int64(c.HalfLife)/50+1, 2*int64(c.HalfLife)).Draw(rt, "hot")))
		c.ColdRate = quantity.Every(c.HotRate.Interval() * time.Duration(rapid.IntRange(1, 9).Draw(rt, "cold")))
		s := newStage(t, c, 1)
		a := s.actors[0]
		h := newHeat(&c)
		var exact, most float64 // the count, and with what the lines may add
		hot := false
		halfLife := float64(c.HalfLife.Std())
		bound := func(r quantity.Rate) float64 { return halfLife / math.Ln2 / float64(r.Interval()) }
		for range rapid.IntRange(1, 60).Draw(rt, "writes") {
			passed := rapid.Int64Range(0, 1<<rapid.IntRange(0, 36).Draw(rt, "bits")).Draw(rt, "passed")
			s.now += protocol.Time(passed)
			decay := math.Exp2(-float64(passed) / halfLife)
			exact *= decay
			most = most*decay*1.0615 + 1e-3
			before := h.decayed(h.young["k"].count, time.Duration(passed))
			if got := float64(before) / one; got < exact*0.9999-2e-3 || got > most {
				rt.Fatalf("got a count of %f, want %f to %f", got, exact, most)
			}
			was := hot
			hot = h.touch(a, []byte("k"), 1)
			switch got := float64(before) / one; { // the rule, from the count
			case hot && !was && got+1 < bound(c.HotRate)*0.999:
				rt.Fatalf("hot at %f, want from %f", got+1, bound(c.HotRate))
			case !hot && got+1 > bound(c.HotRate)*1.001:
				rt.Fatalf("cold at %f, want hot from %f", got+1, bound(c.HotRate))
			case was && !hot && got > bound(c.ColdRate)*1.001:
				rt.Fatalf("cold again at %f, want below %f", got, bound(c.ColdRate))
			case was && hot && got < bound(c.ColdRate)*0.999 && got+1 < bound(c.HotRate)*0.999:
				rt.Fatalf("still hot at %f, want cold below %f", got, bound(c.ColdRate))
			}
			exact++
			most++
		}
	})
}

// One half-life takes a half, and lines are nowhere more than 6.2 % above the
// curve.
func TestDecayIsALineBetweenHalves(t *testing.T) {
	h := heat{half: 1000}
	for passed := range time.Duration(5000) {
		got, want := float64(h.decayed(1<<40, passed)), (1<<40)*math.Exp2(-float64(passed)/1000)
		if got < want*0.999999 || got > want*1.0615 || passed%1000 == 0 && got != want {
			t.Fatalf("after %d of 1000: got %f of %f", passed, got, want)
		}
	}
	if got := h.decayed(1<<62, 64_000); got != 0 {
		t.Errorf("got %d after 64 half-lives", got)
	}
	if got := h.decayed(7, -5); got != 7 {
		t.Errorf("got %d when the clock was set back, want 7", got)
	}
}

// With the defaults: one write a second makes a key hot within half a minute. It
// stays hot at one write in three seconds, and is cold at one in ten.
func TestHotAndColdWithHysteresis(t *testing.T) {
	c := still()
	c.TrackedKeys = 8
	s := newStage(t, c, 1)
	a, h := s.actors[0], newHeat(&c)
	every := func(interval time.Duration, count int) (hot bool) {
		for range count {
			s.now = s.now.Add(interval)
			hot = h.touch(a, []byte("k"), 1)
		}
		return hot
	}
	for _, step := range []struct {
		interval time.Duration
		count    int
		hot      bool
	}{
		{3 * time.Second, 30, false}, // between the two rates: cold stays cold
		{time.Second * 9 / 10, 60, true},
		{3 * time.Second, 30, true}, // and hot stays hot
		{10 * time.Second, 30, false},
	} {
		if got := every(step.interval, step.count); got != step.hot {
			t.Errorf("a write every %s: got hot %t, want %t", step.interval, got, step.hot)
		}
	}
	if hot, cold := a.kinds(EventHot), a.kinds(EventCold); hot != 1 || cold != 1 {
		t.Errorf("got %d and %d events, want the key to have become hot and cold once", hot, cold)
	}
	for i := range 1000 {
		h.touch(a, fmt.Append(nil, i), 1)
	}
	if n := len(h.young) + len(h.old); n > 16 {
		t.Errorf("the rates of %d keys are known, want at most 16", n)
	}
}

func (a *actor) kinds(kind protocol.EventKind) int {
	n := 0
	for _, e := range a.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// A bucket gives no more than rate × time + burst, and no less: who takes as soon
// as it may gets all that there is.
func TestBucketKeepsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, 1<<rapid.IntRange(1, 40).Draw(t, "bits")).Draw(t, "rate")
		b := bucket{rate: rate, burst: rate}
		var now protocol.Time
		var taken, largest float64
		waited := time.Duration(0) // for nothing
		for range rapid.IntRange(1, 80).Draw(t, "takes") {
			size := int(rapid.Int64Range(0, 1+rate/rapid.Int64Range(1, 50).Draw(t, "part")).Draw(t, "size"))
			largest = max(largest, float64(size))
			for tries := 0; ; tries++ {
				wait, ok := b.take(now, size)
				if ok {
					break
				}
				if wait <= 0 || tries > 3 {
					t.Fatalf("try %d: told to wait for %s", tries, wait)
				}
				now = now.Add(wait)
				waited += wait
			}
			taken += float64(size)
			allowed := float64(rate) * (now.Sub(0).Seconds() + 1)
			if taken > allowed+largest+1 {
				t.Fatalf("took %f in %s, want at most %f", taken, now.Sub(0), allowed)
			}
			// It waits for what it lacks, and a few milliseconds for rounding.
			if least := float64(rate) * (waited.Seconds()*0.99 - 0.002*80 - 1/float64(rate)*80); taken < least {
				t.Fatalf("took %f after waiting for %s, want at least %f", taken, waited, least)
			}
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "pause")) / 50)
		}
		if b.full(now.Add(10*time.Second+time.Duration(largest/float64(rate)*2e9))) != true {
			t.Fatal("not full after a long time")
		}
	})
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		d       time.Duration
		of, per int64
		want    int64
	}{
		{time.Second, 7, int64(time.Second), 7},
		{time.Hour, 1 << 40, int64(time.Second), 3600 << 40},
		{1 << 62, 1 << 62, 1, 1 << 62},
		{0, 5, 1, 0},
		{time.Second / 2, 3, int64(time.Second), 1},
	} {
		if got := share(c.d, c.of, c.per); got != c.want {
			t.Errorf("%d × %d / %d: got %d, want %d", c.d, c.of, c.per, got, c.want)
		}
	}
}

// The more there is to push, the longer it is gathered; when there is little
// again, it goes back.
func TestPushIntervalAdapts(t *testing.T) {
	c := still()
	s := newStage(t, c, 1)
	a := s.actors[0]
	round := func(size int) time.Duration {
		began := s.now
		s.put(0, "k", strings.Repeat("x", size))
		s.put(0, "l", strings.Repeat("x", size))
		for a.below.pushed = nil; len(a.below.pushed) == 0; {
			s.pass(time.Millisecond)
		}
		return s.now.Sub(began)
	}
	var got []time.Duration
	for _, size := range []int{10, 20_000, 20_000, 20_000, 20_000, 20_000, 10_000, 10, 10, 10, 10} {
		got = append(got, round(size)/time.Millisecond)
	}
	want := "[50 50 100 200 400 500 500 500 250 125 63]"
	if text := fmt.Sprintf("%d", got); text != want {
		t.Errorf("got %s ms, want %s", text, want)
	}
}

// Above push_rate only digests are broadcast; who has something else then begins a
// session, who has the same does not.
func TestSummaries(t *testing.T) {
	c := still()
	c.PushRate, c.PushLimit = 16<<10, 4<<10
	s := newStage(t, c, 3)
	a := s.actors[0]
	for i := range 10 {
		s.put(0, fmt.Sprint("k", i), strings.Repeat("x", 2000))
	}
	s.meet(0, 1)
	s.pass(time.Second)
	if a.kinds(EventPush) == 0 || a.kinds(EventSummary) == 0 {
		t.Fatalf("got %d broadcasts of deltas, %d of digests, want both", a.kinds(EventPush), a.kinds(EventSummary))
	}
	summary := a.below.pushed[len(a.below.pushed)-1]
	if !bytes.HasPrefix(summary, []byte(pushDigests)) || len(summary) > 200 {
		t.Fatalf("got %q last, want digests", summary)
	}
	for i, want := range []int{1: 0, 2: 1} {
		if i > 0 {
			b := s.actors[i]
			b.below.peer = idOf(0)
			s.push(summary, i)
			if got := b.kinds(EventSessionBegin); got != want {
				t.Errorf("node %d began %d sessions, want %d", i, got, want)
			}
		}
	}
	s.settle()
	if s.actors[2].node.Root() != a.node.Root() {
		t.Error("the session did not bring what the digests spoke of")
	}
}
