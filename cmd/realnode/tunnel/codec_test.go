package tunnel

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

var endpoints = rapid.Custom(func(t *rapid.T) netip.AddrPort {
	size := rapid.SampledFrom([]int{0, 4, 16}).Draw(t, "family")
	if size == 0 {
		return netip.AddrPort{}
	}
	addr, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "address"))
	ap := netip.AddrPortFrom(addr, rapid.Uint16().Draw(t, "port"))
	if !usable(ap) {
		t.Skip("not an endpoint")
	}
	return ap
})

func contacts(keys *Keys) *rapid.Generator[Contact] {
	return rapid.Custom(func(t *rapid.T) Contact {
		c, err := keys.sign(endpoints.Draw(t, "endpoint"), time.UnixMilli(rapid.Int64Range(-1, 1<<40).Draw(t, "time")))
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func TestContactsSurviveTheirBytes(t *testing.T) {
	keys := mustNewKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		c := contacts(keys).Draw(t, "contact")
		b := c.Append(nil)
		got, err := DecodeContact(b)
		if err != nil || got != c || got.Verify() != nil || len(b) > protocol.MaxContact {
			t.Fatalf("got %+v, %v from %+v", got, err, c)
		}
		if got, err = ParseContact(c.String()); err != nil || got != c {
			t.Fatalf("got %+v, %v from text", got, err)
		}
	})
}

func TestEveryBitOfAContactIsSigned(t *testing.T) {
	for _, endpoint := range []string{"192.0.2.1:7946", "[2001:db8::1]:7946"} {
		b := mustSign(t, mustNewKeys(t), netip.MustParseAddrPort(endpoint)).Append(nil)
		for bit := range 8 * len(b) {
			changed := bytes.Clone(b)
			changed[bit/8] ^= 1 << (bit % 8)
			if c, err := DecodeContact(changed); err == nil && c.Verify() == nil {
				t.Fatalf("bit %d can be changed", bit)
			}
		}
	}
}

func TestContactsNameOnlyEndpointsThatCanBeSentTo(t *testing.T) {
	keys := mustNewKeys(t)
	for _, bad := range []string{
		"0.0.0.0:1", "192.0.2.1:0", "224.0.0.1:1", "255.255.255.255:1",
		"[::]:1", "[ff02::1]:1", "[::ffff:192.0.2.1]:1", "[fe80::1]:1",
	} {
		b := mustSign(t, keys, netip.MustParseAddrPort(bad)).Append(nil)
		if _, err := DecodeContact(b); err == nil {
			t.Errorf("takes %s", bad)
		}
	}
}

func TestTicketsSurviveTheirText(t *testing.T) {
	secret := NewSecret()
	seed := mustSign(t, mustNewKeys(t), netip.MustParseAddrPort("192.0.2.1:7946"))
	ticket, err := NewTicket(secret, seed, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text := ticket.Text()
	if got, err := ParseTicket(text); err != nil || got != ticket {
		t.Fatalf("got %v, %v", got, err)
	}
	for i := range len(text) {
		for _, c := range "A_z" {
			changed := text[:i] + string(c) + text[i+1:]
			if _, err := ParseTicket(changed); changed != text && err == nil {
				t.Errorf("takes a ticket with character %d changed", i)
			}
		}
		if _, err := ParseTicket(text[:i]); err == nil {
			t.Errorf("takes a ticket cut after %d characters", i)
		}
	}
	for _, near := range []string{text + "\n", " " + text, text + "=", strings.ToUpper(text), text + text} {
		if _, err := ParseTicket(near); err == nil {
			t.Errorf("takes %q", near)
		}
	}
	if strings.Contains(ticket.String()+ticket.GoString(), text[20:40]) {
		t.Error("printing a ticket gives it away")
	}
}

func TestTicketsNeedASeedThatCanBeReached(t *testing.T) {
	if _, err := NewTicket(NewSecret(), mustSign(t, mustNewKeys(t), netip.AddrPort{}), time.Now()); err == nil {
		t.Error("issued a ticket for nowhere")
	}
}

func TestAdmissionDatagramsSurviveTheirBytes(t *testing.T) {
	keys := mustNewKeys(t)
	rapid.Check(t, func(t *rapid.T) {
		key := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		r := request{
			proof: proofMember, target: protocol.NodeID(rapid.Uint64().Draw(t, "target")), nonce: newNonce(),
			time: rapid.Int64().Draw(t, "time"), contact: contacts(keys).Draw(t, "contact"),
		}
		if rapid.Bool().Draw(t, "ticket") {
			r.proof, r.ticket, r.expiry = proofTicket, rapid.Uint64().Draw(t, "id"), rapid.Uint64().Draw(t, "expiry")
		}
		b, err := r.seal(key)
		if err != nil || len(b) != admitSize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		if got, err := openRequest(key, b); err != nil || got != r {
			t.Fatalf("got %+v, %v", got, err)
		}
		a := answer{
			nonce: newNonce(), request: r.nonce, observed: endpoints.Draw(t, "observed"),
			member: memberKey(key), contact: r.contact,
		}
		if b, err = a.seal(key); err != nil || len(b) != admitSize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		if got, err := openAnswer(key, b); err != nil || got != a {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
}

func TestEveryBitOfAnAdmissionDatagramIsSealed(t *testing.T) {
	key := [32]byte{1}
	c := mustSign(t, mustNewKeys(t), netip.AddrPort{})
	r, err := request{proof: proofTicket, target: 1, ticket: 2, expiry: 3, nonce: newNonce(), contact: c}.seal(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := answer{nonce: newNonce(), request: newNonce(), contact: c}.seal(key)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * admitSize {
		r[bit/8] ^= 1 << (bit % 8)
		a[bit/8] ^= 1 << (bit % 8)
		if _, err := openRequest(key, r); err == nil {
			t.Fatalf("bit %d of a request can be changed", bit)
		}
		if _, err := openAnswer(key, a); err == nil {
			t.Fatalf("bit %d of an answer can be changed", bit)
		}
		r[bit/8] ^= 1 << (bit % 8)
		a[bit/8] ^= 1 << (bit % 8)
	}
	if _, err := openAnswer(key, r); err == nil {
		t.Error("a request passes for an answer")
	}
}

// The contact's form is fixed: nodes of different builds meet.
func TestTheFormOfAContactDoesNotChange(t *testing.T) {
	k, err := parseKeys(keyFileHead + "\n" +
		"identity AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n" +
		"wireguard AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n" +
		"member AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n" +
		"sequence 4\n")
	if err != nil {
		t.Fatal(err)
	}
	c, err := k.sign(netip.MustParseAddrPort("192.0.2.1:7946"), time.UnixMilli(0))
	if err != nil {
		t.Fatal(err)
	}
	const want = "018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c" + // identity
		"ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59" + // wireguard
		"0000000000000005" + "04c00002011f0a" + // sequence, endpoint
		"4baf7020246c6d572b16b69c368d6ec625cd2a4a841449027f1d471c9b84165a" +
		"0a7bf383884d9cf1ff018f82b53eb0c832c763bc99139aee7037cf8b73915605"
	if got := hex.EncodeToString(c.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
