package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Config is what a Transport is made from.
type Config struct {
	// Self is this node's identity, not zero.
	Self protocol.NodeID
	// Network is where the sockets come from. The transport does not close it.
	Network Network
	// Deliver takes a frame that arrived; stream tells how. It is called from
	// several goroutines at once, in order for what one peer sends on its
	// stream, and must not block. The frame belongs to it.
	Deliver func(from protocol.NodeID, frame []byte, stream bool)
	// Broken hears that the stream to a peer broke: what was sent on it and
	// had not arrived is lost. It is called on goroutines of the transport,
	// must not block, and may send. Nil if nobody wants to know.
	Broken func(peer protocol.NodeID)
	// Limits bound what strangers and peers can take up.
	Limits Limits
	// Counters count what happens; nil if nobody wants to know.
	Counters *Counters
}

// Transport sends and receives frames for one node. Its methods may be called
// from several goroutines at once.
type Transport struct {
	cfg         Config
	limits      Limits
	count       *Counters
	maxDatagram int
	buffers     *sync.Pool
	packets     atomic.Pointer[packets]
	allowance   atomic.Pointer[allowance]
	epoch       time.Time
	reading     atomic.Int64 // bytes of long messages that arrive

	ctx    context.Context // ends with the transport
	cancel context.CancelFunc
	work   sync.WaitGroup

	// mu guards what follows, and all state of peers and conns.
	mu       sync.Mutex
	started  bool
	closed   bool
	listener net.Listener
	peers    map[protocol.NodeID]*peer
	shaking  map[net.Conn]netip.Addr // accepted, before their hello
	perIP    map[netip.Addr]int      // how many of those an address has
	conns    int                     // connections of all peers
	queued   int                     // bytes that wait for all peers
}

// New returns a transport that is not yet started.
func New(cfg Config) (*Transport, error) {
	switch {
	case cfg.Self == 0:
		return nil, errors.New("new transport: identity is zero")
	case cfg.Network == nil:
		return nil, errors.New("new transport: no network")
	case cfg.Deliver == nil:
		return nil, errors.New("new transport: nobody to deliver to")
	}
	size := cfg.Network.MaxDatagram()
	if least := datagramHeader + protocol.FrameOverhead; size < least {
		return nil, fmt.Errorf("new transport: network takes datagrams of %d bytes, want at least %d", size, least)
	}
	if cfg.Counters == nil {
		cfg.Counters = new(Counters)
	}
	t := &Transport{
		cfg: cfg, limits: cfg.Limits.withDefaults(), count: cfg.Counters,
		maxDatagram: size, buffers: newBuffers(size), epoch: time.Now(),
		peers:   make(map[protocol.NodeID]*peer),
		shaking: make(map[net.Conn]netip.Addr),
		perIP:   make(map[netip.Addr]int),
	}
	if err := t.SetDatagramRate(t.limits.DatagramRate, t.limits.DatagramBurst); err != nil {
		return nil, fmt.Errorf("new transport: %w", err)
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t, nil
}

// Start takes the sockets from the network and begins to receive.
func (t *Transport) Start() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return fmt.Errorf("start transport: %w", net.ErrClosed)
	case t.started:
		return errors.New("start transport: started already")
	}
	pc, err := t.cfg.Network.ListenPacket()
	if err != nil {
		return fmt.Errorf("start transport: %w", err)
	}
	l, err := t.cfg.Network.Listen()
	if err != nil {
		return errors.Join(fmt.Errorf("start transport: %w", err), pc.Close())
	}
	t.started, t.listener = true, l
	p := newPackets(pc)
	t.packets.Store(p)
	t.work.Go(func() { t.readDatagrams(p) })
	t.work.Go(func() { t.accept(l) })
	t.work.Go(t.restIdle)
	return nil
}

// Close closes all sockets and waits until nothing runs any more. What waits to
// be sent is lost. Nothing is delivered or reported once it has returned. Deliver and Broken
// must not call it.
func (t *Transport) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.work.Wait()
		return nil
	}
	t.closed = true
	t.cancel()
	var errs []error
	if t.started {
		errs = append(errs, t.packets.Load().Close(), t.listener.Close())
	}
	for nc := range t.shaking {
		_ = nc.Close()
	}
	for _, p := range t.peers {
		t.loseQueue(p)
		for _, c := range p.conns {
			c.shut()
		}
	}
	t.mu.Unlock()
	t.work.Wait()
	return errors.Join(errs...)
}

// report tells the node that a stream broke.
func (t *Transport) report(id protocol.NodeID) {
	if t.ctx.Err() != nil {
		return
	}
	t.count.streamsDown.Add(1)
	if t.cfg.Broken != nil {
		t.cfg.Broken(id)
	}
}

// pause is a wait that doubles, for errors of a socket that may pass.
type pause struct{ d time.Duration }

func (p *pause) reset() { p.d = 0 }

// more waits; it returns false if ctx ends.
func (p *pause) more(ctx context.Context) bool {
	p.d = min(max(2*p.d, time.Millisecond), time.Second)
	timer := time.NewTimer(p.d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
