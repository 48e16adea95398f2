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
	"github.com/starling-sim/starling/sim/storetest"
)

func TestSendRefusesOnlyWhatIsTooLarge(t *testing.T) {
	r := run(t, &script{}, nil)
	r.do(func(env protocol.Env) {
		most := env.MaxDatagram()
		if most != 1000-protocol.FrameOverhead {
			t.Errorf("MaxDatagram: got %d", most)
		}
		// The wire loses everything: no error.
		if err := errors.Join(env.Send(7, note("hello")), env.Send(7, note(strings.Repeat("x", most))), env.Send(0, note("nobody"))); err != nil {
			t.Error(err)
		}
		if err := env.Send(7, note(strings.Repeat("x", most+1))); !errors.Is(err, protocol.ErrTooLarge) {
			t.Errorf("a larger one: got %v, want %v", err, protocol.ErrTooLarge)
		}
		large := strings.Repeat("x", protocol.MaxStreamMessage)
		if err := env.SendStream(7, note(large)); err != nil {
			t.Error(err)
		}
		if err := env.SendStream(7, note(large+"x")); !errors.Is(err, protocol.ErrTooLarge) {
			t.Errorf("a larger one by stream: got %v, want %v", err, protocol.ErrTooLarge)
		}
	})
	r.stop()
	if len(r.wire.datagrams) != 3 || r.wire.datagrams[0] != `7 "hello"` {
		t.Errorf("sent %.50q", r.wire.datagrams)
	}
	if want := []string{fmt.Sprintf("7 %d", protocol.MaxStreamMessage+protocol.FrameOverhead)}; !slices.Equal(r.wire.streamed, want) {
		t.Errorf("streamed %v, want %v", r.wire.streamed, want)
	}
	s := r.Stats()
	if s.Refused != 2 || s.Kinds[0].Name != "script.note" || s.Kinds[0].Out != 4 {
		t.Errorf("stats: got %+v", s)
	}
}

// A message to oneself does not arrive before the call is over, and does not
// touch the transport.
func TestMessagesToOneself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := &script{receive: func(_ protocol.Env, from protocol.NodeID, text string) { got = append(got, fmt.Sprint(from, text)) }}
		r := run(t, s, func(c *node.Config) { c.Inbox.StreamFrames = 1 })
		r.do(func(env protocol.Env) {
			if err := errors.Join(env.Send(self, note(" a")), env.SendStream(self, note(" b")), env.SendStream(self, note(" c"))); err != nil {
				t.Error(err)
			}
			if len(got) > 0 {
				t.Errorf("arrived at once: %v", got)
			}
		})
		synctest.Wait()
		if want := "0000000000000064 a,0000000000000064 b,0000000000000064 c"; strings.Join(got, ",") != want {
			t.Errorf("got %v, want %s", got, want)
		}
		r.stop()
		if k := r.Stats().Kinds[0]; k.In != 3 || k.Out != 3 || k.InBytes != 15 || k.OutBytes != 15 || len(r.wire.datagrams)+len(r.wire.streamed) > 0 {
			t.Errorf("counted %+v, sent %v", k, r.wire.datagrams)
		}
	})
}

// Seeds can be replaced while the node runs; the list that a protocol was given
// stays as it is.
func TestSeedsAreReplaced(t *testing.T) {
	given := []protocol.Peer{{ID: 1, Contact: []byte("one")}}
	r := run(t, &script{}, func(c *node.Config) { c.Seeds = given })
	r.do(func(env protocol.Env) {
		before := env.Seeds()
		later := []protocol.Peer{{ID: 2, Contact: []byte("two")}, {ID: self}}
		if err := r.SetSeeds(later); err != nil {
			t.Error(err)
		}
		later[0].ID, given[0].ID = 7, 8
		if got, want := fmt.Sprint(env.Seeds()), fmt.Sprint([]protocol.Peer{{ID: 2, Contact: []byte("two")}, {ID: self}}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		if before[0].ID != 1 {
			t.Errorf("the list that a protocol has was written to: %v", before)
		}
	})
	for name, bad := range map[string]protocol.Peer{"no identity": {}, "contact": {ID: 3, Contact: make([]byte, protocol.MaxContact+1)}} {
		if err := r.SetSeeds([]protocol.Peer{bad}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	r.do(func(env protocol.Env) {
		if got := len(env.Seeds()); got != 2 {
			t.Errorf("got %d seeds after lists that were refused, want the 2 of before", got)
		}
	})
	r.stop()
}

func TestContacts(t *testing.T) {
	seeds := []protocol.Peer{{ID: 1, Contact: []byte("one")}, {ID: self}}
	r := run(t, &script{}, func(c *node.Config) { c.Seeds = seeds })
	r.do(func(env protocol.Env) {
		if got := env.Seeds(); fmt.Sprint(got) != fmt.Sprint(seeds) {
			t.Errorf("seeds: got %v", got)
		}
		if env.ID() != self || string(env.Contact(self)) != "contact of 100" {
			t.Errorf("got %v at %q", env.ID(), env.Contact(self))
		}
		env.Introduce(3, []byte("three"))
		env.Introduce(self, []byte("somewhere else"))
		env.Introduce(4, nil)
		env.Introduce(0, []byte("nobody"))
		env.Introduce(5, make([]byte, protocol.MaxContact+1))
	})
	r.stop()
	if got := fmt.Sprint(r.wire.introduced); got != "map[0000000000000003:three]" {
		t.Errorf("introduced %s", got)
	}
	if got := r.Stats().Dropped[node.DropContact]; got != 3 {
		t.Errorf("counted %d contacts that were refused, want 3", got)
	}
}

func TestRandIsSeeded(t *testing.T) {
	draw := func(seed uint64) (x uint64) {
		r := run(t, &script{start: func(env protocol.Env) { x = env.Rand().Uint64() }}, func(c *node.Config) { c.Seed = seed })
		r.do(func(protocol.Env) {})
		r.stop()
		return x
	}
	if first, second := draw(7), draw(7); first != second {
		t.Error("two nodes of one seed differ")
	}
	if first, second := draw(0), draw(0); first == second {
		t.Error("two nodes without a seed do not differ")
	}
}

func TestMemoryIsAStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Disk { return lasting{&node.Memory{}} })
}

// lasting is a memory that a crash leaves alone.
type lasting struct{ m *node.Memory }

func (l lasting) Store() protocol.Store { return l.m }
func (l lasting) Crash()                {}

// failing is a store that fails while it is told to.
type failing struct {
	node.Memory
	err error
}

func (f *failing) Sync() error { return f.err }

// A store that fails is reported, and the node goes on.
func TestFailingStore(t *testing.T) {
	store := &failing{}
	r := run(t, &script{}, func(c *node.Config) { c.Store = store })
	sync := func(want error) {
		r.do(func(env protocol.Env) {
			store.err = want
			if err := env.Store().Sync(); err != want {
				t.Errorf("sync: got %v, want %v", err, want)
			}
		})
	}
	for range 2 {
		sync(errors.New("disk full"))
	}
	if s := r.Stats(); s.StoreErrors != 2 || s.StoreError != "disk full" || !s.Running {
		t.Errorf("stats: got %+v", s)
	}
	sync(nil)
	if s := r.Stats(); s.StoreErrors != 2 || s.StoreError != "" {
		t.Errorf("after it worked again: got %+v", s)
	}
	r.stop()
	want := []protocol.EventKind{protocol.EventNodeStarted, protocol.EventStoreFailed, protocol.EventStoreFailed}
	if got := r.events.kinds(); !slices.Equal(got, want) {
		t.Errorf("events: got %#x, want %#x", got, want)
	}
}

// dead is a store that does nothing any more.
type dead struct{ node.Memory }

var errDead = errors.New("disk dead")

func (*dead) Get([]byte) ([]byte, bool, error) { return nil, false, errDead }
func (*dead) Apply(*protocol.Batch) error      { return errDead }

// A node starts, and goes on, without a store that works.
func TestDeadStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &script{}, func(c *node.Config) { c.Store = &dead{} })
		time.Sleep(time.Hour)
		r.stop()
		kinds := r.events.kinds()
		if kinds[0] != protocol.EventNodeStarted || kinds[1] != protocol.EventStoreFailed {
			t.Errorf("events: got %#x", kinds)
		}
		if s := r.Stats(); s.StoreErrors != uint64(len(kinds)-1) || s.StoreError != "disk dead" {
			t.Errorf("stats: got %+v beside %d events", s, len(kinds))
		}
	})
}

// Whatever the wall clock does, a node's time goes on, within a life and from one
// to the next.
func TestClockSteps(t *testing.T) {
	for name, step := range map[string]time.Duration{"ahead": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := node.NewShimClock(node.SystemClock())
				store := &node.Memory{}
				fired := make(chan protocol.Timer, 10)
				s := &script{timer: func(_ protocol.Env, t protocol.Timer) { fired <- t }}
				r := run(t, s, func(c *node.Config) { c.Clock, c.Store = clock, store })
				now := func() (now protocol.Time) {
					r.do(func(env protocol.Env) { now = env.Now() })
					return now
				}
				r.do(func(env protocol.Env) { env.After(time.Minute, timerNo(1)) })
				before := now()
				clock.StepWall(step)
				time.Sleep(30 * time.Second)
				if got := now().Sub(before); got != 30*time.Second || len(fired) > 0 {
					t.Errorf("after the wall clock was set and 30 s: %v have passed, fired %d timers", got, len(fired))
				}
				time.Sleep(31 * time.Second)
				synctest.Wait()
				if len(fired) != 1 {
					t.Errorf("after a minute: fired %d timers, want one", len(fired))
				}
				last := now()
				r.stop() // a crash: no mark of the last moment

				r = run(t, s, func(c *node.Config) { c.Clock, c.Store, c.Restarted = clock, store, true })
				if got := now(); got <= last {
					t.Errorf("the next life begins at %d, want later than %d", got, last)
				}
				last = now()
				if err := r.Leave(context.Background()); err != nil {
					t.Error(err)
				}
				if err := <-r.result; err != nil {
					t.Error(err)
				}
				r = run(t, s, func(c *node.Config) { c.Clock, c.Store = node.SystemClock(), store })
				if got := now(); got <= last {
					t.Errorf("after leaving: got %d, want later than %d", got, last)
				}
				r.stop()
			})
		})
	}
}

// A monotonic clock that leaps: ahead is like a pause, back is nothing.
func TestClockLeaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := node.NewShimClock(node.SystemClock())
		var fired []uint64
		s := &script{timer: func(_ protocol.Env, t protocol.Timer) { fired = append(fired, t.Arg) }}
		r := run(t, s, func(c *node.Config) { c.Clock = clock })
		var began protocol.Time
		r.do(func(env protocol.Env) {
			began = env.Now()
			env.After(time.Minute, timerNo(1))
			env.After(2*time.Hour, timerNo(2))
		})
		clock.Leap(time.Hour)
		synctest.Wait()
		if !slices.Equal(fired, []uint64{1}) {
			t.Errorf("after an hour's leap: fired %v, want timer 1", fired)
		}
		clock.Leap(-time.Hour)
		time.Sleep(time.Minute)
		r.do(func(env protocol.Env) {
			if got := env.Now().Sub(began); got != time.Hour+time.Minute {
				t.Errorf("after a leap back and a minute: %v have passed, want an hour and a minute", got)
			}
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		if !slices.Equal(fired, []uint64{1, 2}) {
			t.Errorf("fired %v, want timers 1 and 2", fired)
		}
		r.stop()
	})
}
