package tunnel_test

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/tunnel"
)

// tap is a UDP relay in front of a node that keeps a copy of all that passes.
type tap struct {
	front, back *net.UDPConn
	node        netip.AddrPort

	mu      sync.Mutex
	client  netip.AddrPort
	capture [][]byte
}

func mustTap(t *testing.T) *tap {
	t.Helper()
	p := &tap{}
	for _, c := range []**net.UDPConn{&p.front, &p.back} {
		var err error
		if *c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0"))); err != nil {
			t.Fatal(err)
		}
	}
	var relaying sync.WaitGroup
	t.Cleanup(func() {
		_ = p.front.Close()
		_ = p.back.Close()
		relaying.Wait()
	})
	relaying.Go(func() { p.relay(p.front, p.back) })
	relaying.Go(func() { p.relay(p.back, p.front) })
	return p
}

func (p *tap) addr() netip.AddrPort { return p.front.LocalAddr().(*net.UDPAddr).AddrPort() }

func (p *tap) relay(in, out *net.UDPConn) {
	b := make([]byte, 2000)
	for {
		n, from, err := in.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.capture = append(p.capture, bytes.Clone(b[:n]))
		to := p.node
		if in == p.front {
			p.client = from
		} else {
			to = p.client
		}
		p.mu.Unlock()
		_, _ = out.WriteToUDPAddrPort(b[:n], to)
	}
}

func TestACaptureShowsNoPlaintext(t *testing.T) {
	relay := mustTap(t)
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret, Advertise: relay.addr()})
	relay.mu.Lock()
	relay.node = seed.ListenAddr()
	relay.mu.Unlock()
	joiner := mustNode(t, tunnel.Options{})
	mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))

	const text = "the starlings leave at dusk"
	joiner.mustAsk(t, seed.ID(), text)
	joiner.mustStream(t, seed.ID(), text)
	seed.mustAsk(t, joiner.ID(), text)

	relay.mu.Lock()
	defer relay.mu.Unlock()
	if len(relay.capture) < 10 {
		t.Fatalf("captured only %d datagrams", len(relay.capture))
	}
	identity, key, raw := joiner.Self().Identity, joiner.Self().WireGuard, [32]byte(secret)
	for _, b := range relay.capture {
		for name, plain := range map[string][]byte{
			"payload": []byte(text[5:]), "identity": identity[:], "wireguard key": key[:], "secret": raw[:],
		} {
			if bytes.Contains(b, plain) {
				t.Errorf("a datagram of %d bytes shows the %s", len(b), name)
			}
		}
	}
}
