package tunnel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
)

var _ transport.Network = (*tunnel.Tunnel)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a tunnel whose datagrams and streams are echoed, when they begin
// with a question mark.
type node struct {
	*tunnel.Tunnel
	packets net.PacketConn
	answers chan []byte // datagrams that are not questions
}

func mustKeys(t testing.TB) *tunnel.Keys {
	t.Helper()
	k, err := tunnel.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustTunnel(t testing.TB, o tunnel.Options) *tunnel.Tunnel {
	t.Helper()
	if o.Keys == nil {
		o.Keys = mustKeys(t)
	}
	if !o.Listen.IsValid() {
		o.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	}
	tun, err := tunnel.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tun.Close(); err != nil {
			t.Error(err)
		}
	})
	return tun
}

func mustNode(t testing.TB, o tunnel.Options) *node {
	t.Helper()
	n := &node{Tunnel: mustTunnel(t, o), answers: make(chan []byte, 16)}
	packets, err := n.ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	streams, err := n.Listen()
	if err != nil {
		t.Fatal(err)
	}
	n.packets = packets
	var serving sync.WaitGroup
	serving.Go(n.servePackets)
	serving.Go(func() { serveStreams(streams) })
	t.Cleanup(func() { // runs before the tunnel's
		_ = packets.Close()
		_ = streams.Close()
		serving.Wait()
	})
	return n
}

func (n *node) servePackets() {
	b := make([]byte, 2000)
	for {
		size, from, err := n.packets.ReadFrom(b)
		if err != nil {
			return
		}
		if ap := from.(*net.UDPAddr).AddrPort(); !n.vouches(ap) {
			continue
		}
		if size > 0 && b[0] == '?' {
			_, _ = n.packets.WriteTo(append([]byte{'!'}, b[1:size]...), from)
			continue
		}
		n.answers <- bytes.Clone(b[:size])
	}
}

// vouches asks for the sender that the address says: what a peer that is
// honest claims.
func (n *node) vouches(from netip.AddrPort) bool {
	a := from.Addr().As16()
	var id protocol.NodeID
	for _, x := range a[8:] {
		id = id<<8 | protocol.NodeID(x)
	}
	_, ok := n.Vouch(from, id)
	return ok
}

func serveStreams(l net.Listener) {
	var serving sync.WaitGroup
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
		serving.Wait()
	}()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		conns = append(conns, c)
		serving.Go(func() {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		})
	}
}

// mustAsk has an answer come back to a datagram. Datagrams may be lost, so it
// is repeated.
func (n *node) mustAsk(t testing.TB, id protocol.NodeID, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	retry := time.NewTicker(500 * time.Millisecond)
	defer retry.Stop()
	for {
		to, ok := n.Route(id)
		if !ok {
			t.Fatalf("%v has no route to %v", n.ID(), id)
		}
		if _, err := n.packets.WriteTo([]byte("?"+text), net.UDPAddrFromAddrPort(to)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-n.answers:
			if string(got) == "!"+text {
				return
			}
		case <-retry.C:
		case <-ctx.Done():
			t.Fatalf("%v gets no answer from %v; %+v", n.ID(), id, n.Stats())
		}
	}
}

// mustStream sends text there and back over a stream.
func (n *node) mustStream(t testing.TB, id protocol.NodeID, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	to, ok := n.Route(id)
	if !ok {
		t.Fatalf("no route to %v", id)
	}
	c, err := n.Dial(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v", got, err)
	}
}

func mustTicket(t testing.TB, seed *tunnel.Tunnel) tunnel.Ticket {
	t.Helper()
	issued, err := seed.Ticket(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := tunnel.ParseTicket(issued.Text()) // as a person hands it on
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func mustJoin(t testing.TB, n *tunnel.Tunnel, ticket tunnel.Ticket) protocol.Peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seed, err := n.Join(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func TestANodeJoinsWithATicketAndBothTalk(t *testing.T) {
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret})
	joiner := mustNode(t, tunnel.Options{})
	if joiner.IsMember() {
		t.Error("a node is a member before it joined")
	}
	peer := mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))
	if peer.ID != seed.ID() || !bytes.Equal(peer.Contact, seed.Contact(seed.ID())) {
		t.Errorf("joined with %v, want %v", peer, seed.ID())
	}
	if !joiner.IsMember() {
		t.Error("a node that joined is no member")
	}
	joiner.mustAsk(t, seed.ID(), "a datagram")
	seed.mustAsk(t, joiner.ID(), "a datagram back")
	joiner.mustStream(t, seed.ID(), "a stream")
	seed.mustStream(t, joiner.ID(), "a stream back")
}

func TestMembersReachEachOtherByContactAlone(t *testing.T) {
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret})
	a, b := mustNode(t, tunnel.Options{}), mustNode(t, tunnel.Options{})
	mustJoin(t, a.Tunnel, mustTicket(t, seed.Tunnel))
	mustJoin(t, b.Tunnel, mustTicket(t, seed.Tunnel))
	if _, ok := a.Route(b.ID()); ok {
		t.Error("a route to a node that nobody introduced")
	}
	// Only one of the two is told: it announces itself to the other.
	if err := a.Introduce(b.ID(), seed.Contact(b.ID())); err != nil {
		t.Fatal(err)
	}
	a.mustAsk(t, b.ID(), "to b")
	b.mustStream(t, a.ID(), "and back")
}

func TestTheLargestDatagramFits(t *testing.T) {
	secret := tunnel.NewSecret()
	seed, joiner := mustNode(t, tunnel.Options{Secret: &secret}), mustNode(t, tunnel.Options{})
	mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))
	joiner.mustAsk(t, seed.ID(), string(bytes.Repeat([]byte{'x'}, joiner.MaxDatagram()-1)))
}

func TestASenderCannotClaimToBeAnother(t *testing.T) {
	secret := tunnel.NewSecret()
	seed, joiner := mustNode(t, tunnel.Options{Secret: &secret}), mustNode(t, tunnel.Options{})
	mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))
	from := netip.AddrPortFrom(tunnel.OverlayAddr(joiner.ID()), tunnel.OverlayPort)
	if id, ok := seed.Vouch(from, joiner.ID()); !ok || id != joiner.ID() {
		t.Errorf("got %v, %v for a true claim", id, ok)
	}
	for _, claimed := range []protocol.NodeID{seed.ID(), joiner.ID() + 1, 0} {
		if _, ok := seed.Vouch(from, claimed); ok {
			t.Errorf("vouches for the claim to be %v", claimed)
		}
	}
	outside := netip.MustParseAddrPort("[fd00::1]:7946")
	if _, ok := seed.Vouch(outside, 1); ok {
		t.Error("vouches for an address outside the overlay")
	}
}

func TestARotatedKeyKeepsTheNode(t *testing.T) {
	secret := tunnel.NewSecret()
	seed, joiner := mustNode(t, tunnel.Options{Secret: &secret}), mustNode(t, tunnel.Options{})
	mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))
	joiner.mustAsk(t, seed.ID(), "before")
	before := joiner.Self()

	if err := joiner.Rotate(); err != nil {
		t.Fatal(err)
	}
	after := joiner.Self()
	if after.NodeID() != before.NodeID() || after.WireGuard == before.WireGuard || after.Sequence <= before.Sequence {
		t.Fatalf("rotated from %v to %v", before, after)
	}
	joiner.mustAsk(t, seed.ID(), "after")
	seed.mustAsk(t, joiner.ID(), "after, back")
	if got := seed.Contact(joiner.ID()); !bytes.Equal(got, after.Append(nil)) {
		t.Error("the seed hands on the old contact")
	}
}

func TestARestartedNodeComesBackWithoutATicket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	keys, err := tunnel.CreateKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret})
	first := mustNode(t, tunnel.Options{Keys: keys})
	mustJoin(t, first.Tunnel, mustTicket(t, seed.Tunnel))
	first.mustAsk(t, seed.ID(), "first life")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	if keys, err = tunnel.LoadKeys(path); err != nil {
		t.Fatal(err)
	}
	if err := keys.Rotate(); err != nil { // while it is down
		t.Fatal(err)
	}
	second := mustNode(t, tunnel.Options{Keys: keys})
	if second.ID() != first.ID() {
		t.Fatalf("came back as %v, was %v", second.ID(), first.ID())
	}
	if _, err := second.JoinAt(t.Context(), seed.ListenAddr()); err != nil {
		t.Fatal(err)
	}
	seed.mustAsk(t, second.ID(), "second life")
}

func TestASessionOutlivesARestartOfThePeer(t *testing.T) {
	secret := tunnel.NewSecret()
	path := filepath.Join(t.TempDir(), "keys")
	keys, err := tunnel.CreateKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	a := mustNode(t, tunnel.Options{Secret: &secret})
	b := mustNode(t, tunnel.Options{Secret: &secret, Keys: keys})
	if _, err := b.JoinAt(t.Context(), a.ListenAddr()); err != nil {
		t.Fatal(err)
	}
	a.mustAsk(t, b.ID(), "first life")
	at := b.ListenAddr()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if keys, err = tunnel.LoadKeys(path); err != nil {
		t.Fatal(err)
	}
	// B does not remember A: A finds out that nothing comes back, and
	// announces itself.
	b = mustNode(t, tunnel.Options{Secret: &secret, Keys: keys, Listen: at})
	a.mustAsk(t, b.ID(), "second life")
}

func TestANodeBehindAWildcardLearnsItsEndpoint(t *testing.T) {
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret})
	joiner := mustNode(t, tunnel.Options{Listen: netip.MustParseAddrPort("0.0.0.0:0")})
	if e := joiner.Self().Endpoint; e.IsValid() {
		t.Fatalf("knows %v of itself", e)
	}
	mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))
	want := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), joiner.ListenAddr().Port())
	if got := joiner.Self().Endpoint; got != want {
		t.Errorf("learned %v, want %v", got, want)
	}
	if !bytes.Equal(seed.Contact(joiner.ID()), joiner.Self().Append(nil)) {
		t.Error("the seed has not heard of the endpoint")
	}
	seed.mustAsk(t, joiner.ID(), "hello")
}

func TestTheOuterNetworkMayBeIPv6(t *testing.T) {
	at := netip.MustParseAddrPort("[::1]:0")
	probe, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Skip("no IPv6 here")
	}
	_ = probe.Close()
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret, Listen: netip.MustParseAddrPort("[::]:0"), Advertise: at})
	six := mustNode(t, tunnel.Options{Listen: at})
	mustJoin(t, six.Tunnel, mustTicket(t, seed.Tunnel))
	six.mustAsk(t, seed.ID(), "over IPv6")

	// The same socket serves IPv4.
	four := mustNode(t, tunnel.Options{Secret: &secret})
	v4 := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), seed.ListenAddr().Port())
	if _, err := four.JoinAt(t.Context(), v4); err != nil {
		t.Fatal(err)
	}
	four.mustAsk(t, seed.ID(), "over IPv4")
}

func TestASeedMayBeToldToJoinAtItself(t *testing.T) {
	secret := tunnel.NewSecret()
	seed := mustTunnel(t, tunnel.Options{Secret: &secret})
	peer, err := seed.JoinAt(t.Context(), seed.ListenAddr())
	if err != nil || peer.ID != seed.ID() {
		t.Errorf("got %v, %v", peer, err)
	}
	if peer = mustJoin(t, seed, mustTicket(t, seed)); peer.ID != seed.ID() {
		t.Errorf("got %v", peer)
	}
}

func TestKeepaliveDoesNotDisturbJoining(t *testing.T) {
	secret := tunnel.NewSecret()
	seed := mustNode(t, tunnel.Options{Secret: &secret, Keepalive: 25 * time.Second})
	joiner := mustNode(t, tunnel.Options{Keepalive: 25 * time.Second})
	mustJoin(t, joiner.Tunnel, mustTicket(t, seed.Tunnel))
	joiner.mustAsk(t, seed.ID(), "hello")
	seed.mustAsk(t, joiner.ID(), "hello back")
}

func TestAStreamToADeadPeerBreaks(t *testing.T) {
	secret := tunnel.NewSecret()
	dead := mustNode(t, tunnel.Options{Secret: &secret})
	alive := mustNode(t, tunnel.Options{Secret: &secret, StreamTimeout: time.Second})
	if _, err := alive.JoinAt(t.Context(), dead.ListenAddr()); err != nil {
		t.Fatal(err)
	}
	to, _ := alive.Route(dead.ID())
	c, err := alive.Dial(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	at := dead.ListenAddr()
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	// Its port stays taken, so that nothing but silence tells.
	silence, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer silence.Close()
	if _, err := c.Write([]byte("anybody?")); err != nil {
		return // it heard of the end in time
	}
	if _, err := io.ReadAll(c); err == nil {
		t.Error("a dead peer ended the stream in good order")
	}
}

func TestADialEndsWithItsContext(t *testing.T) {
	secret := tunnel.NewSecret()
	n := mustTunnel(t, tunnel.Options{Secret: &secret})
	ctx, cancel := context.WithCancel(t.Context())
	dialled := make(chan error)
	go func() {
		_, err := n.Dial(ctx, netip.AddrPortFrom(tunnel.OverlayAddr(1), tunnel.OverlayPort))
		dialled <- err
	}()
	cancel()
	if err := <-dialled; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := n.Dial(t.Context(), netip.MustParseAddrPort("192.0.2.1:1")); err == nil {
		t.Error("dialled out of the overlay")
	}
}

func TestCloseReleasesWhatWaits(t *testing.T) {
	tun := mustTunnel(t, tunnel.Options{})
	packets, err := tun.ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	streams, err := tun.Listen()
	if err != nil {
		t.Fatal(err)
	}
	// A node may talk to itself.
	self, _ := tun.Route(tun.ID())
	out, err := tun.Dial(t.Context(), self)
	if err != nil {
		t.Fatal(err)
	}
	in, err := streams.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("nobody reads this")); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, _, err := packets.ReadFrom(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read from a closed tunnel: %v", err)
		}
	})
	waiting.Go(func() {
		if _, err := streams.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accepted in a closed tunnel: %v", err)
		}
	})
	waiting.Go(func() {
		if _, err := out.Read(make([]byte, 10)); err == nil {
			t.Error("read from a stream in a closed tunnel")
		}
		_ = in.Close()
		_ = out.Close()
	})
	if err := tun.Close(); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if _, err := tun.Ticket(time.Hour); err == nil {
		t.Error("a node without secret issued a ticket")
	}
}

func TestCloseWhileOthersSend(t *testing.T) {
	for range 20 {
		tun := mustTunnel(t, tunnel.Options{})
		packets, err := tun.ListenPacket()
		if err != nil {
			t.Fatal(err)
		}
		to := &net.UDPAddr{IP: tunnel.OverlayAddr(1).AsSlice(), Port: tunnel.OverlayPort}
		var sending sync.WaitGroup
		started := make(chan struct{}, 4)
		for range 4 {
			sending.Go(func() {
				started <- struct{}{}
				for {
					if _, err := packets.WriteTo([]byte("hello"), to); err != nil {
						return
					}
				}
			})
		}
		for range 4 {
			<-started
		}
		if err := tun.Close(); err != nil {
			t.Fatal(err)
		}
		sending.Wait()
	}
}

func TestNodesThatMeetAtOnceTalk(t *testing.T) {
	secret := tunnel.NewSecret()
	a, b := mustNode(t, tunnel.Options{Secret: &secret}), mustNode(t, tunnel.Options{Secret: &secret})
	for _, x := range [][2]*node{{a, b}, {b, a}} {
		if err := x[0].Introduce(x[1].ID(), x[1].Contact(x[1].ID())); err != nil {
			t.Fatal(err)
		}
	}
	var asking sync.WaitGroup
	asking.Go(func() { a.mustAsk(t, b.ID(), "from a") })
	b.mustAsk(t, a.ID(), "from b")
	asking.Wait()
}
