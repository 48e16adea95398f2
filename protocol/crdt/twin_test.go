package crdt_test

import (
	"fmt"
	"slices"

	"github.com/starling-sim/starling/protocol/crdt"
)

// reference is the naive twin's reading of a set of events: from first
// principles, with nothing but who knew what.
func (w *world) reference(h history) string {
	register, written := w.lastWrite(h)
	up, gLive := w.sum(h, crdt.KindGCounter)
	both, pnLive := w.sum(h, crdt.KindPNCounter)
	elements := w.elements(h)
	live := []bool{written, gLive, pnLive, len(elements) > 0}
	kind, count := crdt.Kind(0), 0
	for i, is := range live {
		if is {
			kind = crdt.Kind(i + 1)
			count++
		}
	}
	return fmt.Sprintf("%v: %q %t; %d %t; %d %t; %q; conflict %t", kind, register, written,
		up, gLive, both, pnLive, elements, count > 1)
}

// lastWrite is the register's value: that of the event with the greatest
// timestamp, if that is a write. A deletion, or a put of another kind, counts if
// its actor saw a value to delete.
func (w *world) lastWrite(h history) (value string, ok bool) {
	last := crdt.Stamp{}
	for i := range w.events {
		e := &w.events[i]
		if !h[i] || e.stamp.Time.Compare(last.Time) <= 0 {
			continue
		}
		switch {
		case e.kind == crdt.KindRegister:
			last, value, ok = e.stamp, e.element, true
		case e.sawRegister:
			last, value, ok = e.stamp, "", false
		}
	}
	return value, ok
}

// adds reports whether e brings something of a kind that can be removed.
func (e *event) adds(k crdt.Kind) bool { return e.kind == k && (k != crdt.KindORSet || !e.gone) }

// removedBy returns the events that e removes, by what its actor knew: of what
// stood, whatever it deletes or replaces; and all that its actor had added
// earlier to a counter that it adds to, or to a value that it deletes.
func (w *world) removedBy(e *event) history {
	out := history{}
	for _, k := range everyKind[1:] {
		standing := w.standing(e.seen, k)
		replaces := e.kind == k
		for _, f := range standing {
			if !replaces || k == crdt.KindORSet && e.element == w.events[f].element {
				out[f] = true
			}
		}
		if replaces && k == crdt.KindORSet || !replaces && len(standing) == 0 {
			continue
		}
		for f := range e.seen {
			if w.events[f].kind == k && w.events[f].stamp.Dot.Actor == e.stamp.Dot.Actor {
				out[f] = true
			}
		}
	}
	return out
}

// standing returns the events of a kind that brought something that no event of
// h removes.
func (w *world) standing(h history, k crdt.Kind) []int {
	var out []int
	for f := range w.events {
		removed := !h[f] || !w.events[f].adds(k)
		for e := range h {
			removed = removed || w.events[e].removes[f]
		}
		if !removed {
			out = append(out, f)
		}
	}
	return out
}

// elements is the set: what stands.
func (w *world) elements(h history) []string {
	var out []string
	for _, f := range w.standing(h, crdt.KindORSet) {
		out = append(out, w.events[f].element)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sum is the counter: of each event that stands, all that its actor had added
// to what it saw standing of its own.
func (w *world) sum(h history, k crdt.Kind) (total int64, live bool) {
	standing := w.standing(h, k)
	for _, f := range standing {
		total += w.events[f].sum
	}
	return total, len(standing) > 0
}

// sumOf is what the actor of e, which adds to a counter, had added up to e.
func (w *world) sumOf(e *event) int64 {
	sum := e.up
	for _, f := range w.standing(e.seen, e.kind) {
		if w.events[f].stamp.Dot.Actor == e.stamp.Dot.Actor {
			sum += w.events[f].sum
		}
	}
	return sum
}
