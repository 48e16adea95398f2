package clock_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol/clock"
)

// causal is the naive twin of a DVVSet: all events in its history, and the
// values that none of them replaced.
type causal struct {
	history events
	values  map[clock.Dot]string
}

func (c causal) clone() causal { return causal{maps.Clone(c.history), maps.Clone(c.values)} }

func (c causal) merge(d causal) causal {
	out := causal{c.history.union(d.history), map[clock.Dot]string{}}
	for dot, v := range c.values {
		if _, there := d.values[dot]; there || !d.history[dot] {
			out.values[dot] = v
		}
	}
	for dot, v := range d.values {
		if !c.history[dot] {
			out.values[dot] = v
		}
	}
	return out
}

// upTo reports whether d knows all that c knows: every event, and of every
// value of d that c knows of, that it is still a value.
func (c causal) upTo(d causal) bool {
	for dot := range d.values {
		if _, there := c.values[dot]; c.history[dot] && !there {
			return false
		}
	}
	return c.history.within(d.history)
}

func mustBe(t *rapid.T, s clock.DVVSet, want causal) {
	t.Helper()
	mustKnow(t, s.Context(), want.history)
	if got := maps.Collect(s.Values()); !maps.Equal(got, want.values) || s.Len() != len(got) {
		t.Fatalf("got values %v, want %v", got, want.values)
	}
}

// replicas are servers that clients read, write, and delete through, and that
// synchronise in pairs.
type replicas struct {
	sets  []clock.DVVSet
	twins []causal
	// pool is every state that there was.
	pool []clock.DVVSet
	past []causal
}

func drawReplicas(t *rapid.T) *replicas {
	r := &replicas{sets: make([]clock.DVVSet, len(actors))}
	for range actors {
		r.twins = append(r.twins, causal{events{}, map[clock.Dot]string{}})
	}
	type read struct {
		context clock.VersionVector
		known   events
	}
	reads := []read{{known: events{}}}
	for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
		i := rapid.IntRange(0, len(actors)-1).Draw(t, "replica")
		client := rapid.SampledFrom(reads).Draw(t, "read")
		twin := r.twins[i].clone()
		gone := func() {
			for d := range client.known {
				delete(twin.values, d)
			}
			twin.history = twin.history.union(client.known)
		}
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			reads = append(reads, read{r.sets[i].Context(), maps.Clone(r.twins[i].history)})
			continue
		case 1:
			gone()
			r.sets[i] = r.sets[i].Discard(client.context)
		case 2:
			j := rapid.IntRange(0, len(actors)-1).Draw(t, "peer")
			twin = twin.merge(r.twins[j])
			r.sets[i] = r.sets[i].Merge(r.sets[j])
		default:
			gone()
			next := clock.Dot{Actor: actors[i], Counter: 1}
			for twin.history[next] {
				next.Counter++
			}
			twin.history[next], twin.values[next] = true, fmt.Sprint(step)
			r.sets[i], _ = r.sets[i].Update(client.context, actors[i], fmt.Sprint(step))
		}
		r.twins[i] = twin
		mustBe(t, r.sets[i], twin)
		r.pool, r.past = append(r.pool, r.sets[i]), append(r.past, twin)
	}
	return r
}

func TestDVVSetIsACausalHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReplicas(t)
		if len(r.pool) == 0 {
			return
		}
		index := rapid.IntRange(0, len(r.pool)-1)
		i, j, k := index.Draw(t, "i"), index.Draw(t, "j"), index.Draw(t, "k")
		a, b, c := r.pool[i], r.pool[j], r.pool[k]
		if got, want := a.Compare(b), order(r.past[i].upTo(r.past[j]), r.past[j].upTo(r.past[i])); got != want {
			t.Fatalf("%v and %v: got %s, want %s", a, b, got, want)
		}
		mustBe(t, a.Merge(b), r.past[i].merge(r.past[j]))
		mustEqual(t, a.Merge(b), b.Merge(a))
		mustEqual(t, a.Merge(b).Merge(c), a.Merge(b.Merge(c)))
		mustEqual(t, a.Merge(a), a)
		if (a.Compare(b) == clock.Before || a.Compare(b) == clock.Equal) != sameBytes(a.Merge(b), b) {
			t.Fatalf("%v and %v: got %s, but merged to %v", a, b, a.Compare(b), a.Merge(b))
		}
		retired := drawActor(t)
		pruned := a.Prune(func(x clock.Actor) bool { return x == retired })
		if !maps.Equal(maps.Collect(pruned.Values()), r.past[i].values) {
			t.Fatalf("pruned %v to %v", a, pruned)
		}
		mustRoundTrip(t, a, clock.DecodeDVVSet)
	})
}

// Replicas converge even on values that a liar gave to events that are not his.
func TestDVVSetMergesForgedStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawForged(t), drawForged(t), drawForged(t)
		mustEqual(t, a.Merge(b), b.Merge(a))
		mustEqual(t, a.Merge(b).Merge(c), a.Merge(b.Merge(c)))
		mustEqual(t, a.Merge(a), a)
		mustRoundTrip(t, a.Merge(b), clock.DecodeDVVSet)
	})
}

func TestOfTwoValuesOfOneEventTheGreaterWins(t *testing.T) {
	a, _ := clock.DVVSet{}.Update(clock.VersionVector{}, actors[0], "a")
	b, _ := clock.DVVSet{}.Update(clock.VersionVector{}, actors[0], "b")
	for _, s := range []clock.DVVSet{a.Merge(b), b.Merge(a)} {
		if !sameBytes(s, b) {
			t.Errorf("got %v, want %v", s, b)
		}
	}
}

func drawForged(t *rapid.T) clock.DVVSet {
	b := []byte{2}
	for _, a := range actors[1:3] {
		n := rapid.Uint64Range(1, 4).Draw(t, "counter")
		b = clock.AppendDot(b, clock.Dot{Actor: a, Counter: n})
		values := rapid.SliceOfN(rapid.SampledFrom([]byte("xy")), 0, int(n)).Draw(t, "values")
		b = append(b, byte(len(values)))
		for _, v := range values {
			b = append(b, 1, v)
		}
	}
	s, err := clock.DecodeDVVSet(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sameBytes(a, b clock.DVVSet) bool { return slices.Equal(a.Append(nil), b.Append(nil)) }

func mustEqual(t *rapid.T, got, want clock.DVVSet) {
	t.Helper()
	if !sameBytes(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// What the paper is about: two clients read nothing and write through one
// server. A version vector would take the second write for the first one's
// successor.
func TestTwoClientsOfOneServerWriteConcurrently(t *testing.T) {
	server := actors[0]
	var s clock.DVVSet
	s, _ = s.Update(clock.VersionVector{}, server, "v1")
	read := s.Context()
	s, _ = s.Update(clock.VersionVector{}, server, "v2")
	if s.Len() != 2 {
		t.Fatalf("got %v, want both values", s)
	}
	s, _ = s.Update(read, server, "v3") // by a client that had read v1
	var got []string
	for _, v := range s.Values() {
		got = append(got, v)
	}
	if want := []string{"v3", "v2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUpdateRefusesAnActorThatCannotCountOn(t *testing.T) {
	spent, _ := clock.NewVersionVector(clock.Dot{Actor: actors[0], Counter: clock.MaxCounter})
	if _, ok := (clock.DVVSet{}).Update(spent, actors[0], "v"); ok {
		t.Error("counted beyond MaxCounter")
	}
	if _, ok := (clock.DVVSet{}).Update(clock.VersionVector{}, clock.Actor{}, "v"); ok {
		t.Error("wrote as nobody")
	}
}
