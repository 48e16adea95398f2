package protocol

import (
	"errors"
	"time"
)

// Time is a reading of a node's own clock, in nanoseconds since an epoch that
// the node does not know. A scenario may skew it or let it drift. Readings of
// two nodes are not comparable.
type Time int64

// Add returns t+d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Protocol is a single-threaded state machine. A world never calls two of its
// methods at once, and calls none after the node has crashed or left.
type Protocol interface {
	// Start is called once, before anything else. After a restart it is
	// called on a fresh state machine with the Store the last one synced.
	Start(env Env)
	// Receive handles one message that arrived, by datagram or by stream.
	// From is the sender that the transport vouches for (in a real node:
	// authenticated), not a claim in the message.
	Receive(env Env, from NodeID, m Message)
	// Timer handles a timer that was set with [Env.After].
	Timer(env Env, t Timer)
}

// StreamBreakHandler is a Protocol that wants to know when a stream to a peer
// breaks. What was sent on it and had not arrived is lost.
type StreamBreakHandler interface {
	StreamBroken(env Env, peer NodeID)
}

// Leaver is a Protocol that says goodbye before its process ends. Leave
// returns how long the goodbye takes; the world stops the node after that.
type Leaver interface {
	Leave(env Env) time.Duration
}

// CommandHandler is a Protocol that its application (a workload in a scenario,
// an administrator of a real node) can tell to do something.
type CommandHandler interface {
	// Command carries out c or returns why it could not.
	Command(env Env, c Command) error
}

// Env is all that a protocol knows of the world. It is valid only during the
// call it was passed to; a protocol must not keep it.
type Env interface {
	// ID is the identity of this node.
	ID() NodeID
	// Now reads this node's own clock.
	Now() Time
	// Rand is this node's own seeded stream.
	Rand() *Rand

	// MaxDatagram is the largest [Message.Size], in bytes, that Send accepts.
	MaxDatagram() int
	// Send sends a datagram: it may be lost, duplicated, reordered or
	// delayed. The error is ErrTooLarge if the message does not fit; any
	// other failure looks like loss.
	Send(to NodeID, m Message) error
	// SendStream sends over a reliable, ordered stream, opened when there is
	// none, for what does not fit a datagram or must not be lost. A break is
	// reported to the sender through [StreamBreakHandler]. The error is
	// ErrTooLarge above [MaxStreamMessage].
	SendStream(to NodeID, m Message) error

	// After makes the timer fire once, d from now on this node's clock; a
	// negative d counts as zero. Timers cannot be cancelled: a protocol puts
	// into the argument what tells it that a timer is out of date.
	After(d time.Duration, t Timer)
	// Emit reports that something happened. It is the one path of
	// observation and has no effect on the world.
	Emit(e Event)
	// Store is this node's disk.
	Store() Store

	// Seeds are the nodes this node was told to start from. It may be one of
	// them. Nobody writes to the slice; in a real node another list may take its
	// place, so a protocol asks whenever it wants to know.
	Seeds() []Peer
	// Contact returns what it takes to reach a node, this one included; nil
	// if the world does not know.
	Contact(id NodeID) []byte
	// Introduce tells the world how to reach a node that a message named.
	Introduce(id NodeID, contact []byte)
}

// MaxStreamMessage bounds the encoded size of one stream message, in bytes.
const MaxStreamMessage = 16 << 20

// ErrTooLarge is returned for a message that exceeds what its way can carry.
var ErrTooLarge = errors.New("message too large")

// Timer is a plain value that comes back when its time has come.
type Timer struct {
	Kind TimerKind
	// Arg is the protocol's own: a sequence number, an index, a generation.
	Arg uint64
}

// TimerKind is a protocol number (high byte) and the protocol's own number of
// a kind of timer.
type TimerKind uint16

// Protocol returns the number of the protocol the kind belongs to.
func (k TimerKind) Protocol() uint8 { return uint8(k >> 8) }

// Command is something an application tells a protocol to do, as a plain
// value. What its parts mean stands in the [CommandSpec] of its kind.
type Command struct {
	Kind  CommandKind
	Key   []byte
	Value []byte
	Args  [2]uint64
}

// CommandKind is a protocol number (high byte) and the protocol's own number
// of a kind of command.
type CommandKind uint16

// Protocol returns the number of the protocol the kind belongs to.
func (k CommandKind) Protocol() uint8 { return uint8(k >> 8) }
