package node_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// hub is a network of nodes in one process: a message takes a millisecond, and
// nothing arrives at who is not there.
type hub struct {
	mu    sync.Mutex
	ports map[protocol.NodeID]*port
	count int
	work  sync.WaitGroup
}

const hubLatency = time.Millisecond

// port is a node's transport into the hub, for one life.
type port struct {
	hub  *hub
	id   protocol.NodeID
	node *node.Node
	ctx  context.Context // ends with the node
	// streams are what is on its way, in order, by receiver.
	streams map[protocol.NodeID]chan []byte
}

func (h *hub) port(id protocol.NodeID) *port {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ports[id]
}

func (p *port) Send(to protocol.NodeID, frame []byte) error {
	frame = append([]byte(nil), frame...)
	time.AfterFunc(hubLatency, func() {
		if dst := p.hub.port(to); dst != nil {
			dst.node.Deliver(p.id, frame)
		}
	})
	return nil
}

// SendStream is called on the node's loop only, as is all that touches streams.
func (p *port) SendStream(to protocol.NodeID, frame []byte) error {
	s := p.streams[to]
	if s == nil {
		s = make(chan []byte, 1000)
		p.streams[to] = s
		p.hub.work.Go(func() { p.write(to, s) })
	}
	s <- frame
	return nil
}

func (p *port) write(to protocol.NodeID, frames <-chan []byte) {
	for {
		select {
		case frame := <-frames:
			time.Sleep(hubLatency)
			if dst := p.hub.port(to); dst == nil || !dst.node.DeliverStream(dst.ctx, p.id, frame) {
				p.node.StreamBroken(to)
			}
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *port) MaxDatagram() int                                   { return 1400 }
func (p *port) Contact(id protocol.NodeID) []byte                  { return fmt.Append(nil, id) }
func (p *port) Introduce(id protocol.NodeID, contact []byte) error { return nil }

// member is a node of a hub's cluster.
type member struct {
	*running
	clock *node.ShimClock
	port  *port
}

// join adds a node, which starts from the first one.
func (h *hub) join(t *testing.T, st *stack.Stack) *member {
	t.Helper()
	return h.joinAt(t, st, h.peer(1))
}

// peer is the node that was added as the given one, counted from 1.
func (h *hub) peer(number int) protocol.Peer {
	id := protocol.NodeID(protocol.Mix(uint64(number)))
	return protocol.Peer{ID: id, Contact: fmt.Append(nil, id)}
}

// joinAt adds a node, which starts from those given.
func (h *hub) joinAt(t *testing.T, st *stack.Stack, seeds ...protocol.Peer) *member {
	t.Helper()
	h.count++
	id := h.peer(h.count).ID
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	p := &port{hub: h, id: id, ctx: ctx, streams: map[protocol.NodeID]chan []byte{}}
	m := &member{
		running: &running{t: t, events: &records{}, result: make(chan error, 1), end: cancel},
		clock:   node.NewShimClock(node.SystemClock()),
		port:    p,
	}
	n, err := node.New(node.Config{
		ID: id, Stack: st, Transport: p, Contacts: p, Observer: m.events, Seed: uint64(h.count), Clock: m.clock,
		Seeds: seeds, Index: uint32(h.count - 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Node, p.node = n, n
	h.mu.Lock()
	h.ports[id] = p
	h.mu.Unlock()
	h.work.Go(func() {
		m.result <- n.Run(ctx)
		h.mu.Lock()
		delete(h.ports, id)
		h.mu.Unlock()
		cancel()
	})
	return m
}
