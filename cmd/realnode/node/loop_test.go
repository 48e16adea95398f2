package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
)

// A process that was stopped for a while first fires its timers, in their order,
// then reads what arrived meanwhile.
func TestAfterAPauseTimersComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		var lags []time.Duration
		s := &script{
			receive: func(_ protocol.Env, _ protocol.NodeID, text string) { log = append(log, text) },
			timer:   func(_ protocol.Env, t protocol.Timer) { log = append(log, fmt.Sprint(t.Arg)) },
		}
		r := run(t, s, func(c *node.Config) { c.Lag = func(d time.Duration) { lags = append(lags, d) } })
		r.do(func(env protocol.Env) {
			env.After(3*time.Second, timerNo(4))
			env.After(2*time.Second, timerNo(2))
			env.After(2*time.Second, timerNo(3))
			env.After(-time.Hour, timerNo(1))
			env.After(time.Hour, timerNo(99))
			for i := range 3 {
				r.Deliver(1, frameOf(fmt.Sprintf("message %d", i)))
			}
			time.Sleep(5 * time.Second) // the loop stands still
		})
		synctest.Wait()
		want := "1 2 3 4 message 0 message 1 message 2"
		if got := strings.Join(log, " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if want := 5*time.Second - 1; len(lags) != 1 || lags[0] != want {
			t.Errorf("lags: got %v, want %v", lags, want)
		}
		r.stop()
	})
}

// Timers fire when they are due, to the nanosecond, whatever else goes on.
func TestTimersAreOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began protocol.Time
		fired := map[uint64]time.Duration{}
		s := &script{
			start: func(env protocol.Env) {
				began = env.Now()
				env.After(time.Second, timerNo(1))
				env.After(time.Minute, timerNo(2))
				env.After(time.Hour, timerNo(3)) // beyond several marks of the clock
			},
			timer: func(env protocol.Env, t protocol.Timer) {
				fired[t.Arg] = env.Now().Sub(began)
				if t.Arg == 1 {
					env.After(time.Second, timerNo(4))
				}
			},
		}
		r := run(t, s, nil)
		for range 100 {
			time.Sleep(37 * time.Second)
			r.Deliver(1, frameOf("something"))
		}
		synctest.Wait()
		want := map[uint64]time.Duration{1: time.Second, 2: time.Minute, 3: time.Hour, 4: 2 * time.Second}
		if fmt.Sprint(fired) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", fired, want)
		}
		r.stop()
	})
}

// racing is a clock that gains a millisecond each time that it is read.
type racing struct {
	node.Clock
	now time.Duration
}

func (c *racing) Now() time.Duration {
	c.now += time.Millisecond
	return c.now
}

// Neither messages nor timers that never end keep anything else from happening.
func TestNothingStarves(t *testing.T) {
	for name, flood := range map[string]func(env protocol.Env){
		"messages": func(env protocol.Env) { _ = env.Send(self, note("flood")) },
		"streams":  func(env protocol.Env) { _ = env.SendStream(self, note("flood")) },
		"timers":   func(env protocol.Env) { env.After(0, timerNo(0)) },
	} {
		t.Run(name, func(t *testing.T) {
			timer, message := make(chan bool, 1), make(chan bool, 1)
			s := &script{
				start: func(env protocol.Env) {
					env.After(time.Second, timerNo(1))
					for range 1000 {
						flood(env)
					}
				},
				receive: func(env protocol.Env, _ protocol.NodeID, text string) {
					if text == "flood" {
						flood(env)
					} else {
						message <- true
					}
				},
				timer: func(env protocol.Env, t protocol.Timer) {
					if t.Arg == 0 {
						flood(env)
					} else {
						timer <- true
					}
				},
			}
			r := run(t, s, func(c *node.Config) { c.Clock = &racing{Clock: node.SystemClock()} })
			r.Deliver(1, frameOf("message"))
			<-message
			<-timer
			r.do(func(protocol.Env) {})
			r.stop()
		})
	}
}

func TestInboxOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := &script{receive: func(_ protocol.Env, _ protocol.NodeID, text string) { got = append(got, text) }}
		r := run(t, s, func(c *node.Config) { c.Inbox = node.InboxLimits{Datagrams: 3, StreamFrames: 2} })
		streamed := make(chan string, 10)
		r.do(func(protocol.Env) { // the loop stands still
			for i := range 5 {
				text := fmt.Sprintf("datagram %d", i)
				if ok := r.Deliver(1, frameOf(text)); ok != (i < 3) {
					t.Errorf("%s: accepted: %v", text, ok)
				}
			}
			go func() { // the reader of a stream
				for i := range 5 {
					text := fmt.Sprintf("stream %d", i)
					if !r.DeliverStream(context.Background(), 1, frameOf(text)) {
						t.Errorf("%s: refused", text)
					}
					streamed <- text
				}
			}()
			time.Sleep(time.Second)
			if len(streamed) != 2 {
				t.Errorf("the reader got %d frames in, want it to wait after two", len(streamed))
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if r.DeliverStream(ctx, 1, frameOf("too late")) {
				t.Error("delivered, though its context was done")
			}
			if s := r.Stats(); s.InboxDatagrams != 3 || s.InboxStreamFrames != 2 || s.Dropped[node.DropFull] != 2 {
				t.Errorf("stats: got %+v", s)
			}
		})
		synctest.Wait()
		want := "datagram 0, datagram 1, datagram 2, stream 0, stream 1, stream 2, stream 3, stream 4"
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("got  %s\nwant %s", s, want)
		}
		r.stop()
		if r.Deliver(1, frameOf("to nobody")) || r.DeliverStream(context.Background(), 1, frameOf("to nobody")) {
			t.Error("delivered to a node that has stopped")
		}
	})
}

func TestRefusedFramesAreCountedByReason(t *testing.T) {
	r := run(t, &script{}, nil)
	valid := frameOf("valid")
	for _, c := range []struct {
		why   node.Drop
		from  protocol.NodeID
		frame []byte
	}{
		{node.DropMalformed, 1, nil},
		{node.DropMalformed, 1, valid[:2]},
		{node.DropMalformed, 1, frameOf("malformed")},
		{node.DropVersion, 1, append([]byte{9}, valid[1:]...)},
		{node.DropUnknown, 1, []byte{protocol.FrameVersion, 0x99, 0x01}},
		{node.DropPanic, 1, frameOf("panic")},
		{node.DropSender, 0, valid},
		{node.DropSender, self, valid},
	} {
		for _, deliver := range []func() bool{
			func() bool { return r.Deliver(c.from, c.frame) },
			func() bool { return r.DeliverStream(context.Background(), c.from, c.frame) },
		} {
			before := r.Stats().Dropped[c.why]
			if deliver() {
				t.Errorf("%x from %d: accepted", c.frame, c.from)
			}
			if got := r.Stats().Dropped[c.why] - before; got != 1 {
				t.Errorf("%x from %d: counted %d times as %v, want once", c.frame, c.from, got, c.why)
			}
		}
	}
	if r.DeliverStream(context.Background(), 1, make([]byte, protocol.MaxStreamMessage+100)) {
		t.Error("a frame that is too large was accepted")
	}
	r.stop()
	names := map[string]bool{}
	for why := range r.Stats().Dropped {
		names[node.Drop(why).String()] = true
	}
	if len(names) != len(r.Stats().Dropped) || names["other"] {
		t.Errorf("reasons are called %v", names)
	}
}

func TestBrokenStreamsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken []protocol.NodeID
		s := &script{broken: func(_ protocol.Env, peer protocol.NodeID) { broken = append(broken, peer) }}
		r := run(t, s, nil)
		r.do(func(protocol.Env) {
			for _, peer := range []protocol.NodeID{7, 8, 7, 7} {
				r.StreamBroken(peer)
			}
		})
		synctest.Wait()
		r.StreamBroken(7)
		synctest.Wait()
		if want := []protocol.NodeID{7, 8, 7}; !slices.Equal(broken, want) {
			t.Errorf("got %v, want %v: what waits is not told twice", broken, want)
		}
		if got := r.Stats().StreamsBroken; got != 3 {
			t.Errorf("counted %d, want 3", got)
		}
		r.stop()
	})
}

// Whoever panics, it ends Run with an error and nothing else; whoever waits for
// the node hears that it has stopped.
func TestPanicsEndRun(t *testing.T) {
	boom := func() { panic("boom") }
	for name, c := range map[string]struct {
		script  script
		trigger func(r *running)
	}{
		"start":   {script: script{start: func(protocol.Env) { boom() }}},
		"timer":   {script: script{start: func(env protocol.Env) { env.After(1, timerNo(1)) }, timer: func(protocol.Env, protocol.Timer) { boom() }}},
		"receive": {script{receive: func(protocol.Env, protocol.NodeID, string) { boom() }}, func(r *running) { r.Deliver(1, frameOf("x")) }},
		"broken":  {script{broken: func(protocol.Env, protocol.NodeID) { boom() }}, func(r *running) { r.StreamBroken(1) }},
		"leave":   {script{leave: func(protocol.Env) time.Duration { panic("boom") }}, func(r *running) { _ = r.Leave(context.Background()) }},
		"command": {script{command: func(protocol.Env, protocol.Command) error { panic("boom") }}, func(r *running) {
			if err := r.Command(context.Background(), protocol.Command{Kind: 0x8001}); !errors.Is(err, node.ErrStopped) {
				r.t.Errorf("command: got %v, want %v", err, node.ErrStopped)
			}
		}},
		"do": {trigger: func(r *running) {
			err := r.Do(context.Background(), func(protocol.Env, []protocol.Protocol) { boom() })
			if !errors.Is(err, node.ErrStopped) {
				r.t.Errorf("do: got %v, want %v", err, node.ErrStopped)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, &c.script, nil)
				if c.trigger != nil {
					synctest.Wait()
					c.trigger(r)
				}
				var p *node.PanicError
				if err := <-r.result; !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(string(p.Stack), "loop_test.go") {
					t.Errorf("run: got %v, want a panic with its stack", err)
				}
				if err := r.Inspect(context.Background(), func([]protocol.Protocol) {}); !errors.Is(err, node.ErrStopped) {
					t.Errorf("inspect: got %v, want %v", err, node.ErrStopped)
				}
				if r.Deliver(1, frameOf("x")) || r.Stats().Running {
					t.Error("it still takes messages, or says that it runs")
				}
			})
		})
	}
}
