package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// PlainContact returns the contact of a node of plain transport: its address,
// 4 bytes of IPv4 or 16 of IPv6, and its port, 2 bytes big-endian.
func PlainContact(at netip.AddrPort) []byte {
	return binary.BigEndian.AppendUint16(at.Addr().Unmap().AsSlice(), at.Port())
}

// ParsePlainContact reads a contact, which may come from anybody. It accepts what
// [PlainContact] gives for an address that one host can have.
func ParsePlainContact(b []byte) (netip.AddrPort, error) {
	if n := len(b); n != 4+2 && n != 16+2 {
		return netip.AddrPort{}, fmt.Errorf("contact has %d bytes, want 6 or 18", n)
	}
	ip, _ := netip.AddrFromSlice(b[:len(b)-2])
	at := netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[len(b)-2:]))
	var err error
	switch {
	case at.Port() == 0:
		err = errors.New("port is zero")
	case ip.Is4In6():
		err = errors.New("an IPv4 address is written as one of IPv6")
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		err = errors.New("address is not one host's")
	case ip.IsUnspecified():
		err = errors.New("address is unspecified")
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("contact %v: %w", at, err)
	}
	return at, nil
}
