package transport

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// peer is what a transport keeps of a node to which it has connections or wants
// one. Transport.mu guards it.
type peer struct {
	id protocol.NodeID
	// queue are the frames that no connection has taken yet; bytes is their
	// length and that of those that are being written.
	queue [][]byte
	bytes int
	// tx is the connection that frames are sent on, nil if there is none.
	tx *conn
	// dial is the attempt to open one, nil if there is none.
	dial *dialing
	// conns are all that are open, the oldest first.
	conns []*conn
}

type dialing struct{ cancel context.CancelFunc }

// SendStream sends a frame over the stream to a node, which is opened if there
// is none. The frame belongs to the transport from then on. The error is
// [protocol.ErrTooLarge] if the frame is too long and wraps [net.ErrClosed] after
// Close; any other failure breaks the stream, which is reported to
// [Config].Broken. A frame to this node itself is delivered at once, on the
// caller's goroutine.
func (t *Transport) SendStream(to protocol.NodeID, frame []byte) error {
	if len(frame) > t.limits.MaxStreamFrame {
		return fmt.Errorf("send stream message of %d bytes, want at most %d: %w", len(frame), t.limits.MaxStreamFrame, protocol.ErrTooLarge)
	}
	if len(frame) < protocol.FrameOverhead {
		return fmt.Errorf("send stream message of %d bytes, want at least %d: %w", len(frame), protocol.FrameOverhead, protocol.ErrMalformed)
	}
	if to == t.cfg.Self {
		t.cfg.Deliver(to, frame, true)
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || !t.started {
		return fmt.Errorf("send stream message: %w", net.ErrClosed)
	}
	p := t.peerOf(to)
	if len(p.queue) >= t.limits.MaxQueuedMessages || p.bytes+len(frame) > t.limits.MaxQueuedBytesPerPeer ||
		t.queued+len(frame) > t.limits.MaxQueuedBytes {
		t.count.Drop(Queue)
		t.overflow(p)
		return nil
	}
	p.queue = append(p.queue, frame)
	p.bytes += len(frame)
	t.addQueued(len(frame))
	t.push(p)
	return nil
}

func (t *Transport) peerOf(id protocol.NodeID) *peer {
	p := t.peers[id]
	if p == nil {
		p = &peer{id: id}
		t.peers[id] = p
	}
	return p
}

// forget frees a peer of which nothing is left.
func (t *Transport) forget(p *peer) {
	if len(p.conns) == 0 && len(p.queue) == 0 && p.dial == nil {
		delete(t.peers, p.id)
	}
}

func (t *Transport) addQueued(n int) {
	t.queued += n
	t.count.queuedBytes.Add(int64(n))
}

// push sees to it that what waits for a peer is sent.
func (t *Transport) push(p *peer) {
	switch {
	case len(p.queue) == 0 || t.closed:
	case p.tx != nil:
		p.tx.wakeWriter()
	case p.dial == nil:
		ctx, cancel := context.WithTimeout(t.ctx, t.limits.StreamTimeout)
		d := &dialing{cancel}
		p.dial = d
		t.work.Go(func() {
			defer cancel()
			t.connect(ctx, p, d)
		})
	}
}

// loseQueue drops what no connection has taken yet.
func (t *Transport) loseQueue(p *peer) {
	for _, frame := range p.queue {
		p.bytes -= len(frame)
		t.addQueued(-len(frame))
		t.count.Drop(Lost)
	}
	p.queue = nil
}

// overflow breaks the stream to a peer that takes too little.
func (t *Transport) overflow(p *peer) {
	t.loseQueue(p)
	if p.tx != nil {
		p.tx.shut() // its goroutines find out and report
		return
	}
	if p.dial != nil {
		p.dial.cancel()
		p.dial = nil
	}
	t.forget(p)
	// Not on the goroutine of the node, which is just sending.
	t.work.Go(func() { t.report(p.id) })
}

// Disconnect breaks the stream to a node, if there is one, and reports that to
// [Config].Broken. What waits is lost. It keeps nobody from opening another; that
// is the network's to refuse.
func (t *Transport) Disconnect(id protocol.NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peers[id]
	if p == nil || t.closed {
		return
	}
	t.loseQueue(p)
	if p.dial != nil {
		p.dial.cancel()
		p.dial = nil
	}
	for _, c := range slices.Clone(p.conns) {
		c.takeDown()
	}
	t.forget(p)
	t.work.Go(func() { t.report(id) })
}

// connect opens a connection to a peer.
func (t *Transport) connect(ctx context.Context, p *peer, d *dialing) {
	nc, err := t.dial(ctx, p.id)
	t.mu.Lock()
	if p.dial != d || t.closed { // given up meanwhile
		t.mu.Unlock()
		if nc != nil {
			_ = nc.Close()
		}
		return
	}
	p.dial = nil
	switch {
	case err != nil:
		if r := reasonOf(err, numReasons); r != numReasons {
			t.count.Drop(r)
		}
	case t.conns >= t.limits.MaxConnections:
		t.count.Drop(Connections)
		_ = nc.Close()
	default:
		t.count.streamsOpened.Add(1)
		c := t.addConn(p, nc, true)
		p.tx = c
		c.start()
		t.mu.Unlock()
		return
	}
	// That it was not opened does not matter if the peer was faster.
	if i := slices.IndexFunc(p.conns, func(c *conn) bool { return !c.resting }); i >= 0 {
		p.tx = p.conns[i]
		t.push(p)
		t.mu.Unlock()
		return
	}
	t.loseQueue(p)
	t.forget(p)
	t.mu.Unlock()
	t.report(p.id)
}

func (t *Transport) dial(ctx context.Context, id protocol.NodeID) (net.Conn, error) {
	to, ok := t.cfg.Network.Route(id)
	if !ok {
		return nil, refuse(NoRoute, "open stream to %v: no address is known", id)
	}
	nc, err := t.cfg.Network.Dial(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("open stream to %v at %v: %w", id, to, err)
	}
	return nc, nil
}

// addConn enters a connection into the books.
func (t *Transport) addConn(p *peer, nc net.Conn, opened bool) *conn {
	c := &conn{
		t: t, p: p, nc: nc, opened: opened,
		wake: make(chan struct{}, 1), dead: make(chan struct{}), readAll: make(chan struct{}),
	}
	c.touch()
	p.conns = append(p.conns, c)
	t.conns++
	t.count.connections.Add(1)
	return c
}

// removeConn takes a connection out of the books.
func (t *Transport) removeConn(c *conn) {
	i := slices.Index(c.p.conns, c)
	if i < 0 {
		return
	}
	c.p.conns = slices.Delete(c.p.conns, i, i+1)
	t.conns--
	t.count.connections.Add(-1)
}

// restIdle closes connections that nobody uses.
func (t *Transport) restIdle() {
	idle := t.limits.IdleTimeout
	tick := time.NewTicker(max(idle/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-tick.C:
		}
		t.mu.Lock()
		for _, p := range t.peers {
			for _, c := range p.conns {
				if c.idle() > idle && c.writing == 0 && (p.tx != c || len(p.queue) == 0) {
					c.rest()
				}
			}
		}
		t.mu.Unlock()
	}
}
