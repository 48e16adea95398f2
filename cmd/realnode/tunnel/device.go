package tunnel

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/device"

	"github.com/starling-sim/starling/protocol"
)

// Options say how a tunnel is set up.
type Options struct {
	// Keys are the node's keys; the tunnel owns them from then on. Required.
	Keys *Keys
	// Secret is the cluster's secret, nil for a node that has none: it joins
	// with a ticket, or has joined before.
	Secret *Secret
	// Listen is the outer UDP address. Port 0 takes a free one.
	Listen netip.AddrPort
	// Advertise is the outer address that others reach the node at. If it is
	// not valid, it is Listen where that names an address, and what the seed
	// saw otherwise. Port 0 stands for the port that the node listens on.
	Advertise netip.AddrPort
	// Allow, if not empty, is who may be a peer; see [Tunnel.SetAllow].
	Allow []Identity
	// Keepalive is how often an idle peer is sent an empty packet, so that
	// address translation in between does not forget the way; 0: never, which
	// is right without translation. WireGuard's manual recommends 25 s. It is
	// rounded up to seconds; at most 65,535 s.
	Keepalive time.Duration
	// StreamTimeout is how long bytes on a stream may stay unacknowledged
	// before it breaks; 0: 30 s.
	StreamTimeout time.Duration
	// MaxPeers bounds the WireGuard peers configured at a time; 0: 4,096.
	MaxPeers int
	// Now is the wall clock, which admissions and tickets are dated by; nil:
	// time.Now. WireGuard's own time-outs do not use it.
	Now func() time.Time
	// Log gets the device's messages, at level Debug unless something is
	// wrong; nil: none.
	Log *slog.Logger
}

const (
	defaultMaxPeers      = 4096
	defaultStreamTimeout = 30 * time.Second
	maxKeepalive         = 65535 * time.Second
)

// Tunnel is a node's network inside WireGuard. Its methods are safe for
// concurrent use.
type Tunnel struct {
	id        protocol.NodeID
	addr      netip.Addr // overlay
	secret    *Secret
	keepalive int // seconds
	maxPeers  int
	wallClock func() time.Time
	log       *slog.Logger
	began     time.Time
	count     counters

	bind  *bind
	inner *netstack
	dev   *device.Device

	admission admission

	closing context.Context
	close   context.CancelFunc
	once    sync.Once

	// allow is written under mu. Who is read without it may be off the list a
	// moment later; learn looks once more.
	allow atomic.Pointer[allowList]

	// mu guards what follows, and that the device's peers agree with it.
	mu         sync.RWMutex
	keys       *Keys
	self       Contact
	selfRaw    []byte
	member     memberKey // zero: no member yet
	peers      map[protocol.NodeID]*peer
	configured map[protocol.NodeID]*peer
	byKey      map[PublicKey]*peer
	closed     bool
}

// New sets a tunnel up: its socket is open and it can be joined when New
// returns.
func New(o Options) (*Tunnel, error) {
	t, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("set up tunnel: %w", err)
	}
	if err := t.start(o.Advertise); err != nil {
		return nil, fmt.Errorf("set up tunnel: %w", errors.Join(err, t.Close()))
	}
	return t, nil
}

func prepare(o Options) (*Tunnel, error) {
	if o.Keys == nil {
		return nil, errors.New("no keys given")
	}
	if !o.Listen.Addr().IsValid() || o.Listen.Addr().Zone() != "" {
		return nil, fmt.Errorf("got listen address %v, want an address and a port", o.Listen)
	}
	if o.Keepalive < 0 || o.Keepalive > maxKeepalive {
		return nil, fmt.Errorf("got keep-alive %v, want 0 to %v", o.Keepalive, maxKeepalive)
	}
	if o.MaxPeers < 0 || o.StreamTimeout < 0 {
		return nil, fmt.Errorf("got %d peers and a stream time-out of %v, want 0 for the default or more", o.MaxPeers, o.StreamTimeout)
	}
	id := o.Keys.NodeID()
	inner, err := newNetstack(OverlayAddr(id), cmp.Or(o.StreamTimeout, defaultStreamTimeout))
	if err != nil {
		return nil, err
	}
	t := &Tunnel{
		id:         id,
		addr:       inner.addr,
		secret:     o.Secret,
		keepalive:  int((o.Keepalive + time.Second - 1) / time.Second),
		maxPeers:   cmp.Or(o.MaxPeers, defaultMaxPeers),
		wallClock:  o.Now,
		log:        o.Log,
		began:      time.Now(),
		inner:      inner,
		bind:       &bind{listen: netip.AddrPortFrom(o.Listen.Addr().Unmap(), o.Listen.Port()), held: map[netip.AddrPort]hold{}},
		keys:       o.Keys,
		member:     o.Keys.member,
		peers:      map[protocol.NodeID]*peer{},
		configured: map[protocol.NodeID]*peer{},
		byKey:      map[PublicKey]*peer{},
	}
	if t.wallClock == nil {
		t.wallClock = time.Now
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.allow.Store(newAllowList(o.Allow))
	if o.Secret != nil {
		t.member = o.Secret.member()
	}
	t.closing, t.close = context.WithCancel(context.Background())
	t.admission.init()
	t.bind.other, t.bind.drop, t.bind.closing = t.screen, t.count.drop, t.closing.Done()
	t.dev = device.NewDevice(inner, t.bind, deviceLogger(t.log))
	return t, nil
}

func (t *Tunnel) start(advertise netip.AddrPort) error {
	if err := t.dev.IpcSet("private_key=" + hex.EncodeToString(t.keys.wireguard.Bytes()) + "\n"); err != nil {
		return fmt.Errorf("set private key: %w", err)
	}
	t.admission.run(t)
	if err := t.dev.Up(); err != nil {
		return err
	}
	at := t.bind.addr()
	endpoint := netip.AddrPortFrom(advertise.Addr().Unmap(), advertise.Port())
	switch {
	case endpoint.Addr().IsValid() && endpoint.Port() == 0:
		endpoint = netip.AddrPortFrom(endpoint.Addr(), at.Port())
	case !endpoint.Addr().IsValid() && !at.Addr().IsUnspecified():
		endpoint = at
	}
	if endpoint.IsValid() && !usable(endpoint) {
		return fmt.Errorf("advertise %v: %w", endpoint, errEndpoint)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.resign(endpoint)
}

// resign makes the node's next contact. The caller holds mu.
func (t *Tunnel) resign(endpoint netip.AddrPort) error {
	c, err := t.keys.sign(endpoint, t.wallClock())
	if err != nil {
		return err
	}
	t.self, t.selfRaw = c, c.Append(nil)
	return nil
}

// Close ends the tunnel and every socket in it, and waits for its goroutines.
func (t *Tunnel) Close() error {
	t.once.Do(func() {
		t.mu.Lock()
		t.closed = true
		t.mu.Unlock()
		t.close()
		t.admission.wait() // it configures the device
		t.dev.Close()
	})
	return nil
}

// ID returns this node's name.
func (t *Tunnel) ID() protocol.NodeID { return t.id }

// Self returns this node's contact. It changes when the node learns its own
// endpoint and when its key is rotated.
func (t *Tunnel) Self() Contact {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.self
}

// ListenAddr returns the outer UDP address.
func (t *Tunnel) ListenAddr() netip.AddrPort { return t.bind.addr() }

// IsMember reports whether the node knows the cluster's member key: without it
// the node has to join first.
func (t *Tunnel) IsMember() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return !t.member.isZero()
}

// Ticket issues a ticket to join at this node.
func (t *Tunnel) Ticket(lifetime time.Duration) (Ticket, error) {
	if t.secret == nil {
		return Ticket{}, errors.New("issue ticket: this node does not hold the cluster secret")
	}
	if lifetime <= 0 {
		return Ticket{}, fmt.Errorf("issue ticket: got a lifetime of %v, want more than 0", lifetime)
	}
	return NewTicket(*t.secret, t.Self(), t.wallClock().Add(lifetime))
}

// Rotate draws a new WireGuard key, puts it to use and announces it to every
// configured peer. Sessions are set up anew; the node's identity and overlay
// address, and with them its connections inside the tunnel, stay.
func (t *Tunnel) Rotate() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return fmt.Errorf("rotate key: %w", net.ErrClosed)
	}
	if err := t.keys.Rotate(); err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	if err := t.resign(t.self.Endpoint); err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	for _, p := range t.configured {
		t.hold(p, patience)
	}
	if err := t.dev.IpcSet("private_key=" + hex.EncodeToString(t.keys.wireguard.Bytes()) + "\n"); err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	for _, p := range t.configured {
		t.announce(p, false)
	}
	return nil
}

// ListenPacket opens the node's datagram socket, at its overlay address.
func (t *Tunnel) ListenPacket() (net.PacketConn, error) { return t.inner.listenPacket(OverlayPort) }

// Listen opens the node's stream listener, at its overlay address.
func (t *Tunnel) Listen() (net.Listener, error) { return t.inner.listen(OverlayPort) }

// Dial opens a stream to a peer's overlay address, as Route returned it.
func (t *Tunnel) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if _, ok := overlayID(to.Addr()); !ok {
		return nil, fmt.Errorf("dial %v in the tunnel: not an overlay address", to)
	}
	return t.inner.dial(ctx, to)
}

// MaxDatagram returns the largest UDP payload, in bytes.
func (t *Tunnel) MaxDatagram() int { return maxDatagram }

// now reads a clock that never goes back; it is never 0.
func (t *Tunnel) now() time.Duration { return time.Since(t.began) + 1 }

// deviceLogger hands on what the device has to say. Errors come one for every
// packet while a network is down: at most one a second is logged.
func deviceLogger(log *slog.Logger) *device.Logger {
	began := time.Now()
	var next, kept atomic.Int64
	return &device.Logger{
		Verbosef: func(format string, args ...any) {
			if log.Enabled(context.Background(), slog.LevelDebug) {
				log.Debug("wireguard", "message", fmt.Sprintf(format, args...))
			}
		},
		Errorf: func(format string, args ...any) {
			now, due := int64(time.Since(began)), next.Load()
			if now < due || !next.CompareAndSwap(due, now+int64(time.Second)) {
				kept.Add(1)
				return
			}
			log.Warn("wireguard", "message", fmt.Sprintf(format, args...), "not_logged", kept.Swap(0))
		},
	}
}
