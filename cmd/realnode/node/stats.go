package node

import (
	"sync/atomic"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// Drop is a reason for which something that arrived was not handed to the
// protocols.
type Drop uint8

const (
	// DropMalformed: no message (protocol.ErrMalformed), or too large a frame.
	DropMalformed Drop = iota
	// DropVersion: a version of the frame that this node does not know.
	DropVersion
	// DropUnknown: a kind of message that no protocol of the stack has.
	DropUnknown
	// DropPanic: the decoder panicked, which it must not.
	DropPanic
	// DropSender: it says that it comes from nobody or from this node itself.
	DropSender
	// DropFull: a datagram that found the inbox full.
	DropFull
	// DropStopped: the node does not run any more.
	DropStopped
	// DropContact: a contact (not a message) that the transport refused.
	DropContact
	drops
)

// String returns the reason as a word for a metric's label.
func (d Drop) String() string {
	switch d {
	case DropMalformed:
		return "malformed"
	case DropVersion:
		return "version"
	case DropUnknown:
		return "unknown_kind"
	case DropPanic:
		return "panic"
	case DropSender:
		return "sender"
	case DropFull:
		return "inbox_full"
	case DropStopped:
		return "stopped"
	case DropContact:
		return "contact"
	default:
		return "other"
	}
}

// Stats is what a node has done so far, and how it is now.
type Stats struct {
	// Running is true from the beginning to the end of Run, Leaving once it says goodbye.
	Running, Leaving bool
	// InboxDatagrams and InboxStreamFrames wait for the loop, with these sizes
	// of their frames in bytes.
	InboxDatagrams, InboxDatagramBytes  int
	InboxStreamFrames, InboxStreamBytes int
	// Timers is the number of timers that are set.
	Timers int
	// TimersFired and StreamsBroken were told to the protocols.
	TimersFired, StreamsBroken uint64
	// Turns is the number of turns of the loop.
	Turns uint64
	// Refused is the number of messages that the protocols wanted to send and
	// that were too large.
	Refused uint64
	// Dropped counts what arrived and was dropped, by reason ([Drop]).
	Dropped [drops]uint64
	// StoreErrors is the number of operations of the store that failed;
	// StoreError is what the last operation said, empty if it went well.
	StoreErrors uint64
	StoreError  string
	// Kinds are the messages of the stack, in the order of its specs.
	Kinds []KindStats
}

// KindStats are the messages of a kind. Bytes are those of frames.
type KindStats struct {
	Kind protocol.MessageKind
	Name string
	// Messages in were handed to the protocol; those out, to the transport (or
	// to this node itself).
	In, InBytes   uint64
	Out, OutBytes uint64
}

// kindCount counts the messages of a kind. Only the loop adds to it.
type kindCount struct {
	kind                       protocol.MessageKind
	name                       string
	in, inBytes, out, outBytes atomic.Uint64
}

// counters is what a node counts.
type counters struct {
	running, leaving atomic.Bool
	timers           atomic.Int64
	fired, breaks    atomic.Uint64
	turns, refused   atomic.Uint64
	dropped          [drops]atomic.Uint64
	storeErrors      atomic.Uint64
	storeError       atomic.Pointer[string]
	kinds            []*kindCount
	byKind           map[protocol.MessageKind]*kindCount
}

func (c *counters) init(s *stack.Stack) {
	c.byKind = map[protocol.MessageKind]*kindCount{}
	for _, spec := range s.Specs() {
		for _, m := range spec.Messages {
			k := &kindCount{kind: m.Kind, name: m.Name}
			c.kinds = append(c.kinds, k)
			c.byKind[m.Kind] = k
		}
	}
}

func (c *counters) drop(why Drop) { c.dropped[why].Add(1) }

func (c *counters) received(kind protocol.MessageKind, size int) {
	if k := c.byKind[kind]; k != nil {
		k.in.Add(1)
		k.inBytes.Add(uint64(size))
	}
}

func (c *counters) sent(kind protocol.MessageKind, size int) {
	if k := c.byKind[kind]; k != nil {
		k.out.Add(1)
		k.outBytes.Add(uint64(size))
	}
}

// Stats returns a snapshot. It may be called at any time, from any goroutine.
func (n *Node) Stats() Stats {
	c := &n.count
	datagrams, streams := n.inbox.waiting()
	s := Stats{
		Running: c.running.Load(), Leaving: c.leaving.Load(),
		InboxDatagrams: datagrams.count, InboxDatagramBytes: datagrams.bytes,
		InboxStreamFrames: streams.count, InboxStreamBytes: streams.bytes,
		Timers: int(c.timers.Load()), TimersFired: c.fired.Load(), StreamsBroken: c.breaks.Load(),
		Turns: c.turns.Load(), Refused: c.refused.Load(),
		StoreErrors: c.storeErrors.Load(),
		Kinds:       make([]KindStats, len(c.kinds)),
	}
	for i := range c.dropped {
		s.Dropped[i] = c.dropped[i].Load()
	}
	if e := c.storeError.Load(); e != nil {
		s.StoreError = *e
	}
	for i, k := range c.kinds {
		s.Kinds[i] = KindStats{
			Kind: k.kind, Name: k.name,
			In: k.in.Load(), InBytes: k.inBytes.Load(), Out: k.out.Load(), OutBytes: k.outBytes.Load(),
		}
	}
	return s
}
