package transport

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

func TestPlainRefusesOtherHostsUnlessTold(t *testing.T) {
	for _, at := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		if _, err := NewPlain(PlainConfig{Self: 1, Listen: netip.MustParseAddrPort(at)}); !errors.Is(err, ErrInsecure) || !strings.Contains(err.Error(), "--insecure") {
			t.Errorf("%s: got error %v, want ErrInsecure that names the flag", at, err)
		}
	}
}

func TestPlainNeedsAnAddressToTell(t *testing.T) {
	cfg := PlainConfig{Self: 1, Listen: netip.MustParseAddrPort("0.0.0.0:0"), Insecure: true}
	if _, err := NewPlain(cfg); err == nil {
		t.Error("would tell others an unspecified address")
	}
	cfg.Advertise = netip.MustParseAddrPort("127.0.0.1:0")
	p, err := NewPlain(cfg)
	must(t, err)
	defer func() { _ = p.Close() }()
	if got, want := where(t, p, 1), netip.AddrPortFrom(cfg.Advertise.Addr(), p.Addr().Port()).String(); got != want {
		t.Errorf("got contact %q, want %q", got, want)
	}
}

func TestPlainHasOnePortForBoth(t *testing.T) {
	p, err := NewPlain(PlainConfig{Self: 1, Listen: loopback})
	must(t, err)
	pc, err := p.ListenPacket()
	must(t, err)
	defer func() { _ = pc.Close() }()
	l, err := p.Listen()
	must(t, err)
	defer func() { _ = l.Close() }()
	if a, b := addrPort(pc.LocalAddr()), addrPort(l.Addr()); a != b || a != p.Addr() || a.Port() == 0 {
		t.Errorf("got datagrams at %v, streams at %v, want both at %v", a, b, p.Addr())
	}
	if _, err := p.Listen(); err == nil {
		t.Error("handed out the listener twice")
	}
	if _, err := NewPlain(PlainConfig{Self: 2, Listen: p.Addr()}); err == nil {
		t.Error("took a port that is in use")
	}
	must(t, p.Close())
}

func TestPlainAddressBook(t *testing.T) {
	p, err := NewPlain(PlainConfig{Self: 1, Listen: loopback, MaxPeers: 2})
	must(t, err)
	defer func() { _ = p.Close() }()
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	p.Learn(2, at("192.0.2.2:2"))
	p.Learn(2, at("192.0.2.9:9"))
	if got := where(t, p, 2); got != "192.0.2.2:2" {
		t.Errorf("learned anew: got %q, want what was known", got)
	}
	must(t, p.Introduce(2, contact("192.0.2.3:3")))
	if got := where(t, p, 2); got != "192.0.2.3:3" {
		t.Errorf("introduced anew: got %q, want the new", got)
	}
	must(t, p.Introduce(1, contact("192.0.2.3:3")))
	p.Learn(1, at("192.0.2.3:3"))
	if got := where(t, p, 1); got != p.Addr().String() {
		t.Errorf("got own contact %q, want %v", got, p.Addr())
	}
	must(t, p.Introduce(3, contact("[2001:db8::1]:3")))
	_, _ = p.Route(2)
	must(t, p.Introduce(4, contact("192.0.2.4:4")))
	if p.Contact(3) != nil || p.Contact(2) == nil || p.Contact(4) == nil {
		t.Error("did not forget the one that was used least recently")
	}
	if err := p.Introduce(0, contact("192.0.2.4:4")); err == nil {
		t.Error("introduced nobody")
	}
}

// where is the address in a node's contact.
func where(t *testing.T, p *Plain, id protocol.NodeID) string {
	t.Helper()
	at, err := ParsePlainContact(p.Contact(id))
	must(t, err)
	return at.String()
}

// A flood of datagrams under invented names must not make a node forget where
// its peers are.
func TestPlainStrangersPushOutStrangersOnly(t *testing.T) {
	p, err := NewPlain(PlainConfig{Self: 1, Listen: loopback, MaxPeers: 32})
	must(t, err)
	defer func() { _ = p.Close() }()
	must(t, p.Introduce(2, contact("192.0.2.2:2")))
	for id := protocol.NodeID(100); id < 1000; id++ {
		p.Learn(id, netip.MustParseAddrPort("192.0.2.66:66"))
	}
	p.Learn(2, netip.MustParseAddrPort("192.0.2.66:66"))
	if got := where(t, p, 2); got != "192.0.2.2:2" {
		t.Errorf("got %q, want the address that the peer was introduced with", got)
	}
	if p.Contact(100) != nil || p.Contact(999) == nil {
		t.Error("did not forget the stranger that was heard of first")
	}
}

// One that listens on all addresses of both families reaches one that has IPv4.
func TestPlainOnAllAddresses(t *testing.T) {
	all, err := NewPlain(PlainConfig{
		Self: 1, Listen: netip.MustParseAddrPort("[::]:0"), Insecure: true, Advertise: netip.MustParseAddrPort("127.0.0.1:0"),
	})
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	a := start(t, 1, all, nil)
	b, pb := startPlain(t, 2, loopback, nil)
	must(t, all.Introduce(2, pb.Contact(2)))
	a.datagram(2, "d")
	b.expect("1 datagram d")
	b.datagram(1, "e")
	a.expect("2 datagram e")
	a.stream(2, "s")
	b.expect("1 stream s")
}
