package tunnel_test

import (
	"net"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/tunnel"
)

// BenchmarkDatagramThereAndBack is one datagram of 100 bytes through two
// tunnels and its echo.
func BenchmarkDatagramThereAndBack(b *testing.B) {
	secret := tunnel.NewSecret()
	x, y := mustNode(b, tunnel.Options{Secret: &secret}), mustNode(b, tunnel.Options{Secret: &secret})
	if _, err := x.JoinAt(b.Context(), y.ListenAddr()); err != nil {
		b.Fatal(err)
	}
	x.mustAsk(b, y.ID(), "warm up")
	to, _ := x.Route(y.ID())
	addr, question := net.UDPAddrFromAddrPort(to), append([]byte{'?'}, make([]byte, 99)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.packets.WriteTo(question, addr); err != nil {
			b.Fatal(err)
		}
		<-x.answers
	}
}

// BenchmarkSetUp is a tunnel made and closed.
func BenchmarkSetUp(b *testing.B) {
	keys := mustKeys(b)
	for b.Loop() {
		if err := mustTunnel(b, tunnel.Options{Keys: keys}).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
