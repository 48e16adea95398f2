package sim

import "github.com/starling-sim/starling/protocol"

// Loss is a reason why a message did not arrive.
type Loss uint8

const (
	// LostNetwork: the network model lost it (random loss, burst, partition,
	// a full queue of the sender's uplink).
	LostNetwork Loss = iota
	// LostDownlink: the queue of the receiver's downlink was full.
	LostDownlink
	// LostNobody: the receiver was not running, or is no node at all.
	LostNobody
	// LostInbox: the receiver was paused or slow and its inbox was full.
	LostInbox
	// LostMalformed, LostVersion and LostUnknownKind: damaged on the way, and
	// refused by the receiver's decoder.
	LostMalformed
	LostVersion
	LostUnknownKind
	// LostStream: the stream broke before it arrived.
	LostStream

	// Losses is the number of reasons.
	Losses = iota
)

var lossNames = [Losses]string{
	"network", "downlink", "nobody", "inbox", "malformed", "version", "unknown_kind", "stream",
}

func (l Loss) String() string {
	if int(l) < len(lossNames) {
		return lossNames[l]
	}
	return "unknown"
}

// KindCounters counts messages of one kind.
type KindCounters struct {
	Kind protocol.MessageKind
	// Sent and SentBytes count what nodes sent, datagrams and stream
	// messages, with the bytes charged to the network.
	Sent, SentBytes uint64
	// Delivered counts what reached a protocol, duplicates included.
	Delivered uint64
}

// Counters counts what happened since the world began.
type Counters struct {
	// Events is the number of timers fired and messages delivered.
	Events uint64
	// Timers, Datagrams and StreamMessages are what reached protocols.
	Timers, Datagrams, StreamMessages uint64
	// Emitted is the number of events that nodes emitted.
	Emitted uint64
	// SentDatagrams, SentStream and the bytes are counted at the sender,
	// headers included; copies that the network made are not.
	SentDatagrams, SentStream          uint64
	SentDatagramBytes, SentStreamBytes uint64
	// Duplicated and Corrupted count what the network copied and damaged.
	Duplicated, Corrupted uint64
	// Refused counts messages that were too large to send.
	Refused uint64
	// StreamsBroken counts the breaks that were reported to a node.
	StreamsBroken uint64
	// Lost counts by reason.
	Lost [Losses]uint64
	// Kinds counts by kind of message, in ascending order of kind.
	Kinds []KindCounters
	// Up is the number of nodes whose process runs now, paused ones included.
	Up int
}

// NodeCounters counts what one node sent since the world began.
type NodeCounters struct {
	Sent, SentBytes uint64
}
