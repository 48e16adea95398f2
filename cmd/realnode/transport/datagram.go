package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/starling-sim/starling/protocol"
)

// packets reads and writes datagrams by address without allocating, which
// sockets of the host can do; others go through [net.Addr].
type packets struct {
	net.PacketConn
	udp addrPortConn // nil if the socket cannot
}

type addrPortConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

func newPackets(c net.PacketConn) *packets {
	udp, _ := c.(addrPortConn)
	return &packets{c, udp}
}

func (p *packets) read(b []byte) (int, netip.AddrPort, error) {
	if p.udp != nil {
		n, from, err := p.udp.ReadFromUDPAddrPort(b)
		return n, plainAddr(from), err
	}
	n, from, err := p.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	return n, addrPort(from), nil
}

func (p *packets) write(b []byte, to netip.AddrPort) error {
	var err error
	if p.udp != nil {
		_, err = p.udp.WriteToUDPAddrPort(b, to)
	} else {
		_, err = p.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	return err
}

// addrPort returns what a socket says of its peer, the zero value if that is no
// address and port.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return plainAddr(a.AddrPort())
	case *net.TCPAddr:
		return plainAddr(a.AddrPort())
	case nil:
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return plainAddr(ap)
}

// plainAddr writes an IPv4 address as one.
func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// rates are the token buckets of the addresses that send datagrams. One
// goroutine uses them.
type rates struct {
	limits  *Limits
	buckets *lru[netip.AddrPort, *rate.Limiter]
}

func newRates(l *Limits) *rates {
	return &rates{l, newLRU[netip.AddrPort, *rate.Limiter](l.MaxRates)}
}

func (r *rates) allow(from netip.AddrPort, now time.Time) bool {
	if !from.Addr().IsLoopback() {
		from = netip.AddrPortFrom(from.Addr(), 0)
	}
	b, ok := r.buckets.get(from)
	if !ok {
		b = rate.NewLimiter(rate.Limit(r.limits.DatagramRate), r.limits.DatagramBurst)
		r.buckets.put(from, b)
	}
	return b.AllowN(now, 1)
}

// MaxDatagram is the longest frame, in bytes, that Send takes.
func (t *Transport) MaxDatagram() int { return t.maxDatagram - datagramHeader }

// Send sends a frame as a datagram. It does not keep the frame. The error is
// [protocol.ErrTooLarge] if the frame does not fit; any other failure looks like
// loss and is counted. A frame to this node itself is delivered at once, on the
// caller's goroutine.
func (t *Transport) Send(to protocol.NodeID, frame []byte) error {
	if len(frame) > t.MaxDatagram() {
		return fmt.Errorf("send datagram of %d bytes, want at most %d: %w", len(frame), t.MaxDatagram(), protocol.ErrTooLarge)
	}
	if to == t.cfg.Self {
		t.cfg.Deliver(to, append([]byte(nil), frame...), false)
		return nil
	}
	addr, ok := t.cfg.Network.Route(to)
	if !ok {
		t.count.Drop(NoRoute)
		return nil
	}
	t.sendTo(addr, to, frame)
	return nil
}

// SendTo sends a frame as a datagram to whoever has an address: a seed of which
// only that is known. It is Send otherwise.
func (t *Transport) SendTo(addr netip.AddrPort, frame []byte) error {
	if len(frame) > t.MaxDatagram() {
		return fmt.Errorf("send datagram of %d bytes, want at most %d: %w", len(frame), t.MaxDatagram(), protocol.ErrTooLarge)
	}
	t.sendTo(addr, 0, frame)
	return nil
}

func (t *Transport) sendTo(addr netip.AddrPort, to protocol.NodeID, frame []byte) {
	buf := t.buffers.Get().(*[]byte)
	defer t.buffers.Put(buf)
	b := append(parties{t.cfg.Self, to}.append((*buf)[:0]), frame...)
	*buf = b
	p := t.packets.Load()
	if p == nil || p.write(b, addr) != nil {
		t.count.Drop(SendFailed)
		return
	}
	t.count.datagramsOut.Add(1)
	t.count.datagramBytesOut.Add(uint64(len(b)))
}

func newBuffers(size int) *sync.Pool {
	return &sync.Pool{New: func() any {
		b := make([]byte, 0, size)
		return &b
	}}
}

// readDatagrams delivers what arrives until the socket is closed.
func (t *Transport) readDatagrams(p *packets) {
	rates := newRates(&t.limits)
	learner, _ := t.cfg.Network.(Learner)
	buf := make([]byte, t.maxDatagram+1) // a byte more shows what is too long
	var wait pause
	for {
		n, from, err := p.read(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || !wait.more(t.ctx) {
				return
			}
			continue
		}
		wait.reset()
		claimed, frame, reason, ok := parseDatagram(buf[:n], t.cfg.Self, t.maxDatagram)
		if !ok {
			t.count.Drop(reason)
			continue
		}
		if !rates.allow(from, time.Now()) {
			t.count.Drop(Rate)
			continue
		}
		id, ok := t.cfg.Network.Vouch(from, claimed)
		if !ok || id == t.cfg.Self {
			t.count.Drop(Unvouched)
			continue
		}
		if learner != nil {
			learner.Learn(id, from)
		}
		t.count.datagramsIn.Add(1)
		t.count.datagramBytesIn.Add(uint64(n))
		t.cfg.Deliver(id, append([]byte(nil), frame...), false)
	}
}
