package crdt

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/starling-sim/starling/protocol/clock"
)

// ORSet is an observed-remove set of byte strings, without tombstones: a dot that
// is in its context and marks no element belongs to what was removed (Bieniusa
// and others: "An optimized conflict-free replicated set", 2012; the add-wins set
// of Almeida and others, 2018). The zero ORSet is empty.
type ORSet struct {
	context clock.DotContext
	// marks are in the order of element and dot. Every dot is in context.
	marks []mark
}

// mark says that an element is in the set because of an addition that nothing
// has replaced or removed.
type mark struct {
	element string
	dot     clock.Dot
}

func compareMarks(a, b mark) int {
	if c := cmp.Compare(a.element, b.element); c != 0 {
		return c
	}
	return a.dot.Compare(b.dot)
}

// Kind returns KindORSet.
func (s *ORSet) Kind() Kind { return KindORSet }

// Live reports whether the set has an element.
func (s *ORSet) Live() bool { return len(s.marks) > 0 }

func (s *ORSet) empty() bool { return s.context.IsEmpty() }

// Contains reports whether element is in the set.
func (s *ORSet) Contains(element string) bool { return len(s.marksOf(element)) > 0 }

// Len returns the number of elements.
func (s *ORSet) Len() int {
	n := 0
	for range s.All() {
		n++
	}
	return n
}

// All yields the elements in byte order.
func (s *ORSet) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, m := range s.marks {
			if (i == 0 || s.marks[i-1].element != m.element) && !yield(m.element) {
				return
			}
		}
	}
}

// Add adds element as event d. Adding one that is there renews it: a concurrent
// removal will not have seen it. ErrTooLarge is for a set whose encoding would
// exceed MaxValue.
func (s *ORSet) Add(d clock.Dot, element string) (next, delta *ORSet, err error) {
	run, err := fresh(s.context, d)
	if err != nil {
		return s, &ORSet{}, fmt.Errorf("add to set: %w", err)
	}
	m := mark{element, d}
	next, replaced := s.without(element)
	i, _ := slices.BinarySearchFunc(next.marks, m, compareMarks)
	next.marks = slices.Insert(next.marks, i, m)
	next.context = s.context.With(run)
	if n := next.Size(); n > MaxValue {
		return s, &ORSet{}, fmt.Errorf("add to set: got %d bytes, want at most %d: %w", n, MaxValue, ErrTooLarge)
	}
	return next, &ORSet{claim(run, replaced), []mark{m}}, nil
}

// Remove removes element as event d. If it is not there, next is s itself, delta
// is empty, and no event happened.
func (s *ORSet) Remove(d clock.Dot, element string) (next, delta *ORSet, err error) {
	if !s.Contains(element) {
		return s, &ORSet{}, nil
	}
	run, err := fresh(s.context, d)
	if err != nil {
		return s, &ORSet{}, fmt.Errorf("remove from set: %w", err)
	}
	next, removed := s.without(element)
	next.context = s.context.With(run)
	return next, &ORSet{context: claim(run, removed)}, nil
}

// Clear removes all elements that the set holds.
func (s *ORSet) Clear(stamp Stamp) (next, delta Value, err error) {
	if !s.Live() {
		return s, &ORSet{}, nil
	}
	run, err := fresh(s.context, stamp.Dot)
	if err != nil {
		return s, &ORSet{}, fmt.Errorf("clear set: %w", err)
	}
	return &ORSet{context: s.context.With(run)}, &ORSet{context: claim(history(stamp.Dot), s.dots())}, nil
}

// Merge returns the join of both sets.
func (s *ORSet) Merge(other Value) (Value, error) {
	o, ok := other.(*ORSet)
	if !ok {
		return nil, &KindError{Got: other.Kind(), Want: KindORSet}
	}
	if s == o {
		return s, nil
	}
	n, isS, isO := 0, true, true
	joinMarks(s, o, func(_ mark, of origin) {
		if of == gone {
			return
		}
		n++
		isS, isO = isS && of != right, isO && of != left
	})
	isS, isO = isS && n == len(s.marks), isO && n == len(o.marks)
	switch order := s.context.Compare(o.context); {
	case isS && (order == clock.After || order == clock.Equal):
		return s, nil
	case isO && (order == clock.Before || order == clock.Equal):
		return o, nil
	}
	joined := &ORSet{context: s.context.Union(o.context)}
	switch {
	case isS:
		joined.marks = s.marks
	case isO:
		joined.marks = o.marks
	default:
		joined.marks = make([]mark, 0, n)
		joinMarks(s, o, func(m mark, of origin) {
			if of != gone {
				joined.marks = append(joined.marks, m)
			}
		})
	}
	return joined, nil
}

// origin says which operand of a join a mark of the result is from.
type origin uint8

const (
	gone origin = iota // the other side saw it removed: not in the result
	left
	right
	shared
)

// joinMarks calls visit for each mark of s or o in order. Merge walks twice, to
// allocate only what it needs: most joins change nothing or one mark.
func joinMarks(s, o *ORSet, visit func(mark, origin)) {
	a, b := s.marks, o.marks
	for len(a) > 0 || len(b) > 0 {
		side := compareHeads(a, b, compareMarks)
		switch {
		case side == 0:
			visit(a[0], shared)
		case side < 0 && !o.context.Contains(a[0].dot):
			visit(a[0], left)
		case side > 0 && !s.context.Contains(b[0].dot):
			visit(b[0], right)
		case side < 0:
			visit(a[0], gone)
		default:
			visit(b[0], gone)
		}
		if side <= 0 {
			a = a[1:]
		}
		if side >= 0 {
			b = b[1:]
		}
	}
}

// DeltaSince returns what a replica lacks that has merged the events in v. Of
// what is known it carries a few bytes for each element, and no element.
func (s *ORSet) DeltaSince(v clock.VersionVector) Value {
	if s.context.CoveredBy(v) {
		return &ORSet{}
	}
	delta := &ORSet{context: withheld(s.context, s.dots(), v)}
	for _, m := range s.marks {
		if !v.Contains(m.dot) {
			delta.marks = append(delta.marks, m)
		}
	}
	return delta
}

func (s *ORSet) forget(v clock.VersionVector, held Value) Value {
	h, ok := held.(*ORSet)
	var marks []mark
	for _, m := range s.marks {
		if !v.Contains(m.dot) || ok && h.has(m) {
			marks = append(marks, m)
		}
	}
	if len(marks) == len(s.marks) {
		return s
	}
	return &ORSet{context: s.context, marks: marks}
}

func (s *ORSet) has(m mark) bool {
	_, ok := slices.BinarySearchFunc(s.marks, m, compareMarks)
	return ok
}

// Version returns the newest event of each actor.
func (s *ORSet) Version() clock.VersionVector { return s.context.Bounds() }

// CoveredBy reports whether v names every event.
func (s *ORSet) CoveredBy(v clock.VersionVector) bool { return s.context.CoveredBy(v) }

// marksOf returns the marks of one element.
func (s *ORSet) marksOf(element string) []mark {
	i, _ := slices.BinarySearchFunc(s.marks, mark{element: element}, compareMarks)
	j := i
	for j < len(s.marks) && s.marks[j].element == element {
		j++
	}
	return s.marks[i:j]
}

// without returns a copy of s without an element, with room for one mark, and
// the dots of the element in order.
func (s *ORSet) without(element string) (*ORSet, []clock.Dot) {
	old := s.marksOf(element)
	dots := make([]clock.Dot, len(old))
	for i, m := range old {
		dots[i] = m.dot
	}
	marks := make([]mark, 0, len(s.marks)+1)
	for _, m := range s.marks {
		if m.element != element {
			marks = append(marks, m)
		}
	}
	return &ORSet{context: s.context, marks: marks}, dots
}

// dots returns the dots of all marks in order, each once.
func (s *ORSet) dots() []clock.Dot {
	out := make([]clock.Dot, len(s.marks))
	for i, m := range s.marks {
		out[i] = m.dot
	}
	slices.SortFunc(out, clock.Dot.Compare)
	return slices.Compact(out)
}
