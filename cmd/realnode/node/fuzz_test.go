package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
)

// Whatever a stranger sends: it is taken or counted once, no decoder panics, and
// what the protocols make of it does not end the node.
func FuzzFrames(f *testing.F) {
	st := mustDefault(f)
	for kind := range st.Decoders() {
		f.Add([]byte{protocol.FrameVersion, byte(kind >> 8), byte(kind), 0, 0, 0, 0, 0, 0, 0, 0, 0}, true)
	}
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, frame []byte, stream bool) {
		w := &quiet{}
		n, err := node.New(node.Config{
			ID: self, Stack: st, Transport: w, Contacts: w, Seed: 1, Seeds: []protocol.Peer{{ID: 7, Contact: []byte("seven")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		var ok bool
		if stream {
			ok = n.DeliverStream(ctx, 7, frame)
		} else {
			ok = n.Deliver(7, frame)
		}
		dropped := uint64(0)
		for _, count := range n.Stats().Dropped {
			dropped += count
		}
		if n.Stats().Dropped[node.DropPanic] > 0 || (dropped == 0) != ok {
			t.Errorf("accepted: %v, counted: %v", ok, n.Stats().Dropped)
		}
		for range 2 { // by the second turn of the loop, it has been received
			if err := n.Do(ctx, func(protocol.Env, []protocol.Protocol) {}); err != nil {
				t.Fatalf("the loop does not answer: %v", err)
			}
		}
		cancel()
		<-ended
	})
}
