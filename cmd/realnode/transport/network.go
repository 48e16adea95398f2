package transport

import (
	"context"
	"net"
	"net/netip"

	"github.com/starling-sim/starling/protocol"
)

// Network is where a node's sockets come from and what knows where peers are.
// Its methods may be called from several goroutines at once.
type Network interface {
	// ListenPacket returns the node's datagram socket. The caller closes it.
	ListenPacket() (net.PacketConn, error)
	// Listen returns the node's stream listener, at the same address and port.
	// The caller closes it.
	Listen() (net.Listener, error)
	// Dial opens a connection. One that gets no acknowledgement for what was
	// written should fail after about [Limits.StreamTimeout].
	Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	// MaxDatagram is the largest UDP payload, in bytes, that is sent in one
	// piece.
	MaxDatagram() int

	// Route returns the address at which a node is reached; ok is false if it
	// is not known.
	Route(id protocol.NodeID) (to netip.AddrPort, ok bool)
	// Introduce tells how to reach a node, by the contact that a message named.
	// The bytes are untrusted; the error says what is wrong with them.
	Introduce(id protocol.NodeID, contact []byte) error
	// Contact returns what to tell others about how to reach a node, this one
	// included; nil if it is not known. The bytes are read-only.
	Contact(id protocol.NodeID) []byte
	// Vouch tells which node a datagram or a connection from an address comes
	// from; claimed is what it says itself. It returns false if it does not
	// vouch for that.
	Vouch(from netip.AddrPort, claimed protocol.NodeID) (protocol.NodeID, bool)
}

// Learner is a Network that learns from datagrams where a node is. It is told of
// each that was vouched for, and never of connections, which come from ports
// that nobody listens on.
type Learner interface {
	Learn(id protocol.NodeID, from netip.AddrPort)
}
