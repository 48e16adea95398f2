package tunnel

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/starling-sim/starling/protocol"
)

// Contact is what it takes to reach a node, signed by that node. It is what
// membership messages carry ([protocol.Peer].Contact). Its bytes:
//
//	version    1  1
//	identity  32  Ed25519 public key
//	wireguard 32  Curve25519 public key
//	sequence   8  big-endian
//	endpoint      one byte 0 for none, 4 or 6; then the address, 4 or 16 bytes,
//	              and the port, 2 bytes big-endian
//	signature 64  Ed25519 by the identity, over a label and all of the above
//
// A node has one way to write a contact: what decodes encodes to the same
// bytes again.
type Contact struct {
	Identity  Identity
	WireGuard PublicKey
	// Sequence orders a node's contacts: the highest one counts.
	Sequence uint64
	// Endpoint is where the node takes datagrams; not valid if the node does
	// not know.
	Endpoint  netip.AddrPort
	signature [ed25519.SignatureSize]byte
}

const (
	contactVersion = 1
	contactLabel   = "starling contact v1"
	contactFixed   = 1 + 32 + 32 + 8 // bytes before the endpoint
	// maxContact is the longest contact, in bytes: one with an IPv6 endpoint.
	maxContact = contactFixed + 1 + 16 + 2 + ed25519.SignatureSize
)

// The longest contact must fit what membership messages carry.
const _ uint = protocol.MaxContact - maxContact

var errEndpoint = errors.New("endpoint is not a plain unicast address with a port")

// NodeID returns whom the contact is of.
func (c Contact) NodeID() protocol.NodeID { return c.Identity.NodeID() }

// Append appends the contact's bytes.
func (c Contact) Append(b []byte) []byte {
	return append(c.appendBody(b), c.signature[:]...)
}

func (c Contact) appendBody(b []byte) []byte {
	b = append(b, contactVersion)
	b = append(b, c.Identity[:]...)
	b = append(b, c.WireGuard[:]...)
	b = binary.BigEndian.AppendUint64(b, c.Sequence)
	return appendEndpoint(b, c.Endpoint)
}

func (c Contact) signed() []byte { return c.appendBody([]byte(contactLabel)) }

// DecodeContact reads a contact. It checks the form only: nothing in it is
// true before [Contact.Verify].
func DecodeContact(b []byte) (Contact, error) {
	c, err := decodeContact(b)
	if err != nil {
		return Contact{}, fmt.Errorf("decode contact: %w", err)
	}
	return c, nil
}

func decodeContact(b []byte) (Contact, error) {
	if len(b) <= contactFixed || len(b) > maxContact {
		return Contact{}, fmt.Errorf("got %d bytes, want %d to %d", len(b), contactFixed+1+ed25519.SignatureSize, maxContact)
	}
	if b[0] != contactVersion {
		return Contact{}, fmt.Errorf("got version %d, want %d", b[0], contactVersion)
	}
	c := Contact{
		Identity:  Identity(b[1:33]),
		WireGuard: PublicKey(b[33:65]),
		Sequence:  binary.BigEndian.Uint64(b[65:]),
	}
	if c.WireGuard == (PublicKey{}) {
		return Contact{}, errors.New("wireguard key is zero")
	}
	endpoint, rest, err := cutEndpoint(b[contactFixed:])
	if err != nil {
		return Contact{}, err
	}
	if len(rest) != ed25519.SignatureSize {
		return Contact{}, fmt.Errorf("got %d bytes of signature, want %d", len(rest), ed25519.SignatureSize)
	}
	c.Endpoint, c.signature = endpoint, [ed25519.SignatureSize]byte(rest)
	return c, nil
}

// Verify checks the signature.
func (c Contact) Verify() error {
	if !ed25519.Verify(c.Identity[:], c.signed(), c.signature[:]) {
		return fmt.Errorf("verify contact of %v: signature does not fit", c.NodeID())
	}
	return nil
}

// ContactPrefix begins a contact's text form.
const ContactPrefix = "starlingpeer1"

// String returns the text form, for configuration files.
func (c Contact) String() string { return armour(ContactPrefix, c.Append(nil)) }

// ParseContact reads what [Contact.String] wrote, and verifies it.
func ParseContact(text string) (Contact, error) {
	body, err := unarmour(ContactPrefix, text, maxContact)
	if err != nil {
		return Contact{}, fmt.Errorf("parse contact: %w", err)
	}
	c, err := DecodeContact(body)
	if err != nil {
		return Contact{}, err
	}
	return c, c.Verify()
}

func appendEndpoint(b []byte, ap netip.AddrPort) []byte {
	switch {
	case !ap.IsValid():
		return append(b, 0)
	case ap.Addr().Is4():
		b = append(b, 4)
	default:
		b = append(b, 6)
	}
	b = append(b, ap.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(b, ap.Port())
}

func cutEndpoint(b []byte) (ap netip.AddrPort, rest []byte, err error) {
	if len(b) == 0 {
		return ap, nil, errors.New("endpoint is cut short")
	}
	size := 0
	switch b[0] {
	case 0:
		return ap, b[1:], nil
	case 4:
		size = 4
	case 6:
		size = 16
	default:
		return ap, nil, fmt.Errorf("got address family %d, want 0, 4 or 6", b[0])
	}
	b = b[1:]
	if len(b) < size+2 {
		return ap, nil, errors.New("endpoint is cut short")
	}
	addr, _ := netip.AddrFromSlice(b[:size])
	ap = netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[size:]))
	if !usable(ap) {
		return netip.AddrPort{}, nil, errEndpoint
	}
	return ap, b[size+2:], nil
}

// usable reports whether an endpoint is one that a datagram can be sent to by
// anybody who reads it, in the one form that it is written in. An IPv6
// link-local address means nothing without a zone, which is its host's own.
func usable(ap netip.AddrPort) bool {
	addr := ap.Addr()
	return ap.IsValid() && ap.Port() != 0 && !addr.Is4In6() && addr.Zone() == "" &&
		!addr.IsUnspecified() && !addr.IsMulticast() && (addr.Is4() || !addr.IsLinkLocalUnicast()) && addr != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
