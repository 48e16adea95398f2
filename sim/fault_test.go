package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// What was due comes before what was sent, as when a process is continued that
// waits for its sockets and its timers.
func TestFrozenProcessCatchesUp(t *testing.T) {
	s := newScript(t, 2, func(c *sim.Config, _ *netmodel.Config) { c.InboxLimit = 2 })
	s.at(10, func(c *sim.Control) { s.must(c.Pause(1, sim.Pause{Model: sim.PauseFrozen})) })
	after(s, 0, 1, 20*time.Millisecond, 7)
	s.send(5, 0, 1, 1)
	s.send(15, 0, 1, 2)
	s.stream(16, 0, 1, 3) // the host receives it
	s.send(40, 0, 1, 4)   // no room
	s.at(100, func(c *sim.Control) {
		if err := c.Command(1, protocol.Command{}, 0); err == nil {
			t.Error("a frozen node took a command")
		}
		s.must(c.Resume(1))
	})
	s.send(100, 0, 1, 5)
	s.expect(1000, "100ms n1 timer 7", "100ms n1 got 1 from n0", "100ms n1 got 2 from n0",
		"100ms n1 got 3 from n0", "110ms n1 got 5 from n0")
	if got := s.w.Counters().Lost[sim.LostInbox]; got != 1 {
		t.Errorf("got %d lost for want of room, want 1", got)
	}
}

func TestBlockedProcessKeepsItsTimers(t *testing.T) {
	s := newScript(t, 2, nil)
	s.on = func(env protocol.Env, what string) {
		if what == "timer 7" {
			s.must(env.Send(s.w.ID(0), &chat{number: 1}))
			s.must(env.SendStream(s.w.ID(0), &chat{number: 2}))
		}
	}
	s.at(0, func(c *sim.Control) { s.must(c.Pause(1, sim.Pause{Model: sim.PauseBlockedIO})) })
	after(s, 0, 1, 20*time.Millisecond, 7)
	s.send(5, 0, 1, 3)
	s.at(100, func(c *sim.Control) { s.must(c.Resume(1)) })
	s.send(200, 1, 0, 4)
	s.expect(1000, "20ms n1 timer 7", "100ms n1 got 3 from n0", "110ms n0 got 1 from n1", "130ms n0 got 2 from n1",
		"210ms n0 got 4 from n1")
}

func TestSlowProcessServesOneAfterTheOther(t *testing.T) {
	s := newScript(t, 2, nil)
	s.at(0, func(c *sim.Control) {
		s.must(c.Pause(1, sim.Pause{Model: sim.PauseSlow, Service: 30 * time.Millisecond}))
	})
	for n := range uint64(5) {
		s.send(float64(n), 0, 1, n)
	}
	s.at(105, func(c *sim.Control) { s.must(c.Resume(1)) }) // the fourth is being served
	s.expect(1000, "40ms n1 got 0 from n0", "70ms n1 got 1 from n0", "100ms n1 got 2 from n0",
		"130ms n1 got 3 from n0", "130ms n1 got 4 from n0")
}

// A slow process takes turns: neither do messages starve its timers nor timers
// its messages.
func TestSlowProcessTakesTurns(t *testing.T) {
	s := newScript(t, 2, nil)
	s.at(0, func(c *sim.Control) {
		s.must(c.Pause(1, sim.Pause{Model: sim.PauseSlow, Service: 30 * time.Millisecond}))
	})
	for n := range uint64(4) {
		s.send(float64(n), 0, 1, n)
	}
	for n := range uint64(4) {
		after(s, 0, 1, time.Duration(11+2*n)*time.Millisecond, n)
	}
	after(s, 0, 1, 60*time.Millisecond, 4)
	s.expect(1000, "40ms n1 got 0 from n0", "70ms n1 timer 0", "100ms n1 timer 1", "130ms n1 timer 2", "160ms n1 timer 3",
		"190ms n1 got 1 from n0", "220ms n1 got 2 from n0", "250ms n1 got 3 from n0", "280ms n1 timer 4")
}

// A command finds a slow process at work, and waits for it to be done.
func TestBusyProcessTakesCommandsLater(t *testing.T) {
	s := newScript(t, 2, nil)
	s.at(0, func(c *sim.Control) {
		s.must(c.Pause(1, sim.Pause{Model: sim.PauseSlow, Service: 30 * time.Millisecond}))
	})
	s.send(0, 0, 1, 1)
	s.send(20, 1, 0, 2) // at 40 ms, when the message has been dealt with
	s.expect(1000, "40ms n1 got 1 from n0", "50ms n0 got 2 from n1")
}

// 1,250 bytes take 10 ms at 1 Mbit/s: simultaneous datagrams queue up at the
// receiver.
func TestDatagramsQueueAtTheDownlink(t *testing.T) {
	s := newScript(t, 4, func(_ *sim.Config, n *netmodel.Config) {
		n.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always, Down: 1_000_000, DownQueue: 2500}}
	})
	body := 1250 - netmodel.DefaultHeader - protocol.FrameOverhead - chatHeader
	var at []time.Duration
	s.on = func(env protocol.Env, _ string) { at = append(at, time.Duration(env.Now())) }
	for i := 1; i < 4; i++ {
		s.do(0, i, func(env protocol.Env) { s.must(env.Send(s.w.ID(0), &chat{padding: make([]byte, body)})) })
	}
	s.must(s.w.Run(t.Context(), time.Second))
	if fmt.Sprint(at) != "[20ms 30ms]" || s.w.Counters().Lost[sim.LostDownlink] != 1 {
		t.Errorf("got arrivals at %v, want 20ms and 30ms and the third lost", at)
	}
}

// Over links without latency, an effect is still later than its cause.
func TestEffectsAreLaterThanCauses(t *testing.T) {
	s := newScript(t, 2, func(_ *sim.Config, n *netmodel.Config) { n.Latency = netmodel.Constant{} })
	var at []time.Duration
	s.on = func(env protocol.Env, what string) {
		at = append(at, time.Duration(env.Now()))
		if len(at) < 3 {
			i, _ := s.w.Index(env.ID())
			s.must(env.Send(s.w.ID(1-i), &chat{}))
		}
		if len(at) == 3 {
			env.After(0, protocol.Timer{})
		}
	}
	s.send(1, 0, 1, 1)
	s.must(s.w.Run(t.Context(), time.Second))
	if fmt.Sprint(at) != "[1.000001ms 1.000002ms 1.000003ms 1.000004ms]" {
		t.Errorf("got %v, want a nanosecond between each and the next", at)
	}
}

func TestDeadProcessHearsNothing(t *testing.T) {
	s := newScript(t, 2, nil)
	after(s, 0, 1, 50*time.Millisecond, 1)
	after(s, 0, 1, 200*time.Millisecond, 2)
	s.send(15, 0, 1, 1)
	s.at(20, func(c *sim.Control) { s.must(c.Crash(1, sim.CrashProcess)) })
	s.send(30, 0, 1, 2)
	s.at(100, func(c *sim.Control) { s.must(c.Restart(1, []int{0})) })
	s.send(110, 0, 1, 3)
	after(s, 120, 1, 200*time.Millisecond, 3)
	// A datagram does not know which life it was sent to.
	s.send(95, 0, 1, 4)
	s.expect(1000, "105ms n1 got 4 from n0", "120ms n1 got 3 from n0", "320ms n1 timer 3")
	if got := s.w.Counters().Lost[sim.LostNobody]; got != 2 {
		t.Errorf("got %d sent to nobody, want 2", got)
	}
}

// A restart ends a pause, drops what waited, and draws other numbers.
func TestRestartIsAFreshProcess(t *testing.T) {
	s := newScript(t, 2, nil)
	drawn := map[uint64]bool{}
	draw := func(env protocol.Env) { drawn[env.Rand().Uint64()] = true }
	s.do(0, 1, draw)
	s.at(1, func(c *sim.Control) { s.must(c.Pause(1, sim.Pause{Model: sim.PauseFrozen})) })
	s.send(2, 0, 1, 1)
	s.do(3, 0, func(env protocol.Env) { s.must(env.SendStream(env.ID(), &chat{number: 5})) })
	s.at(20, func(c *sim.Control) {
		s.must(c.Crash(1, sim.CrashProcess))
		s.must(c.Restart(1, nil))
		if c.Paused(1) {
			t.Error("a node is paused after its restart")
		}
	})
	s.do(21, 1, draw)
	s.send(21, 0, 1, 2)
	s.at(40, func(c *sim.Control) {
		s.must(c.Crash(1, sim.CrashProcess))
		s.must(c.Restart(1, nil))
	})
	s.do(41, 1, draw)
	// What it sends to itself does not reach the next life.
	s.do(50, 1, func(env protocol.Env) { s.must(env.SendStream(env.ID(), &chat{number: 6})) })
	s.at(50, func(c *sim.Control) {
		s.must(c.Crash(1, sim.CrashProcess))
		s.must(c.Restart(1, nil))
	})
	s.expect(1000, "3.01ms n0 got 5 from n0", "31ms n1 got 2 from n0")
	if len(drawn) != 3 {
		t.Errorf("three lives drew %d different numbers", len(drawn))
	}
}

// A goodbye that a crash cut short does not end the next life.
func TestGoodbyeEndsWithItsLife(t *testing.T) {
	s := newScript(t, 1, nil)
	s.leave = 30 * time.Millisecond
	s.at(10, func(c *sim.Control) { s.must(c.Leave(0)) })
	s.at(20, func(c *sim.Control) {
		s.must(c.Crash(0, sim.CrashProcess))
		s.must(c.Restart(0, nil))
	})
	s.at(30, func(c *sim.Control) { s.must(c.Leave(0)) })
	after(s, 31, 0, 20*time.Millisecond, 1)
	after(s, 31, 0, 40*time.Millisecond, 2)
	s.expect(1000, "10ms n0 says goodbye", "30ms n0 says goodbye", "51ms n0 timer 1")
}

// Who is frozen while its goodbye takes its time ends when it is resumed.
func TestFrozenGoodbye(t *testing.T) {
	s := newScript(t, 1, nil)
	s.leave = 30 * time.Millisecond
	s.at(10, func(c *sim.Control) {
		s.must(c.Leave(0))
		s.must(c.Pause(0, sim.Pause{Model: sim.PauseFrozen}))
	})
	after(s, 5, 0, 20*time.Millisecond, 1)
	s.at(50, func(c *sim.Control) {
		if got := c.State(0); got != sim.Leaving {
			t.Errorf("frozen: got state %v, want leaving", got)
		}
		s.must(c.Resume(0))
		if got := c.State(0); got != sim.Left {
			t.Errorf("resumed: got state %v, want left", got)
		}
	})
	s.expect(1000, "10ms n0 says goodbye")
}

func TestLeavingProcessHasTimeForItsGoodbye(t *testing.T) {
	s := newScript(t, 2, nil)
	s.leave = 30 * time.Millisecond
	s.at(10, func(c *sim.Control) { s.must(c.Leave(1)) })
	s.send(15, 0, 1, 1)
	s.send(35, 0, 1, 2)
	s.at(39, func(c *sim.Control) {
		if got := c.State(1); got != sim.Leaving {
			t.Errorf("got state %v, want leaving", got)
		}
	})
	s.expect(1000, "10ms n1 says goodbye", "25ms n1 got 1 from n0")
	s.at(1000, func(c *sim.Control) {
		if got := c.State(1); got != sim.Left || c.Protocol(1) != nil {
			t.Errorf("got state %v, want left", got)
		}
		s.must(c.Restart(1, nil))
	})
	s.send(1010, 0, 1, 3)
	s.lines = nil
	s.expect(2000, "1.02s n1 got 3 from n0")
}

func TestTimersAreNeverEarly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScript(t, 1, nil)
		ppb := rapid.Int64Range(-500_000_000, 500_000_000).Draw(rt, "ppb")
		step := rapid.Int64Range(-1e12, 1e12).Draw(rt, "step")
		d := time.Duration(rapid.Int64Range(-10, 1e11).Draw(rt, "wait"))
		s.at(1, func(c *sim.Control) {
			s.must(c.StepClock(0, time.Duration(step)))
			s.must(c.SetDrift(0, ppb))
		})
		var set, fired protocol.Time
		s.do(2, 0, func(env protocol.Env) {
			set = env.Now()
			env.After(d, protocol.Timer{})
		})
		s.on = func(env protocol.Env, _ string) { fired = env.Now() }
		s.must(s.w.Run(t.Context(), 500*time.Second))
		// One nanosecond of the world may be two of the clock, and no effect
		// is at the time of its cause.
		if got := fired.Sub(set); got < d || got > max(d, 0)+2 {
			rt.Fatalf("drift %d ppb: a timer of %v fired after %v", ppb, d, got)
		}
	})
}

// A clock that gains 10 % shows 1.1 s after a second.
func TestClockDrifts(t *testing.T) {
	s := newScript(t, 1, nil)
	var shown []time.Duration
	look := func(env protocol.Env) { shown = append(shown, time.Duration(env.Now())) }
	s.at(1000, func(c *sim.Control) { s.must(c.SetDrift(0, 100_000_000)) })
	s.do(2000, 0, look)
	s.at(2000, func(c *sim.Control) { s.must(c.StepClock(0, -time.Second)) })
	s.do(3000, 0, look)
	s.expect(4000)
	if want := []time.Duration{2100 * time.Millisecond, 2200 * time.Millisecond}; fmt.Sprint(shown) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", shown, want)
	}
}

func TestControlComesFirst(t *testing.T) {
	s := newScript(t, 2, nil)
	s.send(0, 0, 1, 1) // arrives at 10 ms
	s.send(1, 0, 1, 2)
	s.at(10, func(c *sim.Control) { s.must(c.Crash(1, sim.CrashProcess)) })
	var order []string
	for _, name := range []string{"a", "b"} {
		s.at(10, func(c *sim.Control) {
			order = append(order, name)
			c.At(0, func(c *sim.Control) { order = append(order, name+" later") })
		})
	}
	s.expect(1000)
	if got := strings.Join(order, ", "); got != "a, b, a later, b later" {
		t.Errorf("got %s", got)
	}
}

// Another seed explores another order of simultaneous events.
func TestSeedExploresOrders(t *testing.T) {
	orders := map[string]bool{}
	for seed := range uint64(60) {
		s := newScript(t, 4, func(c *sim.Config, _ *netmodel.Config) { c.Seed = seed })
		for i := 1; i < 4; i++ {
			s.send(0, i, 0, uint64(i))
		}
		s.must(s.w.Run(t.Context(), time.Second))
		orders[strings.Join(s.lines, ", ")] = true
	}
	if len(orders) != 6 {
		t.Errorf("got %d of the 6 orders of three simultaneous messages", len(orders))
	}
}

func TestControlRefusesWhatDoesNotFit(t *testing.T) {
	s := newScript(t, 2, nil)
	s.at(1, func(c *sim.Control) {
		for _, k := range []struct {
			err  error
			want string
		}{
			{c.Join(0, nil), "join node 0: it is up, want [absent]"},
			{c.Join(2, nil), "join node 2: want 0 to 1"},
			{c.Restart(0, nil), "restart node 0: it is up, want [crashed left]"},
			{c.Restart(1, []int{5}), "got seed 5, want 0 to 1"},
			{c.Resume(1), "resume node 1: it is not paused"},
			{c.Pause(1, sim.Pause{Model: sim.PauseSlow}), "got service time 0s, want more than 0"},
			{c.Pause(1, sim.Pause{Model: 9}), "got model 9"},
			{c.Crash(1, 9), "got kind 9"},
			{c.SetDrift(1, 1e9), "got 1000000000 ppb"},
			{c.SetDisk(1, sim.DiskFault{Delay: -1}), "got delay -1ns"},
			{c.Crash(-1, sim.CrashHost), "crash node -1"},
		} {
			if k.err == nil || !strings.Contains(k.err.Error(), k.want) {
				t.Errorf("got %v, want an error with %q", k.err, k.want)
			}
		}
	})
	s.expect(2)
}

func TestPanicOfAProtocolIsAnErrorOfRun(t *testing.T) {
	for _, workers := range []int{1, 2} {
		s := newScript(t, 3, func(c *sim.Config, _ *netmodel.Config) { c.Workers = workers })
		after(s, 0, 2, 20*time.Millisecond, 7)
		after(s, 0, 0, 25*time.Millisecond, 8)
		s.on = func(protocol.Env, string) { panic("out of cheese") }
		err := s.w.Run(t.Context(), time.Second)
		if err == nil || !strings.Contains(err.Error(), "at 20ms, node 2") || !strings.Contains(err.Error(), "out of cheese") {
			t.Errorf("%d workers: got %v", workers, err)
		}
		if again := s.w.Run(t.Context(), 2*time.Second); !errors.Is(again, err) {
			t.Errorf("run after a panic: got %v, want the same error", again)
		}
	}
}

// liar says a wrong size.
type liar struct{ *rumour }

func (liar) Size() int { return 7 }

func TestEncodeFindsLiars(t *testing.T) {
	for _, c := range []struct {
		m    protocol.Message
		want string
	}{
		{liar{&rumour{}}, "got 8 bytes, want the 7 that Size says"},
		{&rumour{}, "unknown message kind"}, // no decoder
	} {
		s := newScript(t, 2, func(cfg *sim.Config, _ *netmodel.Config) { cfg.Wire = sim.WireEncode })
		s.do(0, 0, func(env protocol.Env) { s.must(env.Send(s.w.ID(1), c.m)) })
		if err := s.w.Run(t.Context(), time.Second); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

func TestNewRefusesWhatDoesNotFit(t *testing.T) {
	good := sim.Config{Nodes: 2, Network: uniformNetwork(2, 0, 1), Build: func() (protocol.Protocol, error) { return nil, nil }}
	for _, c := range []struct {
		change func(*sim.Config)
		want   string
	}{
		{func(c *sim.Config) { c.Nodes = 0 }, "got 0 nodes"},
		{func(c *sim.Config) { c.Nodes = 3 }, "network model is for 2 nodes, want at least 3"},
		{func(c *sim.Config) { c.Network = nil }, "no network model"},
		{func(c *sim.Config) { c.Build = nil }, "no function that builds"},
		{func(c *sim.Config) { c.Wire = sim.WireEncode }, "needs Decoders"},
		{func(c *sim.Config) { c.Wire = 7 }, "wire mode 7"},
		{func(c *sim.Config) { c.Workers = -1 }, "-1 workers"},
		{func(c *sim.Config) { c.StreamTimeout = -1 }, "stream time-out"},
		{func(c *sim.Config) { c.InboxLimit = -1 }, "inbox limit"},
		{func(c *sim.Config) { c.UnsyncedSurvival = 101 }, "101 %"},
	} {
		cfg := good
		c.change(&cfg)
		if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
