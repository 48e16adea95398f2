package transport

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestContacts(t *testing.T) {
	for _, bad := range [][]byte{
		nil, {1}, {192, 0, 2, 1}, {192, 0, 2, 1, 0}, {192, 0, 2, 1, 0, 7, 7}, make([]byte, 300),
	} {
		if got, err := ParsePlainContact(bad); err == nil {
			t.Errorf("contact % x: got %v, want an error", bad, got)
		}
	}
	for _, bad := range []string{"192.0.2.1:0", "0.0.0.0:1", "[::]:1", "224.0.0.1:1", "[ff02::1]:1", "255.255.255.255:1"} {
		if got, err := ParsePlainContact(contact(bad)); err == nil {
			t.Errorf("contact of %s: got %v, want an error", bad, got)
		}
	}
	mapped := append(bytes.Repeat([]byte{0}, 10), 0xff, 0xff, 192, 0, 2, 1, 0, 7)
	if got, err := ParsePlainContact(mapped); err == nil {
		t.Errorf("an IPv4 address in one of IPv6: got %v, want an error", got)
	}
	for in, want := range map[string]string{
		"192.0.2.1:7": "192.0.2.1:7", "[2001:db8::1]:7": "[2001:db8::1]:7", "[::ffff:192.0.2.1]:7": "192.0.2.1:7",
	} {
		if got, err := ParsePlainContact(contact(in)); err != nil || got.String() != want {
			t.Errorf("contact of %s: got %v, %v, want %s", in, got, err, want)
		}
	}
}

func FuzzContact(f *testing.F) {
	f.Add(contact("192.0.2.1:7"))
	f.Add(contact("[fe80::1]:1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		at, err := ParsePlainContact(b)
		if err == nil && !bytes.Equal(PlainContact(at), b) {
			t.Errorf("% x: got %v, whose contact is % x", b, at, PlainContact(at))
		}
	})
}

// contact is that of an address as text.
func contact(at string) []byte { return PlainContact(netip.MustParseAddrPort(at)) }
