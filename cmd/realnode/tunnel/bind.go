package tunnel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
)

// bind is the outer UDP socket. It is WireGuard's conn.Bind, with two things
// that the library's own does not do: it listens at one address, and it hands
// the datagrams that are not WireGuard's to somebody else.
type bind struct {
	listen netip.AddrPort
	// other gets datagrams that are not WireGuard's, on the goroutine that
	// receives; it must neither block nor keep the bytes.
	other func(b []byte, from netip.AddrPort)
	// drop counts a packet that was not sent, or an error in the place of one.
	drop func(Reason)
	// closing ends with the tunnel.
	closing <-chan struct{}

	mu   sync.RWMutex
	conn *net.UDPConn // nil while closed
	// held are addresses with which no handshake is begun; see Tunnel.hold.
	held map[netip.AddrPort]hold
}

var _ conn.Bind = (*bind)(nil)

// socketBuffer is what is asked of the system for each direction, in bytes; it
// may grant less. It holds a burst of about 700 full datagrams.
const socketBuffer = 1 << 20

// Open is called by the device when it goes up. The device's own idea of a
// port is not used: the address was given to the bind.
func (b *bind) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	network := "udp"
	if b.listen.Addr().Is4() {
		network = "udp4"
	}
	c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(b.listen))
	if err != nil {
		return nil, 0, fmt.Errorf("open tunnel socket: %w", err)
	}
	// Best effort: what is granted is the system's to decide.
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
	b.conn = c
	// A later Open takes the same port again.
	b.listen = netip.AddrPortFrom(b.listen.Addr(), c.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	return []conn.ReceiveFunc{func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		return b.receive(c, packets, sizes, eps)
	}}, b.listen.Port(), nil
}

// reader is what bind reads from.
type reader interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
}

func (b *bind) receive(c reader, packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
	for failed := 0; ; {
		n, from, err := c.ReadFromUDPAddrPort(packets[0])
		if errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		if err != nil {
			// The device would give up after some: but on some systems a socket
			// reports here what befell datagrams to others (a refused port),
			// which is no reason to stop.
			b.drop(ReasonReceive)
			if failed++; (!unreachable(err) || failed%manyErrors == 0) && !b.pause() {
				return 0, net.ErrClosed
			}
			continue
		}
		failed = 0
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !isWireGuard(packets[0][:n]) {
			b.other(packets[0][:n], from)
			continue
		}
		sizes[0], eps[0] = n, &endpoint{from}
		return 1, nil
	}
}

const (
	// manyErrors is how many errors about others are taken in a row without a
	// pause.
	manyErrors = 256
	errorPause = 100 * time.Millisecond
)

// pause waits after an error that may pass, so that a socket which has nothing
// else to say does not keep a processor busy. It returns false when the tunnel
// closes.
func (b *bind) pause() bool {
	timer := time.NewTimer(errorPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-b.closing:
		return false
	}
}

// unreachable reports whether an error is about the receiver of a packet.
func unreachable(err error) bool {
	for _, about := range []error{
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EMSGSIZE,
	} {
		if errors.Is(err, about) {
			return true
		}
	}
	return false
}

// isWireGuard reports whether a datagram begins like one of WireGuard's four
// messages.
func isWireGuard(b []byte) bool {
	return len(b) >= 4 && b[0] >= 1 && b[0] <= 4 && b[1] == 0 && b[2] == 0 && b[3] == 0
}

// Close ends the receive function with net.ErrClosed. Closing twice is fine:
// the device does it before it opens.
func (b *bind) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil {
		return nil
	}
	err := b.conn.Close()
	b.conn = nil
	return err
}

// addr returns where the bind listens, with the port that it was given.
func (b *bind) addr() netip.AddrPort {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.listen
}

// Send sends WireGuard's packets. To the device, those that do not reach anybody
// look like loss: it would log each.
func (b *bind) Send(packets [][]byte, ep conn.Endpoint) error {
	e, ok := ep.(*endpoint)
	if !ok {
		return conn.ErrWrongEndpointType
	}
	for _, p := range packets {
		if b.holds(p, e.AddrPort) {
			continue
		}
		if err := b.sendTo(p, e.AddrPort); err != nil && !unreachable(err) {
			return err
		}
	}
	return nil
}

func (b *bind) sendTo(p []byte, to netip.AddrPort) error {
	b.mu.RLock()
	c := b.conn
	b.mu.RUnlock()
	if c == nil {
		return net.ErrClosed
	}
	_, err := c.WriteToUDPAddrPort(p, to)
	switch {
	case err == nil:
	case unreachable(err):
		b.drop(ReasonUnreachable)
	default:
		b.drop(ReasonSend)
	}
	return err
}

// hold is a time in which the device begins no handshake with an address.
type hold struct {
	until time.Time
	tried bool // the device wanted to
}

// hold keeps the device from beginning a handshake with an address, for a time
// or until release. Everything else passes.
func (b *bind) hold(at netip.AddrPort, during time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, now := b.held[at], time.Now()
	b.held[at] = hold{until: now.Add(during), tried: h.tried && now.Before(h.until)}
}

// release ends a hold and reports whether the device tried to begin a
// handshake meanwhile. If it did not, it is free to do so now.
func (b *bind) release(at netip.AddrPort) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.held[at]
	delete(b.held, at)
	return h.tried
}

func (b *bind) holds(packet []byte, at netip.AddrPort) bool {
	if packet[0] != device.MessageInitiationType {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h, held := b.held[at]
	if !held {
		return false
	}
	if time.Now().After(h.until) {
		delete(b.held, at)
		return false
	}
	b.held[at] = hold{until: h.until, tried: true}
	return true
}

// ParseEndpoint reads an address and a port.
func (b *bind) ParseEndpoint(s string) (conn.Endpoint, error) {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return nil, err
	}
	return &endpoint{ap}, nil
}

// SetMark does nothing: no mark is ever set.
func (b *bind) SetMark(uint32) error { return nil }

// BatchSize is how many datagrams are read at once.
func (b *bind) BatchSize() int { return 1 }

// endpoint is a peer's outer address. Its source address is left to the
// system.
type endpoint struct{ netip.AddrPort }

var _ conn.Endpoint = (*endpoint)(nil)

func (e *endpoint) ClearSrc()           {}
func (e *endpoint) SrcToString() string { return "" }
func (e *endpoint) SrcIP() netip.Addr   { return netip.Addr{} }
func (e *endpoint) DstToString() string { return e.String() }
func (e *endpoint) DstIP() netip.Addr   { return e.Addr() }

func (e *endpoint) DstToBytes() []byte {
	b, _ := e.MarshalBinary() // has no error to return
	return b
}
