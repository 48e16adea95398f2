package node

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// env is a node as its protocols see it. It is used on the loop only.
type env struct{ n *Node }

var _ protocol.Env = env{}

func (e env) ID() protocol.NodeID   { return e.n.cfg.ID }
func (e env) Now() protocol.Time    { return e.n.now() }
func (e env) Rand() *protocol.Rand  { return &e.n.rand }
func (e env) MaxDatagram() int      { return e.n.maxDatagram }
func (e env) Store() protocol.Store { return watched(e) }

func (e env) Send(to protocol.NodeID, m protocol.Message) error {
	n := e.n
	size := m.Size()
	if size > n.maxDatagram {
		return n.refuse(m, size, n.maxDatagram)
	}
	size += protocol.FrameOverhead
	n.count.sent(m.Kind(), size)
	if to == n.cfg.ID {
		if !n.inbox.datagram(item{msg: m, from: to, size: size, how: byDatagram}) {
			n.count.drop(DropFull)
		}
		return nil
	}
	n.scratch = protocol.AppendFrame(n.scratch[:0], m)
	return n.accepted(n.cfg.Transport.Send(to, n.scratch))
}

func (e env) SendStream(to protocol.NodeID, m protocol.Message) error {
	n := e.n
	size := m.Size()
	if size > protocol.MaxStreamMessage {
		return n.refuse(m, size, protocol.MaxStreamMessage)
	}
	size += protocol.FrameOverhead
	n.count.sent(m.Kind(), size)
	if to == n.cfg.ID {
		// Never dropped, and the loop cannot wait for itself.
		n.inbox.stream(item{msg: m, from: to, size: size, how: byStream}, true)
		return nil
	}
	return n.accepted(n.cfg.Transport.SendStream(to, protocol.AppendFrame(make([]byte, 0, size), m)))
}

// accepted returns of a transport's errors the one that is not loss.
func (n *Node) accepted(err error) error {
	if errors.Is(err, protocol.ErrTooLarge) {
		n.count.refused.Add(1)
		return err
	}
	return nil
}

func (n *Node) refuse(m protocol.Message, size, most int) error {
	n.count.refused.Add(1)
	return fmt.Errorf("send message kind %#04x: got %d bytes, want at most %d: %w", uint16(m.Kind()), size, most, protocol.ErrTooLarge)
}

// After never fires in the turn in which it was set, like a timer of package sim.
func (e env) After(d time.Duration, t protocol.Timer) {
	e.n.timers.push(later(e.n.now(), max(d, 1)), t)
}

// later returns t+d, or the end of time.
func later(t protocol.Time, d time.Duration) protocol.Time {
	if protocol.Time(d) > math.MaxInt64-t {
		return math.MaxInt64
	}
	return t.Add(d)
}

func (e env) Emit(ev protocol.Event) { e.n.report(ev) }

func (e env) Seeds() []protocol.Peer { return *e.n.seeds.Load() }

func (e env) Contact(id protocol.NodeID) []byte { return e.n.cfg.Contacts.Contact(id) }

func (e env) Introduce(id protocol.NodeID, contact []byte) {
	n := e.n
	if id == n.cfg.ID {
		return // whatever others say of it
	}
	if id == 0 || len(contact) > protocol.MaxContact {
		n.count.drop(DropContact)
		return
	}
	if err := n.cfg.Contacts.Introduce(id, contact); err != nil {
		n.count.drop(DropContact)
		n.cfg.Logger.Debug("a contact was refused", "peer", id, "err", err)
	}
}

// report tells the observer of an event of this node, later if holding.
func (n *Node) report(e protocol.Event) {
	switch {
	case n.cfg.Observer == nil:
	case n.holding:
		n.held = append(n.held, n.record(e))
	default:
		n.cfg.Observer.Observe(n.record(e))
	}
}

// release tells the observer of what was held back.
func (n *Node) release() {
	n.holding = false
	for _, r := range n.held {
		n.cfg.Observer.Observe(r)
	}
	n.held = n.held[:0]
}

func (n *Node) record(e protocol.Event) protocol.Record {
	return protocol.Record{Time: int64(n.now() - n.base), Node: n.cfg.ID, Index: n.cfg.Index, Event: e}
}
