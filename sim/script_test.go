package sim_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// scripted is a protocol whose steps a test gives as commands, and which writes
// down what happens to it.
type scripted struct {
	s *script
}

// script is a world of scripted nodes over a network with a constant latency of
// 10 ms.
type script struct {
	t     testing.TB
	w     *sim.World
	mu    sync.Mutex // nodes may run on several workers
	lines []string
	// on is called for each event that reaches a node.
	on    func(env protocol.Env, what string)
	leave time.Duration
	steps []func(env protocol.Env)
}

const timerScript protocol.TimerKind = 0x9101

func newScript(t testing.TB, nodes int, change func(*sim.Config, *netmodel.Config)) *script {
	t.Helper()
	s := &script{t: t}
	network := netmodel.Config{Seed: 1, Nodes: nodes, Latency: netmodel.Constant{Delay: 10 * time.Millisecond}}
	cfg := sim.Config{
		Seed: 1, Nodes: nodes, Workers: 1, Decoders: protocol.Decoders{kindChat: decodeChat},
		Build: func() (protocol.Protocol, error) { return &scripted{s: s}, nil },
	}
	if change != nil {
		change(&cfg, &network)
	}
	cfg.Network = must(netmodel.New(network))
	s.w = must(sim.New(cfg))
	s.at(0, func(c *sim.Control) {
		for i := range nodes {
			s.must(c.Join(i, nil))
		}
	})
	return s
}

func (s *script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// at schedules a control event at a number of milliseconds.
func (s *script) at(ms float64, do func(c *sim.Control)) {
	s.w.At(time.Duration(ms*1e6), do)
}

// do has node i carry out a step at a number of milliseconds.
func (s *script) do(ms float64, i int, step func(env protocol.Env)) {
	s.steps = append(s.steps, step)
	n := uint64(len(s.steps) - 1)
	s.at(ms, func(c *sim.Control) {
		s.must(c.Command(i, protocol.Command{Kind: 0x9101, Args: [2]uint64{n}}, 0))
	})
}

// stream and send have node i send number n to node j.
func (s *script) stream(ms float64, i, j int, n uint64) {
	s.do(ms, i, func(env protocol.Env) { s.must(env.SendStream(s.w.ID(j), &chat{number: n})) })
}

func (s *script) send(ms float64, i, j int, n uint64) {
	s.do(ms, i, func(env protocol.Env) { s.must(env.Send(s.w.ID(j), &chat{number: n})) })
}

func (s *script) line(env protocol.Env, format string, args ...any) {
	i, _ := s.w.Index(env.ID())
	what := fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf("%v n%d %s", time.Duration(env.Now()).Round(time.Microsecond), i, what))
	if s.on != nil {
		s.on(env, what)
	}
}

// expect runs the world and compares what happened.
func (s *script) expect(ms float64, want ...string) {
	s.t.Helper()
	s.must(s.w.Run(s.t.Context(), time.Duration(ms*1e6)))
	if !slices.Equal(s.lines, want) {
		s.t.Errorf("got\n\t%q\nwant\n\t%q", s.lines, want)
	}
}

func (p *scripted) Start(protocol.Env) {}

func (p *scripted) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	i, _ := p.s.w.Index(from)
	p.s.line(env, "got %d from n%d", m.(*chat).number, i)
}

func (p *scripted) Timer(env protocol.Env, t protocol.Timer) { p.s.line(env, "timer %d", t.Arg) }

func (p *scripted) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	i, _ := p.s.w.Index(peer)
	p.s.line(env, "stream to n%d broke", i)
}

func (p *scripted) Leave(env protocol.Env) time.Duration {
	p.s.line(env, "says goodbye")
	return p.s.leave
}

func (p *scripted) Command(env protocol.Env, c protocol.Command) error {
	p.s.steps[c.Args[0]](env)
	return nil
}

func after(s *script, ms float64, i int, d time.Duration, arg uint64) {
	s.do(ms, i, func(env protocol.Env) { env.After(d, protocol.Timer{Kind: timerScript, Arg: arg}) })
}

// ended returns a change of a script's configuration: the time-out of streams.
func streamTimeout(d time.Duration) func(*sim.Config, *netmodel.Config) {
	return func(c *sim.Config, _ *netmodel.Config) { c.StreamTimeout = d }
}
