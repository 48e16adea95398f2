package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/tun"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// netstack is the inner IPv6 stack and, to the WireGuard device, its tun
// device. The library has one of its own (tun/netstack), but a packet that is
// on its way out while that one closes sends on a closed channel and takes the
// process down; here packets wait in gvisor's queue and are discarded.
type netstack struct {
	addr          netip.Addr
	streamTimeout time.Duration
	stack         *stack.Stack
	link          *channel.Endpoint
	events        chan tun.Event

	open, drained context.Context // until Close begins; until nothing is to be read any more
	shut, drain   context.CancelFunc
	close         sync.Once
}

const (
	nic = 1
	// mtu is WireGuard's usual one: 1500 less 40 of outer IPv6, 8 of UDP and
	// 32 of WireGuard.
	mtu = 1420
	// maxDatagram is what a UDP datagram holds without being cut into pieces.
	maxDatagram = mtu - header.IPv6MinimumSize - header.UDPMinimumSize
	// queueLen is how many outgoing packets wait for the device.
	queueLen = 1024
	// backlog is how many connections wait to be accepted.
	backlog = 128
	// The bounds of TCP's buffers, per connection and direction, in bytes. The
	// upper one bounds memory; it carries 80 Mbit/s over 100 ms.
	minTCPBuffer, defaultTCPBuffer, maxTCPBuffer = 4 << 10, 128 << 10, 1 << 20
)

func newNetstack(addr netip.Addr, streamTimeout time.Duration) (*netstack, error) {
	n := &netstack{
		addr:          addr,
		streamTimeout: streamTimeout,
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol6},
			HandleLocal:        true, // a node may talk to itself
		}),
		link:   channel.New(queueLen, mtu, ""),
		events: make(chan tun.Event, 1),
	}
	n.open, n.shut = context.WithCancel(context.Background())
	n.drained, n.drain = context.WithCancel(context.Background())
	if err := n.configure(); err != nil {
		_ = n.Close()
		return nil, fmt.Errorf("set up inner network: %w", err)
	}
	n.events <- tun.EventUp
	return n, nil
}

func (n *netstack) configure() error {
	sack := tcpip.TCPSACKEnabled(true)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: minTCPBuffer, Default: defaultTCPBuffer, Max: maxTCPBuffer}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: minTCPBuffer, Default: defaultTCPBuffer, Max: maxTCPBuffer}
	for _, option := range []tcpip.SettableTransportProtocolOption{&sack, &receive, &send} {
		if err := n.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("tcp option %T: %s", option, err)
		}
	}
	if err := n.stack.CreateNIC(nic, n.link); err != nil {
		return fmt.Errorf("interface: %s", err)
	}
	own := tcpip.ProtocolAddress{
		Protocol:          ipv6.ProtocolNumber,
		AddressWithPrefix: tcpip.AddrFromSlice(n.addr.AsSlice()).WithPrefix(),
	}
	if err := n.stack.AddProtocolAddress(nic, own, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("address %v: %s", n.addr, err)
	}
	n.stack.AddRoute(tcpip.Route{Destination: header.IPv6EmptySubnet, NIC: nic})
	return nil
}

// Read takes an outgoing packet, for the device.
func (n *netstack) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	p := n.link.ReadContext(n.drained)
	if p == nil {
		return 0, os.ErrClosed
	}
	defer p.DecRef()
	view := p.ToView()
	defer view.Release()
	size, err := view.Read(bufs[0][offset:])
	if err != nil {
		return 0, err
	}
	sizes[0] = size
	return 1, nil
}

// Write delivers incoming packets. The device has checked that they come from
// the source address they name.
func (n *netstack) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		packet := b[offset:]
		if len(packet) == 0 || packet[0]>>4 != 6 {
			continue
		}
		p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
		n.link.InjectInbound(header.IPv6ProtocolNumber, p)
		p.DecRef()
	}
	return len(bufs), nil
}

// Close ends all sockets and waits for the stack's goroutines.
func (n *netstack) Close() error {
	n.close.Do(func() {
		n.shut()
		n.stack.Destroy() // resets connections; peers are told as far as the device still reads
		n.drain()
		n.link.Close()
		close(n.events)
	})
	return nil
}

// File returns nil: there is no device file.
func (n *netstack) File() *os.File { return nil }

// MTU returns the inner MTU.
func (n *netstack) MTU() (int, error) { return mtu, nil }

// Name returns a name for the device.
func (n *netstack) Name() (string, error) { return "starling", nil }

// Events tells the device that it is up.
func (n *netstack) Events() <-chan tun.Event { return n.events }

// BatchSize is how many packets are read at once.
func (n *netstack) BatchSize() int { return 1 }

func (n *netstack) full(ap netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFromSlice(ap.Addr().AsSlice()), Port: ap.Port()}
}

func (n *netstack) listenPacket(port uint16) (net.PacketConn, error) {
	at := n.full(netip.AddrPortFrom(n.addr, port))
	c, err := gonet.DialUDP(n.stack, &at, nil, ipv6.ProtocolNumber)
	if err != nil {
		return nil, fmt.Errorf("listen for datagrams in the tunnel: %w", err)
	}
	return packetConn{c, n.open}, nil
}

func (n *netstack) listen(port uint16) (net.Listener, error) {
	ep, queue, err := n.newTCP()
	if err != nil {
		return nil, fmt.Errorf("listen for streams in the tunnel: %w", err)
	}
	failed := ep.Bind(n.full(netip.AddrPortFrom(n.addr, port)))
	if failed == nil {
		failed = ep.Listen(backlog)
	}
	if failed != nil {
		ep.Close()
		return nil, fmt.Errorf("listen for streams in the tunnel: %s", failed)
	}
	open, shut := context.WithCancel(n.open)
	return &listener{TCPListener: gonet.NewTCPListener(n.stack, queue, ep), open: open, shut: shut}, nil
}

func (n *netstack) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	ep, queue, err := n.newTCP()
	if err != nil {
		return nil, fmt.Errorf("dial %v in the tunnel: %w", to, err)
	}
	if err := connect(ctx, ep, queue, n.full(to)); err != nil {
		ep.Close()
		return nil, fmt.Errorf("dial %v in the tunnel: %w", to, err)
	}
	return gonet.NewTCPConn(queue, ep), nil
}

// newTCP makes an endpoint that gives up a peer which acknowledges nothing. By
// itself it would go on for ever; connections that a listener accepts take the
// time-out over from it.
func (n *netstack) newTCP() (tcpip.Endpoint, *waiter.Queue, error) {
	queue := new(waiter.Queue)
	ep, err := n.stack.NewEndpoint(tcp.ProtocolNumber, ipv6.ProtocolNumber, queue)
	if err != nil {
		return nil, nil, errors.New(err.String())
	}
	timeout := tcpip.TCPUserTimeoutOption(n.streamTimeout)
	if err := ep.SetSockOpt(&timeout); err != nil {
		ep.Close()
		return nil, nil, fmt.Errorf("set time-out: %s", err)
	}
	return ep, queue, nil
}

// connect opens a connection; the caller closes the endpoint if it fails.
func connect(ctx context.Context, ep tcpip.Endpoint, queue *waiter.Queue, to tcpip.FullAddress) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entry, done := waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&entry)
	defer queue.EventUnregister(&entry)
	err := ep.Connect(to)
	if _, started := err.(*tcpip.ErrConnectStarted); started {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
			err = ep.LastError()
		}
	}
	if err != nil {
		return errors.New(err.String())
	}
	return nil
}

// packetConn reports a closed socket as package net does.
type packetConn struct {
	*gonet.UDPConn
	open context.Context // the stack's
}

func (c packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.UDPConn.ReadFrom(b)
	if errors.Is(err, io.EOF) || err != nil && c.open.Err() != nil {
		err = net.ErrClosed
	}
	return n, from, err
}

// listener reports a closed listener as package net does.
type listener struct {
	*gonet.TCPListener
	open  context.Context // until Close, of this or of the stack
	shut  context.CancelFunc
	close sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.TCPListener.Accept()
	if err == nil {
		return c, nil
	}
	if l.open.Err() != nil {
		err = net.ErrClosed
	}
	return nil, err
}

func (l *listener) Close() (err error) {
	l.close.Do(func() {
		l.shut()
		l.Shutdown() // wakes an Accept that waits
		err = l.TCPListener.Close()
	})
	return err
}
