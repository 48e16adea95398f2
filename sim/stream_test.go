package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

func TestStreamCostsARoundTripToOpen(t *testing.T) {
	s := newScript(t, 2, nil)
	s.stream(0, 0, 1, 1)
	s.stream(5, 0, 1, 2) // waits for the handshake too
	s.stream(100, 0, 1, 3)
	s.expect(1000, "30ms n1 got 1 from n0", "30ms n1 got 2 from n0", "110ms n1 got 3 from n0")
}

func TestStreamServesBothDirections(t *testing.T) {
	s := newScript(t, 2, nil)
	s.stream(0, 0, 1, 1)
	s.stream(50, 1, 0, 2) // no handshake: it answers on the connection
	s.expect(1000, "30ms n1 got 1 from n0", "60ms n0 got 2 from n1")
}

// A connection that nobody used for long is opened again, by either side or both
// at once, and nobody takes the other for failed.
func TestIdleStreamsDoNotBreak(t *testing.T) {
	const minute = 60_000
	for _, first := range []int{0, 1} { // opens the connection; node 0 opens it again
		for _, answer := range []float64{5, 100} { // ms later: before it can know, and after
			s := newScript(t, 2, nil)
			s.stream(0, first, 1-first, 1)
			s.stream(50, 1-first, first, 2)
			s.stream(6*minute, 0, 1, 3)
			s.stream(6*minute+answer, 1, 0, 4)
			s.stream(6*minute+200, 0, 1, 5)
			s.stream(6*minute+300, 1, 0, 6)
			s.must(s.w.Run(context.Background(), 7*time.Minute))
			if c := s.w.Counters(); c.StreamsBroken != 0 || c.Lost[sim.LostStream] != 0 || c.StreamMessages != 6 {
				t.Errorf("opened by node %d, answer after %v ms: got %d breaks, %d messages lost, %d delivered; want none, none, 6",
					first, answer, c.StreamsBroken, c.Lost[sim.LostStream], c.StreamMessages)
			}
		}
	}
}

// 1,250 bytes take 10 ms at 1 Mbit/s; messages follow one another on the wire.
func TestStreamTakesItsTimeOnTheWire(t *testing.T) {
	s := newScript(t, 2, func(_ *sim.Config, n *netmodel.Config) {
		n.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always, Up: 1_000_000}}
	})
	body := 1250 - 52 - 7 - chatHeader // so that the message costs 1,250 bytes
	s.do(0, 0, func(env protocol.Env) {
		for n := range uint64(3) {
			s.must(env.SendStream(s.w.ID(1), &chat{number: n, padding: make([]byte, body)}))
		}
	})
	s.expect(1000, "40ms n1 got 0 from n0", "50ms n1 got 1 from n0", "60ms n1 got 2 from n0")
}

func TestStreamToDeadProcessBreaksAfterARoundTrip(t *testing.T) {
	s := newScript(t, 3, nil)
	s.stream(0, 0, 1, 1)
	s.at(50, func(c *sim.Control) { s.must(c.Crash(1, sim.CrashProcess)) })
	s.stream(100, 2, 1, 2)
	s.stream(100, 0, 1, 3)
	s.expect(1000,
		"30ms n1 got 1 from n0",
		"60ms n0 stream to n1 broke", // the host closed it
		"120ms n0 stream to n1 broke", "120ms n2 stream to n1 broke")
	if got := s.w.Counters().Lost[sim.LostStream]; got != 2 {
		t.Errorf("got %d messages lost with streams, want 2", got)
	}
}

func TestStreamToSilentHostTimesOut(t *testing.T) {
	s := newScript(t, 3, streamTimeout(2*time.Second))
	s.stream(0, 0, 1, 1)
	s.at(50, func(c *sim.Control) { s.must(c.Crash(1, sim.CrashHost)) })
	s.stream(100, 0, 1, 2) // on the open connection
	s.stream(200, 2, 1, 3) // no connection yet
	s.expect(10_000, "30ms n1 got 1 from n0", "2.11s n0 stream to n1 broke", "2.2s n2 stream to n1 broke")
}

func TestStreamOverACutPath(t *testing.T) {
	cut := func(s *script, from, to float64) {
		var id netmodel.RuleID
		s.at(from, func(c *sim.Control) {
			id = must(c.Network().Apply(netmodel.Rule{From: netmodel.Set{Nodes: []uint32{0}}, Cut: true}))
		})
		s.at(to, func(c *sim.Control) { s.must(c.Network().Remove(id)) })
	}
	t.Run("healed in time", func(t *testing.T) {
		s := newScript(t, 2, streamTimeout(5*time.Second))
		s.stream(0, 0, 1, 1)
		cut(s, 50, 1000)
		s.stream(100, 0, 1, 2)
		s.stream(200, 0, 1, 3)
		// Attempts at 100 ms and then 220, 440 and 880 ms after one another.
		s.expect(10_000, "30ms n1 got 1 from n0", "1.65s n1 got 2 from n0", "1.65s n1 got 3 from n0")
	})
	t.Run("healed too late", func(t *testing.T) {
		s := newScript(t, 2, streamTimeout(2*time.Second))
		s.stream(0, 0, 1, 1)
		cut(s, 50, 3000)
		s.stream(100, 0, 1, 2)
		s.stream(4000, 0, 1, 3) // a new connection
		s.expect(10_000, "30ms n1 got 1 from n0", "2.1s n0 stream to n1 broke", "4.03s n1 got 3 from n0")
	})
	t.Run("before it was open", func(t *testing.T) {
		s := newScript(t, 2, streamTimeout(time.Second))
		cut(s, 0, 3000)
		s.stream(100, 0, 1, 2)
		s.expect(10_000, "1.1s n0 stream to n1 broke")
	})
}

// What was on its way to an earlier life of a process does not reach the next.
func TestStreamEndsWithTheProcess(t *testing.T) {
	s := newScript(t, 2, nil)
	s.stream(0, 0, 1, 1)
	s.stream(100, 0, 1, 2)
	s.at(105, func(c *sim.Control) {
		s.must(c.Crash(1, sim.CrashProcess))
		s.must(c.Restart(1, nil))
	})
	s.stream(200, 0, 1, 3)
	s.expect(1000, "30ms n1 got 1 from n0", "115ms n0 stream to n1 broke", "230ms n1 got 3 from n0")
}

// That goes for the first message of a connection too.
func TestFirstMessageEndsWithTheProcess(t *testing.T) {
	s := newScript(t, 2, nil)
	s.stream(0, 0, 1, 1) // on its way from 20 to 30 ms
	s.at(25, func(c *sim.Control) {
		s.must(c.Crash(1, sim.CrashProcess))
		s.must(c.Restart(1, nil))
	})
	s.expect(1000, "40ms n0 stream to n1 broke")
}

// A new life opens connections of its own.
func TestNewLifeOpensItsOwnConnections(t *testing.T) {
	s := newScript(t, 2, nil)
	s.stream(0, 0, 1, 1)
	s.at(50, func(c *sim.Control) {
		s.must(c.Crash(0, sim.CrashProcess))
		s.must(c.Restart(0, nil))
	})
	s.stream(100, 0, 1, 2)
	s.expect(1000, "30ms n1 got 1 from n0", "60ms n1 stream to n0 broke", "130ms n1 got 2 from n0")
}

// If the path is cut when a message is refused, the sender must time out.
func TestRefusalOverACutPath(t *testing.T) {
	s := newScript(t, 2, streamTimeout(time.Second))
	s.stream(0, 0, 1, 1)
	s.at(104, func(c *sim.Control) {
		_ = must(c.Network().Apply(netmodel.Rule{Cut: true}))
		s.must(c.Crash(1, sim.CrashProcess))
	})
	s.stream(100, 0, 1, 2)
	s.expect(10_000, "30ms n1 got 1 from n0", "1.11s n0 stream to n1 broke")
}

// What was on the wire when its sender crashed arrives before the news.
func TestNewsDoesNotOvertakeData(t *testing.T) {
	s := newScript(t, 2, func(_ *sim.Config, n *netmodel.Config) {
		n.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always, Up: 1_000_000}}
	})
	body := 1250 - 52 - 7 - chatHeader // 10 ms on the wire
	s.do(0, 0, func(env protocol.Env) { s.must(env.SendStream(s.w.ID(1), &chat{padding: make([]byte, body)})) })
	s.at(25, func(c *sim.Control) { s.must(c.Crash(0, sim.CrashProcess)) })
	s.expect(1000, "40ms n1 got 0 from n0", "40ms n1 stream to n0 broke")
}

// A connection that nobody uses is closed after a minute.
func TestIdleConnectionIsClosed(t *testing.T) {
	const minute = 60_000
	s := newScript(t, 2, nil)
	s.stream(0, 0, 1, 1)
	s.stream(minute-1, 0, 1, 2)
	s.stream(2*minute+20, 0, 1, 3)
	s.stream(9*minute, 0, 1, 4) // nothing is left of it by then
	s.expect(11*minute, "30ms n1 got 1 from n0", "1m0.009s n1 got 2 from n0", "2m0.05s n1 got 3 from n0", "9m0.03s n1 got 4 from n0")
}

// A long message is not overtaken because the connection is thought idle while it
// is on its way.
func TestALongMessageKeepsItsConnection(t *testing.T) {
	s := newScript(t, 2, nil)
	s.at(0, func(c *sim.Control) { must(c.Network().Apply(netmodel.Rule{Bandwidth: 100_000, Queue: 10_000_000})) })
	s.do(1000, 0, func(env protocol.Env) { s.must(env.SendStream(s.w.ID(1), &chat{padding: make([]byte, 1_500_000)})) })
	s.stream(70_000, 0, 1, 2)
	s.must(s.w.Run(t.Context(), 5*time.Minute))
	if len(s.lines) != 2 || !strings.HasSuffix(s.lines[0], "got 0 from n0") {
		t.Errorf("got %q, want the long message first", s.lines)
	}
}

// Where connections stay open for ever, the crash of a peer shows at once, however
// long ago it was that anybody said something.
func TestConnectionsMayStayOpen(t *testing.T) {
	const minute = 60_000
	for _, idle := range []time.Duration{-1, time.Minute} {
		s := newScript(t, 2, func(c *sim.Config, _ *netmodel.Config) { c.StreamIdle = idle })
		s.stream(0, 0, 1, 1)
		s.at(100*minute, func(c *sim.Control) { s.must(c.Crash(1, sim.CrashProcess)) })
		if idle < 0 {
			s.expect(101*minute, "30ms n1 got 1 from n0", "1h40m0.01s n0 stream to n1 broke")
		} else {
			s.expect(101*minute, "30ms n1 got 1 from n0")
		}
	}
}

func TestTooShortAnIdleTimeIsRefused(t *testing.T) {
	network := must(netmodel.New(netmodel.Config{Nodes: 1, Latency: netmodel.Constant{Delay: time.Millisecond}}))
	build := func() (protocol.Protocol, error) { return nil, nil }
	_, err := sim.New(sim.Config{Nodes: 1, Network: network, Build: build, StreamIdle: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "idle time of streams of 1ms, want at least 1s") {
		t.Errorf("got %v, want the idle time refused", err)
	}
}

// However many there are, connections in use stay open.
func TestManyConnectionsStayOpen(t *testing.T) {
	const peers = 60
	s := newScript(t, peers+1, nil)
	late := 0
	s.on = func(env protocol.Env, what string) {
		var n uint64
		if _, err := fmt.Sscanf(what, "got %d", &n); err == nil && n >= 60_000 && time.Duration(env.Now()) != time.Duration(n+10)*time.Millisecond {
			late++
		}
	}
	for i := 1; i <= peers; i++ {
		s.stream(float64(i)*100, 0, i, 0)
		s.stream(60_000+float64(i), 0, i, 60_000+uint64(i)) // the number is the time
	}
	s.must(s.w.Run(t.Context(), 2*time.Minute))
	if len(s.lines) != 2*peers || late != 0 {
		t.Errorf("got %d of %d messages, %d of them late", len(s.lines), 2*peers, late)
	}
}

// Who answered on a connection that its opener has given up answers on the next.
func TestAnswersFollowTheNewConnection(t *testing.T) {
	s := newScript(t, 2, streamTimeout(time.Second))
	s.stream(0, 0, 1, 1)
	var id netmodel.RuleID
	s.at(50, func(c *sim.Control) { id = must(c.Network().Apply(netmodel.Rule{Cut: true})) })
	s.stream(100, 0, 1, 2)
	s.at(3000, func(c *sim.Control) { s.must(c.Network().Remove(id)) })
	s.stream(4000, 0, 1, 3)
	s.stream(4100, 1, 0, 4)
	s.expect(10_000, "30ms n1 got 1 from n0", "1.1s n0 stream to n1 broke", "4.03s n1 got 3 from n0", "4.11s n0 got 4 from n1")
}

// Each message of a stream has a latency of its own, and they stay in order.
func TestStreamMessagesDrawTheirOwnLatency(t *testing.T) {
	const messages = 30
	s := newScript(t, 2, func(_ *sim.Config, n *netmodel.Config) {
		n.Latency = netmodel.Uniform{Min: 10 * time.Millisecond, Max: 50 * time.Millisecond}
	})
	sent, took, last := map[uint64]time.Duration{}, map[time.Duration]bool{}, uint64(0)
	s.on = func(env protocol.Env, what string) {
		var n uint64
		if _, err := fmt.Sscanf(what, "got %d", &n); err != nil || n <= last {
			t.Errorf("%q after message %d", what, last)
		}
		took[(time.Duration(env.Now()) - sent[n]).Round(time.Microsecond)] = true
		last = n
	}
	for n := range uint64(messages) {
		at := 1000 + 500*float64(n)
		sent[n+1] = time.Duration(at * 1e6)
		s.stream(at, 0, 1, n+1)
	}
	s.must(s.w.Run(t.Context(), time.Minute))
	if last != messages || len(took) < messages-3 {
		t.Errorf("got %d of %d messages with %d different latencies", last, messages, len(took))
	}
}

// The process that left closes its connections; so does one that opened them
// and crashed.
func TestPeerHearsOfTheEndOfAProcess(t *testing.T) {
	s := newScript(t, 3, nil)
	s.stream(0, 0, 1, 1)
	s.stream(1, 2, 1, 2)
	s.at(100, func(c *sim.Control) { s.must(c.Leave(0)) })
	s.at(101, func(c *sim.Control) { s.must(c.Crash(2, sim.CrashProcess)) })
	s.expect(1000,
		"30ms n1 got 1 from n0", "31ms n1 got 2 from n2",
		"100ms n0 says goodbye",
		"110ms n1 stream to n0 broke", "111ms n1 stream to n2 broke")
}
