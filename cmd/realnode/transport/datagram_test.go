package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// A node that is known to nobody is answered at the address it wrote from.
func TestSenderIsLearned(t *testing.T) {
	a, pa := startPlain(t, 1, loopback, nil)
	b, pb := startPlain(t, 2, loopback, nil)
	must(t, pa.Introduce(2, pb.Contact(2)))
	b.datagram(1, "nobody knows where")
	a.datagram(2, "ping")
	b.expect("1 datagram ping")
	b.datagram(1, "ack")
	a.expect("2 datagram ack")
	if got := b.dropped(NoRoute); got != 1 {
		t.Errorf("got %d without a route, want 1", got)
	}
	if got, want := string(pb.Contact(1)), string(pa.Contact(1)); got != want {
		t.Errorf("got contact %q, want %q", got, want)
	}
}

// A seed of which only the address is known is reached by that.
func TestSendToAnAddress(t *testing.T) {
	a, pa := startPlain(t, 1, loopback, nil)
	b, _ := startPlain(t, 2, loopback, nil)
	must(t, b.SendTo(pa.Addr(), frame("join")))
	a.expect("2 datagram join")
}

// A stream comes from a port where nobody listens: it teaches no address.
func TestStreamsTeachNoAddress(t *testing.T) {
	a, pa := startPlain(t, 1, loopback, nil)
	b, pb := startPlain(t, 2, loopback, nil)
	must(t, pa.Introduce(2, pb.Contact(2)))
	a.stream(2, "hi")
	b.expect("1 stream hi")
	if _, ok := pb.Route(1); ok {
		t.Error("learned an address from a stream")
	}
	b.stream(1, "hi") // on the same connection
	a.expect("2 stream hi")
}

func TestDatagramSizes(t *testing.T) {
	a, b := twoPlain(t, nil)
	longest := strings.Repeat("d", a.MaxDatagram()-protocol.FrameOverhead)
	a.datagram(2, longest)
	b.expect("1 datagram " + longest)
	if err := a.Send(2, frame(longest+"d")); !errors.Is(err, protocol.ErrTooLarge) {
		t.Errorf("one byte more: got error %v, want ErrTooLarge", err)
	}
}

func datagramOf(from, to protocol.NodeID, frame []byte) []byte {
	return append(parties{from, to}.append(nil), frame...)
}

func TestBadDatagramsAreCounted(t *testing.T) {
	a, pa := startPlain(t, 1, loopback, nil)
	c, err := net.Dial("udp", pa.Addr().String())
	must(t, err)
	defer func() { _ = c.Close() }()
	want := map[Reason]uint64{}
	for _, bad := range []struct {
		reason Reason
		bytes  []byte
	}{
		{Short, nil},
		{Short, datagramOf(2, 1, frame("")[:2])},
		{Version, datagramOf(2, 1, []byte{99, 0, 0})},
		{NotForUs, datagramOf(2, 3, frame("x"))},
		{Unvouched, datagramOf(0, 1, frame("x"))},
		{Unvouched, datagramOf(1, 1, frame("x"))},
		{Oversize, datagramOf(2, 1, frame(strings.Repeat("x", 5000)))},
	} {
		_, err := c.Write(bad.bytes)
		must(t, err)
		want[bad.reason]++
	}
	_, err = c.Write(datagramOf(2, 0, frame("good")))
	must(t, err)
	a.expect("2 datagram good")
	for _, r := range Reasons() {
		if got := a.dropped(r); got != want[r] {
			t.Errorf("got %d dropped for %v, want %d", got, r, want[r])
		}
	}
}

// Under a flood from one address, another is served.
func TestGarbageFlood(t *testing.T) {
	const flood = 20_000
	a, b := twoPlain(t, func(c *Config) { c.Limits.DatagramRate, c.Limits.DatagramBurst = 100, 50 })
	c, err := net.Dial("udp", where(t, a.cfg.Network.(*Plain), 1))
	must(t, err)
	defer func() { _ = c.Close() }()
	rng := rand.New(rand.NewPCG(1, 2))
	for range flood {
		d := datagramOf(protocol.NodeID(rng.Uint64()), 1, frame("junk")) // well formed, from ever new senders
		if rng.IntN(2) == 0 {
			for i := range d {
				d[i] = byte(rng.Uint32())
			}
		}
		_, err := c.Write(d[:rng.IntN(len(d)+1)])
		must(t, err)
	}
	// The flood fills the socket's buffer, so the first may be lost.
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			_ = b.Send(1, frame("good"))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	for next(t, a.got) != "2 datagram good" {
	}
	if s := a.count.Snapshot(); s.Dropped[Short] == 0 || s.Dropped[Rate] == 0 || s.DatagramsIn > flood/10 {
		t.Errorf("got %+v, want most of the flood dropped", s)
	}
}

func TestRates(t *testing.T) {
	now := time.Unix(0, 0)
	var wanted atomic.Pointer[allowance]
	wanted.Store(&allowance{10, 5})
	r := newRates(&wanted, 2)
	allowed := func(from string, n int) (got int) {
		for range n {
			if r.allow(netip.MustParseAddrPort(from), now) {
				got++
			}
		}
		return got
	}
	check := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %d allowed, want %d", what, got, want)
		}
	}
	check("burst", allowed("127.0.0.1:1", 9), 5)
	check("another port on loopback", allowed("127.0.0.1:2", 9), 5)
	now = now.Add(time.Second / 5)
	check("a fifth of a second later", allowed("127.0.0.1:1", 9), 2)
	check("another host", allowed("192.0.2.1:1", 9), 5)
	check("another port of it", allowed("192.0.2.1:2", 9), 0)
	check("what was forgotten", allowed("127.0.0.1:2", 9), 5)
	if got := len(r.buckets.index); got != 2 {
		t.Errorf("got %d buckets, want 2", got)
	}
	wanted.Store(&allowance{100, 20})
	check("an empty bucket that has become larger", allowed("127.0.0.1:2", 9), 0)
	now = now.Add(time.Second / 10)
	check("a tenth of a second later, faster", allowed("127.0.0.1:2", 99), 10)
	check("an address that is new since", allowed("127.0.0.1:3", 99), 20)
	now = now.Add(time.Hour)
	wanted.Store(&allowance{1, 3})
	check("a full bucket that has become smaller", allowed("127.0.0.1:3", 99), 3)
}

// BenchmarkDatagrams sends over loopback as fast as a receiver takes it.
func BenchmarkDatagrams(b *testing.B) {
	for _, size := range []int{64, 1400} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var got atomic.Int64
			tokens := make(chan struct{}, 128) // what may be on its way, less than the socket holds
			x, px := startPlain(b, 1, loopback, nil)
			y, py := startPlain(b, 2, loopback, func(c *Config) {
				c.Deliver = func(protocol.NodeID, []byte, bool) { got.Add(1); <-tokens }
				c.Limits.DatagramRate, c.Limits.DatagramBurst = 1e9, 1e9
			})
			must(b, px.Introduce(2, py.Contact(2)))
			f := frame(strings.Repeat("x", size-protocol.FrameOverhead))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				tokens <- struct{}{}
				must(b, x.Send(2, f))
			}
			for i := 0; i < cap(tokens); i++ {
				tokens <- struct{}{}
			}
			b.ReportMetric(float64(got.Load())/b.Elapsed().Seconds(), "frames/s")
			_ = y
		})
	}
}
