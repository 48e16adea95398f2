package clock_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/wire"
)

func readerOf(b []byte) wire.Reader { return wire.NewReader(b) }

func drawVector(t *rapid.T) (clock.VersionVector, events) {
	dots := drawDots(t)
	v, ok := clock.NewVersionVector(dots...)
	if !ok {
		t.Fatalf("refused %v", dots)
	}
	known := events{}
	for _, d := range dots {
		for n := range d.Counter {
			known[clock.Dot{Actor: d.Actor, Counter: n + 1}] = true
		}
	}
	return v, known
}

// mustKnow checks that v knows exactly the given events.
func mustKnow(t *rapid.T, v clock.VersionVector, want events) {
	t.Helper()
	got := events{}
	last := clock.Dot{}
	for d := range v.All() {
		if last.Actor.Compare(d.Actor) >= 0 || v.Get(d.Actor) != d.Counter {
			t.Fatalf("got %s after %s, Get says %d", d, last, v.Get(d.Actor))
		}
		for n := range d.Counter {
			got[clock.Dot{Actor: d.Actor, Counter: n + 1}] = true
		}
		last = d
	}
	if got.compare(want) != clock.Equal {
		t.Fatalf("got %v, want %v", v, want)
	}
}

func TestVersionVectorIsASetOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, known := drawVector(t)
		w, other := drawVector(t)
		mustKnow(t, v, known)
		if got, want := v.Compare(w), known.compare(other); got != want {
			t.Fatalf("%v and %v: got %s, want %s", v, w, got, want)
		}
		merged := v.Merge(w)
		mustKnow(t, merged, known.union(other))
		if merged.Compare(v) == clock.Before || merged.Compare(w) == clock.Before {
			t.Fatalf("%v and %v merged to %v", v, w, merged)
		}
		d := drawDot(t)
		if v.Contains(d) != known[d] {
			t.Fatalf("%v contains %s: got %t", v, d, v.Contains(d))
		}
		one, _ := clock.NewVersionVector(d)
		mustKnow(t, v.With(d), known.union(eventsOf(one)))
		retired := drawActor(t)
		is := func(a clock.Actor) bool { return a == retired }
		mustKnow(t, v.Prune(is), known.without(is))
		mustKnow(t, v, known) // nothing changed it
		mustRoundTrip(t, v, clock.DecodeVersionVector)
	})
}

func eventsOf(v clock.VersionVector) events {
	out := events{}
	for d := range v.All() {
		for n := range d.Counter {
			out[clock.Dot{Actor: d.Actor, Counter: n + 1}] = true
		}
	}
	return out
}

func TestVersionVectorRefusesDotsThatNameNothing(t *testing.T) {
	for _, d := range []clock.Dot{
		{},
		{Actor: clock.Actor{Node: 1}},
		{Counter: 1},
		{Actor: clock.Actor{Node: 1}, Counter: clock.MaxCounter + 1},
	} {
		if _, ok := clock.NewVersionVector(d); ok {
			t.Errorf("accepted %s", d)
		}
		if got := (clock.VersionVector{}).With(d); got.Len() != 0 {
			t.Errorf("with %s: got %v", d, got)
		}
		if _, ok := clock.NewDotContext(clock.Run{Actor: d.Actor, From: d.Counter, To: d.Counter}); ok {
			t.Errorf("accepted a run of %s", d)
		}
	}
}

func TestActorsAreOrderedByNodeThenIncarnation(t *testing.T) {
	want := []clock.Actor{{Node: 1}, {Node: 1, Incarnation: 300}, {Node: 2}, {Node: 1 << 63}}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, clock.Actor.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := (clock.Dot{Actor: want[1], Counter: 7}).String(), "0000000000000001.300:7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
