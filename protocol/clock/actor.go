package clock

import (
	"cmp"
	"fmt"
	"math"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// MaxCounter is the largest counter of a dot. Nobody counts that far; a peer
// that claims to have done so leaves room to add one without wrapping.
const MaxCounter = math.MaxInt64

// Actor is who causes events, one after the other: a node in one incarnation. A
// node that lost what it knew of its own events comes back as a new actor.
type Actor struct {
	Node        protocol.NodeID
	Incarnation uint32
}

// Compare orders actors by node, then by incarnation.
func (a Actor) Compare(b Actor) int {
	if c := cmp.Compare(a.Node, b.Node); c != 0 {
		return c
	}
	return cmp.Compare(a.Incarnation, b.Incarnation)
}

// String returns the node and the incarnation, for instance
// "00000000000000a1.0".
func (a Actor) String() string { return fmt.Sprintf("%s.%d", a.Node, a.Incarnation) }

// Dot names one event: the Counter-th of Actor, counted from 1.
type Dot struct {
	Actor   Actor
	Counter uint64
}

// Compare orders dots by actor, then by counter. It is not a causal order.
func (d Dot) Compare(e Dot) int {
	if c := d.Actor.Compare(e.Actor); c != 0 {
		return c
	}
	return cmp.Compare(d.Counter, e.Counter)
}

// Valid reports whether d can name an event: its node is not zero and its
// counter is between 1 and MaxCounter.
func (d Dot) Valid() bool {
	return d.Actor.Node != 0 && d.Counter >= 1 && d.Counter <= MaxCounter
}

// String returns the actor and the counter, for instance
// "00000000000000a1.0:7".
func (d Dot) String() string { return fmt.Sprintf("%s:%d", d.Actor, d.Counter) }

// ActorSize returns the number of bytes AppendActor adds.
func ActorSize(a Actor) int { return 8 + wire.UvarintSize(uint64(a.Incarnation)) }

// AppendActor appends a.
func AppendActor(b []byte, a Actor) []byte {
	return wire.AppendUvarint(wire.AppendNodeID(b, a.Node), uint64(a.Incarnation))
}

// ReadActor reads what AppendActor wrote.
func ReadActor(r *wire.Reader) Actor {
	return Actor{Node: r.NodeID(), Incarnation: readUint32(r, "incarnation")}
}

// DotSize returns the number of bytes AppendDot adds.
func DotSize(d Dot) int { return ActorSize(d.Actor) + wire.UvarintSize(d.Counter) }

// AppendDot appends d.
func AppendDot(b []byte, d Dot) []byte {
	return wire.AppendUvarint(AppendActor(b, d.Actor), d.Counter)
}

// ReadDot reads what AppendDot wrote for a valid dot.
func ReadDot(r *wire.Reader) Dot {
	d := Dot{Actor: ReadActor(r), Counter: r.Uvarint()}
	if !r.Failed() && !d.Valid() {
		r.Fail("got counter %d, want 1 to %d", d.Counter, uint64(MaxCounter))
	}
	return d
}

// minDot is the least number of bytes of a Dot.
const minDot = 10

func readUint32(r *wire.Reader, what string) uint32 {
	v := r.Uvarint()
	if v > math.MaxUint32 {
		r.Fail("got %s %d, want at most %d", what, v, uint32(math.MaxUint32))
		return 0
	}
	return uint32(v)
}
