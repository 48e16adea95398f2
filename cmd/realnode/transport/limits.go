package transport

import (
	"cmp"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Limits bound what a transport holds and how long it waits. A zero field
// stands for its default. Where no source is named, the default is ours.
type Limits struct {
	// StreamTimeout is how long a stream may make no progress, opening
	// included, before it breaks. Default 30 s, as in the virtual world.
	StreamTimeout time.Duration
	// MinStreamRate is how fast a message on a stream has to arrive, in bytes a
	// second, once StreamTimeout has passed since it began: whoever trickles it
	// does not hold the connection. Default 1000, less than any link has that
	// carries tables of members.
	MinStreamRate int
	// HandshakeTimeout is how long an accepted connection may take to say
	// hello. Default 5 s.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long a connection stays open unused. Default 1 min, as
	// in the virtual world.
	IdleTimeout time.Duration

	// MaxConnections bounds the connections that are past their hello. Default
	// 1024.
	MaxConnections int
	// MaxConnectionsPerPeer bounds those with one peer; a further one that it
	// opens replaces its oldest. Default 4.
	MaxConnectionsPerPeer int
	// MaxHandshakes bounds the accepted connections before their hello.
	// Default 256.
	MaxHandshakes int
	// MaxHandshakesPerIP bounds those from one IP address. Default 64: labs
	// have many nodes on one.
	MaxHandshakesPerIP int

	// MaxQueuedMessages bounds the messages that wait for one stream. Default
	// 16384.
	MaxQueuedMessages int
	// MaxQueuedBytesPerPeer bounds the bytes that wait for one stream. Default
	// 64 MiB, four of the largest messages.
	MaxQueuedBytesPerPeer int
	// MaxQueuedBytes bounds the bytes that wait for all streams. Default
	// 256 MiB.
	MaxQueuedBytes int
	// MaxReadingBytes bounds what all readers together hold of long messages
	// (above 64 KiB) that have not arrived whole. Default 256 MiB.
	MaxReadingBytes int
	// MaxStreamFrame is the longest frame accepted and sent on a stream, in
	// bytes. Default [protocol.MaxStreamMessage] and its overhead.
	MaxStreamFrame int

	// DatagramRate is how many datagrams a second one address may send for
	// long, and DatagramBurst how many at once. An address is an IP address; on
	// loopback, which many nodes share, an IP address and port. Defaults 20000
	// and 2000; see [Transport.SetDatagramRate].
	DatagramRate  float64
	DatagramBurst int
	// MaxRates bounds the addresses whose rates are kept; of more, those that
	// sent least recently are forgotten. Default 16384.
	MaxRates int
}

func (l Limits) withDefaults() Limits {
	l.StreamTimeout = cmp.Or(l.StreamTimeout, 30*time.Second)
	l.MinStreamRate = cmp.Or(l.MinStreamRate, 1000)
	l.HandshakeTimeout = cmp.Or(l.HandshakeTimeout, 5*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, time.Minute)
	l.MaxConnections = cmp.Or(l.MaxConnections, 1024)
	l.MaxConnectionsPerPeer = cmp.Or(l.MaxConnectionsPerPeer, 4)
	l.MaxHandshakes = cmp.Or(l.MaxHandshakes, 256)
	l.MaxHandshakesPerIP = cmp.Or(l.MaxHandshakesPerIP, 64)
	l.MaxQueuedMessages = cmp.Or(l.MaxQueuedMessages, 16384)
	l.MaxQueuedBytesPerPeer = cmp.Or(l.MaxQueuedBytesPerPeer, 64<<20)
	l.MaxQueuedBytes = cmp.Or(l.MaxQueuedBytes, 256<<20)
	l.MaxReadingBytes = cmp.Or(l.MaxReadingBytes, 256<<20)
	l.MaxStreamFrame = cmp.Or(l.MaxStreamFrame, protocol.MaxStreamMessage+protocol.FrameOverhead)
	l.DatagramRate = cmp.Or(l.DatagramRate, 20_000)
	l.DatagramBurst = cmp.Or(l.DatagramBurst, 2000)
	l.MaxRates = cmp.Or(l.MaxRates, 16384)
	return l
}
