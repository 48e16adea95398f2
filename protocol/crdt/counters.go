package crdt

import (
	"math"

	"github.com/starling-sim/starling/protocol/clock"
)

// GCounter is a counter that only grows, until it is deleted. The zero GCounter
// was never incremented.
type GCounter struct{ counter }

// Kind returns KindGCounter.
func (c *GCounter) Kind() Kind { return KindGCounter }

// Live reports whether there is an increment.
func (c *GCounter) Live() bool { return len(c.live) > 0 }

func (c *GCounter) empty() bool { return c.context.IsEmpty() }

func (c *GCounter) forget(v clock.VersionVector, held Value) Value {
	var of *counter
	if h, ok := held.(*GCounter); ok {
		of = &h.counter
	}
	if out, some := c.without(v, of); some {
		return &GCounter{out}
	}
	return c
}

// Count returns the sum of the increments, at most 2^64 - 1.
func (c *GCounter) Count() uint64 {
	up, _ := c.totals()
	return up
}

// Add increments by n as event d.
func (c *GCounter) Add(d clock.Dot, n uint64) (next, delta *GCounter, err error) {
	a, b, err := c.add(d, n, 0)
	if err != nil {
		return c, &GCounter{}, err
	}
	return &GCounter{a}, &GCounter{b}, nil
}

// Clear deletes the increments that the counter has seen.
func (c *GCounter) Clear(s Stamp) (next, delta Value, err error) {
	if !c.Live() {
		return c, &GCounter{}, nil
	}
	a, b, err := c.clear(s.Dot)
	if err != nil {
		return c, &GCounter{}, err
	}
	return &GCounter{a}, &GCounter{b}, nil
}

// Merge returns the join of both counters.
func (c *GCounter) Merge(other Value) (Value, error) {
	o, ok := other.(*GCounter)
	if !ok {
		return nil, &KindError{Got: other.Kind(), Want: KindGCounter}
	}
	switch joined, isC, isO := c.join(&o.counter); {
	case isC:
		return c, nil
	case isO:
		return o, nil
	default:
		return &GCounter{joined}, nil
	}
}

// DeltaSince returns what a replica lacks that has merged the events in v.
func (c *GCounter) DeltaSince(v clock.VersionVector) Value { return &GCounter{c.since(v)} }

// Version returns the newest event of each actor.
func (c *GCounter) Version() clock.VersionVector { return c.context.Bounds() }

// CoveredBy reports whether v names every event.
func (c *GCounter) CoveredBy(v clock.VersionVector) bool { return c.context.CoveredBy(v) }

// Size is the exact number of bytes that Append adds.
func (c *GCounter) Size() int { return c.size(false) }

// Append appends the canonical encoding.
func (c *GCounter) Append(b []byte) []byte { return c.append(b, false) }

// PNCounter is a counter that grows and shrinks. The zero PNCounter was never
// changed. One that was changed back to zero is still there.
type PNCounter struct{ counter }

// Kind returns KindPNCounter.
func (c *PNCounter) Kind() Kind { return KindPNCounter }

// Live reports whether there is an increment or a decrement.
func (c *PNCounter) Live() bool { return len(c.live) > 0 }

func (c *PNCounter) empty() bool { return c.context.IsEmpty() }

func (c *PNCounter) forget(v clock.VersionVector, held Value) Value {
	var of *counter
	if h, ok := held.(*PNCounter); ok {
		of = &h.counter
	}
	if out, some := c.without(v, of); some {
		return &PNCounter{out}
	}
	return c
}

// Count returns the increments less the decrements, or the nearest number of
// 64 bits.
func (c *PNCounter) Count() int64 {
	up, down := c.totals()
	if up >= down {
		return int64(min(up-down, math.MaxInt64))
	}
	if down-up > math.MaxInt64 {
		return math.MinInt64
	}
	return -int64(down - up)
}

// Add adds n, which may be negative, as event d.
func (c *PNCounter) Add(d clock.Dot, n int64) (next, delta *PNCounter, err error) {
	up, down := uint64(n), uint64(0)
	if n < 0 {
		up, down = 0, -uint64(n)
	}
	a, b, err := c.add(d, up, down)
	if err != nil {
		return c, &PNCounter{}, err
	}
	return &PNCounter{a}, &PNCounter{b}, nil
}

// Clear deletes the increments and decrements that the counter has seen.
func (c *PNCounter) Clear(s Stamp) (next, delta Value, err error) {
	if !c.Live() {
		return c, &PNCounter{}, nil
	}
	a, b, err := c.clear(s.Dot)
	if err != nil {
		return c, &PNCounter{}, err
	}
	return &PNCounter{a}, &PNCounter{b}, nil
}

// Merge returns the join of both counters.
func (c *PNCounter) Merge(other Value) (Value, error) {
	o, ok := other.(*PNCounter)
	if !ok {
		return nil, &KindError{Got: other.Kind(), Want: KindPNCounter}
	}
	switch joined, isC, isO := c.join(&o.counter); {
	case isC:
		return c, nil
	case isO:
		return o, nil
	default:
		return &PNCounter{joined}, nil
	}
}

// DeltaSince returns what a replica lacks that has merged the events in v.
func (c *PNCounter) DeltaSince(v clock.VersionVector) Value { return &PNCounter{c.since(v)} }

// Version returns the newest event of each actor.
func (c *PNCounter) Version() clock.VersionVector { return c.context.Bounds() }

// CoveredBy reports whether v names every event.
func (c *PNCounter) CoveredBy(v clock.VersionVector) bool { return c.context.CoveredBy(v) }

// Size is the exact number of bytes that Append adds.
func (c *PNCounter) Size() int { return c.size(true) }

// Append appends the canonical encoding.
func (c *PNCounter) Append(b []byte) []byte { return c.append(b, true) }
