package transport

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// bubble runs a test with nodes 1 and 2 on pipes, in virtual time.
func bubble(t *testing.T, set func(*Config), test func(t *testing.T, ps *pipes, a, b *node)) {
	synctest.Test(t, func(t *testing.T) {
		ps := newPipes()
		a, b := start(t, 1, ps.network(1), set), start(t, 2, ps.network(2), set)
		test(t, ps, a, b)
		synctest.Wait()
		a.expectQuiet()
		b.expectQuiet()
	})
}

func TestOneConnectionServesBothDirections(t *testing.T) {
	bubble(t, nil, func(_ *testing.T, _ *pipes, a, b *node) {
		for i := range 50 {
			a.stream(2, fmt.Sprint("ask ", i))
			b.expect(fmt.Sprint("1 stream ask ", i))
			b.stream(1, fmt.Sprint("answer ", i))
			a.expect(fmt.Sprint("2 stream answer ", i))
		}
		synctest.Wait()
		if s := a.count.Snapshot(); s.StreamsOpened != 1 || s.StreamsAccepted != 0 || s.StreamFramesOut != 50 || s.StreamFramesIn != 50 {
			t.Errorf("got %+v, want one connection, opened", s)
		}
		if s := b.count.Snapshot(); s.StreamsOpened != 0 || s.StreamsAccepted != 1 || s.QueuedBytes != 0 {
			t.Errorf("got %+v, want one connection, accepted", s)
		}
	})
}

func TestSimultaneousOpenLosesNothing(t *testing.T) {
	bubble(t, nil, func(_ *testing.T, _ *pipes, a, b *node) {
		for round := range 100 {
			x := fmt.Sprint(round)
			a.stream(2, x)
			b.stream(1, x)
			a.expect("2 stream " + x)
			b.expect("1 stream " + x)
		}
	})
}

func TestMessagesStayInOrder(t *testing.T) {
	const messages = 5000
	a, b := twoPlain(t, nil)
	go func() {
		for i := range messages {
			_ = a.SendStream(2, frame(fmt.Sprint(i, strings.Repeat("x", i%700))))
		}
	}()
	for i := range messages {
		b.stream(1, fmt.Sprint(i))
	}
	for i := range messages {
		b.expect(fmt.Sprint("1 stream ", i, strings.Repeat("x", i%700)))
		a.expect(fmt.Sprint("2 stream ", i))
	}
}

// twoPlain starts nodes 1 and 2 on loopback that know one another.
func twoPlain(t testing.TB, set func(*Config)) (a, b *node) {
	t.Helper()
	a, pa := startPlain(t, 1, loopback, set)
	b, pb := startPlain(t, 2, loopback, set)
	must(t, pa.Introduce(2, pb.Contact(2)))
	must(t, pb.Introduce(1, pa.Contact(1)))
	return a, b
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestLargestMessagesBothWaysAtOnce(t *testing.T) {
	a, b := twoPlain(t, nil)
	large := strings.Repeat("l", protocol.MaxStreamMessage)
	a.stream(2, large)
	b.stream(1, large)
	a.expect("2 stream " + large)
	b.expect("1 stream " + large)
	if err := a.SendStream(2, frame(large+"l")); !errors.Is(err, protocol.ErrTooLarge) {
		t.Errorf("one byte more: got error %v, want ErrTooLarge", err)
	}
}

func TestMessageToItself(t *testing.T) {
	bubble(t, nil, func(_ *testing.T, _ *pipes, a, _ *node) {
		a.stream(1, "s")
		a.datagram(1, "d")
		a.expect("1 stream s", "1 datagram d")
	})
}

func TestIdleConnectionsCloseWithoutABreak(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *pipes, a, b *node) {
		a.stream(2, "one")
		b.expect("1 stream one")
		time.Sleep(2 * time.Minute)
		for _, n := range []*node{a, b} {
			if got := n.holds(); got != (held{}) {
				t.Errorf("got %+v left, want nothing", got)
			}
		}
		a.stream(2, "two")
		b.expect("1 stream two")
	})
}

// Whenever a message is sent while either side closes for being idle, it arrives.
func TestIdleRaceLosesNothing(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.IdleTimeout = 80 * time.Millisecond }, func(_ *testing.T, _ *pipes, a, b *node) {
		for i := range 200 {
			time.Sleep(time.Duration(75+i%25) * time.Millisecond)
			x := fmt.Sprint(i)
			switch i % 3 {
			case 0:
				a.stream(2, x)
				b.expect("1 stream " + x)
			case 1:
				b.stream(1, x)
				a.expect("2 stream " + x)
			default:
				b.stream(1, x)
				a.stream(2, x)
				a.stream(2, x+"!")
				b.stream(1, x+"!")
				a.expect("2 stream "+x, "2 stream "+x+"!")
				b.expect("1 stream "+x, "1 stream "+x+"!")
			}
		}
		if s := a.count.Snapshot(); s.StreamsRested < 20 {
			t.Errorf("got %d connections closed for being idle, want many", s.StreamsRested)
		}
	})
}

// The same on the host's sockets and in real time: senders that now and then wait
// for about as long as connections live.
func TestIdleRaceOnRealSockets(t *testing.T) {
	const messages = 300
	a, b := twoPlain(t, func(c *Config) { c.Limits.IdleTimeout = 3 * time.Millisecond })
	send := func(n *node, to protocol.NodeID) {
		for i := range messages {
			_ = n.SendStream(to, frame(fmt.Sprint(i)))
			if i%3 == 0 {
				<-time.After(time.Duration(2800+i*4) * time.Microsecond)
			}
		}
	}
	go send(a, 2)
	go send(b, 1)
	for i := range messages {
		a.expect(fmt.Sprint("2 stream ", i))
		b.expect(fmt.Sprint("1 stream ", i))
	}
	a.expectQuiet()
	b.expectQuiet()
}

func TestRestartAtTheSameAddress(t *testing.T) {
	for _, opener := range []string{"survivor", "restarted"} {
		t.Run("opened by the "+opener, func(t *testing.T) {
			a, pa := startPlain(t, 1, loopback, nil)
			b, pb := startPlain(t, 2, loopback, nil)
			must(t, pa.Introduce(2, pb.Contact(2)))
			must(t, pb.Introduce(1, pa.Contact(1)))
			if opener == "survivor" {
				a.stream(2, "one")
				b.expect("1 stream one")
			} else {
				b.stream(1, "one")
				a.expect("2 stream one")
			}
			must(t, b.Close())
			a.expectBroken(2)
			b, _ = startPlain(t, 2, pb.Addr(), nil)
			a.stream(2, "two")
			b.expect("1 stream two")
			a.expectQuiet()
			if got := a.count.Snapshot().StreamsBroken; got != 1 {
				t.Errorf("got %d breaks, want 1", got)
			}
		})
	}
}

func TestWhatCannotBeOpenedBreaksOnce(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *pipes, a, _ *node) {
		a.stream(99, "nobody listens")
		a.stream(99, "nobody listens")
		a.expectBroken(99)
		a.stream(201, "no route")
		a.expectBroken(201)
		synctest.Wait()
		if a.dropped(Lost) != 3 || a.dropped(NoRoute) != 1 {
			t.Errorf("got %d lost, %d without a route, want 3 and 1", a.dropped(Lost), a.dropped(NoRoute))
		}
		if got := a.holds(); got != (held{}) {
			t.Errorf("got %+v left, want nothing", got)
		}
	})
}

// A peer that accepts and says nothing, or says hello and then takes nothing,
// breaks the stream after StreamTimeout.
func TestPeerThatNeverReads(t *testing.T) {
	for _, hello := range []bool{false, true} {
		t.Run(fmt.Sprint("hello ", hello), func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
				lazy := ps.network(3)
				began := time.Now()
				a.stream(3, strings.Repeat("x", 100_000))
				nc, err := lazy.Accept()
				must(t, err)
				defer func() { _ = nc.Close() }()
				if hello {
					_, err := readHello(nc)
					must(t, err)
					_, err = nc.Write(appendHello(nil, parties{3, 1}))
					must(t, err)
				}
				a.expectBroken(3)
				if took := time.Since(began); took < 30*time.Second || took > 34*time.Second {
					t.Errorf("broke after %v, want 30s", took)
				}
				synctest.Wait()
				if a.dropped(Lost) != 1 {
					t.Errorf("got %d messages lost, want 1", a.dropped(Lost))
				}
			})
		})
	}
}

// Slow progress is progress.
func TestSlowReaderIsWaitedFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		slow := ps.network(3)
		a.stream(3, strings.Repeat("x", 1000))
		nc, err := slow.Accept()
		must(t, err)
		defer func() { _ = nc.Close() }()
		_, err = readHello(nc)
		must(t, err)
		_, err = nc.Write(appendHello(nil, parties{3, 1}))
		must(t, err)
		for have := 0; have < lengthSize+protocol.FrameOverhead+1000; {
			time.Sleep(25 * time.Second)
			n, err := nc.Read(make([]byte, 200))
			must(t, err)
			have += n
		}
		synctest.Wait()
		a.expectQuiet()
		_ = nc.Close()
		a.expectBroken(3)
	})
}

// A process that is stopped for less than StreamTimeout loses nothing.
func TestStoppedPeerIsWaitedFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		stopped := ps.network(3)
		a.stream(3, "one")
		time.Sleep(25 * time.Second)
		b := start(t, 3, stopped, nil)
		b.expect("1 stream one")
	})
}

func TestOverflowBreaksTheStream(t *testing.T) {
	for name, set := range map[string]func(*Limits){
		"messages":       func(l *Limits) { l.MaxQueuedMessages = 10 },
		"bytes per peer": func(l *Limits) { l.MaxQueuedBytesPerPeer = 50 },
		"bytes in all":   func(l *Limits) { l.MaxQueuedBytes = 50 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(c *Config) { set(&c.Limits) }, func(t *testing.T, ps *pipes, a, _ *node) {
				ps.network(3) // accepts nothing
				for range 11 {
					a.stream(3, "xy")
				}
				a.expectBroken(3)
				synctest.Wait()
				if a.dropped(Queue) != 1 || a.dropped(Lost) != 10 || a.holds() != (held{}) {
					t.Errorf("got %d refused, %d lost, %+v left, want 1, 10, nothing", a.dropped(Queue), a.dropped(Lost), a.holds())
				}
			})
		})
	}
}

func TestOverflowOfAnOpenConnection(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.MaxQueuedMessages = 10 }, func(t *testing.T, ps *pipes, a, _ *node) {
		lazy := ps.network(3)
		a.stream(3, "first")
		nc, err := lazy.Accept()
		must(t, err)
		defer func() { _ = nc.Close() }()
		synctest.Wait() // the writer has the first
		for range 11 {
			a.stream(3, "x")
		}
		a.expectBroken(3)
		synctest.Wait()
		a.expectQuiet()
	})
}

func TestHandshakes(t *testing.T) {
	good := appendHello(nil, parties{3, 1})
	wrong := func(i int, b byte) []byte {
		h := append([]byte(nil), good...)
		h[i] = b
		return h
	}
	for _, test := range []struct {
		name  string
		hello []byte
		want  Reason
	}{
		{"magic", wrong(0, 'X'), Handshake},
		{"version", wrong(4, 9), Version},
		{"somebody else's identity", wrong(12, 2), Unvouched},
		{"our identity", wrong(12, 1), Unvouched},
		{"for another node", wrong(20, 2), NotForUs},
		{"late", good[:10], Handshake},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
				nc, err := ps.network(3).Dial(t.Context(), pipeAddr(1))
				must(t, err)
				_, err = nc.Write(test.hello)
				must(t, err)
				began := time.Now()
				if n, err := nc.Read(make([]byte, 1)); err == nil {
					t.Errorf("got %d bytes of an answer, want none", n)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("closed after %v, want 5s at most", took)
				}
				synctest.Wait()
				if got := a.dropped(test.want); got != 1 {
					t.Errorf("got %d dropped for %v, want 1", got, test.want)
				}
			})
		})
	}
}

func TestHandshakesAreBounded(t *testing.T) {
	bubble(t, func(c *Config) {
		c.Limits.MaxHandshakes, c.Limits.MaxHandshakesPerIP = 5, 3
	}, func(t *testing.T, ps *pipes, a, b *node) {
		var open []net.Conn
		for _, id := range []protocol.NodeID{3, 3, 3, 3, 4, 5, 6} {
			nc, err := ps.network(id).Dial(t.Context(), pipeAddr(1))
			must(t, err)
			open = append(open, nc)
		}
		synctest.Wait()
		if got := a.holds(); got != (held{handshakes: 5, addresses: 3}) || a.dropped(Connections) != 2 {
			t.Errorf("got %+v, %d refused, want 5 handshakes of 3 addresses, 2", got, a.dropped(Connections))
		}
		time.Sleep(6 * time.Second)
		if got := a.holds(); got != (held{}) {
			t.Errorf("got %+v later, want nothing", got)
		}
		b.stream(1, "still served")
		a.expect("2 stream still served")
		for _, nc := range open {
			_ = nc.Close()
		}
	})
}

func TestConnectionsOfAPeerAreBounded(t *testing.T) {
	bubble(t, func(c *Config) { c.Broken = nil }, func(t *testing.T, ps *pipes, a, _ *node) {
		nw := ps.network(3)
		for i := range 10 {
			nc, err := nw.Dial(t.Context(), pipeAddr(1))
			must(t, err)
			t.Cleanup(func() { _ = nc.Close() })
			_, err = nc.Write(appendHello(nil, parties{3, 1}))
			must(t, err)
			_, err = readHello(nc)
			must(t, err)
			synctest.Wait()
			if got, want := a.count.Snapshot().Connections, int64(min(i+1, 4)); got != want {
				t.Errorf("after %d: got %d connections, want %d", i+1, got, want)
			}
		}
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.MaxConnections = 1 }, func(t *testing.T, ps *pipes, a, b *node) {
		a.stream(2, "one")
		b.expect("1 stream one")
		c := start(t, 3, ps.network(3), nil)
		c.stream(2, "refused")
		c.expectBroken(2)
		a.stream(3, "too many here")
		a.expectBroken(3)
		synctest.Wait()
		c.expectQuiet()
	})
}

// What a peer sends on a connection that is not a message breaks it.
func TestBadMessageBreaksTheConnection(t *testing.T) {
	for want, bytes := range map[Reason][]byte{
		Oversize: {0xff, 0xff, 0xff, 0xff},
		Short:    {0, 0, 0, 2},
		Version:  {0, 0, 0, 3, 9, 9, 9},
	} {
		t.Run(want.String(), func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
				nc, err := ps.network(3).Dial(t.Context(), pipeAddr(1))
				must(t, err)
				defer func() { _ = nc.Close() }()
				_, err = nc.Write(appendHello(nil, parties{3, 1}))
				must(t, err)
				_, err = readHello(nc)
				must(t, err)
				_, _ = nc.Write(bytes)
				a.expectBroken(3)
				if a.dropped(want) != 1 {
					t.Errorf("got %d dropped for %v, want 1", a.dropped(want), want)
				}
			})
		})
	}
}

func TestSendAfterClose(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *pipes, a, _ *node) {
		a.stream(2, "never read")
		must(t, a.Close())
		must(t, a.Close())
		if err := a.SendStream(2, frame("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got error %v, want ErrClosed", err)
		}
		a.datagram(2, "x")
	})
}
