package crdt

import (
	"math"
	"slices"

	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/wire"
)

// A dot in a value's encoding is the index of its actor in the value's context
// and its counter: about 4 bytes where the whole dot has 11.

func indexOf(actors []clock.Actor, a clock.Actor) uint64 {
	i, _ := slices.BinarySearchFunc(actors, a, clock.Actor.Compare)
	return uint64(i)
}

func dotSize(actors []clock.Actor, d clock.Dot) int {
	return wire.UvarintSize(indexOf(actors, d.Actor)) + wire.UvarintSize(d.Counter)
}

func appendDot(b []byte, actors []clock.Actor, d clock.Dot) []byte {
	return wire.AppendUvarint(wire.AppendUvarint(b, indexOf(actors, d.Actor)), d.Counter)
}

// readDot reads a dot, which must be in context, of which actors are.
func readDot(r *wire.Reader, context clock.DotContext, actors []clock.Actor) clock.Dot {
	i, n := r.Uvarint(), r.Uvarint()
	if i >= uint64(len(actors)) {
		r.Fail("got actor %d of %d", i, len(actors))
		return clock.Dot{}
	}
	d := clock.Dot{Actor: actors[i], Counter: n}
	if !r.Failed() && !context.Contains(d) {
		r.Fail("got dot %s, which is not in the context", d)
	}
	return d
}

func (c *counter) size(both bool) int {
	actors := c.context.Actors()
	n := c.context.Size() + wire.UvarintSize(uint64(len(c.live)))
	for _, t := range c.live {
		n += dotSize(actors, t.dot) + wire.UvarintSize(t.up)
		if both {
			n += wire.UvarintSize(t.down)
		}
	}
	return n
}

func (c *counter) append(b []byte, both bool) []byte {
	actors := c.context.Actors()
	b = c.context.Append(b)
	b = wire.AppendUvarint(b, uint64(len(c.live)))
	for _, t := range c.live {
		b = appendDot(b, actors, t.dot)
		b = wire.AppendUvarint(b, t.up)
		if both {
			b = wire.AppendUvarint(b, t.down)
		}
	}
	return b
}

func readCounter(r *wire.Reader, both bool) counter {
	c := counter{context: clock.ReadDotContext(r)}
	actors := c.context.Actors()
	n := r.Count(3, math.MaxInt32)
	if n == 0 {
		return c
	}
	c.live = make([]tally, 0, n)
	for range n {
		t := tally{dot: readDot(r, c.context, actors), up: r.Uvarint()}
		if both {
			t.down = r.Uvarint()
		}
		if last := len(c.live) - 1; last >= 0 && compareTallies(c.live[last], t) >= 0 {
			r.Fail("got dot %s after %s, want ascending order", t.dot, c.live[last].dot)
		}
		if t.up > maxTally || t.down > maxTally {
			r.Fail("got a tally of %d and %d, want at most %d", t.up, t.down, uint64(maxTally))
		}
		if r.Failed() {
			return counter{}
		}
		c.live = append(c.live, t)
	}
	return c
}
