package node

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/starling-sim/starling/protocol"
)

// Deliver takes a datagram's frame from a sender that the transport vouches for.
// It does not wait, and does not keep the frame; false means that it was dropped,
// which is counted. It may be called from any goroutine.
func (n *Node) Deliver(from protocol.NodeID, frame []byte) bool {
	m, why, ok := n.decode(from, frame)
	if !ok {
		n.count.drop(why)
		return false
	}
	if !n.inbox.datagram(item{msg: m, from: from, size: len(frame), how: byDatagram}) {
		n.count.drop(n.fullOrStopped())
		return false
	}
	return true
}

// DeliverStream takes a frame that came on a stream. It waits for room in the
// inbox, and does not keep the frame. False means that the transport should break
// the stream: the frame was no good, ctx is done or the node has stopped. It may
// be called from any goroutine, one at a time for each stream.
func (n *Node) DeliverStream(ctx context.Context, from protocol.NodeID, frame []byte) bool {
	m, why, ok := n.decode(from, frame)
	if ok && len(frame) > protocol.MaxStreamMessage+protocol.FrameOverhead {
		why, ok = DropMalformed, false
	}
	if !ok {
		n.count.drop(why)
		return false
	}
	it := item{msg: m, from: from, size: len(frame), how: byStream}
	for {
		ok, room := n.inbox.stream(it, false)
		if ok {
			return true
		}
		if room == nil {
			n.count.drop(DropStopped)
			return false
		}
		select {
		case <-room:
		case <-ctx.Done():
			n.count.drop(DropStopped)
			return false
		}
	}
}

// StreamBroken tells that the stream to a peer broke while something was on its
// way. It does not wait and may be called from any goroutine.
func (n *Node) StreamBroken(peer protocol.NodeID) { n.inbox.broke(peer) }

// fullOrStopped tells why a datagram found no place.
func (n *Node) fullOrStopped() Drop {
	select {
	case <-n.done:
		return DropStopped
	default:
		return DropFull
	}
}

// decode turns bytes from outside into a message. Decoders are written not to
// panic; should one do so all the same, a stranger must not be able to end the
// process by it.
func (n *Node) decode(from protocol.NodeID, frame []byte) (m protocol.Message, why Drop, ok bool) {
	if from == 0 || from == n.cfg.ID {
		return nil, DropSender, false
	}
	defer func() {
		if p := recover(); p != nil {
			n.cfg.Logger.Error("a decoder panicked", "from", from, "bytes", len(frame), "panic", p, "stack", string(debug.Stack()))
			m, why, ok = nil, DropPanic, false
		}
	}()
	m, err := n.decoders.Decode(frame)
	switch {
	case err == nil:
		return m, 0, true
	case errors.Is(err, protocol.ErrVersion):
		return nil, DropVersion, false
	case errors.Is(err, protocol.ErrUnknownKind):
		return nil, DropUnknown, false
	default:
		return nil, DropMalformed, false
	}
}
