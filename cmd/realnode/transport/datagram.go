package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
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

// allowance is what an address may send: datagrams a second, and at once.
type allowance struct {
	rate  rate.Limit
	burst int
}

// rates are the token buckets of the addresses that send datagrams. One
// goroutine uses them; the allowance may be replaced by any.
type rates struct {
	wanted  *atomic.Pointer[allowance]
	current *allowance
	buckets *lru[netip.AddrPort, *rate.Limiter]
}

func newRates(wanted *atomic.Pointer[allowance], size int) *rates {
	return &rates{wanted, wanted.Load(), newLRU[netip.AddrPort, *rate.Limiter](size)}
}

// follow has the buckets that there are take over another allowance. What an
// address has left in its bucket it keeps, as far as that fits.
func (r *rates) follow(wanted *allowance, now time.Time) {
	r.current = wanted
	for e := r.buckets.order.Front(); e != nil; e = e.Next() {
		b := e.Value.(*entry[netip.AddrPort, *rate.Limiter]).value
		b.SetLimitAt(now, wanted.rate)
		b.SetBurstAt(now, wanted.burst)
	}
}

func (r *rates) allow(from netip.AddrPort, now time.Time) bool {
	if !from.Addr().IsLoopback() {
		from = netip.AddrPortFrom(from.Addr(), 0)
	}
	if wanted := r.wanted.Load(); wanted != r.current {
		r.follow(wanted, now)
	}
	b, ok := r.buckets.get(from)
	if !ok {
		b = rate.NewLimiter(r.current.rate, r.current.burst)
		r.buckets.put(from, b)
	}
	return b.AllowN(now, 1)
}

// SetDatagramRate replaces [Limits.DatagramRate] and [Limits.DatagramBurst], also
// for the addresses that have sent already. Both must be above zero. It may be
// called at any time.
func (t *Transport) SetDatagramRate(perSecond float64, burst int) error {
	if !(perSecond > 0) || burst <= 0 {
		return fmt.Errorf("set the rate of datagrams: got %v a second and %d at once, want more than 0", perSecond, burst)
	}
	t.allowance.Store(&allowance{rate.Limit(perSecond), burst})
	return nil
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
	if p == nil {
		t.count.Drop(SendFailed)
		return
	}
	if err := p.write(b, addr); err != nil {
		t.count.Drop(sendReason(err))
		return
	}
	t.count.datagramsOut.Add(1)
	t.count.datagramBytesOut.Add(uint64(len(b)))
}

// sendReason is what a datagram is counted as that was not sent. Nothing is
// logged: while a network is down there is one for each.
func sendReason(err error) Reason {
	switch {
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EHOSTDOWN):
		return Unreachable
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	}
	return SendFailed
}

// passing reports whether an error of a receiving socket is about a datagram that
// was sent, to somebody who cannot be reached, and says nothing of the socket.
// Which systems report that to whoever reads next differs.
func passing(err error) bool {
	return sendReason(err) != SendFailed || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EMSGSIZE)
}

// manyPassing is how many such errors in a row are taken without a pause: more
// than there are peers to send to at a time, and few enough not to keep a
// processor busy with a socket that has nothing else to say.
const manyPassing = 256

func newBuffers(size int) *sync.Pool {
	return &sync.Pool{New: func() any {
		b := make([]byte, 0, size)
		return &b
	}}
}

// readDatagrams delivers what arrives until the socket is closed.
func (t *Transport) readDatagrams(p *packets) {
	rates := newRates(&t.allowance, t.limits.MaxRates)
	learner, _ := t.cfg.Network.(Learner)
	buf := make([]byte, t.maxDatagram+1) // a byte more shows what is too long
	var wait pause
	errs := 0 // in a row
	for {
		n, from, err := p.read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			t.count.Drop(ReceiveFailed)
			errs++
			if passing(err) && errs%manyPassing != 0 {
				continue
			}
			if !wait.more(t.ctx) {
				return
			}
			continue
		}
		wait.reset()
		errs = 0
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
