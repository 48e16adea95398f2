package sim_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// The gossip workload: each node has a timer every second, the first at a
// random point of the first, and sends one small message to a random node each
// time.
const (
	kindGossip  protocol.MessageKind = 0x8001
	timerGossip protocol.TimerKind   = 0x8001
)

// rumour is a message of eight bytes.
type rumour struct{ n uint64 }

func (*rumour) Kind() protocol.MessageKind { return kindGossip }
func (*rumour) Size() int                  { return 8 }
func (r *rumour) Append(b []byte) []byte   { return binary.BigEndian.AppendUint64(b, r.n) }

func decodeRumour(b []byte) (protocol.Message, error) {
	if len(b) != 8 {
		return nil, protocol.ErrMalformed
	}
	return &rumour{binary.BigEndian.Uint64(b)}, nil
}

// gossip is one node of the workload.
type gossip struct {
	w    *sim.World
	seen uint64
	work int // rounds of computation for each event, about 1.4 ns each
}

var oneRumour = &rumour{1}

func (g *gossip) Start(env protocol.Env) {
	env.After(env.Rand().DurationN(time.Second), protocol.Timer{Kind: timerGossip})
}

func (g *gossip) Receive(_ protocol.Env, _ protocol.NodeID, m protocol.Message) {
	g.seen += m.(*rumour).n
	g.toil()
}

func (g *gossip) toil() {
	for range g.work {
		g.seen = protocol.Mix(g.seen)
	}
}

func (g *gossip) Timer(env protocol.Env, t protocol.Timer) {
	g.toil()
	env.After(time.Second, t)
	_ = env.Send(g.w.ID(env.Rand().IntN(g.w.Nodes())), oneRumour)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func mustRun(t testing.TB, w *sim.World, until time.Duration) {
	t.Helper()
	if err := w.Run(context.Background(), until); err != nil {
		t.Fatal(err)
	}
}

func uniformNetwork(nodes int, low, high time.Duration) *netmodel.Model {
	return must(netmodel.New(netmodel.Config{Seed: 1, Nodes: nodes, Latency: netmodel.Uniform{Min: low, Max: high}}))
}

func gossipWorld(t testing.TB, nodes, workers, work int) *sim.World {
	t.Helper()
	var w *sim.World
	w, err := sim.New(sim.Config{
		Seed: 1, Nodes: nodes, Workers: workers, Decoders: protocol.Decoders{kindGossip: decodeRumour},
		Network: uniformNetwork(nodes, 10*time.Millisecond, 100*time.Millisecond),
		Build:   func() (protocol.Protocol, error) { return &gossip{w: w, work: work}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.At(0, func(c *sim.Control) {
		for i := range nodes {
			if err := c.Join(i, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
	return w
}
