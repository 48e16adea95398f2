package clock

import (
	"cmp"
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Timestamp is a reading of a hybrid logical clock. The zero Timestamp is before
// all others and is never issued. Timestamps are comparable with ==.
type Timestamp struct {
	// Wall is l in the paper: the largest physical time heard of, in
	// nanoseconds, never negative.
	Wall int64
	// Logical is c in the paper: it counts events that share a Wall.
	Logical uint32
	// Node issued the timestamp. It makes the order total.
	Node protocol.NodeID
}

// Compare orders timestamps by Wall, Logical, Node. If one event happened
// before another, its timestamp is smaller.
func (t Timestamp) Compare(u Timestamp) int {
	if c := cmp.Compare(t.Wall, u.Wall); c != 0 {
		return c
	}
	if c := cmp.Compare(t.Logical, u.Logical); c != 0 {
		return c
	}
	return cmp.Compare(t.Node, u.Node)
}

// IsZero reports whether t is the zero Timestamp.
func (t Timestamp) IsZero() bool { return t == Timestamp{} }

// Valid reports whether a clock can have issued t.
func (t Timestamp) Valid() bool { return t.Wall >= 0 && t.Node != 0 }

// String returns wall, logical and node, for instance
// "1500000000+2@00000000000000a1".
func (t Timestamp) String() string { return fmt.Sprintf("%d+%d@%s", t.Wall, t.Logical, t.Node) }

// Size returns the number of bytes Append adds.
func (t Timestamp) Size() int { return 16 + wire.UvarintSize(uint64(t.Logical)) }

// Append appends t.
func (t Timestamp) Append(b []byte) []byte {
	b = wire.AppendUint64(b, uint64(t.Wall))
	b = wire.AppendUvarint(b, uint64(t.Logical))
	return wire.AppendNodeID(b, t.Node)
}

// ReadTimestamp reads what Append wrote for a valid timestamp.
func ReadTimestamp(r *wire.Reader) Timestamp {
	t := Timestamp{Wall: int64(r.Uint64()), Logical: readUint32(r, "logical time"), Node: r.NodeID()}
	if t.Wall < 0 {
		r.Fail("got a wall time beyond 63 bits")
	}
	return t
}
