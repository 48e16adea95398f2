package node_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// script is a protocol made of functions; those that are nil do nothing.
type script struct {
	start   func(env protocol.Env)
	receive func(env protocol.Env, from protocol.NodeID, text string)
	timer   func(env protocol.Env, t protocol.Timer)
	broken  func(env protocol.Env, peer protocol.NodeID)
	leave   func(env protocol.Env) time.Duration
	command func(env protocol.Env, c protocol.Command) error
}

func (s *script) Start(env protocol.Env) {
	if s.start != nil {
		s.start(env)
	}
}

func (s *script) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	if s.receive != nil {
		s.receive(env, from, string(m.(note)))
	}
}

func (s *script) Timer(env protocol.Env, t protocol.Timer) {
	if s.timer != nil {
		s.timer(env, t)
	}
}

func (s *script) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	if s.broken != nil {
		s.broken(env, peer)
	}
}

func (s *script) Leave(env protocol.Env) time.Duration {
	if s.leave != nil {
		return s.leave(env)
	}
	return 0
}

func (s *script) Command(env protocol.Env, c protocol.Command) error {
	if s.command != nil {
		return s.command(env, c)
	}
	return nil
}

// note is script's message: a text.
type note string

const (
	kindNote  protocol.MessageKind = 0x8001
	kindTimer protocol.TimerKind   = 0x8001
	eventSaid protocol.EventKind   = 0x8001
)

func (note) Kind() protocol.MessageKind { return kindNote }
func (m note) Size() int                { return len(m) }
func (m note) Append(b []byte) []byte   { return append(b, m...) }
func frameOf(text string) []byte        { return protocol.AppendFrame(nil, note(text)) }
func timerNo(n int) protocol.Timer      { return protocol.Timer{Kind: kindTimer, Arg: uint64(n)} }

func said(n uint64) protocol.Event { return protocol.Event{Kind: eventSaid, Args: [3]uint64{n}} }

func decodeNote(b []byte) (note, error) {
	switch string(b) {
	case "malformed":
		return "", fmt.Errorf("decode note: %w", protocol.ErrMalformed)
	case "panic":
		panic("decoder")
	}
	return note(b), nil
}

func mustStack(t testing.TB, s *script) *stack.Stack {
	t.Helper()
	r, err := stack.NewRegistry(protocol.Spec{
		Name: "script", Number: 0x80,
		NewConfig: func() any { return &script{} },
		NewBuilder: func(config any) protocol.Builder {
			return func([]protocol.Protocol) (protocol.Protocol, error) { return config.(*script), nil }
		},
		Messages: []protocol.MessageSpec{{
			Kind: kindNote, Name: "script.note",
			Decode: func(b []byte) (protocol.Message, error) { return decodeNote(b) },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := r.New([]string{"script"}, map[string]any{"script": s})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// wire is a transport that keeps what it is given. Its limit is 1,000 bytes.
type wire struct {
	mu                  sync.Mutex
	datagrams, streamed []string
	introduced          map[protocol.NodeID]string
}

func (w *wire) Send(to protocol.NodeID, frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.datagrams = append(w.datagrams, fmt.Sprintf("%d %q", to, frame[protocol.FrameOverhead:]))
	return errors.New("lost")
}

func (w *wire) SendStream(to protocol.NodeID, frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.streamed = append(w.streamed, fmt.Sprintf("%d %d", to, len(frame)))
	return errors.New("lost")
}

func (w *wire) MaxDatagram() int { return 1000 }

func (w *wire) Contact(id protocol.NodeID) []byte { return fmt.Appendf(nil, "contact of %d", id) }

func (w *wire) Introduce(id protocol.NodeID, contact []byte) error {
	if len(contact) == 0 {
		return errors.New("no contact")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.introduced == nil {
		w.introduced = map[protocol.NodeID]string{}
	}
	w.introduced[id] = string(contact)
	return nil
}

// records is an observer that keeps what it is told.
type records struct {
	mu  sync.Mutex
	all []protocol.Record
}

func (r *records) Observe(rec protocol.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rec)
}

// kinds returns the kinds of events that happened.
func (r *records) kinds() []protocol.EventKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kinds []protocol.EventKind
	for _, rec := range r.all {
		kinds = append(kinds, rec.Event.Kind)
	}
	return kinds
}

const self protocol.NodeID = 100

// running is a node that runs a script.
type running struct {
	*node.Node
	t      *testing.T
	wire   *wire
	events *records
	end    context.CancelFunc
	result chan error
}

// run starts a node; change may alter its configuration. At the end of the test
// it must have stopped, or be running.
func run(t *testing.T, s *script, change func(*node.Config)) *running {
	t.Helper()
	r := &running{t: t, wire: &wire{}, events: &records{}, result: make(chan error, 1)}
	cfg := node.Config{
		ID: self, Stack: mustStack(t, s), Transport: r.wire, Contacts: r.wire, Observer: r.events, Seed: 1,
	}
	if change != nil {
		change(&cfg)
	}
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Node = n
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	t.Cleanup(cancel)
	go func() { r.result <- n.Run(ctx) }()
	return r
}

// stop ends the node, as a crash does.
func (r *running) stop() {
	r.t.Helper()
	r.end()
	if err := <-r.result; !errors.Is(err, context.Canceled) {
		r.t.Errorf("run: got %v, want %v", err, context.Canceled)
	}
}

// do runs f on the loop.
func (r *running) do(f func(env protocol.Env)) {
	r.t.Helper()
	if err := r.Do(context.Background(), func(env protocol.Env, _ []protocol.Protocol) { f(env) }); err != nil {
		r.t.Fatal(err)
	}
}
