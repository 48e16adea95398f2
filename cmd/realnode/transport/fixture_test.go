package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// node is a transport and what it was told.
type node struct {
	*Transport
	tb    testing.TB
	count *Counters
	got   chan string
	broke chan protocol.NodeID
}

// start starts a transport on a network; set may change its Config.
func start(tb testing.TB, id protocol.NodeID, nw Network, set func(*Config)) *node {
	tb.Helper()
	n := &node{
		tb: tb, count: new(Counters),
		got: make(chan string, 100_000), broke: make(chan protocol.NodeID, 100),
	}
	cfg := Config{
		Self: id, Network: nw, Counters: n.count,
		Deliver: func(from protocol.NodeID, frame []byte, stream bool) {
			how := "datagram"
			if stream {
				how = "stream"
			}
			n.got <- fmt.Sprintf("%d %s %s", uint64(from), how, frame[protocol.FrameOverhead:])
		},
		Broken: func(peer protocol.NodeID) { n.broke <- peer },
	}
	if set != nil {
		set(&cfg)
	}
	var err error
	if n.Transport, err = New(cfg); err != nil {
		tb.Fatal(err)
	}
	if err := n.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = n.Close() })
	return n
}

// startPlain starts a transport on the host's own sockets.
func startPlain(tb testing.TB, id protocol.NodeID, at netip.AddrPort, set func(*Config)) (*node, *Plain) {
	tb.Helper()
	p, err := NewPlain(PlainConfig{Self: id, Listen: at})
	if err != nil {
		tb.Fatal(err)
	}
	return start(tb, id, p, set), p
}

// frame returns a frame with a text for a body.
func frame(text string) []byte {
	return append([]byte{protocol.FrameVersion, 0x80, 0x01}, text...)
}

func (n *node) stream(to protocol.NodeID, text string) {
	n.tb.Helper()
	if err := n.SendStream(to, frame(text)); err != nil {
		n.tb.Fatal(err)
	}
}

func (n *node) datagram(to protocol.NodeID, text string) {
	n.tb.Helper()
	if err := n.Send(to, frame(text)); err != nil {
		n.tb.Fatal(err)
	}
}

// expect waits for what is to arrive, in this order.
func (n *node) expect(want ...string) {
	n.tb.Helper()
	for _, w := range want {
		if got := next(n.tb, n.got); got != w {
			n.tb.Fatalf("got %q, want %q", got, w)
		}
	}
}

func (n *node) expectBroken(want protocol.NodeID) {
	n.tb.Helper()
	if got := next(n.tb, n.broke); got != want {
		n.tb.Fatalf("got broken stream to %d, want %d", got, want)
	}
}

// expectQuiet says that nothing arrived or broke that was not looked at.
func (n *node) expectQuiet() {
	n.tb.Helper()
	select {
	case got := <-n.got:
		n.tb.Errorf("got %q, want nothing", got)
	case got := <-n.broke:
		n.tb.Errorf("stream to %d broke, want none", got)
	default:
	}
}

func (n *node) dropped(r Reason) uint64 { return n.count.Snapshot().Dropped[r] }

// held is what a transport holds for others.
type held struct{ conns, peers, bytes, handshakes, addresses int }

func (n *node) holds() held {
	n.mu.Lock()
	defer n.mu.Unlock()
	return held{n.conns, len(n.peers), n.queued, len(n.shaking), len(n.perIP)}
}

// next waits for a value; the time-out is only there to end a hung test.
func next[T any](tb testing.TB, c <-chan T) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Minute): // of a bubble's time; else the test's own time-out comes first
		tb.Fatal("nothing came")
		panic("unreachable")
	}
}

// pipes is a network of net.Pipe within a process: unbuffered, so that a peer
// that does not read is noticed at once, and usable in a synctest bubble.
type pipes struct {
	mu    sync.Mutex
	nodes map[netip.AddrPort]*pipeNetwork
	ports uint16
}

func newPipes() *pipes { return &pipes{nodes: make(map[netip.AddrPort]*pipeNetwork)} }

func pipeAddr(id protocol.NodeID) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(id)}), 7)
}

func (ps *pipes) network(id protocol.NodeID) *pipeNetwork {
	n := &pipeNetwork{pipes: ps, id: id, conns: make(chan net.Conn), closed: make(chan struct{})}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.nodes[pipeAddr(id)] = n
	return n
}

// pipeNetwork is one node's part of pipes. Identity n has the address 10.0.0.n.
type pipeNetwork struct {
	pipes  *pipes
	id     protocol.NodeID
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

type pipeConn struct {
	net.Conn
	remote netip.AddrPort
}

func (c pipeConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (n *pipeNetwork) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	n.pipes.mu.Lock()
	dst := n.pipes.nodes[to]
	n.pipes.ports++
	from := netip.AddrPortFrom(pipeAddr(n.id).Addr(), 1000+n.pipes.ports)
	n.pipes.mu.Unlock()
	if dst == nil {
		return nil, errors.New("connection refused")
	}
	a, b := net.Pipe()
	select {
	case dst.conns <- pipeConn{b, from}:
		return pipeConn{a, to}, nil
	case <-dst.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *pipeNetwork) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *pipeNetwork) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *pipeNetwork) Addr() net.Addr                          { return net.TCPAddrFromAddrPort(pipeAddr(n.id)) }
func (n *pipeNetwork) Listen() (net.Listener, error)           { return n, nil }
func (n *pipeNetwork) ListenPacket() (net.PacketConn, error)   { return silent{n}, nil }
func (n *pipeNetwork) MaxDatagram() int                        { return 1392 }
func (n *pipeNetwork) Contact(protocol.NodeID) []byte          { return nil }
func (n *pipeNetwork) Introduce(protocol.NodeID, []byte) error { return nil }
func (n *pipeNetwork) Route(id protocol.NodeID) (netip.AddrPort, bool) {
	return pipeAddr(id), id < 200
}

// Vouch derives the identity from the address, as a tunnel does.
func (n *pipeNetwork) Vouch(from netip.AddrPort, claimed protocol.NodeID) (protocol.NodeID, bool) {
	ip := from.Addr().As4()
	return claimed, claimed == protocol.NodeID(ip[3])
}

// silent is a datagram socket on which nothing arrives.
type silent struct{ n *pipeNetwork }

func (s silent) ReadFrom([]byte) (int, net.Addr, error) {
	<-s.n.closed
	return 0, nil, net.ErrClosed
}
func (s silent) WriteTo([]byte, net.Addr) (int, error) { return 0, os.ErrInvalid }
func (s silent) Close() error                          { return s.n.Close() }
func (s silent) LocalAddr() net.Addr                   { return s.n.Addr() }
func (s silent) SetDeadline(time.Time) error           { return nil }
func (s silent) SetReadDeadline(time.Time) error       { return nil }
func (s silent) SetWriteDeadline(time.Time) error      { return nil }
