package clock

import (
	"iter"
	"slices"
)

// DVVSet is a dotted version vector set: concurrent values ("siblings") of one
// key and the causal history they stand in. The zero value is empty.
//
// A client reads the values and [DVVSet.Context], and writes with
// [DVVSet.Update], which replaces what the client had read and nothing else.
type DVVSet struct {
	// entries are in the order of their actors, one an actor.
	entries []column
}

// column is (r, n, l) in the paper: the events 1 to n of an actor, of which the
// last len(values) wrote values that nothing has replaced.
type column struct {
	dot Dot
	// values are newest first: values[i] was written by dot.Counter-i.
	values []string
}

// Len returns the number of values.
func (s DVVSet) Len() int {
	n := 0
	for _, c := range s.entries {
		n += len(c.values)
	}
	return n
}

// Values yields the values with the events that wrote them, by actor, newest
// first.
func (s DVVSet) Values() iter.Seq2[Dot, string] {
	return func(yield func(Dot, string) bool) {
		for _, c := range s.entries {
			for i, v := range c.values {
				if !yield(Dot{c.dot.Actor, c.dot.Counter - uint64(i)}, v) {
					return
				}
			}
		}
	}
}

// Context returns the causal history: join in the paper. A client that read s
// hands it back with its write.
func (s DVVSet) Context() VersionVector {
	entries := make([]Dot, len(s.entries))
	for i, c := range s.entries {
		entries[i] = c.dot
	}
	return VersionVector{entries}
}

// Compare tells how s relates to t: Before if t knows all of the history of s,
// and every value of t that s knows of is still a value of s. Then merging them
// gives t.
func (s DVVSet) Compare(t DVVSet) Order {
	return orderOf(s.upTo(t), t.upTo(s))
}

func (s DVVSet) upTo(t DVVSet) bool {
	b := t.entries
	for _, c := range s.entries {
		for len(b) > 0 && b[0].dot.Actor.Compare(c.dot.Actor) < 0 {
			b = b[1:]
		}
		if len(b) == 0 || b[0].dot.Actor != c.dot.Actor || b[0].dot.Counter < c.dot.Counter || b[0].replaced() < c.replaced() {
			return false
		}
	}
	return true
}

// replaced returns up to which counter the column's values have been replaced.
func (c column) replaced() uint64 { return c.dot.Counter - uint64(len(c.values)) }

// Merge returns the values of s and t that neither knows to be replaced: sync
// in the paper. It is s itself if t adds nothing, else t itself if s adds
// nothing. If a peer invented other values for the same events, the greater
// list wins, so that all replicas agree.
func (s DVVSet) Merge(t DVVSet) DVVSet {
	out := make([]column, 0, max(len(s.entries), len(t.entries)))
	a, b := s.entries, t.entries
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].dot.Actor.Compare(b[0].dot.Actor); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, mergeColumns(a[0], b[0]))
			a, b = a[1:], b[1:]
		}
	}
	out = append(append(out, a...), b...)
	switch merged := (DVVSet{out}); {
	case merged.equal(s):
		return s
	case merged.equal(t):
		return t
	default:
		return merged
	}
}

// mergeColumns merges two columns of one actor.
func mergeColumns(a, b column) column {
	if a.dot.Counter < b.dot.Counter {
		a, b = b, a
	}
	replaced := max(a.replaced(), b.replaced())
	if replaced >= a.dot.Counter {
		return column{dot: a.dot}
	}
	values := a.values[:a.dot.Counter-replaced]
	if a.dot.Counter == b.dot.Counter {
		if other := b.values[:len(values)]; slices.Compare(other, values) > 0 {
			values = other
		}
	}
	return column{dot: a.dot, values: values}
}

// Update returns s after actor a, the replica that holds s, wrote value for a
// client that had read context: the values that context knows of are replaced.
// It returns false, and s, if a is nobody or has counted to MaxCounter.
func (s DVVSet) Update(context VersionVector, a Actor, value string) (DVVSet, bool) {
	next := max(s.Context().Get(a), context.Get(a)) + 1
	if !(Dot{a, next}).Valid() {
		return s, false
	}
	out := s.Discard(context)
	i, ok := slices.BinarySearchFunc(out.entries, a, func(c column, a Actor) int { return c.dot.Actor.Compare(a) })
	if !ok {
		return DVVSet{insert(out.entries, i, column{Dot{a, next}, []string{value}})}, true
	}
	entries := slices.Clone(out.entries)
	entries[i] = column{Dot{a, next}, insert(entries[i].values, 0, value)}
	return DVVSet{entries}, true
}

// Discard returns s after a client that had read context deleted what it read:
// the values that context knows of are gone, its history is known.
func (s DVVSet) Discard(context VersionVector) DVVSet {
	entries := make([]column, context.Len())
	for i, d := range context.entries {
		entries[i].dot = d
	}
	return s.Merge(DVVSet{entries})
}

// Prune returns s without the columns that hold no value and whose actor
// retired reports. What [VersionVector.Prune] says of when that is safe holds
// here.
func (s DVVSet) Prune(retired func(Actor) bool) DVVSet {
	out := make([]column, 0, len(s.entries))
	for _, c := range s.entries {
		if len(c.values) > 0 || !retired(c.dot.Actor) {
			out = append(out, c)
		}
	}
	if len(out) == len(s.entries) {
		return s
	}
	return DVVSet{slices.Clip(out)}
}

func (s DVVSet) equal(t DVVSet) bool {
	return slices.EqualFunc(s.entries, t.entries, func(a, b column) bool {
		return a.dot == b.dot && slices.Equal(a.values, b.values)
	})
}
