package main

import (
	"context"
	"sync/atomic"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/cmd/realnode/observe"
	"github.com/starling-sim/starling/protocol"
)

// upward carries what arrives to the node.
type upward struct {
	*parts
	runtime atomic.Pointer[node.Node]
	ctx     context.Context // ends when the process does
}

// deliver is called by the transport.
func (u *upward) deliver(from protocol.NodeID, frame []byte, stream bool) {
	if u.shim != nil {
		if stream {
			// If this end is closed, it came on a connection that the peer opened.
			u.shim.StreamReceived(from, true)
		} else {
			u.shim.Receive(from, frame)
			return
		}
	}
	u.hand(from, frame, stream)
}

// hand gives a frame to the node. One of a stream waits for room, and so makes
// its sender wait.
func (u *upward) hand(from protocol.NodeID, frame []byte, stream bool) {
	n := u.runtime.Load()
	if n == nil {
		return // it has not been made yet
	}
	kind, size, how := kindOf(frame), len(frame), observe.Datagram
	ok := false
	if stream {
		how, ok = observe.Stream, n.DeliverStream(u.ctx, from, frame)
	} else {
		ok = n.Deliver(from, frame)
	}
	if ok {
		u.metrics.Received(kind, how, size)
	}
}

// broken is called by the transport.
func (u *upward) broken(peer protocol.NodeID) {
	if u.shim != nil {
		u.shim.StreamBroken(peer)
		return
	}
	u.tellBroken(peer)
}

func (u *upward) tellBroken(peer protocol.NodeID) {
	if n := u.runtime.Load(); n != nil {
		n.StreamBroken(peer)
	}
}

// counted counts what is sent.
type counted struct {
	node.Transport
	metrics *observe.Metrics
}

func (c counted) Send(to protocol.NodeID, frame []byte) error {
	c.metrics.Sent(kindOf(frame), observe.Datagram, len(frame))
	return c.Transport.Send(to, frame)
}

func (c counted) SendStream(to protocol.NodeID, frame []byte) error {
	c.metrics.Sent(kindOf(frame), observe.Stream, len(frame))
	return c.Transport.SendStream(to, frame)
}

// dated passes on records with the time since the process began, which is where
// the observer starts from; the node knows only when its loop did.
type dated struct {
	protocol.Observer
	lead *atomic.Int64 // nanoseconds from the one to the other
}

func (d dated) Observe(r protocol.Record) {
	r.Time += d.lead.Load()
	d.Observer.Observe(r)
}

// shimmed is a shim as a node's transport.
type shimmed struct{ *lab.Shim }

func (s shimmed) Send(to protocol.NodeID, frame []byte) error {
	if len(frame) > s.MaxDatagram() {
		return protocol.ErrTooLarge
	}
	s.Shim.Send(to, frame)
	return nil
}

func (s shimmed) SendStream(to protocol.NodeID, frame []byte) error {
	s.Shim.SendStream(to, frame)
	return nil
}

// below is a transport as what a shim sends on.
type below struct{ node.Transport }

func (b below) Send(to protocol.NodeID, frame []byte) { _ = b.Transport.Send(to, frame) }

func (b below) SendStream(to protocol.NodeID, frame []byte) { _ = b.Transport.SendStream(to, frame) }
