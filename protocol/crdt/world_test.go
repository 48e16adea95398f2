package crdt_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

// event is one operation as the naive twin remembers it: what it did, what its
// actor knew, and the delta that came of it.
type event struct {
	stamp crdt.Stamp
	kind  crdt.Kind // 0: deletion of the key
	// element was written or added; removed, if gone.
	element string
	gone    bool
	up      int64
	// seen are the events that the actor knew, by index.
	seen history
	// removes are the events that brought what this one removes.
	removes history
	// sawRegister: the actor saw a live register; sum: all that it had added.
	sawRegister bool
	sum         int64
	delta       crdt.Entry
}

// history is a set of events: all that a replica of the twin is.
type history map[int]bool

// world is a few replicas of one key under random operations, state merges,
// lost, late and repeated deltas.
type world struct {
	t       *rapid.T
	kinds   []crdt.Kind
	actors  []clock.Actor
	issued  []uint64 // per actor, over all keys
	clocks  []*clock.HLC
	states  []crdt.Entry
	known   []history
	events  []event
	pool    []crdt.Entry // every state and delta that there was
	noClear bool
}

const replicas = 3

func newWorld(t *rapid.T, kinds ...crdt.Kind) *world {
	w := &world{t: t, kinds: kinds, states: make([]crdt.Entry, replicas), issued: make([]uint64, replicas)}
	for i := range replicas {
		// Two actors are incarnations of one node.
		a := clock.Actor{Node: protocol.NodeID(0xa0 + i/2), Incarnation: uint32(i % 2)}
		w.actors = append(w.actors, a)
		if i%2 == 0 {
			w.clocks = append(w.clocks, clock.NewHLC(a.Node, -1))
		} else {
			w.clocks = append(w.clocks, w.clocks[i-1]) // the node's
		}
		w.known = append(w.known, history{})
	}
	return w
}

func (w *world) run(steps int) {
	replica := rapid.IntRange(0, replicas-1)
	for range steps {
		i := replica.Draw(w.t, "replica")
		switch rapid.IntRange(0, 9).Draw(w.t, "what") {
		case 0:
			w.mergeState(i, replica.Draw(w.t, "from"))
		case 1:
			w.deltaSince(i, replica.Draw(w.t, "from"))
		case 2, 3, 4:
			if len(w.events) > 0 {
				w.deliver(i, rapid.IntRange(0, len(w.events)-1).Draw(w.t, "delta"))
			}
		case 5:
			if !w.noClear {
				w.operate(i, event{})
			}
		default:
			w.operate(i, event{
				kind:    rapid.SampledFrom(w.kinds).Draw(w.t, "kind"),
				element: rapid.SampledFrom([]string{"", "a", "b"}).Draw(w.t, "element"),
				gone:    rapid.IntRange(0, 3).Draw(w.t, "remove") == 0,
				up:      rapid.Int64Range(-3, 5).Draw(w.t, "up"),
			})
		}
		w.mustAgree(i)
	}
}

// operate carries out an operation at replica i.
func (w *world) operate(i int, e event) {
	e.stamp = w.stamp(i)
	e.seen = maps.Clone(w.known[i])
	next, delta, err := apply(w.states[i], &e)
	if err != nil {
		w.t.Fatalf("operation %v: %v", e, err)
	}
	if delta.IsZero() {
		if next != w.states[i] {
			w.t.Fatalf("an operation without a delta changed the state: %v", e)
		}
		return
	}
	mustEqual(w.t, w.states[i].Merge(delta), next)
	e.delta, e.removes = delta, w.removedBy(&e)
	_, e.sawRegister = w.lastWrite(e.seen)
	e.sum = w.sumOf(&e)
	w.events = append(w.events, e)
	w.known[i][len(w.events)-1] = true
	w.set(i, next)
	w.pool = append(w.pool, delta)
}

// apply does e to a state through the package's interface.
func apply(s crdt.Entry, e *event) (next, delta crdt.Entry, err error) {
	var d crdt.Value
	switch e.kind {
	case 0:
		return s.Delete(e.stamp)
	case crdt.KindRegister:
		d, err = s.Register().Put(e.stamp, e.element)
	case crdt.KindGCounter:
		e.up = max(e.up, -e.up)
		_, d, err = s.GCounter().Add(e.stamp.Dot, uint64(e.up))
	case crdt.KindPNCounter:
		_, d, err = s.PNCounter().Add(e.stamp.Dot, e.up)
	case crdt.KindORSet:
		if e.gone {
			_, d, err = s.ORSet().Remove(e.stamp.Dot, e.element)
		} else {
			_, d, err = s.ORSet().Add(e.stamp.Dot, e.element)
		}
	}
	if err != nil {
		return s, crdt.Entry{}, err
	}
	return s.Put(e.stamp, d)
}

// stamp issues the next dot of actor i, which wrote other keys in between.
func (w *world) stamp(i int) crdt.Stamp {
	w.issued[i] += rapid.Uint64Range(1, 3).Draw(w.t, "dots")
	skewed := protocol.Time(rapid.Int64Range(0, 9).Draw(w.t, "physical time"))
	return crdt.Stamp{Dot: clock.Dot{Actor: w.actors[i], Counter: w.issued[i]}, Time: w.clocks[i].Now(skewed)}
}

func (w *world) mergeState(i, from int) {
	w.learn(i, w.known[from])
	w.set(i, w.states[i].Merge(w.states[from]))
}

func (w *world) deliver(i, e int) {
	w.learn(i, history{e: true})
	w.set(i, w.states[i].Merge(w.events[e].delta))
}

// deltaSince sends i what it lacks of another replica, which knows of each actor
// up to where i has everything: no less than merging the whole state.
func (w *world) deltaSince(i, from int) {
	delta := w.states[from].DeltaSince(w.complete(i))
	mustEqual(w.t, w.states[i].Merge(delta), w.states[i].Merge(w.states[from]))
	w.pool = append(w.pool, delta)
	w.mergeState(i, from)
}

// complete returns up to where replica i has merged every event of each actor.
func (w *world) complete(i int) clock.VersionVector {
	var v clock.VersionVector
	for n, a := range w.actors {
		upTo := w.issued[n]
		for k, e := range w.events {
			if e.stamp.Dot.Actor == a && !w.known[i][k] {
				upTo = min(upTo, e.stamp.Dot.Counter-1)
			}
		}
		v = v.With(clock.Dot{Actor: a, Counter: upTo})
	}
	return v
}

func (w *world) learn(i int, events history) {
	for e := range events {
		w.known[i][e] = true
		if _, err := w.clocks[i].Update(0, w.events[e].stamp.Time); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) set(i int, s crdt.Entry) {
	w.states[i] = s
	w.pool = append(w.pool, s)
}

func (w *world) draw(label string) crdt.Entry {
	if len(w.pool) == 0 {
		return crdt.Entry{}
	}
	return rapid.SampledFrom(w.pool).Draw(w.t, label)
}

// mustAgree compares what replica i shows with what the twin makes of the
// events that i knows.
func (w *world) mustAgree(i int) {
	w.t.Helper()
	s, h := w.states[i], w.known[i]
	if got, want := show(s), w.reference(h); got != want {
		w.t.Fatalf("replica %d that knows %v:\n got %s\nwant %s", i, slices.Sorted(maps.Keys(h)), got, want)
	}
}

func mustEqual(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, got, want crdt.Entry,
) {
	t.Helper()
	if !bytes.Equal(got.Append(nil), want.Append(nil)) {
		t.Fatalf("got  %s % x\nwant %s % x", show(got), got.Append(nil), show(want), want.Append(nil))
	}
}

// show writes down all that can be read of an entry, hidden values included.
func show(e crdt.Entry) string {
	value, ok := e.Register().Get()
	kind := crdt.Kind(0)
	if v := e.Value(); v != nil {
		kind = v.Kind()
	}
	return fmt.Sprintf("%v: %q %t; %d %t; %d %t; %q; conflict %t", kind, value, ok,
		e.GCounter().Count(), e.GCounter().Live(), e.PNCounter().Count(), e.PNCounter().Live(),
		slices.Collect(e.ORSet().All()), e.Conflict())
}

var everyKind = []crdt.Kind{crdt.KindRegister, crdt.KindGCounter, crdt.KindPNCounter, crdt.KindORSet}

// forKinds runs a property in worlds of one kind each and in one of all kinds.
func forKinds(t *testing.T, property func(w *world)) {
	for _, k := range everyKind {
		t.Run(k.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { property(newWorld(t, k)) })
		})
	}
	t.Run("all", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { property(newWorld(t, everyKind...)) })
	})
}
