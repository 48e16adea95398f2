package clock

import (
	"math"

	"github.com/starling-sim/starling/protocol/wire"
)

// Size returns the number of bytes Append adds.
func (s DVVSet) Size() int {
	n := wire.UvarintSize(uint64(len(s.entries)))
	for _, c := range s.entries {
		n += DotSize(c.dot) + wire.UvarintSize(uint64(len(c.values)))
		for _, v := range c.values {
			n += wire.BytesSize(len(v))
		}
	}
	return n
}

// Append appends s.
func (s DVVSet) Append(b []byte) []byte {
	b = wire.AppendUvarint(b, uint64(len(s.entries)))
	for _, c := range s.entries {
		b = AppendDot(b, c.dot)
		b = wire.AppendUvarint(b, uint64(len(c.values)))
		for _, v := range c.values {
			b = wire.AppendBytes(b, v)
		}
	}
	return b
}

// ReadDVVSet reads what Append wrote.
func ReadDVVSet(r *wire.Reader) DVVSet {
	n := r.Count(minDot+1, math.MaxInt32)
	if n == 0 {
		return DVVSet{}
	}
	entries := make([]column, 0, n)
	for range n {
		c := column{dot: ReadDot(r)}
		if last := len(entries) - 1; last >= 0 && entries[last].dot.Actor.Compare(c.dot.Actor) >= 0 {
			r.Fail("got actor %s after %s, want ascending order", c.dot.Actor, entries[last].dot.Actor)
		}
		values := r.Count(1, int(min(c.dot.Counter, math.MaxInt32)))
		if r.Failed() {
			return DVVSet{}
		}
		if values > 0 {
			c.values = make([]string, values)
		}
		for i := range c.values {
			c.values[i] = r.String(math.MaxInt32)
		}
		entries = append(entries, c)
	}
	return DVVSet{entries}
}

// DecodeDVVSet decodes exactly what Append wrote. Its errors wrap
// protocol.ErrMalformed.
func DecodeDVVSet(b []byte) (DVVSet, error) {
	r := wire.NewReader(b)
	s := ReadDVVSet(&r)
	return s, r.Finish()
}
