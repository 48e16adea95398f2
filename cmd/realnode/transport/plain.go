package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/starling-sim/starling/protocol"
)

const (
	// plainDatagram is what an Ethernet frame of 1,500 bytes leaves of UDP
	// payload after the longer header, that of IPv6 (40 bytes), and UDP's (8).
	plainDatagram = 1452
	// readBuffer is how many bytes of datagrams the host may hold while the
	// node is busy. The host may give less.
	readBuffer = 4 << 20
	// portTries is how many ports are tried until one is free for both kinds
	// of socket.
	portTries = 64
)

// ErrInsecure is wrapped by the error for an address that other hosts reach,
// when nobody allowed that.
var ErrInsecure = errors.New("plain transport is open to anybody who reaches it")

// PlainConfig is what a Plain is made from.
type PlainConfig struct {
	// Self is this node's identity.
	Self protocol.NodeID
	// Listen is the address and port of both sockets; port 0 stands for one
	// that is free for both.
	Listen netip.AddrPort
	// Advertise is the address and port to tell others; zero stands for
	// Listen. It is needed if Listen is the unspecified address. Port 0 stands
	// for the port that is listened on.
	Advertise netip.AddrPort
	// Insecure allows addresses other than loopback.
	Insecure bool
	// StreamTimeout is how long a connection's bytes may stay unacknowledged,
	// where the host can be told. Default 30 s.
	StreamTimeout time.Duration
	// MaxPeers bounds the address book; of more, those that were used least
	// recently are forgotten. Default 65536. Senders that nobody introduced do
	// not count; a sixteenth of MaxPeers of them are remembered.
	MaxPeers int
}

// Plain is a [Network] on the host's own UDP and TCP. It believes what a sender
// says about itself, so it is for labs. Contacts are those of [PlainContact].
type Plain struct {
	cfg  PlainConfig
	addr netip.AddrPort // where it listens
	self []byte         // its own contact
	home netip.AddrPort // the same, parsed

	mu       sync.Mutex
	book     *lru[protocol.NodeID, netip.AddrPort] // of those that were introduced
	heard    *lru[protocol.NodeID, netip.AddrPort] // of those that were not: strangers push out strangers only
	packets  net.PacketConn                        // until it is handed out
	listener net.Listener                          // likewise
}

// NewPlain opens the sockets. Close closes those that were not handed out.
func NewPlain(cfg PlainConfig) (*Plain, error) {
	cfg.StreamTimeout = cmp.Or(cfg.StreamTimeout, 30*time.Second)
	cfg.MaxPeers = cmp.Or(cfg.MaxPeers, 65536)
	ip := cfg.Listen.Addr()
	if !ip.IsValid() {
		return nil, errors.New("plain transport: no address to listen on")
	}
	if !ip.IsLoopback() && !cfg.Insecure {
		return nil, fmt.Errorf("plain transport: listen on %v, which is not loopback, without --insecure: %w", cfg.Listen, ErrInsecure)
	}
	p := &Plain{
		cfg:   cfg,
		book:  newLRU[protocol.NodeID, netip.AddrPort](cfg.MaxPeers),
		heard: newLRU[protocol.NodeID, netip.AddrPort](max(cfg.MaxPeers/16, 1)),
	}
	if err := p.open(); err != nil {
		return nil, fmt.Errorf("plain transport: %w", err)
	}
	home := cfg.Advertise
	if !home.IsValid() {
		home = p.addr
	}
	if home.Port() == 0 {
		home = netip.AddrPortFrom(home.Addr(), p.addr.Port())
	}
	if zone := home.Addr().Zone(); zone != "" {
		return nil, errors.Join(fmt.Errorf("plain transport: address to tell others %v: zone %s means nothing elsewhere", home, zone), p.Close())
	}
	p.self = PlainContact(home)
	var err error
	if p.home, err = ParsePlainContact(p.self); err != nil {
		return nil, errors.Join(fmt.Errorf("plain transport: address to tell others: %w", err), p.Close())
	}
	return p, nil
}

// open binds both sockets at one port.
func (p *Plain) open() error {
	ctx := context.Background() // binding does not wait
	lc := net.ListenConfig{KeepAlive: -1, Control: giveUpAfter(p.cfg.StreamTimeout)}
	var failed error
	for range portTries {
		l, err := lc.Listen(ctx, "tcp", p.cfg.Listen.String())
		if err != nil {
			return fmt.Errorf("listen for streams on %v: %w", p.cfg.Listen, err)
		}
		addr := netip.AddrPortFrom(p.cfg.Listen.Addr(), uint16(l.Addr().(*net.TCPAddr).Port))
		var lp net.ListenConfig
		c, err := lp.ListenPacket(ctx, "udp", addr.String())
		if err == nil {
			p.addr, p.listener, p.packets = addr, l, c
			// What the host gives will have to do.
			_ = c.(*net.UDPConn).SetReadBuffer(readBuffer)
			return nil
		}
		failed = errors.Join(fmt.Errorf("listen for datagrams on %v: %w", addr, err), l.Close())
		if p.cfg.Listen.Port() != 0 {
			break
		}
	}
	return failed
}

// Addr is where it listens.
func (p *Plain) Addr() netip.AddrPort { return p.addr }

// Close closes the sockets that were not handed out.
func (p *Plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	if p.packets != nil {
		errs = append(errs, p.packets.Close())
	}
	if p.listener != nil {
		errs = append(errs, p.listener.Close())
	}
	p.packets, p.listener = nil, nil
	return errors.Join(errs...)
}

// ListenPacket implements [Network]. It can be called once.
func (p *Plain) ListenPacket() (net.PacketConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.packets
	if c == nil {
		return nil, fmt.Errorf("datagram socket of %v: handed out already: %w", p.addr, net.ErrClosed)
	}
	p.packets = nil
	return c, nil
}

// Listen implements [Network]. It can be called once.
func (p *Plain) Listen() (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.listener
	if l == nil {
		return nil, fmt.Errorf("listener of %v: handed out already: %w", p.addr, net.ErrClosed)
	}
	p.listener = nil
	return l, nil
}

// Dial implements [Network].
func (p *Plain) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	// Connections that nobody uses are closed after a while, so there is
	// nothing to keep alive.
	d := net.Dialer{KeepAlive: -1, Control: giveUpAfter(p.cfg.StreamTimeout)}
	if ip := p.addr.Addr(); !ip.IsUnspecified() {
		d.LocalAddr = &net.TCPAddr{IP: ip.AsSlice()}
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// MaxDatagram implements [Network].
func (p *Plain) MaxDatagram() int { return plainDatagram }

// Route implements [Network].
func (p *Plain) Route(id protocol.NodeID) (netip.AddrPort, bool) {
	if id == p.cfg.Self {
		return p.home, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.find(id)
}

// find looks an address up. The caller holds p.mu.
func (p *Plain) find(id protocol.NodeID) (netip.AddrPort, bool) {
	if to, ok := p.book.get(id); ok {
		return to, true
	}
	return p.heard.get(id)
}

// Introduce implements [Network]. A later contact replaces an earlier one.
func (p *Plain) Introduce(id protocol.NodeID, contact []byte) error {
	if id == 0 {
		return errors.New("introduce a node: identity is zero")
	}
	to, err := ParsePlainContact(contact)
	if err != nil {
		return fmt.Errorf("introduce node %v: %w", id, err)
	}
	if id == p.cfg.Self {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.put(id, to)
	return nil
}

// Contact implements [Network].
func (p *Plain) Contact(id protocol.NodeID) []byte {
	if id == p.cfg.Self {
		return p.self
	}
	to, ok := p.Route(id)
	if !ok {
		return nil
	}
	return PlainContact(to)
}

// Vouch implements [Network]. It believes every claim but the identity 0 and
// this node's own.
func (p *Plain) Vouch(_ netip.AddrPort, claimed protocol.NodeID) (protocol.NodeID, bool) {
	return claimed, claimed != 0 && claimed != p.cfg.Self
}

// Learn implements [Learner]. What is known already stays.
func (p *Plain) Learn(id protocol.NodeID, from netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.find(id); !ok && id != 0 && id != p.cfg.Self {
		p.heard.put(id, from)
	}
}
