package transport

import "sync/atomic"

// Reason is why something was dropped or refused.
type Reason uint8

// The reasons. Datagrams and frames are counted one by one, connections as one
// each.
const (
	// Short: a datagram or a stream message too short for its header.
	Short Reason = iota
	// Oversize: a datagram, or the announced length of a stream message, above
	// the limit.
	Oversize
	// Version: an unknown version of a frame or of the hello.
	Version
	// NotForUs: a datagram or hello for another node.
	NotForUs
	// Unvouched: the network does not vouch for the claimed sender.
	Unvouched
	// Rate: the token bucket of the sending address was empty.
	Rate
	// Handshake: a connection whose hello was wrong, late or missing.
	Handshake
	// Connections: a connection above a limit on their number.
	Connections
	// Memory: a stream message above the limit on what all readers may hold.
	Memory
	// Queue: a stream message above a limit on what may wait to be sent.
	Queue
	// NoRoute: a message to a node of which no address is known.
	NoRoute
	// Unreachable: a datagram to a network or host that this host has no way
	// to.
	Unreachable
	// Refused: a datagram to a port where nobody listens, as far as this host
	// was told.
	Refused
	// SendFailed: a datagram that the host did not send for another reason.
	SendFailed
	// ReceiveFailed: the host had an error in the place of a datagram.
	ReceiveFailed
	// Slow: a stream message that stopped coming, or came more slowly than
	// [Limits.MinStreamRate].
	Slow
	// Lost: a stream message that was not written when its stream broke.
	Lost
	// Inbox: a frame that the node had no room for. The transport never drops
	// for this reason itself.
	Inbox
	numReasons
)

var reasonTexts = [numReasons]struct{ name, doc string }{
	Short:         {"short", "too short for its header"},
	Oversize:      {"oversize", "longer than allowed"},
	Version:       {"version", "unknown version of a frame or hello"},
	NotForUs:      {"not_for_us", "addressed to another node"},
	Unvouched:     {"unvouched", "sender is not who it claims to be"},
	Rate:          {"rate", "token bucket of the sender was empty"},
	Handshake:     {"handshake", "hello of a connection was wrong, late or missing"},
	Connections:   {"connections", "too many connections"},
	Memory:        {"memory", "readers hold too many bytes"},
	Queue:         {"queue", "too much waits to be sent"},
	NoRoute:       {"no_route", "address of the receiver is not known"},
	Unreachable:   {"unreachable", "no way to the receiver's network or host"},
	Refused:       {"refused", "nobody listens at the receiver's port"},
	SendFailed:    {"send_failed", "the host did not send a datagram for another reason"},
	ReceiveFailed: {"receive_failed", "the host had an error in the place of a datagram"},
	Slow:          {"slow", "a stream message stopped coming, or came too slowly"},
	Lost:          {"lost", "not yet written when its stream broke"},
	Inbox:         {"inbox", "the node's inbox was full"},
}

// Reasons returns all reasons in order.
func Reasons() []Reason {
	all := make([]Reason, numReasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// String returns the name under which metrics show the reason.
func (r Reason) String() string {
	if r >= numReasons {
		return "unknown"
	}
	return reasonTexts[r].name
}

// Doc tells in a few words what the reason means.
func (r Reason) Doc() string {
	if r >= numReasons {
		return ""
	}
	return reasonTexts[r].doc
}

// Counters count what a transport does. The zero value is ready; all methods
// may be called from several goroutines at once.
type Counters struct {
	datagramsIn, datagramBytesIn                               atomic.Uint64
	datagramsOut, datagramBytesOut                             atomic.Uint64
	framesIn, frameBytesIn, framesOut, frameBytesOut           atomic.Uint64
	streamsOpened, streamsAccepted, streamsRested, streamsDown atomic.Uint64
	connections, queuedBytes                                   atomic.Int64
	dropped                                                    [numReasons]atomic.Uint64
}

// Drop counts one thing dropped. The node uses it for [Inbox].
func (c *Counters) Drop(r Reason) { c.dropped[r].Add(1) }

// Snapshot is what the counters say at a moment. Each figure is exact; they are
// not read at one instant.
type Snapshot struct {
	// Datagrams delivered and sent; bytes are UDP payload.
	DatagramsIn, DatagramBytesIn, DatagramsOut, DatagramBytesOut uint64
	// StreamFrames are messages delivered from and written to streams; bytes
	// are with the length.
	StreamFramesIn, StreamBytesIn, StreamFramesOut, StreamBytesOut uint64
	// Streams that this node opened and accepted, that were closed because
	// nobody used them, and that broke and were reported.
	StreamsOpened, StreamsAccepted, StreamsRested, StreamsBroken uint64
	// Connections are open now; QueuedBytes wait for streams now.
	Connections, QueuedBytes int64
	// Dropped is indexed by [Reason].
	Dropped [numReasons]uint64
}

// Snapshot reads all counters.
func (c *Counters) Snapshot() Snapshot {
	s := Snapshot{
		DatagramsIn: c.datagramsIn.Load(), DatagramBytesIn: c.datagramBytesIn.Load(),
		DatagramsOut: c.datagramsOut.Load(), DatagramBytesOut: c.datagramBytesOut.Load(),
		StreamFramesIn: c.framesIn.Load(), StreamBytesIn: c.frameBytesIn.Load(),
		StreamFramesOut: c.framesOut.Load(), StreamBytesOut: c.frameBytesOut.Load(),
		StreamsOpened: c.streamsOpened.Load(), StreamsAccepted: c.streamsAccepted.Load(),
		StreamsRested: c.streamsRested.Load(), StreamsBroken: c.streamsDown.Load(),
		Connections: c.connections.Load(), QueuedBytes: c.queuedBytes.Load(),
	}
	for i := range s.Dropped {
		s.Dropped[i] = c.dropped[i].Load()
	}
	return s
}
