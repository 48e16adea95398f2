package lab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

func TestStreamCostsARoundTripToOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), nil)
		b.stream(1, "a")
		b.at(5)
		b.stream(1, "b") // waits for the handshake too
		b.at(100)
		b.stream(1, "c")
		b.expect(1000, `30ms message "a" to 1`, `30.000001ms message "b" to 1`, `110ms message "c" to 1`)
	})
}

func TestStreamThatThePeerOpenedNeedsNoHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(3), nil)
		b.StreamReceived(idOf(1), true)
		b.stream(1, "a")
		b.StreamReceived(idOf(2), false) // on a connection that is none of this end's
		b.stream(2, "b")
		b.expect(1000, `10ms message "a" to 1`, `30ms message "b" to 2`)
	})
}

func TestStreamThatWasIdleIsOpenedAgain(t *testing.T) {
	const minute = 60_000
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(3), nil)
		b.stream(1, "a")
		b.stream(2, "a")
		b.at(minute)
		b.StreamReceived(idOf(2), false)
		b.at(minute + 100)
		b.stream(1, "b")
		b.stream(2, "b")
		b.expect(2*minute,
			`30ms message "a" to 1`, `30ms message "a" to 2`,
			`1m0.11s message "b" to 2`, `1m0.13s message "b" to 1`)
	})
}

func TestStreamsStayOpenIfToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), func(c *lab.Config) { c.StreamIdle = -1 })
		b.stream(1, "a")
		b.at(3_600_000)
		b.stream(1, "b")
		b.expect(3_601_000, `30ms message "a" to 1`, `1h0m0.01s message "b" to 1`)
	})
}

// Whatever the latencies, a stream keeps its order.
func TestStreamKeepsItsOrder(t *testing.T) {
	network := netmodel.Config{
		Seed: 3, Nodes: 2, Latency: netmodel.Uniform{Max: time.Second}, Loss: netmodel.Independent{Probability: netmodel.Always / 10},
	}
	synctest.Test(t, func(t *testing.T) {
		const messages = 500
		b := newBench(t, network, func(c *lab.Config) { c.StreamTimeout = time.Hour })
		for n := range messages {
			b.SendStream(idOf(1), numbered(uint64(n), 0))
			time.Sleep(time.Duration(n%5) * 20 * time.Millisecond)
		}
		time.Sleep(10 * time.Hour)
		if len(b.passed()) != messages {
			t.Errorf("got %d messages, want %d", len(b.passed()), messages)
		}
		for n, p := range b.passed() {
			if p.frame != string(numbered(uint64(n), 0)) {
				t.Fatalf("got % x in place %d", p.frame, n)
			}
		}
	})
}

func TestStreamWaitsOutACut(t *testing.T) {
	for _, node := range []uint32{0, 1} { // whichever direction is cut
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, constant(2), nil)
			b.stream(1, "a")
			b.at(50)
			id := must(b.Apply(cutOff(node)))
			b.stream(1, "b")
			b.at(1000)
			b.stream(1, "c")
			if err := b.Remove(id); err != nil {
				t.Error(err)
			}
			// It tries 220, 660 and 1,540 ms after it found the path cut.
			b.expect(5000, `30ms message "a" to 1`, `1.6s message "b" to 1`, `1.600000001s message "c" to 1`)
		})
	}
}

func TestStreamBreaksWhenACutLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(3), func(c *lab.Config) { c.StreamTimeout = 2 * time.Second })
		b.stream(1, "a")
		b.at(50)
		id := must(b.Apply(cutOff(0)))
		b.stream(1, "b") // on an open connection
		b.at(500)
		b.stream(2, "c") // on none yet
		b.at(3000)
		if err := b.Remove(id); err != nil {
			t.Error(err)
		}
		b.stream(1, "d")
		b.expect(5000,
			`30ms message "a" to 1`, "2.05s stream to 1 broke", "2.5s stream to 2 broke", `3.03s message "d" to 1`)
		st := b.Stats()
		if st.Lost[lab.LostStream] != 2 || st.StreamsBroken != 2 {
			t.Errorf("got %+v, want two streams broken, a message lost with each", st)
		}
	})
}

// What the transport says of a connection ends it here too.
func TestStreamThatTheTransportLosesBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(2), nil)
		b.StreamBroken(idOf(1)) // nobody sent anything
		b.stream(1, "a")
		b.at(10)
		b.StreamBroken(idOf(1)) // an older connection: this one is not open yet
		b.at(100)
		b.stream(1, "b")
		b.at(105)
		b.StreamBroken(idOf(1)) // with b on its way
		b.StreamBroken(idOf(1)) // once is enough
		b.at(200)
		b.stream(1, "c") // with a handshake
		b.expect(1000, `30ms message "a" to 1`, "105ms stream to 1 broke", `230ms message "c" to 1`)
		if got := b.Stats().Lost[lab.LostStream]; got != 1 {
			t.Errorf("got %d messages lost with streams, want 1", got)
		}
	})
}

// 1,250 bytes take 10 ms at 1 Mbit/s; messages follow one another on the wire.
func TestStreamTakesItsTimeOnTheWire(t *testing.T) {
	network := constant(2)
	network.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always, Up: 1_000_000}}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, network, nil)
		for range 3 {
			b.SendStream(idOf(1), make([]byte, 1250-52-4))
		}
		b.at(1000)
		for n, want := range []time.Duration{40, 50, 60} {
			if got := b.passed()[n].at; got != want*time.Millisecond {
				t.Errorf("message %d: got %v, want %v", n, got, want*time.Millisecond)
			}
		}
	})
}

// The node may send from within the call that tells it of a break.
func TestBrokenMaySend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		b = newBench(t, constant(3), func(c *lab.Config) {
			tell := c.Broken
			c.Broken = func(peer protocol.NodeID) { tell(peer); b.stream(2, "help") }
			c.StreamTimeout = time.Second
		})
		must(b.Apply(netmodel.Rule{To: netmodel.Set{Nodes: []uint32{1}}, Cut: true}))
		b.stream(1, "a")
		b.expect(2000, "1s stream to 1 broke", `1.03s message "help" to 2`)
	})
}

// Where nothing gets through, the news that a connection broke does not either.
func TestABrokenConnectionToASilentHostIsFoundOutLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, constant(3), func(c *lab.Config) { c.StreamTimeout = time.Second })
		b.stream(1, "a")
		b.stream(2, "a")
		b.at(100)
		down := must(b.Apply(lab.Silence(1)))
		must(b.Apply(lab.Silence(2)))
		b.StreamBroken(idOf(1))
		b.StreamBroken(idOf(2))
		b.at(200)
		b.stream(2, "b") // nobody answers
		b.send(2, "c")
		b.at(2000)
		if err := b.Remove(down); err != nil {
			t.Fatal(err)
		}
		b.stream(1, "d") // a new process answers that it knows of no stream
		b.expect(3000,
			`30ms message "a" to 1`, `30ms message "a" to 2`, `1.2s stream to 2 broke`, `2.02s stream to 1 broke`)
		if n := b.Stats().Lost[lab.LostNobody]; n != 1 {
			t.Errorf("got %d datagrams to nobody, want 1", n)
		}
	})
}
