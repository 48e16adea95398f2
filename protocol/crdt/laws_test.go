package crdt_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol/crdt"
)

// Every replica shows at every moment what follows from the events that it
// knows, whatever came late, twice or not at all.
func TestReplicasShowWhatFollowsFromTheEventsTheyKnow(t *testing.T) {
	forKinds(t, func(w *world) { w.run(30) })
}

// A state is the join of the deltas of the events that it knows, in any order:
// so delta merge equals state merge, and replicas that know the same have the
// same bytes.
func TestAStateIsTheJoinOfItsDeltas(t *testing.T) {
	forKinds(t, func(w *world) {
		w.run(20)
		for i := range w.states {
			order := slices.Sorted(maps.Keys(w.known[i]))
			if len(order) > 1 {
				order = rapid.Permutation(order).Draw(w.t, "order")
			}
			var joined, halves crdt.Entry
			for n, e := range order {
				joined = joined.Merge(w.events[e].delta)
				if n%2 == 0 {
					halves = halves.Merge(w.events[e].delta)
				}
			}
			mustEqual(w.t, joined, w.states[i])
			mustEqual(w.t, halves.Merge(joined), w.states[i])
			if joined.Digest() != w.states[i].Digest() {
				w.t.Fatal("equal entries have different digests")
			}
		}
	})
}

func mustObeyTheLaws(t *rapid.T, a, b, c crdt.Entry) {
	t.Helper()
	mustEqual(t, a.Merge(b), b.Merge(a))
	mustEqual(t, a.Merge(b).Merge(c), a.Merge(b.Merge(c)))
	mustEqual(t, a.Merge(a), a)
	ab := a.Merge(b)
	mustEqual(t, ab.Merge(a), ab)
	if bytes.Equal(ab.Append(nil), a.Append(nil)) && ab != a {
		t.Fatal("b adds nothing to a, but the join is not a itself")
	}
}

func TestMergeIsAJoin(t *testing.T) {
	forKinds(t, func(w *world) {
		w.run(20)
		for range 5 {
			a, b := w.draw("a"), w.draw("b")
			mustObeyTheLaws(w.t, a, b, w.draw("c"))
			ab := a.Merge(b)
			if len(w.kinds) == 1 && bytes.Equal(ab.Append(nil), b.Append(nil)) && ab != a && ab != b {
				w.t.Fatal("a adds nothing to b, but the join is neither itself")
			}
		}
	})
}

// Once everybody has merged everything, everybody shows the same, and without
// deletions a counter is the sum of all that was ever added.
func TestCountersCountEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]crdt.Kind{crdt.KindGCounter, crdt.KindPNCounter}).Draw(t, "kind")
		w := newWorld(t, kind)
		w.noClear = true
		w.run(25)
		var all crdt.Entry
		for _, s := range w.states {
			all = all.Merge(s)
		}
		want := int64(0)
		for _, e := range w.events {
			want += e.up
		}
		if got := int64(all.GCounter().Count()) + all.PNCounter().Count(); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	})
}

// The version says what an entry has seen, and only an entry that a vector
// covers has nothing for who knows the vector.
func TestVersionAndCoverage(t *testing.T) {
	forKinds(t, func(w *world) {
		w.run(20)
		for i, s := range w.states {
			if !s.CoveredBy(s.Version()) {
				w.t.Fatalf("%v is not covered by its version %v", s, s.Version())
			}
			if got := s.DeltaSince(s.Version()); !got.IsZero() {
				w.t.Fatalf("got %s for who knows everything", show(got))
			}
			v := w.complete(rapid.IntRange(0, replicas-1).Draw(w.t, "peer"))
			within := true
			for d := range s.Version().All() {
				within = within && v.Contains(d)
			}
			if got := s.CoveredBy(v); got != within {
				w.t.Fatalf("replica %d, %v covered by %v: got %t", i, s.Version(), v, got)
			}
		}
	})
}

// A deletion removes all that it saw, and its dot is in the version: when that
// is stable, the entry may go.
func TestADeletedEntryNamesItsDeletion(t *testing.T) {
	forKinds(t, func(w *world) {
		w.run(15)
		for i, s := range w.states {
			stamp := w.stamp(i)
			next, delta, err := s.Delete(stamp)
			if err != nil || next.Live() || next.Conflict() {
				w.t.Fatalf("deleted %s: got %s, %v", show(s), show(next), err)
			}
			if !s.Live() {
				if next != s || !delta.IsZero() {
					w.t.Fatalf("deleted nothing, got delta %s", show(delta))
				}
				continue
			}
			if !next.Version().Contains(stamp.Dot) || !delta.Version().Contains(stamp.Dot) {
				w.t.Fatalf("got version %v, want it to name %s", next.Version(), stamp.Dot)
			}
			if next.CoveredBy(w.complete(i)) && w.issued[i] < stamp.Dot.Counter {
				w.t.Fatal("covered by a vector that does not name the deletion")
			}
		}
	})
}

// Who has dropped a deleted entry and merges with MergeKnown sees what it would
// see had it kept it, and agrees with those who did.
func TestWhatWasCollectedStaysDeleted(t *testing.T) {
	forKinds(t, func(w *world) {
		w.run(20)
		known := w.complete(0)
		for i, s := range w.states {
			held := w.states[0]
			mustEqual(w.t, held.MergeKnown(s, known), held.Merge(s))
			if held.Live() || !held.CoveredBy(known) {
				continue
			}
			again := crdt.Entry{}.MergeKnown(s, known)
			if r := again.Register(); r.Live() && known.Contains(r.Stamp().Dot) {
				w.t.Fatalf("replica %d brought back %s", i, show(again))
			}
			if !s.Register().Stamp().Time.IsZero() || !held.Register().Stamp().Time.IsZero() {
				continue // a late write may win where the later deletion is forgotten
			}
			kept := held.Merge(s)
			if show(again) != show(kept) {
				w.t.Fatalf("replica %d: got %s, want %s", i, show(again), show(kept))
			}
			if !again.IsZero() {
				mustEqual(w.t, again.MergeKnown(kept, known), kept)
			} else if !kept.CoveredBy(known) {
				w.t.Fatalf("replica %d: dropped news %v", i, kept.Version())
			}
		}
	})
}
