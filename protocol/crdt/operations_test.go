package crdt_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

func elements(e crdt.Entry) []string { return slices.Collect(e.ORSet().All()) }

// add and remove work on an entry's set.
func add(e crdt.Entry, s crdt.Stamp, element string) (next, delta crdt.Entry) {
	_, d := must2(e.ORSet().Add(s.Dot, element))
	return must2(e.Put(s, d))
}

func put(e crdt.Entry, s crdt.Stamp, value string) (next, delta crdt.Entry) {
	return must2(e.Put(s, must1(e.Register().Put(s, value))))
}

func TestAConcurrentAdditionSurvivesADeletion(t *testing.T) {
	shared, _ := add(crdt.Entry{}, stampOf(alice, 1, 1), "x")
	shared, _ = add(shared, stampOf(alice, 2, 1), "y")
	deleted, _ := must2(shared.Delete(stampOf(alice, 3, 9)))
	renewed, _ := add(shared, stampOf(bob, 1, 2), "x")
	renewed, _ = add(renewed, stampOf(bob, 2, 2), "z")
	if got, want := elements(deleted.Merge(renewed)), []string{"x", "z"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAConcurrentIncrementBringsItsActorsSum(t *testing.T) {
	_, d := must2(new(crdt.GCounter).Add(stampOf(alice, 1, 1).Dot, 10))
	shared, _ := must2(crdt.Entry{}.Put(stampOf(alice, 1, 1), d))
	_, d = must2(shared.GCounter().Add(stampOf(bob, 1, 1).Dot, 5))
	shared, _ = must2(shared.Put(stampOf(bob, 1, 1), d))
	deleted, _ := must2(shared.Delete(stampOf(alice, 2, 9)))
	_, d = must2(shared.GCounter().Add(stampOf(bob, 2, 2).Dot, 1))
	grown, _ := must2(shared.Put(stampOf(bob, 2, 2), d))
	if got := deleted.Merge(grown).GCounter().Count(); got != 6 {
		t.Errorf("got %d, want the 6 that bob had added", got)
	}
}

func TestTheLastWriterOfARegisterWinsAlsoByDeleting(t *testing.T) {
	shared, _ := put(crdt.Entry{}, stampOf(alice, 1, 1), "old")
	deleted, _ := must2(shared.Delete(stampOf(alice, 2, 5)))
	for _, c := range []struct {
		wall int64
		live bool
	}{{4, false}, {6, true}} {
		written, _ := put(shared, stampOf(bob, 1, c.wall), "new")
		if got := deleted.Merge(written); got.Live() != c.live {
			t.Errorf("deleted at 5, written at %d: live is %t, want %t", c.wall, got.Live(), c.live)
		}
	}
}

// The deletion's version, once stable, lets everybody drop the entry. Who
// dropped it writes anew before the others did: nobody takes the write for an
// old one, which a counter that starts again would bring about.
func TestAKeyLivesAgainAfterSomeCollectedIt(t *testing.T) {
	a, _ := add(crdt.Entry{}, stampOf(alice, 1, 1), "x")
	a, _ = must2(a.Delete(stampOf(alice, 2, 2)))
	b := a
	stable := clock.VersionVector{}.With(stampOf(alice, 2, 0).Dot)
	if a.Live() || !a.CoveredBy(stable) || a.CoveredBy(clock.VersionVector{}) {
		t.Fatalf("got %s, covered by %v: %t", show(a), stable, a.CoveredBy(stable))
	}
	a = crdt.Entry{}
	a, delta := add(a, stampOf(alice, 7, 3), "y")
	if got, want := elements(b.Merge(delta)), []string{"y"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	mustEqual(t, a.Merge(b), b.Merge(delta))
	if got := b.Merge(delta).Version(); got.Len() != 1 {
		t.Errorf("got version %v, want one actor", got)
	}
}

// A replica that slept through a deletion and its collection has the key still.
// The others, who know the event that wrote it, take it for deleted; and tell.
func TestAStaleReplicaDoesNotBringAKeyBack(t *testing.T) {
	stale, _ := add(crdt.Entry{}, stampOf(alice, 1, 1), "x")
	gone, _ := must2(stale.Delete(stampOf(alice, 2, 2)))
	known := gone.Version()
	if got := (crdt.Entry{}).MergeKnown(stale, known); got.Live() {
		t.Errorf("got %s, want nothing", show(got))
	}
	if got := (crdt.Entry{}).MergeKnown(gone, known); !got.IsZero() {
		t.Errorf("got %s, want no trace of an old deletion", show(got))
	}
	// The same where the key was written anew in between, by another actor.
	anew, _ := add(crdt.Entry{}, stampOf(bob, 7, 3), "y")
	known = known.Merge(anew.Version())
	merged := anew.MergeKnown(stale, known)
	if got := elements(merged); !slices.Equal(got, []string{"y"}) {
		t.Errorf("got %q, want what was written anew", got)
	}
	mustEqual(t, stale.Merge(merged), merged)
	written, _ := put(crdt.Entry{}, stampOf(alice, 1, 1), "v")
	if got := (crdt.Entry{}).MergeKnown(written, known); !got.IsZero() {
		t.Errorf("got %s, want no register", show(got))
	}
}

func TestTwoTypesUnderOneKey(t *testing.T) {
	set, _ := add(crdt.Entry{}, stampOf(alice, 1, 1), "x")
	register, _ := put(crdt.Entry{}, stampOf(bob, 1, 1), "v")
	both := set.Merge(register)
	if !both.Conflict() || both.Value().Kind() != crdt.KindORSet {
		t.Fatalf("got %s, want the set and a conflict", show(both))
	}
	resolved, delta := put(both, stampOf(bob, 2, 2), "w")
	if resolved.Conflict() || resolved.Value().Kind() != crdt.KindRegister {
		t.Errorf("after a put: got %s, want the register alone", show(resolved))
	}
	mustEqual(t, set.Merge(delta), resolved)
	deleted, _ := must2(both.Delete(stampOf(bob, 2, 2)))
	if deleted.Live() {
		t.Errorf("after a deletion: got %s", show(deleted))
	}
	// Why both are kept: the set is deleted by somebody who never saw the register.
	gone, _ := must2(set.Delete(stampOf(alice, 2, 2)))
	if got := both.Merge(gone); got.Conflict() || got.Value().Kind() != crdt.KindRegister {
		t.Errorf("after the set's deletion: got %s, want the register", show(got))
	}
	var kind *crdt.KindError
	if _, err := set.Value().Merge(register.Value()); !errors.As(err, &kind) || kind.Got != crdt.KindRegister || kind.Want != crdt.KindORSet {
		t.Errorf("merge of two types: got %v", err)
	}
}

func TestOperationsRefuseStampsThatCannotBe(t *testing.T) {
	register := must1(new(crdt.Register).Put(stampOf(alice, 5, 5), "v"))
	set, _ := must2(new(crdt.ORSet).Add(stampOf(alice, 5, 5).Dot, "x"))
	g, _ := must2(new(crdt.GCounter).Add(stampOf(alice, 5, 5).Dot, 1))
	pn, _ := must2(new(crdt.PNCounter).Add(stampOf(alice, 5, 5).Dot, 1))
	foreign := stampOf(alice, 6, 6)
	foreign.Time.Node = bob.Node
	for _, c := range []struct {
		name  string
		stamp crdt.Stamp
		want  error
		// registers only
		register bool
	}{
		{"the same dot", stampOf(alice, 5, 6), crdt.ErrStale, false},
		{"an earlier dot", stampOf(alice, 4, 6), crdt.ErrStale, false},
		{"counter 0", stampOf(bob, 0, 6), crdt.ErrStamp, false},
		{"a counter beyond the largest", stampOf(bob, clock.MaxCounter+1, 6), crdt.ErrStamp, false},
		{"nobody", crdt.Stamp{}, crdt.ErrStamp, false},
		{"the same time", stampOf(alice, 6, 5), crdt.ErrStale, true},
		{"an earlier time", stampOf(bob, 1, 4), crdt.ErrStale, true},
		{"another node's time", foreign, crdt.ErrStamp, true},
	} {
		check := func(what string, next, before crdt.Value, err error) {
			t.Helper()
			if !errors.Is(err, c.want) || next != before {
				t.Errorf("%s, %s: got %v, want %v and no change", c.name, what, err, c.want)
			}
		}
		next, err := register.Put(c.stamp, "w")
		check("put", next, register, err)
		if c.register {
			continue
		}
		nextSet, _, err := set.Add(c.stamp.Dot, "y")
		check("add to set", nextSet, set, err)
		nextSet, _, err = set.Remove(c.stamp.Dot, "x")
		check("remove", nextSet, set, err)
		nextG, _, err := g.Add(c.stamp.Dot, 1)
		check("add to g-counter", nextG, g, err)
		nextPN, _, err := pn.Add(c.stamp.Dot, 1)
		check("add to pn-counter", nextPN, pn, err)
		for _, v := range []crdt.Value{register, set, g, pn} {
			next, delta, err := v.Clear(c.stamp)
			check("clear", next, v, err)
			if !crdt.NewEntry(delta).IsZero() {
				t.Errorf("%s: got delta %v", c.name, delta)
			}
			e := crdt.NewEntry(v)
			if next, _, err := e.Delete(c.stamp); !errors.Is(err, c.want) || next != e {
				t.Errorf("%s, delete: got %v, want %v and no change", c.name, err, c.want)
			}
		}
	}
}

func TestOperationsRefuseWhatIsTooLarge(t *testing.T) {
	most := strings.Repeat("x", crdt.MaxValue)
	r, err := new(crdt.Register).Put(stampOf(alice, 1, 1), most)
	if err != nil {
		t.Error(err)
	}
	if _, err := crdt.Decode(crdt.KindRegister, r.Append(nil)); err != nil {
		t.Error(err)
	}
	if _, err := new(crdt.Register).Put(stampOf(alice, 1, 1), most+"x"); !errors.Is(err, crdt.ErrTooLarge) {
		t.Errorf("register: got %v, want ErrTooLarge", err)
	}
	larger := append(unhex("01 0000000000000001 00 00000000000000a1 00 01 00 818040"), most+"x"...)
	if _, err := crdt.Decode(crdt.KindRegister, larger); !errors.Is(err, crdt.ErrTooLarge) || !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("decoded register: got %v, want ErrTooLarge and ErrMalformed", err)
	}
	if next, _, err := new(crdt.ORSet).Add(stampOf(alice, 1, 1).Dot, most); !errors.Is(err, crdt.ErrTooLarge) || next.Live() {
		t.Errorf("set: got %v, want ErrTooLarge", err)
	}
	if _, _, err := new(crdt.GCounter).Add(stampOf(alice, 1, 1).Dot, math.MaxInt64+1); !errors.Is(err, crdt.ErrTooLarge) {
		t.Errorf("g-counter: got %v, want ErrTooLarge", err)
	}
	if _, _, err := new(crdt.PNCounter).Add(stampOf(alice, 1, 1).Dot, math.MinInt64); !errors.Is(err, crdt.ErrTooLarge) {
		t.Errorf("pn-counter: got %v, want ErrTooLarge", err)
	}
}

// Sums of several actors stop at the ends of their types.
func TestCountersSaturate(t *testing.T) {
	var g crdt.Value = &crdt.GCounter{}
	var up, down crdt.Value = &crdt.PNCounter{}, &crdt.PNCounter{}
	for n := range uint64(3) {
		d := clock.Dot{Actor: clock.Actor{Node: 1, Incarnation: uint32(n)}, Counter: 1}
		_, dg := must2(new(crdt.GCounter).Add(d, math.MaxInt64))
		_, du := must2(new(crdt.PNCounter).Add(d, math.MaxInt64))
		_, dd := must2(new(crdt.PNCounter).Add(d, -math.MaxInt64))
		g, up, down = must1(g.Merge(dg)), must1(up.Merge(du)), must1(down.Merge(dd))
	}
	if got := g.(*crdt.GCounter).Count(); got != math.MaxUint64 {
		t.Errorf("g-counter: got %d", got)
	}
	if got := up.(*crdt.PNCounter).Count(); got != math.MaxInt64 {
		t.Errorf("pn-counter: got %d", got)
	}
	if got := down.(*crdt.PNCounter).Count(); got != math.MinInt64 {
		t.Errorf("pn-counter: got %d", got)
	}
}

// Of equal timestamps the value with the greater hash wins, whoever merges.
func TestEqualTimestampsAreOrderedByHash(t *testing.T) {
	a, _ := put(crdt.Entry{}, stampOf(alice, 1, 1), "a")
	b, _ := put(crdt.Entry{}, stampOf(alice, 2, 1), "b")
	// SHA-256 of "a" begins with ca, of "b" with 3e.
	for _, e := range []crdt.Entry{a.Merge(b), b.Merge(a)} {
		if got, _ := e.Register().Get(); got != "a" {
			t.Errorf("got %q, want %q", got, "a")
		}
	}
}

// A delta for who knows most of a large set has few bytes for what is known.
func TestADeltaLeavesOutWhatIsKnown(t *testing.T) {
	var e crdt.Entry
	element := strings.Repeat("e", 40)
	for n := range uint64(200) {
		e, _ = add(e, stampOf(alice, n+1, 1), element+string(rune('A'+n)))
	}
	known := e.Version()
	e, _ = add(e, stampOf(bob, 1, 1), "new")
	delta := e.DeltaSince(known)
	if got := elements(delta); len(got) != 1 || delta.Size() > 200*4 || delta.Size() > e.Size()/10 {
		t.Errorf("got %d elements in %d bytes, of %d in all", len(got), delta.Size(), e.Size())
	}
}
