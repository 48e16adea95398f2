package node

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// Config is what a node is made of.
type Config struct {
	// ID is the node's identity; not zero.
	ID protocol.NodeID
	// Stack is what it runs.
	Stack *stack.Stack
	// Transport carries its messages.
	Transport Transport
	// Contacts are how the transport finds the others.
	Contacts Contacts
	// Seeds are the nodes to start from; it may be one of them. [Node.SetSeeds]
	// replaces them.
	Seeds []protocol.Peer
	// Store is its disk, which stays the caller's to close, after Run. Nil for
	// one in memory.
	Store protocol.Store
	// Observer is told what happens. Record.Time is nanoseconds since Run began.
	// Nil for nobody.
	Observer protocol.Observer
	// Logger is told what an operator should know. Nil for silence.
	Logger *slog.Logger
	// Clock is the node's clock; nil for the system's.
	Clock Clock
	// Seed is that of the node's stream of random numbers; 0 has one drawn from
	// the system's secure source.
	Seed uint64
	// Index is the node's place in a scenario, for its records.
	Index uint32
	// Restarted says that the identity has lived before: the first record is
	// then protocol.EventNodeRestarted.
	Restarted bool
	// Inbox bounds what waits for the loop. Zeros stand for defaults.
	Inbox InboxLimits
	// Lag, if not nil, is told how late the loop was for the first of the timers
	// that it fires in a turn. It is called on the loop and must return soon.
	Lag func(time.Duration)
}

// InboxLimits bound what waits in the inbox.
type InboxLimits struct {
	// Datagrams is the number of datagrams, 4096 by default.
	Datagrams int
	// DatagramBytes is the size of their frames, 4 MiB by default.
	DatagramBytes int
	// StreamFrames is the number of frames of streams, 1024 by default.
	StreamFrames int
	// StreamBytes is their size, 32 MiB by default. A single frame is accepted
	// whatever its size.
	StreamBytes int
}

func (l *InboxLimits) fill() error {
	for _, x := range []struct {
		name  string
		value *int
		usual int
	}{
		{"Datagrams", &l.Datagrams, 4096},
		{"DatagramBytes", &l.DatagramBytes, 4 << 20},
		{"StreamFrames", &l.StreamFrames, 1024},
		{"StreamBytes", &l.StreamBytes, 32 << 20},
	} {
		if *x.value == 0 {
			*x.value = x.usual
		}
		if *x.value < 0 {
			return fmt.Errorf("inbox limit %s: got %d, want more than 0", x.name, *x.value)
		}
	}
	return nil
}

// Transport carries frames ([protocol.AppendFrame]) between nodes. It hands what
// arrives to [Node.Deliver] and [Node.DeliverStream] and reports streams that
// break to [Node.StreamBroken]. Its methods are called on the node's loop and must
// not block.
type Transport interface {
	// Send sends a datagram. The frame is the caller's again when Send returns.
	// The error wraps protocol.ErrTooLarge if the frame is longer than
	// MaxDatagram; any other is loss, and the transport's to count.
	Send(to protocol.NodeID, frame []byte) error
	// SendStream sends a frame on the stream to a node, opened if there is none.
	// The frame is the transport's from now on. If it cannot be sent, or the
	// stream breaks before it has arrived, the transport calls StreamBroken.
	// Errors are as of Send.
	SendStream(to protocol.NodeID, frame []byte) error
	// MaxDatagram is the size in bytes of the largest frame that Send takes. It
	// is asked once.
	MaxDatagram() int
}

// Contacts know how nodes are reached. The methods are called on the node's loop
// and must not block.
type Contacts interface {
	// Contact returns what it takes to reach a node, this one included; nil if
	// it is not known. Nobody writes to it.
	Contact(id protocol.NodeID) []byte
	// Introduce tells how to reach a node. The contact comes out of a message,
	// checked by nobody; it is not kept.
	Introduce(id protocol.NodeID, contact []byte) error
}

// check returns what is missing, and fills in what was left out.
func (c *Config) check() error {
	switch {
	case c.ID == 0:
		return errors.New("the node's ID is zero, which names nobody")
	case c.Stack == nil:
		return errors.New("there is no stack to run")
	case c.Transport == nil:
		return errors.New("there is no transport")
	case c.Contacts == nil:
		return errors.New("there is nothing that knows contacts")
	}
	if most := c.Transport.MaxDatagram(); most <= protocol.FrameOverhead {
		return fmt.Errorf("the transport takes frames of %d bytes, want more than %d", most, protocol.FrameOverhead)
	}
	if c.Store == nil {
		c.Store = &Memory{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = SystemClock()
	}
	return c.Inbox.fill()
}
