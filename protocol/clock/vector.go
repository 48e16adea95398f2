package clock

import (
	"iter"
	"math"
	"slices"

	"github.com/starling-sim/starling/protocol/wire"
)

// VersionVector says of each actor that its events 1 to n are known. The zero
// value knows nothing.
type VersionVector struct {
	// entries are in the order of their actors, one an actor, all valid.
	entries []Dot
}

// NewVersionVector returns the vector that knows every actor's events up to
// the largest of its dots. It returns false if a dot is not valid.
func NewVersionVector(dots ...Dot) (VersionVector, bool) {
	entries := slices.Clone(dots)
	slices.SortFunc(entries, Dot.Compare)
	out := entries[:0]
	for _, d := range entries {
		if !d.Valid() {
			return VersionVector{}, false
		}
		if n := len(out); n > 0 && out[n-1].Actor == d.Actor {
			out[n-1] = d
		} else {
			out = append(out, d)
		}
	}
	return VersionVector{out}, true
}

// Len returns the number of actors of which events are known.
func (v VersionVector) Len() int { return len(v.entries) }

// All yields the newest known event of each actor, in the order of the actors.
func (v VersionVector) All() iter.Seq[Dot] { return slices.Values(v.entries) }

// Get returns how many events of a are known.
func (v VersionVector) Get(a Actor) uint64 {
	if i, ok := v.find(a); ok {
		return v.entries[i].Counter
	}
	return 0
}

// Contains reports whether the event d is known.
func (v VersionVector) Contains(d Dot) bool { return d.Counter <= v.Get(d.Actor) }

// With returns v with d, and everything its actor did before, known. It
// returns v itself if that is so already or d is not valid.
func (v VersionVector) With(d Dot) VersionVector {
	if !d.Valid() {
		return v
	}
	i, ok := v.find(d.Actor)
	if !ok {
		return VersionVector{insert(v.entries, i, d)}
	}
	if v.entries[i].Counter >= d.Counter {
		return v
	}
	entries := slices.Clone(v.entries)
	entries[i] = d
	return VersionVector{entries}
}

// Merge returns what v and w know together. It is v itself if v knows all that
// w knows, else w itself if w knows all that v knows.
func (v VersionVector) Merge(w VersionVector) VersionVector {
	switch v.Compare(w) {
	case Equal, After:
		return v
	case Before:
		return w
	}
	a, b := v.entries, w.entries
	out := make([]Dot, 0, v.countUnion(w))
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].Actor.Compare(b[0].Actor); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, Dot{a[0].Actor, max(a[0].Counter, b[0].Counter)})
			a, b = a[1:], b[1:]
		}
	}
	return VersionVector{append(append(out, a...), b...)}
}

// countUnion returns how many actors v and w have together, so that what is
// kept for long takes no more room than it needs.
func (v VersionVector) countUnion(w VersionVector) int {
	a, b := v.entries, w.entries
	n := 0
	for ; len(a) > 0 && len(b) > 0; n++ {
		c := a[0].Actor.Compare(b[0].Actor)
		if c <= 0 {
			a = a[1:]
		}
		if c >= 0 {
			b = b[1:]
		}
	}
	return n + len(a) + len(b)
}

// Compare tells how the knowledge of v relates to that of w.
func (v VersionVector) Compare(w VersionVector) Order {
	less, greater := true, true
	a, b := v.entries, w.entries
	for len(a) > 0 && len(b) > 0 && (less || greater) {
		switch c := a[0].Actor.Compare(b[0].Actor); {
		case c < 0:
			less, a = false, a[1:]
		case c > 0:
			greater, b = false, b[1:]
		default:
			less = less && a[0].Counter <= b[0].Counter
			greater = greater && a[0].Counter >= b[0].Counter
			a, b = a[1:], b[1:]
		}
	}
	return orderOf(less && len(a) == 0, greater && len(b) == 0)
}

// Prune returns v without the actors that retired reports. What was known of
// them is forgotten: their events will look new if they come again. So an actor
// may be retired only when it will do nothing more and all that it did has
// reached everybody.
func (v VersionVector) Prune(retired func(Actor) bool) VersionVector {
	entries := make([]Dot, 0, len(v.entries))
	for _, d := range v.entries {
		if !retired(d.Actor) {
			entries = append(entries, d)
		}
	}
	if len(entries) == len(v.entries) {
		return v
	}
	return VersionVector{slices.Clone(entries)}
}

// Size returns the number of bytes Append adds.
func (v VersionVector) Size() int {
	n := wire.UvarintSize(uint64(len(v.entries)))
	for _, d := range v.entries {
		n += DotSize(d)
	}
	return n
}

// Append appends v.
func (v VersionVector) Append(b []byte) []byte {
	b = wire.AppendUvarint(b, uint64(len(v.entries)))
	for _, d := range v.entries {
		b = AppendDot(b, d)
	}
	return b
}

// ReadVersionVector reads what Append wrote.
func ReadVersionVector(r *wire.Reader) VersionVector {
	n := r.Count(minDot, math.MaxInt32)
	if n == 0 {
		return VersionVector{}
	}
	entries := make([]Dot, 0, n)
	for range n {
		d := ReadDot(r)
		if last := len(entries) - 1; last >= 0 && entries[last].Actor.Compare(d.Actor) >= 0 {
			r.Fail("got actor %s after %s, want ascending order", d.Actor, entries[last].Actor)
		}
		if r.Failed() {
			return VersionVector{}
		}
		entries = append(entries, d)
	}
	return VersionVector{entries}
}

// DecodeVersionVector decodes exactly what Append wrote. Its errors wrap
// protocol.ErrMalformed.
func DecodeVersionVector(b []byte) (VersionVector, error) {
	r := wire.NewReader(b)
	v := ReadVersionVector(&r)
	return v, r.Finish()
}

// find returns where a's entry is or belongs.
func (v VersionVector) find(a Actor) (int, bool) {
	return slices.BinarySearchFunc(v.entries, a, func(d Dot, a Actor) int { return d.Actor.Compare(a) })
}

// insert returns a copy of s with x at index i, and not a byte more.
func insert[T any](s []T, i int, x T) []T {
	out := make([]T, len(s)+1)
	copy(out, s[:i])
	out[i] = x
	copy(out[i+1:], s[i:])
	return out
}
