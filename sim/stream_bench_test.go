package sim_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// talker opens streams to a few nodes in the first second, a message on each. If
// it has a pause, it then sends one more on the next each time that is over.
type talker struct {
	w       *sim.World
	streams int
	pause   time.Duration
	peers   []protocol.NodeID
	next    int
}

const timerTalk protocol.TimerKind = 0x8002

func (p *talker) Start(env protocol.Env) {
	// Not all at once: what is on its way takes memory too.
	env.After(env.Rand().DurationN(900*time.Millisecond), protocol.Timer{Kind: timerTalk})
}

func (p *talker) open(env protocol.Env) {
	for len(p.peers) < p.streams {
		peer := p.w.ID(env.Rand().IntN(p.w.Nodes()))
		if peer != env.ID() {
			p.peers = append(p.peers, peer)
			_ = env.SendStream(peer, oneRumour)
		}
	}
}

func (p *talker) Receive(protocol.Env, protocol.NodeID, protocol.Message) {}

func (p *talker) Timer(env protocol.Env, t protocol.Timer) {
	if p.pause > 0 {
		env.After(p.pause, t)
	}
	if p.peers == nil {
		p.open(env)
		return
	}
	_ = env.SendStream(p.peers[p.next], oneRumour)
	p.next = (p.next + 1) % len(p.peers)
}

// talkWorld is a world in which every node has opened streams and, in the
// second after, all is still, or they talk if there is a pause.
func talkWorld(tb testing.TB, nodes, streams int, pause time.Duration) *sim.World {
	tb.Helper()
	network := netmodel.Config{Seed: 1, Nodes: nodes, Latency: netmodel.Constant{Delay: 10 * time.Millisecond}}
	var w *sim.World
	w = must(sim.New(sim.Config{
		Seed: 1, Nodes: nodes, Network: must(netmodel.New(network)), Workers: 1,
		Build: func() (protocol.Protocol, error) { return &talker{w: w, streams: streams, pause: pause}, nil },
	}))
	w.At(0, func(c *sim.Control) {
		for i := range nodes {
			_ = c.Join(i, nil)
		}
	})
	return w
}

// BenchmarkIdleStreams reports what an end of an open stream costs that nothing
// moves on, on top of its node: each node has opened three, and others as many
// to it.
func BenchmarkIdleStreams(b *testing.B) {
	const nodes, streams = 200_000, 3
	heap := func(streams int) float64 {
		w := talkWorld(b, nodes, streams, 0)
		mustRun(b, w, time.Second)
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what sync.Pools hold goes in the second
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(w)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		without, with := heap(0), heap(streams)
		peers := float64(nodes * streams * 8 * 4 / 3) // the protocols' own, a slice of capacity 4
		b.ReportMetric((with-without-peers)/(2*streams*nodes), "bytes/end")
	}
}

// BenchmarkStreamMessages sends messages on streams that are open: an operation
// is an event, of which there are two for a message, the timer that sends it
// and its arrival.
func BenchmarkStreamMessages(b *testing.B) {
	for _, nodes := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			b.ReportAllocs()
			w := talkWorld(b, nodes, 3, 100*time.Millisecond)
			mustRun(b, w, 3*time.Second)
			runEvents(b, w)
		})
	}
}
