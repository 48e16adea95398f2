package tunnel

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// stranger is a plain UDP socket that says what it likes to a seed.
type stranger struct {
	t      *testing.T
	seed   *Tunnel
	conn   *net.UDPConn
	member [32]byte // announcement key
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func mustSeed(t *testing.T, o Options) *Tunnel {
	t.Helper()
	if o.Keys == nil {
		o.Keys = mustNewKeys(t)
	}
	o.Listen = loopback
	seed, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = seed.Close() })
	return seed
}

func mustNewKeys(t testing.TB) *Keys {
	t.Helper()
	k, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newStranger(t *testing.T, seed *Tunnel) *stranger {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(seed.ListenAddr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &stranger{t: t, seed: seed, conn: c, member: seed.member.announce()}
}

func (s *stranger) send(b []byte) {
	s.t.Helper()
	if _, err := s.conn.Write(b); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stranger) receive() []byte {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 2000)
	n, err := s.conn.Read(b)
	if err != nil {
		s.t.Fatalf("no answer: %v; %+v", err, s.seed.Stats())
	}
	return b[:n]
}

// good returns a request that the seed accepts, of a node of its own.
func (s *stranger) good() request {
	s.t.Helper()
	return request{
		proof: proofMember, target: s.seed.ID(), nonce: newNonce(), time: time.Now().UnixMilli(),
		contact: mustSign(s.t, mustNewKeys(s.t), netip.AddrPort{}),
	}
}

func mustSign(t testing.TB, k *Keys, endpoint netip.AddrPort) Contact {
	t.Helper()
	c, err := k.sign(endpoint, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *stranger) sealed(key [32]byte, r request) []byte {
	s.t.Helper()
	b, err := r.seal(key)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// mustIgnore checks that what is sent gets no answer and is counted. Datagrams
// on loopback arrive in order and are handled in order, so the answer to a
// good request that follows comes first if and only if the other got none.
func (s *stranger) mustIgnore(b []byte, reason Reason) {
	s.t.Helper()
	before := s.seed.Stats()
	s.send(b)
	good := s.good()
	s.send(s.sealed(s.member, good))
	got, err := answerHead(s.receive())
	if err != nil || got.request != good.nonce {
		s.t.Errorf("got an answer that is not to the good request: %v", err)
	}
	after := s.seed.Stats()
	for r, n := range after.Dropped {
		want := before.Dropped[r]
		if r == reason {
			want++
		}
		if n != want {
			s.t.Errorf("counted %d of %v, want %d", n, r, want)
		}
	}
	if after.Admitted != before.Admitted+1 {
		s.t.Errorf("admitted %d, want only the good request", after.Admitted-before.Admitted)
	}
}

func TestASeedDoesNotAnswerStrangers(t *testing.T) {
	secret := NewSecret()
	other := NewSecret()
	allowed := mustNewKeys(t)
	seed := mustSeed(t, Options{Secret: &secret})
	strict := mustSeed(t, Options{Secret: &secret, Allow: []Identity{allowed.Identity()}})
	s := newStranger(t, seed)

	t.Run("garbage", func(*testing.T) { s.mustIgnore([]byte("hello?"), ReasonForeign) })
	t.Run("empty", func(*testing.T) { s.mustIgnore(nil, ReasonForeign) })
	t.Run("short request", func(*testing.T) { s.mustIgnore(s.sealed(s.member, s.good())[:admitSize-1], ReasonMalformed) })
	t.Run("other version", func(*testing.T) {
		b := s.sealed(s.member, s.good())
		b[4]++
		s.mustIgnore(b, ReasonMalformed)
	})
	t.Run("for another node", func(*testing.T) {
		r := s.good()
		r.target++
		s.mustIgnore(s.sealed(s.member, r), ReasonMisdirected)
	})
	t.Run("without the secret", func(*testing.T) { s.mustIgnore(s.sealed(other.member().announce(), s.good()), ReasonUnproven) })
	t.Run("expired ticket", func(*testing.T) { s.mustIgnore(s.withTicket(secret, -time.Second), ReasonExpired) })
	t.Run("ticket of another cluster", func(*testing.T) { s.mustIgnore(s.withTicket(other, time.Hour), ReasonUnproven) })
	t.Run("ticket with a later expiry", func(*testing.T) {
		b := s.withTicket(secret, time.Hour)
		b[31]++
		s.mustIgnore(b, ReasonUnproven)
	})
	t.Run("old request", func(*testing.T) {
		r := s.good()
		r.time -= admitWindow.Milliseconds() + 1000
		s.mustIgnore(s.sealed(s.member, r), ReasonStale)
	})
	t.Run("request from the future", func(*testing.T) {
		r := s.good()
		r.time += admitWindow.Milliseconds() + 10_000
		s.mustIgnore(s.sealed(s.member, r), ReasonStale)
	})
	t.Run("replay", func(*testing.T) {
		b := s.sealed(s.member, s.good())
		s.send(b)
		s.receive()
		s.mustIgnore(b, ReasonReplayed)
	})
	t.Run("forged contact", func(*testing.T) {
		r := s.good()
		r.contact.Sequence++
		s.mustIgnore(s.sealed(s.member, r), ReasonForged)
	})
	t.Run("contact that was replaced", func(*testing.T) {
		r, k := s.good(), mustNewKeys(t)
		r.contact = mustSign(t, k, netip.AddrPort{})
		later := s.good()
		later.contact = mustSign(t, k, netip.AddrPort{})
		s.send(s.sealed(s.member, later))
		s.receive()
		s.mustIgnore(s.sealed(s.member, r), ReasonOld)
	})
	t.Run("the seed's own contact", func(*testing.T) {
		r := s.good()
		r.contact = seed.Self()
		s.mustIgnore(s.sealed(s.member, r), ReasonSelf)
	})
	t.Run("the seed's own wireguard key", func(*testing.T) {
		r, k := s.good(), mustNewKeys(t)
		k.wireguard = seed.keys.wireguard
		r.contact = mustSign(t, k, netip.AddrPort{})
		s.mustIgnore(s.sealed(s.member, r), ReasonKeyTaken)
	})
	t.Run("answer to nothing", func(t *testing.T) {
		b, err := answer{nonce: newNonce(), request: newNonce(), contact: seed.Self()}.seal(s.member)
		if err != nil {
			t.Fatal(err)
		}
		s.mustIgnore(b, ReasonUnasked)
	})
	t.Run("not on the allow list", func(t *testing.T) {
		s := newStranger(t, strict)
		s.send(s.sealed(s.member, s.good()))
		r := s.good()
		r.contact = mustSign(t, allowed, netip.AddrPort{})
		s.send(s.sealed(s.member, r))
		if a, err := answerHead(s.receive()); err != nil || a.request != r.nonce {
			t.Errorf("the first answer is not to the node on the list: %v", err)
		}
		if n := strict.Stats().Dropped[ReasonNotAllowed]; n != 1 {
			t.Errorf("counted %d, want 1", n)
		}
	})
}

func (s *stranger) withTicket(secret Secret, life time.Duration) []byte {
	s.t.Helper()
	ticket, err := NewTicket(secret, s.seed.Self(), time.Now().Add(life))
	if err != nil {
		s.t.Fatal(err)
	}
	r := s.good()
	r.proof, r.ticket, r.expiry = proofTicket, ticket.id, uint64(ticket.Expires.Unix())
	return s.sealed(ticket.key, r)
}

func TestAnAnswerIsNoLargerThanItsRequest(t *testing.T) {
	secret := NewSecret()
	s := newStranger(t, mustSeed(t, Options{Secret: &secret}))
	for _, b := range [][]byte{s.sealed(s.member, s.good()), s.withTicket(secret, time.Hour)} {
		s.send(b)
		if got := len(s.receive()); got > len(b) {
			t.Errorf("%d bytes answer %d", got, len(b))
		}
	}
}

func TestOnlyATicketIsAnsweredWithTheMemberKey(t *testing.T) {
	secret := NewSecret()
	s := newStranger(t, mustSeed(t, Options{Secret: &secret}))
	s.send(s.sealed(s.member, s.good()))
	a, err := openAnswer(s.member, s.receive())
	if err != nil {
		t.Fatal(err)
	}
	if !a.member.isZero() {
		t.Error("a member was sent the member key")
	}
	if got := s.conn.LocalAddr().(*net.UDPAddr).AddrPort(); a.observed != got {
		t.Errorf("observed %v, want %v", a.observed, got)
	}
}

func TestAFloodIsCutOffByAddress(t *testing.T) {
	secret := NewSecret()
	seed := mustSeed(t, Options{Secret: &secret})
	s := newStranger(t, seed)
	wrong := s.sealed(NewSecret().member().announce(), s.good())
	for range 10 * admitBurst {
		seed.screen(wrong, s.conn.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	if n := seed.Stats().Dropped[ReasonLimited]; n < 8*admitBurst {
		t.Errorf("limited %d of %d", n, 10*admitBurst)
	}
}

func TestAJoinThatIsRefusedSaysWhatMayBeWrong(t *testing.T) {
	secret := NewSecret()
	seed, joiner := mustSeed(t, Options{Secret: &secret}), mustSeed(t, Options{})
	if _, err := joiner.JoinAt(t.Context(), seed.ListenAddr()); err == nil {
		t.Error("joined as a member without being one")
	}
	ticket, err := NewTicket(secret, seed.Self(), time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	refused := make(chan error)
	go func() {
		_, err := joiner.Join(ctx, ticket)
		refused <- err
	}()
	for seed.Stats().Dropped[ReasonExpired] == 0 {
		if ctx.Err() != nil {
			t.Fatal("the request never came")
		}
		time.Sleep(time.Millisecond) // the seed tells nobody: there is nothing to wait on
	}
	cancel()
	if err := <-refused; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if joiner.IsMember() || len(joiner.configured) != 0 {
		t.Error("a refused node is a member")
	}
}

func TestAHandshakeNeedsThePresharedKey(t *testing.T) {
	secret, wrong := NewSecret(), NewSecret()
	seed := mustSeed(t, Options{Secret: &secret})
	outsider := mustSeed(t, Options{Secret: &wrong})
	// Both devices know the other's key, as if a contact had leaked and the
	// outsider had got itself configured; only the secret differs.
	for _, x := range [][2]*Tunnel{{seed, outsider}, {outsider, seed}} {
		if _, err := x[0].admit(x[1].Self(), x[1].ListenAddr(), nil); err != nil {
			t.Fatal(err)
		}
	}
	packets, err := outsider.ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := packets.WriteTo([]byte("let me in"), &net.UDPAddr{IP: seed.addr.AsSlice(), Port: OverlayPort}); err != nil {
		t.Fatal(err)
	}
	// A member's handshake, begun later, goes through; the outsider's did not.
	member := mustSeed(t, Options{Secret: &secret})
	if _, err := member.JoinAt(t.Context(), seed.ListenAddr()); err != nil {
		t.Fatal(err)
	}
	c := make(chan error, 1)
	l, err := seed.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := member.Dial(t.Context(), netip.AddrPortFrom(seed.addr, OverlayPort))
		if err == nil {
			err = conn.Close()
		}
		c <- err
	}()
	if err := <-c; err != nil {
		t.Fatal(err)
	}
	state, err := outsider.dev.IpcGet()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains([]byte(state), []byte("last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n")) {
		t.Errorf("the outsider completed a handshake:\n%s", state)
	}
}

func TestIntroduceTakesOnlyWhatTheNodeSigned(t *testing.T) {
	secret := NewSecret()
	at := netip.MustParseAddrPort("192.0.2.1:7946")
	keys, other := mustNewKeys(t), mustNewKeys(t)
	first, second := mustSign(t, keys, at), mustSign(t, keys, at)
	forged := second
	forged.Endpoint = netip.MustParseAddrPort("192.0.2.66:7946")
	stolen := *other
	stolen.wireguard = keys.wireguard
	fork := second
	fork.Endpoint = netip.MustParseAddrPort("192.0.2.7:7946")
	fork.signature = [64]byte(ed25519.Sign(keys.identity, fork.signed()))
	tun := mustSeed(t, Options{Secret: &secret})

	for _, step := range []struct {
		name    string
		id      protocol.NodeID
		contact []byte
		want    error
	}{
		{"nothing", keys.NodeID(), nil, ReasonMalformed},
		{"under another name", other.NodeID(), first.Append(nil), ReasonForged},
		{"with a changed endpoint", keys.NodeID(), forged.Append(nil), ReasonForged},
		{"as signed", keys.NodeID(), second.Append(nil), nil},
		{"again", keys.NodeID(), second.Append(nil), nil},
		{"old news", keys.NodeID(), first.Append(nil), nil},
		{"signed twice with one sequence", keys.NodeID(), fork.Append(nil), ReasonFork},
		{"another's wireguard key", other.NodeID(), mustSign(t, &stolen, at).Append(nil), ReasonKeyTaken},
		{"oneself", tun.ID(), tun.selfRaw, nil},
	} {
		err := tun.Introduce(step.id, step.contact)
		if !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("%s: got %v, want %v", step.name, err, step.want)
		}
	}
	if got := tun.Contact(keys.NodeID()); !bytes.Equal(got, second.Append(nil)) {
		t.Error("the newest contact is not what is handed on")
	}
}

func TestAClaimThatWasNeverHeardYieldsToItsOwner(t *testing.T) {
	secret := NewSecret()
	tun := mustSeed(t, Options{Secret: &secret})
	owner, thief := mustNewKeys(t), mustNewKeys(t)
	thief.wireguard = owner.wireguard
	at := netip.MustParseAddrPort("192.0.2.1:7946")
	claim, own := mustSign(t, thief, at), mustSign(t, owner, at)
	if err := tun.Introduce(thief.NodeID(), claim.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if err := tun.Introduce(owner.NodeID(), own.Append(nil)); !errors.Is(err, ReasonKeyTaken) {
		t.Fatalf("got %v, want %v", err, ReasonKeyTaken)
	}
	if _, err := tun.admit(own, at, nil); err != nil {
		t.Fatal(err)
	}
	if tun.Contact(thief.NodeID()) != nil || tun.Contact(owner.NodeID()) == nil {
		t.Error("the claim stands in the owner's way")
	}
}

func TestAPeerThatWasHeardKeepsItsPlace(t *testing.T) {
	secret := NewSecret()
	tun := mustSeed(t, Options{Secret: &secret, MaxPeers: 2})
	var ids []protocol.NodeID
	for range 4 {
		c := mustSign(t, mustNewKeys(t), netip.AddrPort{})
		if err := tun.Introduce(c.NodeID(), c.Append(nil)); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.NodeID())
	}
	route := func(i int, want bool) {
		t.Helper()
		if _, ok := tun.Route(ids[i]); ok != want {
			t.Errorf("route to %d: got %v, want %v", i, ok, want)
		}
	}
	hear := func(i int) {
		t.Helper()
		if _, ok := tun.Vouch(netip.AddrPortFrom(OverlayAddr(ids[i]), 1), ids[i]); !ok {
			t.Errorf("does not vouch for %d", i)
		}
	}
	route(0, true)
	route(1, true)
	hear(0)
	route(2, true) // in the place of 1, which is silent
	if tun.configured[ids[0]] == nil || tun.configured[ids[1]] != nil {
		t.Error("evicted the peer that was heard of")
	}
	hear(2)
	route(3, false)
	if s := tun.Stats(); s.Configured != 2 || s.Known != 4 || s.Evicted != 1 {
		t.Errorf("got %+v", s)
	}
	tun.configured[ids[0]].heard.Store(int64(tun.now() - fresh)) // three minutes of silence
	route(3, true)
}
