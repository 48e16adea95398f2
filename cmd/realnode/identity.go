package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/protocol"
)

// plainID is the identity of a node that is known by its address alone. Nobody
// vouches for it: plain transport is for labs. But a seed can be named before it
// runs, and a node that comes back at its address is the same.
func plainID(at netip.AddrPort) protocol.NodeID {
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	sum := sha256.Sum256([]byte("starling plain v1 " + at.String()))
	id := protocol.NodeID(binary.BigEndian.Uint64(sum[:8]))
	if id == 0 {
		return 1 // zero names nobody
	}
	return id
}

// plainSeed reads a seed of plain transport: host:port, or id@host:port for a
// node whose identity does not come from its address.
func plainSeed(ctx context.Context, text string) (protocol.Peer, error) {
	name, at, named := strings.Cut(text, "@")
	if !named {
		at = text
	}
	addr, err := resolve(ctx, at)
	if err != nil {
		return protocol.Peer{}, fmt.Errorf("seed %q: %w", text, err)
	}
	p := protocol.Peer{ID: plainID(addr), Contact: transport.PlainContact(addr)}
	if named {
		if p.ID, err = protocol.ParseNodeID(name); err != nil {
			return protocol.Peer{}, fmt.Errorf("seed %q: %w", text, err)
		}
	}
	return p, nil
}

// plainIdentity is the configured identity, or that of the address which others
// reach the node at.
func (p *parts) plainIdentity(listen, advertise netip.AddrPort) (protocol.NodeID, error) {
	if text := p.cfg.Node.ID; text != "" {
		return protocol.ParseNodeID(text)
	}
	if !advertise.IsValid() {
		return plainID(listen), nil
	}
	return plainID(netip.AddrPortFrom(advertise.Addr(), cmp.Or(advertise.Port(), listen.Port()))), nil
}

// freePort returns an address with a port that was free for UDP and TCP just now.
func freePort(ctx context.Context, at netip.AddrPort) (netip.AddrPort, error) {
	var c net.ListenConfig
	var err error
	for range portTries {
		var l net.Listener
		if l, err = c.Listen(ctx, "tcp", at.String()); err != nil {
			break
		}
		free := netip.AddrPortFrom(at.Addr(), uint16(l.Addr().(*net.TCPAddr).Port))
		var u net.PacketConn
		u, err = c.ListenPacket(ctx, "udp", free.String())
		_ = l.Close()
		if err == nil {
			return free, u.Close()
		}
	}
	return netip.AddrPort{}, fmt.Errorf("find a free port at %s: %w", at.Addr(), err)
}

// resolve returns the address that a host and port stand for. Of a name with
// several it is the first: the node there is told by its address.
func resolve(ctx context.Context, hostPort string) (netip.AddrPort, error) {
	if at, err := netip.ParseAddrPort(hostPort); err == nil {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("got %q, want host:port", hostPort)
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "localhost" {
		host = "127.0.0.1" // as in transport.listen
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), uint16(n)), nil
}
