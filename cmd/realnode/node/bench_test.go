package node_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
)

// BenchmarkLoop is a message's way from the bytes of its frame to a protocol
// that does nothing with it: decoder, inbox, loop.
func BenchmarkLoop(b *testing.B) {
	for name, deliver := range map[string]func(n *node.Node, frame []byte) bool{
		"stream": func(n *node.Node, frame []byte) bool {
			return n.DeliverStream(context.Background(), 1, frame)
		},
		"datagram": func(n *node.Node, frame []byte) bool {
			for !n.Deliver(1, frame) { // until it arrives: what is dropped costs too
				runtime.Gosched()
			}
			return true
		},
	} {
		b.Run(name, func(b *testing.B) {
			received := 0
			all := make(chan struct{})
			s := &script{receive: func(protocol.Env, protocol.NodeID, string) {
				if received++; received == b.N {
					close(all)
				}
			}}
			w := &wire{}
			n, err := node.New(node.Config{ID: self, Stack: mustStack(b, s), Transport: w, Contacts: w})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			go func() { _ = n.Run(ctx) }()
			frame := frameOf("some text of a few words")
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if !deliver(n, frame) {
					b.Fatal("not delivered")
				}
			}
			<-all
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
			cancel()
			<-n.Done()
		})
	}
}

// quiet is a transport that costs nothing.
type quiet struct{ wire }

func (*quiet) Send(protocol.NodeID, []byte) error { return nil }

func (*quiet) SendStream(protocol.NodeID, []byte) error { return nil }

// BenchmarkSend is a message's way from a protocol to the transport.
func BenchmarkSend(b *testing.B) {
	w := &quiet{}
	n, err := node.New(node.Config{ID: self, Stack: mustStack(b, &script{}), Transport: w, Contacts: w})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = n.Run(ctx) }()
	var m protocol.Message = note("some text of a few words")
	b.ReportAllocs()
	if err := n.Do(ctx, func(env protocol.Env, _ []protocol.Protocol) {
		for b.Loop() {
			_ = env.Send(7, m)
		}
	}); err != nil {
		b.Fatal(err)
	}
	cancel()
	<-n.Done()
}
