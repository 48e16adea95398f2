package tunnel

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"

	"github.com/starling-sim/starling/protocol"
)

// What is fuzzed has no sockets, and keys, secret and time that are always the
// same: a corpus means the same to every process that reads it.

var (
	fuzzSecret = Secret{1}
	fuzzTime   = time.Unix(1_700_000_000, 0)
	fuzzFrom   = netip.MustParseAddrPort("127.0.0.1:9")
)

// fixedKeys are the n-th keys.
func fixedKeys(tb testing.TB, n byte) *Keys {
	tb.Helper()
	key := func(i byte) string {
		return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{i}, 32))
	}
	k, err := parseKeys(keyFileHead + "\nidentity " + key(2*n) + "\nwireguard " + key(2*n+1) + "\nmember " + key(0) + "\nsequence 4\n")
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func fixedContact(tb testing.TB, n byte, endpoint string) Contact {
	tb.Helper()
	var at netip.AddrPort
	if endpoint != "" {
		at = netip.MustParseAddrPort(endpoint)
	}
	c, err := fixedKeys(tb, n).sign(at, time.UnixMilli(0))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// unopened is a tunnel whose socket is not open.
func unopened(tb testing.TB) *Tunnel {
	tb.Helper()
	t, err := prepare(Options{
		Keys: fixedKeys(tb, 1), Secret: &fuzzSecret, Listen: loopback, Now: func() time.Time { return fuzzTime },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = t.Close() })
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.resign(netip.MustParseAddrPort("192.0.2.1:7946")); err != nil {
		tb.Fatal(err)
	}
	return t
}

// afresh lets a tunnel forget what it was told.
func (t *Tunnel) afresh() {
	t.admission.init()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.peers {
		t.forget(p)
	}
}

func (t *Tunnel) droppedAll() (n uint64) {
	for _, d := range t.Stats().Dropped {
		n += d
	}
	return n
}

// FuzzContact: a contact has one form, and a node that is told one believes it
// only if whom it is of has signed it.
func FuzzContact(f *testing.F) {
	tunnel := unopened(f)
	for _, e := range []string{"", "192.0.2.1:1", "[2001:db8::1]:1"} {
		f.Add(fixedContact(f, 2, e).Append(nil))
	}
	f.Add(tunnel.Contact(tunnel.id))
	f.Fuzz(func(t *testing.T, b []byte) {
		tunnel.afresh()
		c, err := DecodeContact(b)
		if err != nil {
			if tunnel.Introduce(7, b) == nil {
				t.Errorf("believes %x", b)
			}
			return
		}
		if got := c.Append(nil); !bytes.Equal(got, b) || len(b) > protocol.MaxContact {
			t.Errorf("%x decodes and encodes to %x", b, got)
		}
		id := c.NodeID()
		if tunnel.Introduce(id+1, b) == nil && id+1 != tunnel.id {
			t.Errorf("believes that %x is of %v", b, id+1)
		}
		err = tunnel.Introduce(id, b)
		if id != tunnel.id && (err == nil) != (c.Verify() == nil) {
			t.Errorf("introduced with %x: got %v, but verified: %v", b, err, c.Verify())
		}
		if at, ok := tunnel.Route(id); ok && (err != nil || at.Addr() != OverlayAddr(id)) {
			t.Errorf("reaches %v at %v after %v", id, at, err)
		}
	})
}

// FuzzTicket: tickets, contacts and secrets have one text each.
func FuzzTicket(f *testing.F) {
	seed := fixedContact(f, 2, "192.0.2.1:1")
	ticket := Ticket{Seed: seed, Expires: time.Unix(1<<31, 0), id: 5, key: fuzzSecret.ticketKey(5, 1<<31)}
	f.Add(ticket.Text())
	f.Add(seed.String())
	f.Add(fuzzSecret.Text())
	body, err := unarmour(TicketPrefix, ticket.Text(), maxTicket)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(body))
	f.Fuzz(func(t *testing.T, text string) {
		// Behind the checksum, which a fuzzer does not get through, as well.
		for _, text := range []string{text, armour(TicketPrefix, []byte(text)), armour(ContactPrefix, []byte(text))} {
			if got, err := ParseTicket(text); err == nil && (got.Text() != text || got.Seed.Verify() != nil || !usable(got.Seed.Endpoint)) {
				t.Errorf("%q parses and prints as %q", text, got.Text())
			}
			if got, err := ParseContact(text); err == nil && (got.String() != text || got.Verify() != nil) {
				t.Errorf("%q parses and prints as %q", text, got.String())
			}
			if got, err := ParseSecret(text); err == nil && got.Text() != text {
				t.Errorf("a secret of %d characters prints as another text", len(text))
			}
		}
	})
}

// once is a socket on which one datagram arrives.
type once struct {
	b    []byte
	from netip.AddrPort
	gone bool
}

func (o *once) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if o.gone {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	o.gone = true
	return copy(b, o.b), o.from, nil
}

// FuzzOuter gives a node datagrams from anybody: each is WireGuard's to read, or
// is counted, or waits to be opened, and none is answered unread.
func FuzzOuter(f *testing.F) {
	tunnel := unopened(f)
	for _, b := range sealedSeeds(f, [32]byte{}) {
		f.Add(b, true)
	}
	f.Add([]byte{1, 0, 0, 0}, false)
	f.Add([]byte{4, 0, 0, 0, 5}, true)
	f.Fuzz(func(t *testing.T, b []byte, ipv4 bool) {
		tunnel.afresh()
		from := netip.MustParseAddrPort("[2001:db8::9]:9")
		if ipv4 {
			from = netip.MustParseAddrPort("[::ffff:127.0.0.1]:9")
		}
		before := tunnel.droppedAll()
		packet, sizes, eps := make([]byte, 2000), make([]int, 1), make([]conn.Endpoint, 1)
		n, err := tunnel.bind.receive(&once{b: b, from: from}, [][]byte{packet}, sizes, eps)
		waiting := uint64(len(tunnel.admission.queue))
		if got := tunnel.droppedAll() - before + waiting + uint64(n); got != 1 {
			t.Errorf("counted %d times", got)
		}
		switch b = b[:min(len(b), len(packet))]; {
		case n == 1 && (isAdmission(b) || err != nil || !bytes.Equal(packet[:sizes[0]], b) || eps[0].DstIP() != from.Addr().Unmap()):
			t.Errorf("%x is WireGuard's, in %d bytes, with error %v", b, sizes[0], err)
		case n == 0 && !errors.Is(err, net.ErrClosed):
			t.Errorf("got error %v", err)
		case waiting == 1 && len(b) != admitSize:
			t.Errorf("%d bytes wait to be opened", len(b))
		case len(tunnel.admission.pending) > 0:
			t.Error("a stranger made the node ask something")
		}
	})
}

// sealedSeeds are an announcement, a request with a ticket and an answer.
func sealedSeeds(tb testing.TB, key [32]byte) (all [][]byte) {
	tb.Helper()
	c := fixedContact(tb, 2, "192.0.2.1:1")
	r := request{proof: proofMember, nonce: nonce{1}, time: fuzzTime.UnixMilli(), contact: c}
	withTicket := r
	withTicket.proof, withTicket.ticket, withTicket.expiry = proofTicket, 5, 1<<31
	a := answer{nonce: nonce{2}, request: nonce{3}, observed: fuzzFrom, contact: c}
	for _, s := range []interface {
		seal(key [32]byte) ([]byte, error)
	}{r, withTicket, a} {
		b, err := s.seal(key)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// FuzzAdmission gives a node datagrams, as they are and with their rest sealed as
// a member would. Nothing that a stranger can make admits it; what a member makes
// has one form, and admits whoever signed the contact in it and nobody else.
func FuzzAdmission(f *testing.F) {
	tunnel := unopened(f)
	key := fuzzSecret.member().announce()
	for _, b := range sealedSeeds(f, [32]byte{}) {
		f.Add(b)
	}
	head := func(b []byte) []byte { return bytes.Clone(b[:admitHead]) }
	for _, b := range sealedSeeds(f, key) { // with what is sealed in the clear
		n := nonce(b[8:])
		if r, err := requestHead(b); err == nil {
			n = r.nonce
		}
		plain, err := unseal(key, n, b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(append(head(b), plain...), make([]byte, admitSize-admitHead-len(plain))...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tunnel.afresh()
		if _, _, ok := tunnel.screened(b, fuzzFrom); ok {
			if err := tunnel.takeRequest(&parcel{bytes: [admitSize]byte(b), from: fuzzFrom}); err == nil {
				t.Error("admitted a stranger")
			}
		}
		if len(b) != admitSize {
			return
		}
		plain := func() []byte { return bytes.Clone(b[admitHead : admitHead+admitPlain]) }
		sealed, err := seal(key, nonce(b[32:]), head(b), plain())
		if err != nil {
			t.Fatal(err)
		}
		r, err := openRequest(key, sealed)
		if err == nil {
			if again, err := r.seal(key); err != nil || !bytes.Equal(again, sealed) {
				t.Error("a request has two forms")
			}
		}
		taken := tunnel.takeRequest(&parcel{bytes: [admitSize]byte(sealed), from: fuzzFrom})
		tunnel.checkAdmitted(t, taken, err, r.contact)
		tunnel.afresh()

		if sealed, err = seal(key, nonce(b[8:]), head(b), plain()); err != nil {
			t.Fatal(err)
		}
		a, err := openAnswer(key, sealed)
		if err == nil {
			if again, err := a.seal(key); err != nil || !bytes.Equal(again, sealed) {
				t.Error("an answer has two forms")
			}
		}
		x := &exchange{key: key, until: time.Hour, done: make(chan protocol.NodeID, 1)}
		tunnel.admission.remember(a.request, x, 0)
		taken = tunnel.takeAnswer(&parcel{bytes: [admitSize]byte(sealed), from: fuzzFrom, asked: x})
		tunnel.checkAdmitted(t, taken, err, a.contact)
	})
}

// checkAdmitted looks at whom a tunnel knows after it took a datagram, or not.
func (t *Tunnel) checkAdmitted(tt *testing.T, taken, decoded error, c Contact) {
	tt.Helper()
	t.mu.RLock()
	defer t.mu.RUnlock()
	if taken != nil {
		if len(t.configured) > 0 {
			tt.Errorf("refused with %v, but talks to %d peers", taken, len(t.configured))
		}
		return
	}
	if decoded != nil || c.Verify() != nil || len(t.configured) != 1 || t.configured[c.NodeID()] == nil {
		tt.Errorf("admitted a contact of %v (decoded: %v, verified: %v); talks to %d peers", c.NodeID(), decoded, c.Verify(), len(t.configured))
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add(fixedKeys(f, 2).text())
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := parseKeys(text); err == nil {
			if again, err := parseKeys(k.text()); err != nil || again.text() != k.text() {
				t.Errorf("%q does not survive", text)
			}
		}
	})
}
