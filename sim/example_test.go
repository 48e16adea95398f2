package sim_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/sim"
)

// A protocol of fifty lines, from outside this repository's packages: every
// node keeps the greatest number it has heard of and tells a random neighbour
// every 100 ms. Numbers from 128 on are for such protocols.
const greatestNumber = 128

// tell is its one message: 8 bytes, the number, big endian.
type tell uint64

func (tell) Kind() protocol.MessageKind { return greatestNumber<<8 | 1 }
func (tell) Size() int                  { return 8 }
func (m tell) Append(b []byte) []byte   { return binary.BigEndian.AppendUint64(b, uint64(m)) }

func decodeTell(b []byte) (protocol.Message, error) {
	if len(b) != 8 {
		return nil, fmt.Errorf("tell: got %d bytes, want 8: %w", len(b), protocol.ErrMalformed)
	}
	return tell(binary.BigEndian.Uint64(b)), nil
}

// greatest is one node: its neighbours are the nodes it was told to start from.
type greatest struct{ number uint64 }

func (g *greatest) Start(env protocol.Env) { g.Timer(env, protocol.Timer{}) }

func (g *greatest) Receive(_ protocol.Env, _ protocol.NodeID, m protocol.Message) {
	g.number = max(g.number, uint64(m.(tell)))
}

func (g *greatest) Timer(env protocol.Env, _ protocol.Timer) {
	if n := env.Seeds(); len(n) > 0 {
		_ = env.Send(n[env.Rand().IntN(len(n))].ID, tell(g.number)) // too large it is not
	}
	env.After(100*time.Millisecond, protocol.Timer{Kind: greatestNumber<<8 | 1})
}

func (g *greatest) Command(_ protocol.Env, c protocol.Command) error {
	g.number = max(g.number, c.Args[0])
	return nil
}

func greatestSpec() protocol.Spec {
	return protocol.Spec{
		Name: "greatest", Number: greatestNumber, Doc: "the greatest number, by gossip",
		NewConfig: func() any { return new(struct{}) },
		NewBuilder: func(any) protocol.Builder {
			return func([]protocol.Protocol) (protocol.Protocol, error) { return &greatest{}, nil }
		},
		Messages: []protocol.MessageSpec{{Kind: greatestNumber<<8 | 1, Name: "greatest.tell", Decode: decodeTell}},
		Timers:   []protocol.TimerSpec{{Kind: greatestNumber<<8 | 1, Name: "greatest.round"}},
		Commands: []protocol.CommandSpec{{Kind: greatestNumber<<8 | 1, Name: "greatest.set"}},
	}
}

// A thousand nodes gossip a number over a network that loses every tenth
// message; a tenth of the nodes crashes while they do.
func Example() {
	registry, _ := stack.NewRegistry(greatestSpec())
	nodes, _ := registry.New([]string{"greatest"}, nil)
	network, _ := netmodel.New(netmodel.Config{
		Seed: 1, Nodes: 1000,
		Latency: netmodel.Uniform{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond},
		Loss:    netmodel.Independent{Probability: netmodel.Always / 10},
	})
	w, err := sim.New(sim.Config{Seed: 1, Nodes: 1000, Network: network, Build: nodes.Build, Decoders: nodes.Decoders()})
	if err != nil {
		fmt.Println(err)
		return
	}
	w.At(0, func(c *sim.Control) {
		for i := range 1000 {
			neighbours := make([]int, 8)
			for j := range neighbours {
				neighbours[j] = c.Rand("neighbours").IntN(1000)
			}
			_ = c.Join(i, neighbours)
		}
	})
	w.At(time.Second, func(c *sim.Control) {
		_ = c.Command(7, protocol.Command{Kind: greatestNumber<<8 | 1, Args: [2]uint64{42}}, 0)
	})
	w.At(2*time.Second, func(c *sim.Control) {
		for i := range 100 {
			_ = c.Crash(10*i+3, sim.CrashProcess)
		}
	})
	w.Every(2*time.Second, time.Second, func(c *sim.Control) {
		up, know := 0, 0
		for i := range 1000 {
			if g, ok := c.Protocol(i).(*greatest); ok {
				up++
				if g.number == 42 {
					know++
				}
			}
		}
		fmt.Printf("%v: %d of %d know\n", c.Now(), know, up)
	})
	if err := w.Run(context.Background(), 4*time.Second); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2s: 235 of 900 know
	// 3s: 887 of 900 know
	// 4s: 900 of 900 know
}

// A world of ten nodes, one of which crashes.
func ExampleWorld() {
	network, _ := netmodel.New(netmodel.Config{Nodes: 10, Latency: netmodel.Constant{Delay: 20 * time.Millisecond}})
	w, _ := sim.New(sim.Config{Seed: 1, Nodes: 10, Network: network, Build: func() (protocol.Protocol, error) { return &greatest{}, nil }})
	w.At(0, func(c *sim.Control) {
		for i := range 10 {
			_ = c.Join(i, []int{(i + 1) % 10}) // a ring
		}
	})
	w.At(5*time.Second, func(c *sim.Control) { _ = c.Crash(3, sim.CrashHost) })
	err := w.Run(context.Background(), 10*time.Second)
	fmt.Println(err, w.Now(), w.Counters().Lost[sim.LostNobody], w.TraceHash()[:16])
	// Output: <nil> 10s 50 762a7680b647163a
}
