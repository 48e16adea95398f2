package sim

import "github.com/starling-sim/starling/protocol"

// TraceKind says what a TraceRecord tells of.
type TraceKind uint8

const (
	// TraceDelivered: a message reached a protocol.
	TraceDelivered TraceKind = iota + 1
	// TraceLost: a message was lost, for the reason in Loss.
	TraceLost
	// TraceTimer: a timer fired.
	TraceTimer
	// TraceStreamBroken: a node was told that its stream to From broke.
	TraceStreamBroken
	// TraceEvent: a node emitted an event, or the world did (a fault, a join).
	TraceEvent
)

var traceKindNames = [...]string{"", "delivered", "lost", "timer", "stream_broken", "event"}

func (k TraceKind) String() string {
	if int(k) < len(traceKindNames) {
		return traceKindNames[k]
	}
	return "unknown"
}

// TraceRecord is one thing that happened. Which fields mean something depends
// on What.
type TraceRecord struct {
	// Time is virtual, in nanoseconds since the start of the run. Time and
	// Key are the place in the total order of the event during which this
	// happened; control events have keys of their own and come first.
	Time int64
	Key  uint64
	What TraceKind
	// Stream is true for messages of a stream.
	Stream bool
	Loss   Loss
	// Node is the index of the node at which it happened; for a message that
	// was lost, the receiver. From is the index of the sender or, for a broken
	// stream, the peer. NoNode if there is none.
	Node, From uint32
	// Kind and Size (bytes charged to the network) are those of the message.
	Kind protocol.MessageKind
	Size int32
	// Message is the message, nil if it was lost as bytes. Not to be changed.
	Message protocol.Message
	Timer   protocol.Timer
	Event   protocol.Event
}

// NoNode is the index of no node.
const NoNode = ^uint32(0)

// Tracer is told of everything, in the world's total order, one record at a
// time, on the goroutine that called Run. The record is valid during the call.
type Tracer interface {
	Trace(r *TraceRecord)
}

// describe fills in the message, unless it travels as bytes.
func (r *TraceRecord) describe(m protocol.Message) {
	if _, ok := m.(*frame); ok || m == nil {
		return
	}
	r.Kind, r.Message = m.Kind(), m
}

func (r *TraceRecord) before(o *TraceRecord) bool {
	return r.Time < o.Time || (r.Time == o.Time && r.Key < o.Key)
}
