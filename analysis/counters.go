package analysis

import "time"

// Counters are what an engine counted from the start of a run up to some
// moment. Whoever runs the engine fills them in.
type Counters struct {
	// Events is the number of events the engine has executed: deliveries,
	// timers and control events.
	Events uint64
	Timers uint64

	// Datagrams and StreamMessages were sent; Bytes is what both put on the
	// wire, headers included.
	Datagrams      uint64
	StreamMessages uint64
	Bytes          uint64
	// Delivered counts messages of both sorts that reached a protocol.
	Delivered uint64
	// Lost counts messages that did not arrive, by reason. Every reason
	// stands once; the order is kept. LostNobody is the reason that is not
	// the network's fault.
	Lost []Count
	// Messages counts what was sent by message kind, under the names of the
	// MessageSpecs.
	Messages []MessageCount

	// NodeMessages and NodeBytes are what each node sent, by index. They may
	// be nil in all but the first sample after the warm-up and the last.
	NodeMessages []uint64
	NodeBytes    []uint64

	// Late says how far an engine that runs in real time has kept up; nil for
	// one that does not.
	Late *Lateness
}

// Lateness is by how much things happened later than they should have.
type Lateness struct {
	// Timeline is the largest of something in the timeline.
	Timeline time.Duration
	// Message is the mean, and MostMessage the largest, of messages that were
	// held back for the latency of the network.
	Message, MostMessage time.Duration
}

// LostNobody is the loss reason of messages whose receiver does not run.
const LostNobody = "nobody"

// Count is a named number.
type Count struct {
	Name string
	N    uint64
}

// MessageCount is the traffic of one kind of message.
type MessageCount struct {
	Name     string
	Messages uint64
	Bytes    uint64
	// Payload: the kind carries what applications broadcast, as its
	// MessageSpec says.
	Payload bool
}
