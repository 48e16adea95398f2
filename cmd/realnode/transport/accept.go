package transport

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// accept takes connections until the listener is closed.
func (t *Transport) accept(l net.Listener) {
	var wait pause
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || !wait.more(t.ctx) {
				return
			}
			continue
		}
		wait.reset()
		t.admit(nc)
	}
}

// admit lets a connection say hello, if there are not too many that might.
func (t *Transport) admit(nc net.Conn) {
	ip := addrPort(nc.RemoteAddr()).Addr()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.shaking) >= t.limits.MaxHandshakes || t.perIP[ip] >= t.limits.MaxHandshakesPerIP {
		t.count.Drop(Connections)
		_ = nc.Close()
		return
	}
	t.shaking[nc] = ip
	t.perIP[ip]++
	t.work.Go(func() {
		id, err := t.greet(nc)
		t.greeted(nc, id, err)
	})
}

// greet exchanges hellos on a connection that was accepted.
func (t *Transport) greet(nc net.Conn) (protocol.NodeID, error) {
	if err := nc.SetDeadline(time.Now().Add(t.limits.HandshakeTimeout)); err != nil {
		return 0, fmt.Errorf("greet: %w", err)
	}
	h, err := readHello(nc)
	if err != nil {
		return 0, err
	}
	if h.to != t.cfg.Self {
		return 0, refuse(NotForUs, "hello from %v is for %v", h.from, h.to)
	}
	id, ok := t.cfg.Network.Vouch(addrPort(nc.RemoteAddr()), h.from)
	if !ok || id == t.cfg.Self {
		return 0, refuse(Unvouched, "hello claims to be from %v", h.from)
	}
	if _, err := nc.Write(appendHello(nil, parties{t.cfg.Self, id})); err != nil {
		return 0, fmt.Errorf("answer hello of %v: %w", id, err)
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return 0, fmt.Errorf("greet: %w", err)
	}
	return id, nil
}

// greeted takes a connection into use, or closes it.
func (t *Transport) greeted(nc net.Conn, id protocol.NodeID, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ip := t.shaking[nc]
	delete(t.shaking, nc)
	if t.perIP[ip]--; t.perIP[ip] == 0 {
		delete(t.perIP, ip)
	}
	switch {
	case t.closed:
	case err != nil:
		t.count.Drop(reasonOf(err, Handshake))
	case t.conns >= t.limits.MaxConnections:
		t.count.Drop(Connections)
	default:
		t.count.streamsAccepted.Add(1)
		t.adopt(t.peerOf(id), nc)
		return
	}
	_ = nc.Close()
}

// adopt takes a connection into use that a peer opened. What this node sends
// goes over the latest that the peer opened, unless it has opened one itself.
func (t *Transport) adopt(p *peer, nc net.Conn) {
	t.evict(p)
	t.peers[p.id] = p // evict may have left nothing of it
	c := t.addConn(p, nc, false)
	switch {
	case p.tx == nil && p.dial == nil:
		p.tx = c
	case p.tx != nil && !p.tx.opened:
		p.tx.replaced = true
		p.tx = c
	}
	c.start()
	t.push(p)
}

// evict makes room for one more connection that a peer opened.
func (t *Transport) evict(p *peer) {
	var oldest *conn
	n := 0
	for _, c := range p.conns {
		if c.opened {
			continue
		}
		n++
		if oldest == nil || oldest == p.tx {
			oldest = c
		}
	}
	if n < t.limits.MaxConnectionsPerPeer {
		return
	}
	t.count.Drop(Connections)
	if oldest.takeDown() {
		t.work.Go(func() { t.report(p.id) })
	}
}
