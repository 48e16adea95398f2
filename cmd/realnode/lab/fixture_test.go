package lab_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// idOf and indexOf number the nodes of all tests.
func idOf(i int) protocol.NodeID { return protocol.NodeID(i + 1000) }

func indexOf(id protocol.NodeID) (int, bool) { return int(id) - 1000, id >= 1000 }

func place(id protocol.NodeID) int {
	i, _ := indexOf(id)
	return i
}

// maxFrame is what the transport of the tests takes.
const maxFrame = 1392

// bench is one shim with a transport that writes down what it is given. It lives
// in a bubble of package synctest, whose time is exact.
type bench struct {
	*lab.Shim
	t     *testing.T
	began time.Time

	mu     sync.Mutex
	lines  []string      // what happened, as text
	frames []passed      // what went down
	block  chan struct{} // if not nil, the transport waits for it
}

// passed is a frame that went down to the transport.
type passed struct {
	at    time.Duration
	to    int
	frame string
}

func newBench(t *testing.T, network netmodel.Config, change func(*lab.Config)) *bench {
	t.Helper()
	b := &bench{t: t, began: time.Now()}
	cfg := lab.Config{
		Index: indexOf, Model: must(netmodel.New(network)), Lower: lower{b},
		Now:    b.now,
		Broken: func(peer protocol.NodeID) { b.line("stream to %d broke", place(peer)) },
		Deliver: func(from protocol.NodeID, frame []byte) {
			b.line("delivered %q from %d", frame, place(from))
		},
	}
	if change != nil {
		change(&cfg)
	}
	b.Shim = must(lab.New(cfg))
	t.Cleanup(b.Close)
	return b
}

func (b *bench) now() time.Duration { return time.Since(b.began) }

// at sleeps until a number of milliseconds after the beginning.
func (b *bench) at(ms float64) { time.Sleep(time.Duration(ms*1e6) - b.now()) }

func (b *bench) line(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf("%v ", b.now())+fmt.Sprintf(format, args...))
}

// expect sleeps until a number of milliseconds and compares what happened.
func (b *bench) expect(ms float64, want ...string) {
	b.t.Helper()
	b.at(ms)
	if got := b.happened(); !slices.Equal(got, want) {
		b.t.Errorf("got\n\t%q\nwant\n\t%q", got, want)
	}
}

func (b *bench) happened() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// passed returns what went down to the transport.
func (b *bench) passed() []passed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.frames)
}

func (b *bench) stream(to int, text string) { b.SendStream(idOf(to), []byte(text)) }
func (b *bench) send(to int, text string)   { b.Send(idOf(to), []byte(text)) }

// balanced tells whether every message is accounted for.
func balanced(st lab.Stats) error {
	in := st.Datagrams + st.Duplicated + st.StreamMessages + st.Received
	out := st.Passed + st.StreamPassed + st.Delivered + uint64(st.Waiting)
	for _, n := range st.Lost {
		out += n
	}
	if in != out {
		return fmt.Errorf("got %d messages in, %d accounted for: %+v", in, out, st)
	}
	return nil
}

type lower struct{ b *bench }

func (l lower) MaxDatagram() int { return maxFrame }

func (l lower) Send(to protocol.NodeID, frame []byte) { l.pass("datagram", to, frame) }

func (l lower) SendStream(to protocol.NodeID, frame []byte) { l.pass("message", to, frame) }

func (l lower) pass(what string, to protocol.NodeID, frame []byte) {
	if l.b.block != nil {
		<-l.b.block
	}
	i := place(to)
	l.b.line("%s %q to %d", what, frame, i)
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.frames = append(l.b.frames, passed{l.b.now(), i, string(frame)})
}

// constant is a network of a number of nodes with a latency of 10 ms.
func constant(nodes int) netmodel.Config {
	return netmodel.Config{Seed: 1, Nodes: nodes, Latency: netmodel.Constant{Delay: 10 * time.Millisecond}}
}

func cutOff(node uint32) netmodel.Rule {
	return netmodel.Rule{From: netmodel.Set{Nodes: []uint32{node}}, Cut: true}
}
