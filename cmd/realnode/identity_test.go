package main

import (
	"net/netip"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/config"
)

// A seed that is named by its address has the identity that the node at that
// address gives itself, however the address is written.
func TestSeedsAreWhoTheySayTheyAre(t *testing.T) {
	at := func(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }
	for _, test := range []struct {
		listen, advertise netip.AddrPort
		id, seed          string
	}{
		{listen: at("127.0.0.1:7001"), seed: "127.0.0.1:7001"},
		{listen: at("127.0.0.1:7001"), seed: "localhost:7001"},
		{listen: at("127.0.0.1:7001"), seed: "[::ffff:127.0.0.1]:7001"},
		{listen: at("[::1]:7001"), seed: "[0:0:0:0:0:0:0:1]:7001"},
		{listen: at("0.0.0.0:7001"), advertise: at("192.0.2.1:7002"), seed: "192.0.2.1:7002"},
		{listen: at("0.0.0.0:7001"), advertise: at("192.0.2.1:0"), seed: "192.0.2.1:7001"},
		{listen: at("127.0.0.1:7001"), id: "00000000000000aa", seed: "00000000000000aa@127.0.0.1:7001"},
	} {
		p := &parts{cfg: &config.Config{}}
		p.cfg.Node.ID = test.id
		want, err := p.plainIdentity(test.listen, test.advertise)
		if err != nil {
			t.Fatal(err)
		}
		got, err := plainSeed(t.Context(), test.seed)
		if err != nil || got.ID != want {
			t.Errorf("seed %s: got %v, %v, want %v", test.seed, got.ID, err, want)
		}
	}
	for _, text := range []string{"127.0.0.1", "127.0.0.1:port", "aa@127.0.0.1:7001", ""} {
		if got, err := plainSeed(t.Context(), text); err == nil {
			t.Errorf("seed %q: got %v, want an error", text, got)
		}
	}
}

// A free port is one for both kinds of socket, at which a node can be named
// before it runs.
func TestFreePort(t *testing.T) {
	got, err := freePort(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil || got.Port() == 0 || !got.Addr().IsLoopback() {
		t.Errorf("got %v, %v", got, err)
	}
}
