package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

func apply(s *script, env protocol.Env, sync bool) {
	var b protocol.Batch
	b.Set([]byte("k"), []byte("v"))
	s.must(env.Store().Apply(&b))
	if sync {
		s.must(env.Store().Sync())
	}
}

// A slow disk delays what the process does after the write, and all else that
// it has to do.
func TestSlowDiskDelaysTheProcess(t *testing.T) {
	s := newScript(t, 2, nil)
	s.at(0, func(c *sim.Control) { s.must(c.SetDisk(1, sim.DiskFault{Delay: 20 * time.Millisecond})) })
	s.on = func(env protocol.Env, what string) {
		if what == "got 1 from n0" {
			apply(s, env, true)
			s.must(env.Send(s.w.ID(0), &chat{number: 9})) // at 50 ms
			env.After(time.Millisecond, protocol.Timer{Arg: 5})
		}
	}
	s.send(0, 0, 1, 1)
	s.send(5, 0, 1, 2) // comes at 15 ms
	s.send(60, 0, 1, 3)
	s.expect(1000, "10ms n1 got 1 from n0", "50ms n1 got 2 from n0", "51ms n1 timer 5",
		"60ms n0 got 9 from n1", "70ms n1 got 3 from n0")
}

func TestDiskFaults(t *testing.T) {
	seen := &recorder{}
	s := newScript(t, 1, func(c *sim.Config, _ *netmodel.Config) { c.Observer = seen })
	s.at(0, func(c *sim.Control) { s.must(c.SetDisk(0, sim.DiskFault{Full: true})) })
	s.do(1, 0, func(env protocol.Env) {
		var b protocol.Batch
		b.Delete([]byte("k"))
		s.must(env.Store().Apply(&b))
		b.Set([]byte("k"), nil)
		if err := env.Store().Apply(&b); !errors.Is(err, sim.ErrDiskFull) {
			t.Errorf("apply on a full disk: got %v", err)
		}
	})
	s.at(2, func(c *sim.Control) { s.must(c.SetDisk(0, sim.DiskFault{ErrorRate: netmodel.Always})) })
	s.do(3, 0, func(env protocol.Env) {
		_, _, get := env.Store().Get(nil)
		for _, err := range []error{
			get, env.Store().Sync(), env.Store().Apply(&protocol.Batch{}),
			env.Store().Scan(nil, nil, func(_, _ []byte) bool { return true }),
		} {
			if !errors.Is(err, sim.ErrDisk) {
				t.Errorf("on a broken disk: got %v", err)
			}
		}
	})
	s.expect(10)
	failed := 0
	for _, r := range seen.records {
		if strings.Contains(r, fmt.Sprintf("Kind:%d", protocol.EventStoreFailed)) {
			failed++
		}
	}
	if failed != 5 {
		t.Errorf("got %d failures reported, want 5: %v", failed, seen.records)
	}
}

// A process that crashed finds on its disk what it synced, one that left finds
// all.
func TestRestartFindsItsDisk(t *testing.T) {
	s := newScript(t, 3, nil)
	s.do(0, 0, func(env protocol.Env) { apply(s, env, true) })
	s.do(0, 1, func(env protocol.Env) { apply(s, env, false) })
	s.do(0, 2, func(env protocol.Env) { apply(s, env, false) })
	s.at(1, func(c *sim.Control) {
		s.must(c.Crash(0, sim.CrashProcess))
		s.must(c.Crash(1, sim.CrashProcess))
		s.must(c.Leave(2))
	})
	s.at(2, func(c *sim.Control) {
		for i := range 3 {
			s.must(c.Restart(i, nil))
		}
	})
	for i, want := range []bool{true, false, true} {
		s.do(3, i, func(env protocol.Env) {
			if _, ok, _ := env.Store().Get([]byte("k")); ok != want {
				t.Errorf("node %d: found %v, want %v", i, ok, want)
			}
		})
	}
	s.expect(10, "1ms n2 says goodbye")
}

// What a node is told to do is recorded before what it does about it.
func TestCommandIsRecordedFirst(t *testing.T) {
	seen := &recorder{}
	s := newScript(t, 1, func(c *sim.Config, _ *netmodel.Config) { c.Observer = seen })
	s.do(1, 0, func(env protocol.Env) { env.Emit(protocol.Event{Kind: 0x9101}) })
	s.expect(10)
	if n := len(seen.records); n != 3 || !strings.Contains(seen.records[1], fmt.Sprintf("Kind:%d", protocol.EventCommand)) {
		t.Errorf("got %v, want the start, the command and the event", seen.records)
	}
}

// A change to a purpose's draws leaves those of the others alone.
func TestRandIsSplitByPurpose(t *testing.T) {
	draw := func(extra int) (a, b uint64) {
		s := newScript(t, 1, nil)
		s.at(1, func(c *sim.Control) {
			for range extra {
				c.Rand("a").Uint64()
			}
			a, b = c.Rand("a").Uint64(), c.Rand("b").Uint64()
		})
		s.expect(2)
		return a, b
	}
	a0, b0 := draw(0)
	a1, b1 := draw(1)
	if a0 == a1 || b0 != b1 || a0 == b0 {
		t.Errorf("got %x, %x and %x, %x: want another first and the same second", a0, b0, a1, b1)
	}
}
