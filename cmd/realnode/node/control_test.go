package node_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
)

// A goodbye takes its time, during which the node goes on.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		s := &script{
			leave: func(env protocol.Env) time.Duration {
				env.After(time.Second, timerNo(1))
				env.After(3*time.Second, timerNo(3)) // too late
				return 2 * time.Second
			},
			timer:   func(_ protocol.Env, t protocol.Timer) { log = append(log, fmt.Sprint("timer ", t.Arg)) },
			receive: func(_ protocol.Env, _ protocol.NodeID, text string) { log = append(log, text) },
		}
		r := run(t, s, nil)
		began := time.Now()
		left := make(chan error, 2)
		go func() { left <- r.Leave(context.Background()) }()
		synctest.Wait()
		if s := r.Stats(); !s.Running || !s.Leaving {
			t.Errorf("while leaving: got %+v", s)
		}
		go func() { left <- r.Leave(context.Background()) }() // the same end
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		if err := r.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who has no time: got %v, want %v", err, context.DeadlineExceeded)
		}
		r.Deliver(1, frameOf("message"))
		for range 2 {
			if err := <-left; err != nil {
				t.Error(err)
			}
		}
		if err := <-r.result; err != nil {
			t.Errorf("run: got %v, want no error", err)
		}
		if got := time.Since(began); got != 2*time.Second {
			t.Errorf("it took %v, want 2s", got)
		}
		if want := []string{"message", "timer 1"}; !slices.Equal(log, want) {
			t.Errorf("while leaving: got %q, want %q", log, want)
		}
		want := []protocol.EventKind{protocol.EventNodeStarted, protocol.EventNodeLeaving, protocol.EventNodeLeft}
		if got := r.events.kinds(); !slices.Equal(got, want) {
			t.Errorf("events: got %#x, want %#x", got, want)
		}
		if last := r.events.all[2]; last.Time != int64(2*time.Second) || last.Node != self {
			t.Errorf("the last record is %+v, want it at 2 s", last)
		}
	})
}

// The record of a command comes before those of what it brings about.
func TestCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		s := &script{command: func(env protocol.Env, c protocol.Command) error {
			env.Emit(said(c.Args[0]))
			if c.Args[0] == 2 {
				return refused
			}
			return nil
		}}
		r := run(t, s, func(c *node.Config) { c.Restarted, c.Index = true, 5 })
		ctx := context.Background()
		if err := r.WorkloadCommand(ctx, protocol.Command{Kind: 0x8001, Args: [2]uint64{1}}, 9); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := r.Command(ctx, protocol.Command{Kind: 0x8001, Args: [2]uint64{2}}); !errors.Is(err, refused) {
			t.Errorf("got %v, want %v", err, refused)
		}
		r.stop()
		at := int64(time.Second)
		want := []protocol.Record{
			{Event: protocol.Event{Kind: protocol.EventNodeRestarted}},
			{Event: protocol.Event{Kind: protocol.EventCommand, Args: [3]uint64{0x8001, 9, 0}}},
			{Event: said(1)},
			{Time: at, Event: protocol.Event{Kind: protocol.EventCommand, Args: [3]uint64{0x8001, 0, 1}}},
			{Time: at, Event: said(2)},
		}
		for i := range want {
			want[i].Node, want[i].Index = self, 5
		}
		if !slices.Equal(r.events.all, want) {
			t.Errorf("got  %+v\nwant %+v", r.events.all, want)
		}
	})
}

// Before Run, callers wait for it; a done context ends that.
func TestDoBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		n, err := node.New(node.Config{ID: self, Stack: mustStack(t, &script{}), Transport: w, Contacts: w})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := n.Do(ctx, func(protocol.Env, []protocol.Protocol) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if !n.Deliver(1, frameOf("early")) {
			t.Error("the inbox is not open before Run")
		}
		ctx, cancel = context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- n.Run(ctx) }()
		layers := 0
		if err := n.Inspect(ctx, func(l []protocol.Protocol) { layers = len(l) }); err != nil || layers != 1 {
			t.Errorf("inspect: got %d layers, %v, want 1", layers, err)
		}
		if got := n.Stats().Kinds[0].In; got != 1 {
			t.Errorf("got %d messages, want the one that came early", got)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := n.Run(context.Background()); err == nil {
			t.Error("it ran twice")
		}
	})
}

func TestNewRefuses(t *testing.T) {
	w := &wire{}
	good := node.Config{ID: self, Stack: mustStack(t, &script{}), Transport: w, Contacts: w}
	for name, spoil := range map[string]func(c *node.Config){
		"identity":  func(c *node.Config) { c.ID = 0 },
		"stack":     func(c *node.Config) { c.Stack = nil },
		"transport": func(c *node.Config) { c.Transport = nil },
		"contacts":  func(c *node.Config) { c.Contacts = nil },
		"seed":      func(c *node.Config) { c.Seeds = []protocol.Peer{{}} },
		"inbox":     func(c *node.Config) { c.Inbox.StreamBytes = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := node.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// In real time, with nothing left behind.
func TestRealTime(t *testing.T) {
	before := goleak.IgnoreCurrent()
	fired := make(chan struct{})
	s := &script{
		start: func(env protocol.Env) { env.After(time.Millisecond, timerNo(1)) },
		timer: func(protocol.Env, protocol.Timer) { close(fired) },
	}
	r := run(t, s, nil)
	<-fired
	if err := r.Leave(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-r.result; err != nil {
		t.Error(err)
	}
	r.end()
	goleak.VerifyNone(t, before)
}
