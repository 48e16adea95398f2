package clock_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol/clock"
)

func drawContext(t *rapid.T) (clock.DotContext, events) {
	var runs []clock.Run
	known := events{}
	for range rapid.IntRange(0, 8).Draw(t, "runs") {
		d := drawDot(t)
		r := clock.Run{Actor: d.Actor, From: d.Counter, To: min(maxCounter, d.Counter+rapid.Uint64Range(0, 3).Draw(t, "more"))}
		runs = append(runs, r)
		add(known, r)
	}
	c, ok := clock.NewDotContext(runs...)
	if !ok {
		t.Fatalf("refused %v", runs)
	}
	return c, known
}

func add(e events, r clock.Run) {
	for n := r.From; n <= r.To; n++ {
		e[clock.Dot{Actor: r.Actor, Counter: n}] = true
	}
}

// mustHold checks that c holds exactly the given events, in as few runs as can
// be, and that everything that is derived from them agrees.
func mustHold(t *rapid.T, c clock.DotContext, want events) {
	t.Helper()
	got := events{}
	last := clock.Run{}
	for r := range c.All() {
		if a := last.Actor.Compare(r.Actor); a > 0 || a == 0 && last.To+1 >= r.From || r.From > r.To {
			t.Fatalf("got run %v after %v", r, last)
		}
		add(got, r)
		last = r
	}
	if got.compare(want) != clock.Equal || c.IsEmpty() != (len(want) == 0) {
		t.Fatalf("got %v, want %v", c, want)
	}
	var in []clock.Actor
	for _, a := range actors {
		var base, top uint64
		for n := uint64(1); n <= maxCounter+1; n++ {
			d := clock.Dot{Actor: a, Counter: n}
			if c.Contains(d) != want[d] {
				t.Fatalf("%v contains %s: got %t", c, d, c.Contains(d))
			}
			if want[d] {
				top = n
			}
			if want[d] && base == n-1 {
				base = n
			}
		}
		if c.Max(a) != top || c.Vector().Get(a) != base || c.Bounds().Get(a) != top {
			t.Fatalf("%v, actor %s: got newest %d and %d, base %d; want %d, %d", c, a, c.Max(a), c.Bounds().Get(a), c.Vector().Get(a), top, base)
		}
		if top > 0 {
			in = append(in, a)
		}
	}
	if !slices.Equal(c.Actors(), in) {
		t.Fatalf("%v: got actors %v, want %v", c, c.Actors(), in)
	}
}

func TestDotContextIsASetOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, known := drawContext(t)
		d, other := drawContext(t)
		mustHold(t, c, known)
		if got, want := c.Compare(d), known.compare(other); got != want {
			t.Fatalf("%v and %v: got %s, want %s", c, d, got, want)
		}
		mustHold(t, c.Union(d), known.union(other))

		dots := drawDots(t)
		slices.SortFunc(dots, clock.Dot.Compare)
		left := known.union(nil)
		for _, x := range dots {
			delete(left, x)
		}
		mustHold(t, c.Without(dots), left)

		x := drawDot(t)
		r := clock.Run{Actor: x.Actor, From: x.Counter, To: x.Counter + 1}
		more := known.union(nil)
		add(more, r)
		if r.To <= maxCounter {
			mustHold(t, c.With(r), more)
		}

		v, has := drawVector(t)
		if got, want := c.CoveredBy(v), known.within(has); got != want {
			t.Fatalf("%v covered by %v: got %t, want %t", c, v, got, want)
		}
		retired := drawActor(t)
		is := func(a clock.Actor) bool { return a == retired }
		mustHold(t, c.Prune(is), known.without(is))

		mustHold(t, c, known) // nothing changed it
		mustRoundTrip(t, c, clock.DecodeDotContext)
	})
}

// The counters at the end of the range, where sums could wrap.
func TestDotContextAtTheLastCounters(t *testing.T) {
	a := clock.Actor{Node: 1}
	const top = uint64(clock.MaxCounter)
	c, ok := clock.NewDotContext(clock.Run{Actor: a, From: 1, To: top - 2}, clock.Run{Actor: a, From: top, To: top})
	if !ok || c.Len() != 2 {
		t.Fatalf("got %v, %t, want two runs", c, ok)
	}
	if got, err := clock.DecodeDotContext(c.Append(nil)); err != nil || got.Compare(c) != clock.Equal {
		t.Errorf("got %v, %v, want %v", got, err, c)
	}
	if got := c.With(clock.Run{Actor: a, From: top - 1, To: top - 1}); got.Len() != 1 || got.Max(a) != top {
		t.Errorf("got %v, want one run", got)
	}
	if got := c.Without([]clock.Dot{{Actor: a, Counter: top}}); got.Len() != 1 || got.Max(a) != top-2 {
		t.Errorf("got %v, want one run to %d", got, top-2)
	}
}

// A delta that leaves out a few of very many events stays small.
func TestAGapCostsOneRun(t *testing.T) {
	a := clock.Actor{Node: 1}
	c, _ := clock.NewDotContext(clock.Run{Actor: a, From: 1, To: 1 << 40})
	c = c.Without([]clock.Dot{{Actor: a, Counter: 5}, {Actor: a, Counter: 1 << 30}})
	if c.Len() != 3 || c.Size() > 32 {
		t.Errorf("got %d runs and %d bytes, want 3 and at most 32", c.Len(), c.Size())
	}
}
