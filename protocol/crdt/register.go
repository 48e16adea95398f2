package crdt

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/wire"
)

// Register holds the value that was written last, by timestamp. Of equal
// timestamps, which honest nodes do not issue, a deletion wins, then the greater
// SHA-256 hash of the value. The zero Register was never written.
//
// It remembers which writes it has seen, as a version vector. Who wins does not
// need that; who forgets a deletion does: it must know whether what was deleted
// can still come back from somewhere.
type Register struct {
	wall        int64
	node        protocol.NodeID
	counter     uint64
	logical     uint32
	incarnation uint32
	value       string
	state       registerState
	// others is what was seen besides the last write, which is not in it.
	others clock.VersionVector
}

type registerState uint8

const (
	neverWritten registerState = iota
	written
	deleted
)

// Kind returns KindRegister.
func (r *Register) Kind() Kind { return KindRegister }

// Live reports whether the register has a value.
func (r *Register) Live() bool { return r.state == written }

func (r *Register) empty() bool { return r.state == neverWritten }

// Get returns the value; ok is false if it was deleted or never written.
func (r *Register) Get() (value string, ok bool) { return r.value, r.state == written }

// Stamp returns the last write's or deletion's. It is zero if there was none.
func (r *Register) Stamp() Stamp {
	return Stamp{Dot: r.dot(), Time: clock.Timestamp{Wall: r.wall, Logical: r.logical, Node: r.node}}
}

func (r *Register) dot() clock.Dot {
	return clock.Dot{Actor: clock.Actor{Node: r.node, Incarnation: r.incarnation}, Counter: r.counter}
}

// Put writes value. The delta is the new state. ErrTooLarge is for a value
// beyond MaxValue.
func (r *Register) Put(s Stamp, value string) (next *Register, err error) {
	if len(value) > MaxValue {
		return r, fmt.Errorf("write register: got %d bytes, want at most %d: %w", len(value), MaxValue, ErrTooLarge)
	}
	return r.write(s, value, written)
}

// Clear writes nothing. The delta is the new state.
func (r *Register) Clear(s Stamp) (next, delta Value, err error) {
	if !r.Live() {
		return r, &Register{}, nil
	}
	n, err := r.write(s, "", deleted)
	if err != nil {
		return r, &Register{}, err
	}
	return n, n, nil
}

func (r *Register) write(s Stamp, value string, state registerState) (*Register, error) {
	if !s.Dot.Valid() || !s.Time.Valid() || s.Time.Node != s.Dot.Actor.Node {
		return r, fmt.Errorf("write register: got dot %s at %s: %w", s.Dot, s.Time, ErrStamp)
	}
	last, seen := r.Stamp(), r.Version()
	if s.Time.Compare(last.Time) <= 0 || s.Dot.Counter <= seen.Get(s.Dot.Actor) {
		return r, fmt.Errorf("write register: got dot %s at %s after dot %s at %s: %w", s.Dot, s.Time, last.Dot, last.Time, ErrStale)
	}
	next := &Register{
		wall: s.Time.Wall, logical: s.Time.Logical, node: s.Time.Node,
		incarnation: s.Dot.Actor.Incarnation, counter: s.Dot.Counter,
		value: value, state: state,
	}
	return next.having(seen.With(s.Dot)), nil
}

// having returns r with what was seen, which includes its last write: r itself
// if that is what it has.
func (r *Register) having(seen clock.VersionVector) *Register {
	others, d := seen, r.dot()
	if seen.Get(d.Actor) == d.Counter {
		others = seen.Prune(func(a clock.Actor) bool { return a == d.Actor })
	}
	if others.Compare(r.others) == clock.Equal {
		return r
	}
	next := *r
	next.others = others
	return &next
}

// Merge returns the register that was written last.
func (r *Register) Merge(other Value) (Value, error) {
	o, ok := other.(*Register)
	if !ok {
		return nil, &KindError{Got: other.Kind(), Want: KindRegister}
	}
	switch {
	case r == o || o.empty():
		return r, nil
	case r.empty():
		return o, nil
	}
	c := o.compare(r)
	switch {
	case c <= 0 && o.seenBy(r):
		return r, nil
	case c >= 0 && r.seenBy(o):
		return o, nil
	}
	seen := r.Version().Merge(o.Version())
	if c < 0 {
		return r.having(seen), nil
	}
	return o.having(seen), nil
}

// knows reports whether r has seen d.
func (r *Register) knows(d clock.Dot) bool {
	return d.Actor == r.dot().Actor && d.Counter <= r.counter || r.others.Contains(d)
}

// seenBy reports whether o, which is not empty, has seen all that r has.
func (r *Register) seenBy(o *Register) bool {
	for d := range r.others.All() {
		if !o.knows(d) {
			return false
		}
	}
	return o.knows(r.dot())
}

// compare is a total order of last writes.
func (r *Register) compare(o *Register) int {
	if r == o {
		return 0
	}
	if c := r.Stamp().Time.Compare(o.Stamp().Time); c != 0 {
		return c
	}
	if c := cmp.Compare(r.state, o.state); c != 0 {
		return c
	}
	if r.value != o.value {
		a, b := sha256.Sum256([]byte(r.value)), sha256.Sum256([]byte(o.value))
		if c := bytes.Compare(a[:], b[:]); c != 0 {
			return c
		}
	}
	return r.dot().Compare(o.dot())
}

// DeltaSince returns the register itself, or an empty one if v names every write
// that was seen.
func (r *Register) DeltaSince(v clock.VersionVector) Value {
	if r.CoveredBy(v) {
		return &Register{}
	}
	return r
}

// forget makes a deletion of a write that v names and held has not. It keeps
// deletions: to take one over again brings nothing back.
func (r *Register) forget(v clock.VersionVector, held Value) Value {
	h, ok := held.(*Register)
	if !r.Live() || !v.Contains(r.dot()) || ok && h.dot() == r.dot() {
		return r
	}
	gone := *r
	gone.state, gone.value = deleted, ""
	return &gone
}

// Version names the newest write of each actor that was seen.
func (r *Register) Version() clock.VersionVector {
	if r.empty() {
		return clock.VersionVector{}
	}
	return r.others.With(r.dot())
}

// CoveredBy reports whether v names every write that was seen.
func (r *Register) CoveredBy(v clock.VersionVector) bool {
	if r.empty() {
		return true
	}
	if !v.Contains(r.dot()) {
		return false
	}
	for d := range r.others.All() {
		if !v.Contains(d) {
			return false
		}
	}
	return true
}

// Size is the exact number of bytes that Append adds.
func (r *Register) Size() int {
	if r.empty() {
		return 1
	}
	n := 9 + wire.UvarintSize(uint64(r.logical)) + clock.DotSize(r.dot()) + r.others.Size()
	if r.Live() {
		n += wire.BytesSize(len(r.value))
	}
	return n
}

// Append appends the canonical encoding.
func (r *Register) Append(b []byte) []byte {
	b = append(b, byte(r.state))
	if r.empty() {
		return b
	}
	b = wire.AppendUint64(b, uint64(r.wall))
	b = wire.AppendUvarint(b, uint64(r.logical))
	b = clock.AppendDot(b, r.dot())
	b = r.others.Append(b)
	if r.Live() {
		b = wire.AppendBytes(b, r.value)
	}
	return b
}

func readRegister(r *wire.Reader) (*Register, error) {
	out := &Register{state: registerState(r.Uint8())}
	if out.state == neverWritten {
		return out, nil
	}
	if out.state > deleted {
		r.Fail("got register state %d, want at most %d", out.state, deleted)
	}
	wall, logical := r.Uint64(), r.Uvarint()
	if wall > math.MaxInt64 || logical > math.MaxUint32 {
		r.Fail("got wall time %d and logical time %d, want 63 and 32 bits", wall, logical)
	}
	d := clock.ReadDot(r)
	out.wall, out.logical = int64(wall), uint32(logical)
	out.node, out.incarnation, out.counter = d.Actor.Node, d.Actor.Incarnation, d.Counter
	out.others = clock.ReadVersionVector(r)
	if n := out.others.Get(d.Actor); n > 0 && n <= d.Counter {
		r.Fail("got counter %d among the others, of the actor of write %d", n, d.Counter)
	}
	if out.state == deleted {
		return out, nil
	}
	value := r.Bytes(math.MaxInt32)
	if len(value) > MaxValue {
		return nil, fmt.Errorf("got %d bytes, want at most %d: %w: %w", len(value), MaxValue, ErrTooLarge, protocol.ErrMalformed)
	}
	out.value = string(value)
	return out, nil
}
