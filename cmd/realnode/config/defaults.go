package config

import (
	"net/netip"
	"path"
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol/quantity"
	"github.com/starling-sim/starling/scenarios/document"
)

// defaults returns what holds where a configuration says nothing and the default
// does not depend on what it says elsewhere.
func defaults() Content {
	return Content{
		Stack: []string{"swim", "hyparview", "plumtree"},
		Node: Node{
			Seeds: []string{}, LogLevel: "info", LogFormat: "text", LeaveTimeout: quantity.Duration(20 * time.Second),
			SeedPatience: quantity.Duration(20 * time.Second), SeedRetry: quantity.Duration(time.Minute),
		},
		Transport: Transport{
			// The port that memberlist, the nearest relative, has.
			Listen: "127.0.0.1:7946",
			Limits: Limits{
				DatagramRate: quantity.Every(50 * time.Microsecond), DatagramBurst: 2000,
				Connections: 1024, ConnectionsPerPeer: 4, Handshakes: 256, HandshakesPerAddress: 64,
				HandshakeTimeout: quantity.Duration(5 * time.Second),
				StreamTimeout:    quantity.Duration(30 * time.Second), // as in the virtual world
				StreamRate:       8000,                                // 1000 bytes a second
				StreamIdle:       quantity.Duration(time.Minute),      // likewise
				QueuedMessages:   16384, QueuedPerPeer: 64 << 20, Queued: 256 << 20, Reading: 256 << 20,
				InboxDatagrams: 4096, InboxDatagramBytes: 4 << 20, InboxFrames: 1024, InboxFrameBytes: 32 << 20,
			},
		},
		WireGuard: WireGuard{KeepAlive: quantity.Duration(25 * time.Second)}, // wg(8) recommends it
		Observe:   Observe{Metrics: true, TraceShare: quantity.Percent(100)},
	}
}

const (
	adminOff   = "off"
	unixPrefix = "unix://"
	plainPeers = 65536
	tunnels    = 4096 // a configured WireGuard peer costs some goroutines
)

// fill fills in the defaults that depend on the rest.
func (d *reading) fill(c *Config) {
	if c.Transport.Kind == "" {
		c.Transport.Kind = d.kind(c)
	}
	if c.Transport.MaxPeers == 0 && !d.written("transport.max_peers") {
		c.Transport.MaxPeers = plainPeers
		if c.Transport.Kind == kindWireGuard {
			c.Transport.MaxPeers = tunnels
		}
	}
	if c.Transport.Kind == kindWireGuard && c.WireGuard.KeyFile == "" && c.Node.DataDir != "" {
		c.WireGuard.KeyFile = path.Join(c.Node.DataDir, "node.key")
	}
	if c.Admin.Listen == "" {
		c.Admin.Listen = adminOff
		if c.Node.DataDir != "" {
			c.Admin.Listen = unixPrefix + path.Join(c.Node.DataDir, "admin.sock")
		}
	}
	c.Transport.Advertise = withPort(c.Transport.Advertise, c.Transport.Listen)
	c.Protocol = d.Protocols(c.registry, c.Stack, c.Protocol)
}

const (
	kindPlain     = "plain"
	kindWireGuard = "wireguard"
)

// kind chooses the transport of a node that was not told.
func (d *reading) kind(c *Config) string {
	listen, err := parseListen(c.Transport.Listen)
	switch {
	case d.written("transport.kind"): // and empty: the check says so
		return ""
	case d.written("wireguard"), slices.ContainsFunc(c.Node.Seeds, isToken):
		return kindWireGuard
	case c.Transport.Insecure, err != nil, listen.Addr().IsLoopback():
		return kindPlain
	}
	return kindWireGuard
}

func (d *reading) written(key string) bool { return document.Subtree(d.Tree, key) != nil }

// withPort adds to an address without a port that of another.
func withPort(address, other string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	listen, err := parseListen(other)
	if err != nil {
		return address
	}
	return netip.AddrPortFrom(ip, listen.Port()).String()
}
