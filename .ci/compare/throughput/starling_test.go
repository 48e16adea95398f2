package throughput

import (
	"context"
	"net/netip"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// unlimited are limits that do not stop who sends as fast as he can.
var unlimited = transport.Limits{DatagramRate: 1e9, DatagramBurst: 1e9}

// peer is a node of Starling.
type peer struct {
	plain     *transport.Plain
	transport *transport.Transport
	node      *node.Node // nil: nothing but a transport
}

// newPeer makes a node with a stack of its own, or nothing but a transport that
// gives what arrives to deliver.
func newPeer(b *testing.B, id protocol.NodeID, st *stack.Stack, deliver func(frame []byte)) *peer {
	b.Helper()
	plain, err := transport.NewPlain(transport.PlainConfig{Self: id, Listen: loopback})
	if err != nil {
		b.Fatal(err)
	}
	p := &peer{plain: plain}
	hand := func(_ protocol.NodeID, frame []byte, _ bool) { deliver(frame) }
	if st != nil {
		ctx, cancel := context.WithCancel(context.Background())
		hand = func(from protocol.NodeID, frame []byte, stream bool) {
			if stream {
				p.node.DeliverStream(ctx, from, frame)
				return
			}
			p.node.Deliver(from, frame)
		}
		b.Cleanup(cancel)
	}
	p.transport, err = transport.New(transport.Config{Self: id, Network: plain, Deliver: hand, Limits: unlimited})
	if err != nil {
		b.Fatal(err)
	}
	if st != nil {
		p.node, err = node.New(node.Config{ID: id, Stack: st, Transport: p.transport, Contacts: plain})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := p.transport.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := p.transport.Close(); err != nil {
			b.Error(err)
		}
	})
	if p.node != nil {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- p.node.Run(ctx) }()
		b.Cleanup(func() {
			cancel()
			<-ended
		})
	}
	return p
}

// meet lets two know each other's address.
func meet(b *testing.B, x, y *peer, xID, yID protocol.NodeID) {
	b.Helper()
	for _, err := range []error{x.plain.Introduce(yID, y.plain.Contact(yID)), y.plain.Introduce(xID, x.plain.Contact(xID))} {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// note is the message of the application of BenchmarkEcho.
type note []byte

const (
	echoNumber                      = 0x80
	kindNote   protocol.MessageKind = echoNumber<<8 + 1
)

func (note) Kind() protocol.MessageKind { return kindNote }
func (m note) Size() int                { return len(m) }
func (m note) Append(b []byte) []byte   { return append(b, m...) }

func decodeNote(body []byte) (protocol.Message, error) {
	return note(append([]byte(nil), body...)), nil
}

// echo is a protocol that calls a function for each message.
type echo struct {
	received func(env protocol.Env, from protocol.NodeID, m note)
}

func (e *echo) Start(protocol.Env) {}
func (e *echo) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	e.received(env, from, m.(note))
}
func (e *echo) Timer(protocol.Env, protocol.Timer) {}

// echoStack is a stack of nothing but an echo.
func echoStack(b *testing.B, e *echo) *stack.Stack {
	b.Helper()
	r, err := stack.NewRegistry(protocol.Spec{
		Name: "echo", Number: echoNumber,
		NewConfig: func() any { return new(struct{}) },
		NewBuilder: func(any) protocol.Builder {
			return func([]protocol.Protocol) (protocol.Protocol, error) { return e, nil }
		},
		Messages: []protocol.MessageSpec{{Kind: kindNote, Name: "echo.note", Decode: decodeNote}},
	})
	if err != nil {
		b.Fatal(err)
	}
	st, err := r.New([]string{"echo"}, map[string]any{"echo": new(struct{})})
	if err != nil {
		b.Fatal(err)
	}
	return st
}

func starlingEcho(b *testing.B, size int) {
	var l load
	there := &echo{func(env protocol.Env, from protocol.NodeID, m note) { env.Send(from, m) }}
	here := &echo{func(env protocol.Env, from protocol.NodeID, m note) {
		if l.answered() {
			env.Send(from, m)
		}
	}}
	x, y := newPeer(b, 1, echoStack(b, here), nil), newPeer(b, 2, echoStack(b, there), nil)
	meet(b, x, y, 1, 2)
	message := note(text(size))
	l.run(b, func(n int) {
		err := x.node.Do(b.Context(), func(env protocol.Env, _ []protocol.Protocol) {
			for range n {
				env.Send(2, message)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	})
}

// starlingProbe has a node with the usual stack answer pings. Who pings is a
// transport without a node: a node of its own would ping once a period.
func starlingProbe(b *testing.B) {
	r, err := stack.Default()
	if err != nil {
		b.Fatal(err)
	}
	st, err := r.New([]string{"swim", "hyparview", "plumtree"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var l load
	var x *peer
	ping := protocol.AppendFrame(nil, &swim.Ping{Seq: 1})
	send := func() {
		if err := x.transport.Send(2, ping); err != nil {
			b.Error(err)
		}
	}
	x = newPeer(b, 1, nil, func([]byte) {
		if l.answered() {
			send()
		}
	})
	y := newPeer(b, 2, st, nil)
	meet(b, x, y, 1, 2)
	l.run(b, func(n int) {
		for range n {
			send()
		}
	})
}
