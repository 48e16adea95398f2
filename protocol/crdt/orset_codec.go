package crdt

import (
	"math"

	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/wire"
)

// Size is the exact number of bytes that Append adds.
func (s *ORSet) Size() int {
	actors := s.context.Actors()
	elements, n := 0, s.context.Size()
	for marks := s.marks; len(marks) > 0; elements++ {
		same := sameElement(marks)
		n += wire.BytesSize(len(marks[0].element)) + wire.UvarintSize(uint64(same))
		for _, m := range marks[:same] {
			n += dotSize(actors, m.dot)
		}
		marks = marks[same:]
	}
	return n + wire.UvarintSize(uint64(elements))
}

// Append appends the canonical encoding.
func (s *ORSet) Append(b []byte) []byte {
	actors := s.context.Actors()
	b = s.context.Append(b)
	b = wire.AppendUvarint(b, uint64(s.Len()))
	for marks := s.marks; len(marks) > 0; {
		same := sameElement(marks)
		b = wire.AppendBytes(b, marks[0].element)
		b = wire.AppendUvarint(b, uint64(same))
		for _, m := range marks[:same] {
			b = appendDot(b, actors, m.dot)
		}
		marks = marks[same:]
	}
	return b
}

func readORSet(r *wire.Reader) *ORSet {
	s := &ORSet{context: clock.ReadDotContext(r)}
	actors := s.context.Actors()
	n := r.Count(4, math.MaxInt32)
	if n == 0 {
		return s
	}
	s.marks = make([]mark, 0, n)
	for i := range n {
		element := r.String(MaxValue)
		if last := len(s.marks) - 1; i > 0 && s.marks[last].element >= element {
			r.Fail("got element %q after %q, want ascending order", element, s.marks[last].element)
		}
		dots := r.Count(2, math.MaxInt32)
		if dots == 0 {
			r.Fail("got an element without dots")
		}
		for j := range dots {
			m := mark{element, readDot(r, s.context, actors)}
			if last := len(s.marks) - 1; j > 0 && s.marks[last].dot.Compare(m.dot) >= 0 {
				r.Fail("got dot %s after %s, want ascending order", m.dot, s.marks[last].dot)
			}
			if r.Failed() {
				return &ORSet{}
			}
			s.marks = append(s.marks, m)
		}
		if r.Failed() {
			return &ORSet{}
		}
	}
	return s
}

// sameElement returns how many of the marks, of which there is one, are of the
// first one's element.
func sameElement(marks []mark) int {
	n := 1
	for n < len(marks) && marks[n].element == marks[0].element {
		n++
	}
	return n
}
