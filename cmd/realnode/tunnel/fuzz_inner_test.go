package tunnel

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	sums "gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/starling-sim/starling/protocol"
)

// FuzzInner gives a node packets of a peer, inside the tunnel, as they are and as
// what a protocol's number says with the right checksum: they are answered, if at
// all, to the peer.
func FuzzInner(f *testing.F) {
	const mine, theirs = protocol.NodeID(1), protocol.NodeID(2)
	inner, err := newNetstack(OverlayAddr(mine), time.Minute)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = inner.Close() })
	packets, err := inner.listenPacket(OverlayPort)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = packets.Close() })
	streams, err := inner.listen(OverlayPort)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = streams.Close() })
	ports := []byte{0, 7, OverlayPort >> 8, OverlayPort & 0xff}
	f.Add(byte(header.UDPProtocolNumber), append(bytes.Clone(ports), 0, 12, 0, 0, 1, 2, 3, 4))
	f.Add(byte(header.UDPProtocolNumber), []byte{0, 7, 0, 8, 0, 8, 0, 0})
	f.Add(byte(header.TCPProtocolNumber), append(bytes.Clone(ports), 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0))
	f.Add(byte(header.ICMPv6ProtocolNumber), []byte{128, 0, 0, 0, 0, 1, 0, 1})
	f.Add(byte(header.IPv6HopByHopOptionsExtHdrIdentifier), []byte{58, 0, 1, 4, 0, 0, 0, 0, 128, 0, 0, 0})
	f.Fuzz(func(t *testing.T, next byte, payload []byte) {
		packet := make([]byte, header.IPv6MinimumSize, header.IPv6MinimumSize+len(payload))
		header.IPv6(packet).Encode(&header.IPv6Fields{
			PayloadLength: uint16(min(len(payload), 0xffff)), TransportProtocol: tcpip.TransportProtocolNumber(next), HopLimit: 64,
			SrcAddr: tcpip.AddrFromSlice(OverlayAddr(theirs).AsSlice()), DstAddr: tcpip.AddrFromSlice(OverlayAddr(mine).AsSlice()),
		})
		packet = append(packet, payload...)
		signed(packet)
		if n, err := inner.Write([][]byte{packet, payload}, 0); n != 2 || err != nil {
			t.Errorf("wrote %d packets: %v", n, err)
		}
		for {
			p := inner.link.Read()
			if p == nil {
				return
			}
			out := header.IPv6(p.ToView().AsSlice())
			if from, to := out.SourceAddress(), out.DestinationAddress(); from.As16() != OverlayAddr(mine).As16() ||
				to.As16() != OverlayAddr(theirs).As16() && !header.IsV6MulticastAddress(to) || len(out) > mtu {
				t.Errorf("answered %x with %x", packet, out)
			}
			p.DecRef()
		}
	})
}

// signed puts the right checksum into a packet, where it has a place for one.
func signed(packet header.IPv6) {
	at := map[tcpip.TransportProtocolNumber]int{
		header.TCPProtocolNumber: header.TCPChecksumOffset, header.UDPProtocolNumber: 6, header.ICMPv6ProtocolNumber: 2,
	}
	payload := packet[header.IPv6MinimumSize:]
	place, ok := at[packet.TransportProtocol()]
	if !ok || len(payload) < place+2 {
		return
	}
	clear(payload[place : place+2])
	sum := header.PseudoHeaderChecksum(packet.TransportProtocol(), packet.SourceAddress(), packet.DestinationAddress(), uint16(len(payload)))
	binary.BigEndian.PutUint16(payload[place:], ^sums.Checksum(payload, sum))
}
