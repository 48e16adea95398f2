package node_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
)

// goldenFrames are frames of every kind of protocols.
func goldenFrames(tb testing.TB, protocols ...string) (frames [][]byte) {
	tb.Helper()
	for _, name := range protocols {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "protocol", name, "testdata", "messages.hex"))
		if err != nil {
			tb.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			frame, err := hex.DecodeString(strings.TrimSpace(line))
			if err != nil {
				tb.Fatal(err)
			}
			frames = append(frames, frame)
		}
	}
	return frames
}

// exact is a transport that looks at what a node sends: it must be what a
// decoder accepts.
type exact struct {
	wire
	t        *testing.T
	decoders protocol.Decoders
}

func (e *exact) Send(_ protocol.NodeID, frame []byte) error {
	if m, err := e.decoders.Decode(frame); err != nil || !bytes.Equal(protocol.AppendFrame(nil, m), frame) {
		e.t.Errorf("the node sends %x, which nobody reads: %v", frame, err)
	}
	return nil
}

func (e *exact) SendStream(to protocol.NodeID, frame []byte) error { return e.Send(to, frame) }

// listening has a node run in a bubble while strangers speak, and returns when
// the node has ended.
func listening(t *testing.T, st *stack.Stack, strangers func(ctx context.Context, n *node.Node)) {
	synctest.Test(t, func(t *testing.T) {
		w := &exact{t: t, decoders: st.Decoders()}
		n, err := node.New(node.Config{
			ID: self, Stack: st, Transport: w, Contacts: w, Seed: 1, Seeds: []protocol.Peer{{ID: 7, Contact: []byte("seven")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		strangers(ctx, n)
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("a stranger ended the node: %v", err)
		default:
		}
		cancel()
		<-ended
	})
}

func dropped(n *node.Node) (count uint64) {
	for _, d := range n.Stats().Dropped {
		count += d
	}
	return count
}

// Whatever a stranger sends: it is taken or counted once, no decoder panics, and
// what the protocols make of it does not end the node.
func FuzzFrames(f *testing.F) {
	st := mustDefault(f)
	for _, frame := range goldenFrames(f, "swim", "hyparview", "plumtree") {
		f.Add(frame, true)
		f.Add(frame, false)
	}
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, frame []byte, stream bool) {
		listening(t, st, func(ctx context.Context, n *node.Node) {
			var ok bool
			if stream {
				ok = n.DeliverStream(ctx, 7, frame)
			} else {
				ok = n.Deliver(7, frame)
			}
			if n.Stats().Dropped[node.DropPanic] > 0 || (dropped(n) == 0) != ok {
				t.Errorf("accepted: %v, counted: %v", ok, n.Stats().Dropped)
			}
		})
	})
}

// converse has several peers say several things to a node, by datagram and
// stream, with pauses in which its timers fire. The input is a list of remarks: a
// byte whose lowest two bits say who, the third how and the others how long the
// pause after it is; a byte of length; a frame without its version.
func converse(ctx context.Context, n *node.Node, b []byte) {
	for len(b) >= 2 {
		how, size := b[0], min(int(b[1]), len(b)-2)
		from := protocol.NodeID(7 + how&3)
		frame := append([]byte{protocol.FrameVersion}, b[2:2+size]...)
		b = b[2+size:]
		if how&4 == 0 {
			n.Deliver(from, frame)
		} else {
			n.DeliverStream(ctx, from, frame)
		}
		synctest.Wait()
		time.Sleep(time.Duration(how>>3) * 20 * time.Millisecond)
	}
	time.Sleep(time.Second)
}

// remarks are conversations for converse: one for each frame, and one of all.
func remarks(frames [][]byte) (each [][]byte) {
	var all []byte
	for i, frame := range frames {
		if len(frame)-1 > 0xff {
			continue
		}
		remark := append([]byte{byte(i), byte(len(frame) - 1)}, frame[1:]...)
		each = append(each, remark)
		all = append(all, remark...)
	}
	return append(each, all)
}

// FuzzConversation: whatever peers say in whatever order, the node lives on, sends
// only what can be read, and does not let itself be talked into being dead.
func FuzzConversation(f *testing.F) {
	st := mustDefault(f)
	for _, b := range remarks(goldenFrames(f, "swim", "hyparview", "plumtree")) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		listening(t, st, func(ctx context.Context, n *node.Node) {
			converse(ctx, n, b)
			status := membertable.Unknown
			if err := n.Inspect(ctx, func(layers []protocol.Protocol) {
				m, _ := layers[0].(*swim.Node).Table().Get(self)
				status = m.Status
			}); err != nil {
				t.Fatal(err)
			}
			if status != membertable.Alive || n.Stats().Dropped[node.DropPanic] > 0 {
				t.Errorf("the node thinks of itself as %v; counted %v", status, n.Stats().Dropped)
			}
		})
	})
}

// FuzzOtherStacks is the same for the protocols that are not in the default stack.
func FuzzOtherStacks(f *testing.F) {
	r, err := stack.Default()
	if err != nil {
		f.Fatal(err)
	}
	var stacks []*stack.Stack
	for i, names := range [][]string{{"swim", "gossip"}, {"hyparview", "flood"}, {"cyclon", "gossip"}, {"cyclon"}} {
		st, err := r.New(names, nil)
		if err != nil {
			f.Fatal(err)
		}
		stacks = append(stacks, st)
		for _, b := range remarks(goldenFrames(f, names...)) {
			f.Add(byte(i), b)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		listening(t, stacks[int(which)%len(stacks)], func(ctx context.Context, n *node.Node) {
			converse(ctx, n, b)
			if n.Stats().Dropped[node.DropPanic] > 0 {
				t.Errorf("counted %v", n.Stats().Dropped)
			}
		})
	})
}
