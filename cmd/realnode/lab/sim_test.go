package lab_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

// These tests carry one script out twice: in a simulated world, and by shims
// that pass frames to one another in a bubble of package synctest. The same must
// happen at the same nanosecond.

const simNodes = 3

// blob is a message of bytes.
type blob []byte

const kindBlob protocol.MessageKind = 0x9001

func (blob) Kind() protocol.MessageKind             { return kindBlob }
func (b blob) Size() int                            { return len(b) }
func (b blob) Append(frame []byte) []byte           { return append(frame, b...) }
func decodeBlob(b []byte) (protocol.Message, error) { return blob(slices.Clone(b)), nil }

var decoders = protocol.Decoders{kindBlob: decodeBlob}

// plot is a network and what is done in it.
type plot struct {
	network netmodel.Config
	timeout time.Duration
	steps   []plotStep
}

// plotStep sends a message, or changes the rules if it has a rule.
type plotStep struct {
	at       time.Duration
	from, to int
	stream   bool
	size     int
	rule     *netmodel.Rule
	lasts    time.Duration // of the rule
}

func (p *plot) message(n int) blob {
	return blob(numbered(uint64(n), p.steps[n].size))
}

func (p *plot) end() time.Duration {
	return p.steps[len(p.steps)-1].at + 10*p.timeout + time.Minute
}

// log is what happened.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) line(at time.Duration, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%020d ", at)+fmt.Sprintf(format, args...))
}

func (l *log) got(at time.Duration, node, from int, m blob) {
	l.line(at, "node %d got %x from %d", node, []byte(m), from)
}

func (l *log) broke(at time.Duration, node, peer int) {
	l.line(at, "node %d: stream to %d broke", node, peer)
}

// simulate carries the script out in a simulated world.
func (p *plot) simulate(rt *rapid.T) []string {
	l := &log{}
	var w *sim.World
	w = must(sim.New(sim.Config{
		Nodes: simNodes, Network: must(netmodel.New(p.network)), Workers: 1, Decoders: decoders, StreamTimeout: p.timeout,
		Build: func() (protocol.Protocol, error) { return &plotter{p, l, w}, nil },
	}))
	check := func(err error) {
		if err != nil {
			rt.Fatal(err)
		}
	}
	w.At(0, func(c *sim.Control) { check(c.JoinAll([]int{0, 1, 2}, nil)) })
	for n, s := range p.steps {
		w.At(s.at, func(c *sim.Control) {
			if s.rule == nil {
				check(c.Command(s.from, protocol.Command{Args: [2]uint64{uint64(n)}}, 0))
				return
			}
			id := must(c.Network().Apply(*s.rule))
			c.After(s.lasts, func(c *sim.Control) { check(c.Network().Remove(id)) })
		})
	}
	check(w.Run(rt.Context(), p.end()))
	slices.Sort(l.lines)
	return l.lines
}

type plotter struct {
	p *plot
	l *log
	w *sim.World
}

func (*plotter) Start(protocol.Env)                 {}
func (*plotter) Timer(protocol.Env, protocol.Timer) {}

func (x *plotter) index(id protocol.NodeID) int {
	i, _ := x.w.Index(id)
	return i
}

func (x *plotter) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	x.l.got(time.Duration(env.Now()), x.index(env.ID()), x.index(from), m.(blob))
}

func (x *plotter) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	x.l.broke(time.Duration(env.Now()), x.index(env.ID()), x.index(peer))
}

func (x *plotter) Command(env protocol.Env, c protocol.Command) error {
	n := int(c.Args[0])
	s := x.p.steps[n]
	if s.stream {
		return env.SendStream(x.w.ID(s.to), x.p.message(n))
	}
	return env.Send(x.w.ID(s.to), x.p.message(n))
}

// perform carries the script out by shims.
func (p *plot) perform(t *testing.T) []string {
	l := &log{}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		now := func() time.Duration { return time.Since(began) }
		shims := make([]*lab.Shim, simNodes)
		for i := range shims {
			shims[i] = must(lab.New(lab.Config{
				Self: i, Index: indexOf, Model: must(netmodel.New(p.network)), Now: now, StreamTimeout: p.timeout,
				Lower:  &wire{from: i, shims: shims, log: l, now: now},
				Broken: func(peer protocol.NodeID) { l.broke(now(), i, place(peer)) },
				Deliver: func(from protocol.NodeID, frame []byte) {
					if m, err := decoders.Decode(frame); err == nil {
						l.got(now(), i, place(from), m.(blob))
					}
				},
			}))
			defer shims[i].Close()
		}
		for n, s := range p.steps {
			time.Sleep(s.at - now())
			if s.rule != nil {
				for _, x := range shims {
					id := must(x.Apply(*s.rule))
					time.AfterFunc(s.lasts, func() {
						if err := x.Remove(id); err != nil {
							t.Error(err)
						}
					})
				}
				continue
			}
			frame := protocol.AppendFrame(nil, p.message(n))
			if s.stream {
				shims[s.from].SendStream(idOf(s.to), frame)
			} else {
				shims[s.from].Send(idOf(s.to), frame)
			}
		}
		time.Sleep(p.end() - now())
		for _, x := range shims {
			if st := x.Stats(); st.Late != 0 || balanced(st) != nil {
				t.Errorf("got %+v, want nothing late, everything accounted for", st)
			}
		}
	})
	slices.Sort(l.lines)
	return l.lines
}

// wire passes frames from one shim to the others. The first message on a stream
// between two nodes opens it.
type wire struct {
	from  int
	shims []*lab.Shim
	log   *log
	now   func() time.Duration
	open  [simNodes]bool
}

func (w *wire) MaxDatagram() int { return maxFrame + protocol.FrameOverhead }

func (w *wire) Send(to protocol.NodeID, frame []byte) {
	w.shims[place(to)].Receive(idOf(w.from), frame)
}

func (w *wire) SendStream(to protocol.NodeID, frame []byte) {
	i := place(to)
	if i != w.from {
		w.shims[i].StreamReceived(idOf(w.from), !w.open[i])
		w.open[i] = true
	}
	w.log.got(w.now(), i, w.from, must(decoders.Decode(frame)).(blob))
}

func (p *plot) check(t *testing.T, rt *rapid.T) {
	want, got := p.simulate(rt), p.perform(t)
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			rt.Fatalf("line %d of %d, %d:\n got  %.100s\n want %.100s",
				i, len(got), len(want), append(got, "")[min(i, len(got))], append(want, "")[min(i, len(want))])
		}
	}
}

// drawSteps draws steps with up to a time between them, at multiples of 8 ns.
// What ends does so 1 ns after such a time, so that no message is sent at the very
// time of a change of rules.
func drawSteps(rt *rapid.T, most time.Duration, step func(rt *rapid.T) plotStep) []plotStep {
	steps := rapid.SliceOfN(rapid.Custom(step), 1, 40).Draw(rt, "steps")
	at := time.Millisecond
	for i := range steps {
		at += 8 * time.Duration(rapid.Int64Range(1, int64(most)/8).Draw(rt, "pause"))
		steps[i].at = at
	}
	return steps
}

func drawLatency(rt *rapid.T) netmodel.Latency {
	return rapid.SampledFrom([]netmodel.Latency{
		netmodel.Constant{Delay: 7_654_321},
		netmodel.Uniform{Min: 1_000_003, Max: 90_000_007},
		netmodel.LogNormal{Median: 20 * time.Millisecond, P90: 50 * time.Millisecond, Min: time.Millisecond},
		netmodel.RegionMatrix{Matrix: must(netmodel.LibP2P8()), Jitter: netmodel.Always / 3},
	}).Draw(rt, "latency")
}

func drawRule(rt *rapid.T, stream uint64) *netmodel.Rule {
	set := func(name string) netmodel.Set {
		return netmodel.Set{Nodes: rapid.SampledFrom([][]uint32{nil, {0}, {1}, {1, 2}}).Draw(rt, name)}
	}
	r := &netmodel.Rule{
		From: set("from"), To: set("to"), Symmetric: rapid.Bool().Draw(rt, "symmetric"), Stream: stream,
	}
	switch rapid.IntRange(0, 5).Draw(rt, "rule") {
	case 0, 1:
		r.Cut = true
	case 2:
		r.Loss = rapid.Uint64().Draw(rt, "loss")
	case 3:
		r.Delay, r.Jitter = 30*time.Millisecond, 20*time.Millisecond
	case 4:
		r.Bandwidth, r.Queue = 100_000, 3000
	case 5:
		r.Bursts = &netmodel.GilbertElliott{MeanGood: time.Second, MeanBad: time.Second, LossBad: netmodel.Always}
	}
	return r
}

func drawNetwork(rt *rapid.T) netmodel.Config {
	c := netmodel.Config{
		Seed: rapid.Uint64().Draw(rt, "seed"), Nodes: simNodes, Latency: drawLatency(rt), Placement: netmodel.PlaceShuffled,
		Duplicate: netmodel.Always / 5, Reorder: netmodel.Always / 5, ReorderDelay: 20 * time.Millisecond,
	}
	if rapid.Bool().Draw(rt, "bandwidth") {
		// A damaged frame that is shorter takes less of a downlink here, and
		// does not in a simulated world.
		c.Bandwidth = []netmodel.BandwidthClass{{Share: netmodel.Always / 3 * 2, Up: 1_000_000, Down: 500_000, UpQueue: 4000, DownQueue: 3000}}
	} else {
		c.Corrupt = netmodel.Always / 3
	}
	if rapid.Bool().Draw(rt, "loses") {
		c.Loss = netmodel.Independent{Probability: netmodel.Always / 4}
	}
	return c
}

// Datagrams in all directions, streams from lower to higher nodes, under rules
// that come and go: what arrives or breaks, and when, is what it is in a
// simulated world.
func TestWhatHappensIsWhatTheSimulatorSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &plot{network: drawNetwork(rt), timeout: 2 * time.Second}
		most := rapid.SampledFrom([]time.Duration{5 * time.Millisecond, 500 * time.Millisecond, 40 * time.Second}).Draw(rt, "most")
		rules := uint64(0)
		p.steps = drawSteps(rt, most, func(rt *rapid.T) plotStep {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0:
				rules++
				return plotStep{rule: drawRule(rt, rules), lasts: 1 + 8*time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(rt, "lasts"))}
			case 1, 2:
				from := rapid.IntRange(0, 1).Draw(rt, "from")
				return plotStep{
					from: from, to: rapid.IntRange(from, 2).Draw(rt, "to"),
					stream: true, size: rapid.IntRange(0, 5000).Draw(rt, "size"),
				}
			default:
				return plotStep{
					from: rapid.IntRange(0, 2).Draw(rt, "from"), to: rapid.IntRange(0, 2).Draw(rt, "to"),
					size: rapid.IntRange(0, 1300).Draw(rt, "size"),
				}
			}
		})
		p.check(t, rt)
	})
}

// Streams serve both directions.
func TestAnswersTakeWhatTheSimulatorSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &plot{network: drawNetwork(rt), timeout: 10 * time.Second}
		p.network.Loss = nil // so that no stream breaks
		p.steps = drawSteps(rt, 100*time.Millisecond, func(rt *rapid.T) plotStep {
			return plotStep{
				from: rapid.IntRange(0, 2).Draw(rt, "from"), to: rapid.IntRange(0, 2).Draw(rt, "to"),
				stream: true, size: rapid.IntRange(0, 300).Draw(rt, "size"),
			}
		})
		p.check(t, rt)
	})
}
