package broadcast

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// ID names a message that was broadcast.
type ID struct {
	// Origin is the node that broadcast it.
	Origin protocol.NodeID
	// Number tells the origin's messages apart; later ones have higher numbers.
	Number uint64
}

// IDSize is the encoded size of an ID, in bytes.
const IDSize = 16

// Key returns the name that events give the message: 64 bits that are evenly
// spread. Two of n messages share one with a probability of n^2 / 2^65.
func (id ID) Key() uint64 { return protocol.Mix(uint64(id.Origin) ^ protocol.Mix(id.Number)) }

// String returns origin and number.
func (id ID) String() string { return fmt.Sprintf("%v/%d", id.Origin, id.Number) }

// Append appends the encoded ID to b.
func (id ID) Append(b []byte) []byte {
	return wire.AppendUint64(wire.AppendNodeID(b, id.Origin), id.Number)
}

// ReadID reads what Append wrote.
func ReadID(r *wire.Reader) ID {
	return ID{Origin: r.NodeID(), Number: r.Uint64()}
}

// Numbers gives out the numbers of an origin's messages.
type Numbers struct{ last uint64 }

// Next returns the number of a message that is broadcast now.
func (n *Numbers) Next(now protocol.Time) uint64 {
	n.last = max(n.last+1, uint64(max(now, 0)))
	return n.last
}

// Message is a message that was broadcast, as it stands at a node.
type Message struct {
	ID ID
	// Hops is the number of links that it has crossed, 0 at its origin.
	Hops uint32
	// From is the peer that it came from, zero at its origin. It does not
	// travel.
	From protocol.NodeID
	// Payload is the application's. Nobody changes it.
	Payload []byte
}
