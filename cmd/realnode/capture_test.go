//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
)

// TestACaptureShowsNoPlaintext has two processes talk on loopback while a packet
// socket listens in, from before their start until after their end. Between nodes
// in WireGuard nothing can be read; between plain ones everything can, by which
// the test knows that it would have seen it.
func TestACaptureShowsNoPlaintext(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"plain", "wireguard"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			// Addresses of their own keep everybody else's packets out.
			captured(t, kind, netip.AddrFrom4([4]byte{127, 64 + byte(rand.Uint32N(128)), byte(rand.Uint32N(128)<<1) + byte(i), 0}))
		})
	}
}

func captured(t *testing.T, kind string, network netip.Addr) {
	packets := listenIn(t, network)
	pair := startPair(t, kind, network)
	texts := []string{"the starlings leave at dusk, all at once", "and the rooks have gone before them"}
	for i, text := range texts {
		pair.deliver(t, i, text)
	}
	pair.end(t)
	all := packets()

	sent := map[netip.AddrPort]int{} // datagrams, by sender
	for _, p := range all {
		if p.protocol == unix.IPPROTO_UDP {
			sent[p.from]++
		} else if kind == "wireguard" && p.protocol != unix.IPPROTO_ICMP { // the host's, when one has ended
			t.Errorf("a packet of protocol %d from %v to %v is outside the tunnel", p.protocol, p.from, p.to)
		}
	}
	for _, n := range pair.nodes {
		if sent[n.address] == 0 {
			t.Errorf("captured no datagrams from %v", n.address)
		}
	}
	for what, plain := range pair.secrets(t, texts) {
		seen := 0
		for _, p := range all {
			if bytes.Contains(p.private(), plain) {
				seen++
			}
		}
		switch {
		case kind == "plain" && seen == 0:
			t.Errorf("the capture of plain packets does not show %s", what)
		case kind == "wireguard" && seen > 0:
			t.Errorf("%d packets show %s", seen, what)
		}
	}
}

// private is what of a packet is for nobody but its receiver. An announcement
// names whom it is for, so that others need not try to open it.
func (p packet) private() []byte {
	const udpHeader, magic, target = 8, "STRA", 8
	if len(p.payload) > udpHeader+target+8 && string(p.payload[udpHeader:][:len(magic)]) == magic {
		return p.payload[udpHeader+target+8:]
	}
	return p.payload
}

// secrets are what a listener must not see, by what they are: what is said, who
// says it to whom, and what identifies a node for ever.
func (p *pair) secrets(t *testing.T, texts []string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"the beginning of a stream": []byte("STRL"),
	}
	for i, n := range p.nodes {
		all[fmt.Sprintf("what node %d says", i)] = []byte(texts[i])
		all[fmt.Sprintf("a part of what node %d says", i)] = []byte(texts[i][10:22])
		id, err := protocol.ParseNodeID(n.status.ID)
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprintf("the identity of node %d", i)] = binary.BigEndian.AppendUint64(nil, uint64(id))
		raw, err := base64.StdEncoding.DecodeString(n.status.Contact)
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprintf("the contact of node %d", i)] = raw
		if p.kind != "wireguard" {
			continue
		}
		c, err := tunnel.DecodeContact(raw)
		if err != nil {
			t.Fatal(err)
		}
		overlay := tunnel.OverlayAddr(id).As16()
		all[fmt.Sprintf("the public identity of node %d", i)] = c.Identity[:]
		all[fmt.Sprintf("the WireGuard key of node %d", i)] = c.WireGuard[:]
		all[fmt.Sprintf("the inner address of node %d", i)] = overlay[:]
	}
	if p.kind == "wireguard" {
		secret, err := os.ReadFile(p.secret)
		if err != nil {
			t.Fatal(err)
		}
		s, err := tunnel.ParseSecret(string(bytes.TrimSpace(secret)))
		if err != nil {
			t.Fatal(err)
		}
		all["the cluster's secret"] = s[:]
	}
	return all
}
