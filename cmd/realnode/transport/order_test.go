package transport

import (
	"bufio"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// hand is the far end of a connection that a test drives by hand.
type hand struct {
	t  *testing.T
	nc net.Conn
	r  *frameReader
}

func newHand(t *testing.T, nc net.Conn) *hand {
	t.Cleanup(func() { _ = nc.Close() })
	return &hand{t, nc, nil}
}

func (h *hand) hello(from, to protocol.NodeID) {
	h.t.Helper()
	_, err := h.nc.Write(appendHello(nil, parties{from, to}))
	must(h.t, err)
}

func (h *hand) readHello() {
	h.t.Helper()
	_, err := readHello(h.nc)
	must(h.t, err)
	h.r = newFrameReader(h.nc, 1<<20)
}

func (h *hand) send(text string) {
	h.t.Helper()
	w := bufio.NewWriter(h.nc)
	must(h.t, writeFrames(w, [][]byte{frame(text)}))
	must(h.t, w.Flush())
}

func (h *hand) goodbye() {
	h.t.Helper()
	_, err := h.nc.Write(make([]byte, lengthSize))
	must(h.t, err)
}

func (h *hand) expect(want string) {
	h.t.Helper()
	if got, err := h.r.next(); err != nil || string(got[protocol.FrameOverhead:]) != want {
		h.t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

func (h *hand) expectGoodbye() {
	h.t.Helper()
	if got, err := h.r.next(); err != errGoodbye {
		h.t.Fatalf("got %q, %v, want a goodbye", got, err)
	}
}

// rested returns a connection from node 1 to node 3 after node 1 has said
// goodbye on it, and where node 3 accepts the next.
func rested(t *testing.T, ps *pipes, a *node) (*hand, *pipeNetwork) {
	t.Helper()
	nw := ps.network(3)
	a.stream(3, "one")
	nc, err := nw.Accept()
	must(t, err)
	h := newHand(t, nc)
	h.readHello()
	h.hello(3, 1)
	h.expect("one")
	h.expectGoodbye() // a minute later
	return h, nw
}

// A message does not overtake those on a connection to which the peer has not
// said goodbye.
func TestNewConnectionWaitsForTheOldOneToBeRead(t *testing.T) {
	for _, answers := range []bool{true, false} {
		bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
			old, nw := rested(t, ps, a)
			asked := time.Now()
			a.stream(3, "two")
			nc, err := nw.Accept()
			must(t, err)
			h := newHand(t, nc)
			h.readHello()
			h.hello(3, 1)
			time.Sleep(time.Second)
			if answers {
				old.goodbye()
			}
			h.expect("two")
			want := time.Second
			if !answers {
				want = orderGrace
			}
			if took := time.Since(asked).Round(time.Millisecond); took != want {
				t.Errorf("peer answers %v: sent after %v, want %v", answers, took, want)
			}
			h.goodbye()
			h.expectGoodbye()
		})
	}
}

// What a peer sent before it heard a goodbye is delivered before what it sends on
// the next connection.
func TestStragglersComeFirst(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		old, nw := rested(t, ps, a)
		nc, err := nw.Dial(t.Context(), pipeAddr(1))
		must(t, err)
		h := newHand(t, nc)
		h.hello(3, 1)
		h.readHello()
		go h.send("second")
		synctest.Wait()
		a.expectQuiet()
		old.send("first")
		old.goodbye()
		a.expect("3 stream first", "3 stream second")
		h.goodbye()
		h.expectGoodbye()
	})
}

// A peer that never answers a goodbye is not a break.
func TestGoodbyeWithoutAnAnswer(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		rested(t, ps, a)
		time.Sleep(time.Minute)
		if got := a.holds(); got != (held{}) {
			t.Errorf("got %+v left, want nothing", got)
		}
	})
}

// A message that comes in pieces leaves no deadline behind.
func TestPauseAfterAMessageInPieces(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		nc, err := ps.network(3).Dial(t.Context(), pipeAddr(1))
		must(t, err)
		h := newHand(t, nc)
		h.hello(3, 1)
		h.readHello()
		for _, piece := range []string{"\x00\x00", "\x00\x05", "\x01\x80\x01", "h", "i"} {
			time.Sleep(7 * time.Second)
			_, err := nc.Write([]byte(piece))
			must(t, err)
		}
		a.expect("3 stream hi")
		time.Sleep(45 * time.Second)
		h.send("again")
		a.expect("3 stream again")
		h.goodbye()
		h.expectGoodbye()
	})
}

// What waits while the peer says goodbye goes over a new connection.
func TestWhatWaitsAtAGoodbyeIsSent(t *testing.T) {
	bubble(t, nil, func(t *testing.T, ps *pipes, a, _ *node) {
		nw := ps.network(3)
		a.stream(3, "one")
		nc, err := nw.Accept()
		must(t, err)
		old := newHand(t, nc)
		synctest.Wait() // it is being written
		a.stream(3, "two")
		old.hello(3, 1)
		old.goodbye()
		old.readHello()
		old.expect("one")
		old.expectGoodbye()
		nc, err = nw.Accept()
		must(t, err)
		h := newHand(t, nc)
		h.readHello()
		h.hello(3, 1)
		h.expect("two")
		h.goodbye()
		h.expectGoodbye()
	})
}
