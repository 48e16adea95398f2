package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/cmd/realnode/disk"
	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/cmd/realnode/observe"
	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/protocol/stack"
)

// parts are what a process is made of, from the sockets up.
type parts struct {
	cfg   *config.Config
	specs []protocol.Spec
	log   *slog.Logger
	began time.Time

	id        protocol.NodeID
	listen    netip.AddrPort
	network   transport.Network
	plain     *transport.Plain // nil in a tunnel
	tunnel    *tunnel.Tunnel   // nil if plain
	traffic   *transport.Counters
	transport *transport.Transport
	shim      *lab.Shim  // nil but in a lab with a network of its own
	world     *lab.World // likewise
	store     *disk.Store
	metrics   *observe.Metrics
	observer  *observe.Observer
	health    *observe.Health
	heartbeat *observe.Heartbeat
	seeds     *seeds
	extraSeed string // of the ticket in a file, empty if there is none
	node      *node.Node
	delivered map[string]bool // names of events; see payload
	heard     heard
	lead      atomic.Int64 // see dated

	closers []func() error
}

// assemble makes a process of a configuration. Nothing runs but the sockets, as
// far as the node's identity depends on them.
func assemble(ctx context.Context, cfg *config.Config, log *slog.Logger) (p *parts, err error) {
	p = &parts{cfg: cfg, log: log, began: time.Now(), traffic: &transport.Counters{}, health: &observe.Health{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
			p = nil
		}
	}()
	st, err := cfg.NewStack()
	if err != nil {
		return p, err
	}
	p.specs = st.Specs()
	p.delivered = deliveries(p.specs)
	if err := p.openLab(); err != nil {
		return p, err
	}
	if err := p.openNetwork(ctx); err != nil {
		return p, err
	}
	if p.metrics, err = observe.NewMetrics(p.specs, version()); err != nil {
		return p, err
	}
	if err := p.openStore(); err != nil {
		return p, err
	}
	if err := p.findSeeds(ctx); err != nil {
		return p, err
	}
	if err := p.openObserver(ctx); err != nil {
		return p, err
	}
	if err := p.openNode(st); err != nil {
		return p, err
	}
	return p, p.registerFigures()
}

// close ends everything, in the opposite order.
func (p *parts) close() error {
	var errs []error
	for len(p.closers) > 0 {
		last := len(p.closers) - 1
		errs = append(errs, p.closers[last]())
		p.closers = p.closers[:last]
	}
	return errors.Join(errs...)
}

func (p *parts) onClose(f func() error) { p.closers = append(p.closers, f) }

// openNetwork opens the sockets and settles who this node is.
func (p *parts) openNetwork(ctx context.Context) error {
	t := p.cfg.Transport
	listen, err := p.cfg.ListenAddr()
	if err != nil {
		return err
	}
	advertise, err := p.cfg.AdvertiseAddr()
	if err != nil {
		return err
	}
	if t.Kind == "wireguard" {
		return p.openTunnel(ctx, listen, advertise)
	}
	return p.openPlain(ctx, listen, advertise)
}

// openPlain opens the host's own sockets. Who a node is follows from its port, so
// one that the system chooses is chosen first; somebody may take it meanwhile.
func (p *parts) openPlain(ctx context.Context, listen, advertise netip.AddrPort) error {
	t := p.cfg.Transport
	anyPort := listen.Port() == 0
	for try := 1; ; try++ {
		at := listen
		if anyPort {
			var err error
			if at, err = freePort(ctx, listen); err != nil {
				return err
			}
		}
		id, err := p.plainIdentity(at, advertise)
		if err != nil {
			return err
		}
		plain, err := transport.NewPlain(transport.PlainConfig{
			Self: id, Listen: at, Advertise: advertise, Insecure: t.Insecure,
			StreamTimeout: t.Limits.StreamTimeout.Std(), MaxPeers: t.MaxPeers,
		})
		if anyPort && errors.Is(err, syscall.EADDRINUSE) && try < portTries {
			continue
		}
		if err != nil {
			return err
		}
		p.onClose(plain.Close)
		p.id, p.plain, p.network, p.listen = id, plain, plain, plain.Addr()
		return nil
	}
}

// portTries is how many free ports may be lost to somebody else.
const portTries = 10

// openStore opens the disk, if the node has one.
func (p *parts) openStore() error {
	dir := p.cfg.Path(p.cfg.Node.DataDir)
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	store, err := disk.Open(filepath.Join(dir, "store"), disk.Options{
		Logger: p.log, Failed: func(err error) {
			p.metrics.StoreError()
			p.log.Error("the store has failed; the node goes on without", "error", err)
		},
	})
	if errors.Is(err, disk.ErrFull) {
		p.log.Error("the disk is full; the node runs without a store", "error", err)
		p.health.Readiness("store", func(context.Context) error { return err })
		return nil
	}
	if err != nil {
		return err
	}
	p.store = store
	p.onClose(store.Close)
	p.health.Readiness("store", observe.Failed(store.Err))
	return nil
}

// openObserver makes what watches the node. One that was told of nobody to start
// from need not have met anybody to be well.
func (p *parts) openObserver(ctx context.Context) error {
	o := p.cfg.Observe
	traces, err := observe.NewTraces(ctx, observe.TraceOptions{
		Endpoint: o.OTLPEndpoint, Node: p.id, Version: version(), Share: o.TraceShare.Float(), Log: p.log.Handler(),
	})
	if err != nil {
		return err
	}
	options := observe.Options{Specs: p.specs, Start: p.began, Metrics: p.metrics, Traces: traces, First: p.seeds.first}
	if o.LogEvents {
		options.Log = p.log.Handler()
	}
	if p.observer, err = observe.New(options); err != nil {
		return err
	}
	p.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := p.observer.Close(ctx); err != nil {
			p.log.Warn("not everything that was observed got where it should", "error", err)
		}
		return nil
	})
	p.heartbeat = observe.NewHeartbeat(30 * time.Second)
	p.health.Liveness("loop", p.heartbeat.Check)
	p.health.Readiness("joined", p.observer.Joined)
	return nil
}

// registerFigures gives the metrics what is counted elsewhere.
func (p *parts) registerFigures() error {
	m := p.metrics
	errs := []error{
		m.ByLabel("starling_datagrams_dropped_total", func() map[string]uint64 { return p.dropped(true) }),
		m.ByLabel("starling_streams_failed_total", func() map[string]uint64 { return p.dropped(false) }),
		m.Value("starling_streams_open", func() float64 { return float64(p.traffic.Snapshot().Connections) }),
		m.ByLabel("starling_inbox_dropped_total", func() map[string]uint64 {
			out := map[string]uint64{}
			for why, n := range p.node.Stats().Dropped {
				out[node.Drop(why).String()] = n
			}
			return out
		}),
		m.Value("starling_inbox_messages", func() float64 {
			s := p.node.Stats()
			return float64(s.InboxDatagrams + s.InboxStreamFrames)
		}),
		m.Value("starling_timers_pending", func() float64 { return float64(p.node.Stats().Timers) }),
		p.health.Register(m),
	}
	if p.tunnel != nil {
		errs = append(
			errs,
			m.ByLabel("starling_tunnel_dropped_total", func() map[string]uint64 {
				out := map[string]uint64{}
				for why, n := range p.tunnel.Stats().Dropped {
					out[why.String()] = n
				}
				return out
			}),
			m.Value("starling_tunnel_peers", func() float64 { return float64(p.tunnel.Stats().Configured) }),
		)
	}
	return errors.Join(errs...)
}

// dropped are what the transport dropped, of datagrams or of streams.
func (p *parts) dropped(datagrams bool) map[string]uint64 {
	out := map[string]uint64{}
	s := p.traffic.Snapshot()
	for _, why := range transport.Reasons() {
		switch why {
		case transport.Handshake, transport.Connections, transport.Memory, transport.Queue, transport.Slow, transport.Lost:
			if !datagrams {
				out[why.String()] = s.Dropped[why]
			}
		default:
			if datagrams {
				out[why.String()] = s.Dropped[why]
			}
		}
	}
	if !datagrams {
		out["broken"] = s.StreamsBroken
	}
	return out
}

// openNode puts the runtime on the transport.
func (p *parts) openNode(st *stack.Stack) error {
	l := p.cfg.Transport.Limits
	up := &upward{parts: p}
	var cancel context.CancelFunc
	up.ctx, cancel = context.WithCancel(context.Background())
	p.onClose(func() error { cancel(); return nil })
	t, err := transport.New(transport.Config{
		Self: p.id, Network: p.network, Deliver: up.deliver, Broken: up.broken, Counters: p.traffic,
		Limits: transport.Limits{
			StreamTimeout: l.StreamTimeout.Std(), HandshakeTimeout: l.HandshakeTimeout.Std(), IdleTimeout: l.StreamIdle.Std(),
			MinStreamRate:  max(int(l.StreamRate)/8, 1),
			MaxConnections: l.Connections, MaxConnectionsPerPeer: l.ConnectionsPerPeer,
			MaxHandshakes: l.Handshakes, MaxHandshakesPerIP: l.HandshakesPerAddress,
			MaxQueuedMessages: l.QueuedMessages, MaxQueuedBytesPerPeer: int(l.QueuedPerPeer), MaxQueuedBytes: int(l.Queued),
			MaxReadingBytes: int(l.Reading), DatagramRate: perSecond(l.DatagramRate), DatagramBurst: l.DatagramBurst,
		},
	})
	if err != nil {
		return err
	}
	p.transport = t
	var lower node.Transport = counted{t, p.metrics}
	if p.world != nil {
		if p.shim, err = p.newShim(t, up); err != nil {
			return err
		}
		p.onClose(func() error { p.shim.Close(); return nil })
		lower = counted{shimmed{p.shim}, p.metrics}
	}
	c := node.Config{
		ID: p.id, Stack: st, Transport: lower, Contacts: knownContacts{p.network}, Observer: dated{p.observer, &p.lead}, Logger: p.log,
		Inbox: node.InboxLimits{
			Datagrams: l.InboxDatagrams, DatagramBytes: int(l.InboxDatagramBytes),
			StreamFrames: l.InboxFrames, StreamBytes: int(l.InboxFrameBytes),
		},
		Lag: p.metrics.LoopLag,
	}
	c.Store = &node.Memory{}
	if p.store != nil {
		c.Store = p.store
	}
	seed := uint64(0)
	if p.world != nil {
		seed = p.world.Seed
		if err := p.enter(&c); err != nil {
			return err
		}
	}
	if err := node.Fill(c.Store, st.Initial(), seed, p.id); err != nil {
		return err
	}
	if p.node, err = node.New(c); err != nil {
		return err
	}
	up.runtime.Store(p.node)
	if p.world != nil {
		return nil // the node has the seeds of that
	}
	return p.seeds.onFound(p.node.SetSeeds)
}

func perSecond(r quantity.Rate) float64 { return float64(time.Second) / float64(r.Interval()) }

// kindOf is the kind of the message that a frame holds.
func kindOf(frame []byte) protocol.MessageKind {
	if len(frame) < protocol.FrameOverhead {
		return 0
	}
	return protocol.MessageKind(binary.BigEndian.Uint16(frame[1:]))
}
