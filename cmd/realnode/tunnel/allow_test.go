package tunnel_test

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
)

// mustTalk has one node send to another over package transport, again and again
// until it arrives.
func mustTalk(t *testing.T, from *transport.Transport, to protocol.NodeID, at <-chan string) {
	t.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		if err := from.Send(to, []byte{protocol.FrameVersion, 0x80, 1}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-at:
			return
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("nothing arrives")
		}
	}
}

// Who is taken off the list loses its session and its streams, and is not let in
// again until it is back on it.
func TestThePeersThatAreAllowedCanChange(t *testing.T) {
	secret := tunnel.NewSecret()
	a, b, c := mustTunnel(t, tunnel.Options{Secret: &secret}), mustTunnel(t, tunnel.Options{Secret: &secret}), mustTunnel(t, tunnel.Options{Secret: &secret})
	broken := make(chan protocol.NodeID, 16)
	atA := make(chan string, 1024)
	x, err := transport.New(transport.Config{
		Self: a.ID(), Network: a, Broken: func(peer protocol.NodeID) { broken <- peer },
		Deliver: func(from protocol.NodeID, _ []byte, _ bool) { atA <- from.String() },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	y, atB := startTransport(t, b)
	z, _ := startTransport(t, c)
	for _, n := range []*tunnel.Tunnel{b, c} {
		mustJoinAt(t, n, a.ListenAddr())
	}
	for _, tr := range []*transport.Transport{y, z} {
		if err := tr.SendStream(a.ID(), []byte{protocol.FrameVersion, 0x80, 1}); err != nil {
			t.Fatal(err)
		}
		<-atA
	}

	if cut, want := a.SetAllow([]tunnel.Identity{c.Self().Identity}), []protocol.NodeID{b.ID()}; !slices.Equal(cut, want) {
		t.Fatalf("got %v cut, want %v", cut, want)
	}
	x.Disconnect(b.ID())
	if got := <-broken; got != b.ID() {
		t.Errorf("got a broken stream to %v, want %v", got, b.ID())
	}
	if _, ok := a.Route(b.ID()); ok {
		t.Error("there is a way to a node that is not allowed")
	}
	inside := netip.AddrPortFrom(tunnel.OverlayAddr(b.ID()), tunnel.OverlayPort)
	if _, ok := a.Vouch(inside, b.ID()); ok {
		t.Error("a node that is not allowed was vouched for")
	}
	if s := a.Stats(); s.Configured != 1 {
		t.Errorf("got %d peers configured, want 1", s.Configured)
	}
	if err := a.Introduce(b.ID(), b.Contact(b.ID())); err == nil {
		t.Error("a node that is not allowed could be introduced")
	}
	mustTalk(t, z, a.ID(), atA) // who is on the list has lost nothing

	// It asks, is refused, and goes on asking; once it is allowed it is let in.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	refused := a.Stats().Dropped[tunnel.ReasonNotAllowed]
	joined := make(chan error, 1)
	go func() {
		_, err := b.JoinAt(ctx, a.ListenAddr())
		joined <- err
	}()
	for tick := time.Tick(5 * time.Millisecond); a.Stats().Dropped[tunnel.ReasonNotAllowed] == refused; {
		select {
		case <-tick:
		case err := <-joined:
			t.Fatalf("got %v, want it to be refused in silence", err)
		}
	}
	if cut := a.SetAllow([]tunnel.Identity{b.Self().Identity, c.Self().Identity}); cut != nil {
		t.Errorf("got %v cut, want nobody", cut)
	}
	if err := <-joined; err != nil {
		t.Fatal(err)
	}
	for len(atA) > 0 {
		<-atA
	}
	mustTalk(t, y, a.ID(), atA)
	if err := y.SendStream(a.ID(), []byte{protocol.FrameVersion, 0x80, 1}); err != nil {
		t.Fatal(err)
	}
	<-atA

	// Who is back on the list is reached without a word of its own.
	a.SetAllow([]tunnel.Identity{c.Self().Identity})
	a.SetAllow([]tunnel.Identity{b.Self().Identity})
	mustTalk(t, x, b.ID(), atB)

	// An empty list is none.
	if cut := a.SetAllow(nil); cut != nil {
		t.Errorf("got %v cut, want nobody", cut)
	}
	d := mustTunnel(t, tunnel.Options{Secret: &secret})
	mustJoinAt(t, d, a.ListenAddr())
}

func mustJoinAt(t *testing.T, n *tunnel.Tunnel, at netip.AddrPort) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seed, err := n.JoinAt(ctx, at)
	if err != nil || bytes.Equal(seed.Contact, n.Contact(n.ID())) {
		t.Fatalf("got %v, %v, want another node", seed, err)
	}
}
