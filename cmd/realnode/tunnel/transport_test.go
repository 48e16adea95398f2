package tunnel_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
)

// startTransport runs package transport on a tunnel; what arrives is printed
// to the channel.
func startTransport(t *testing.T, n *tunnel.Tunnel) (*transport.Transport, <-chan string) {
	t.Helper()
	got := make(chan string, 16)
	tr, err := transport.New(transport.Config{
		Self: n.ID(), Network: n,
		Deliver: func(from protocol.NodeID, frame []byte, stream bool) {
			got <- fmt.Sprint(from, len(frame), stream)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr, got
}

func TestATransportRunsOnATunnel(t *testing.T) {
	secret := tunnel.NewSecret()
	a, b := mustTunnel(t, tunnel.Options{Secret: &secret}), mustTunnel(t, tunnel.Options{})
	mustJoin(t, b, mustTicket(t, a))
	x, atX := startTransport(t, a)
	y, atY := startTransport(t, b)

	frame := []byte{protocol.FrameVersion}
	small := append(frame, make([]byte, y.MaxDatagram()-1)...)
	large := append(frame, bytes.Repeat([]byte{1}, 1<<20)...)
	if err := y.Send(a.ID(), small); err != nil {
		t.Fatal(err)
	}
	if got, want := <-atX, fmt.Sprint(b.ID(), len(small), false); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := x.SendStream(b.ID(), large); err != nil {
		t.Fatal(err)
	}
	if got, want := <-atY, fmt.Sprint(a.ID(), len(large), true); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
