package cyclon

import (
	"testing"

	"github.com/starling-sim/starling/protocol"
)

func TestSample(t *testing.T) {
	b := knowing(t, small(), 1, 2, 3, 4, 5)
	count := map[protocol.NodeID]int{}
	for range 3000 {
		got := b.node.Sample(b, 2, func(id protocol.NodeID) bool { return id == 3 })
		if len(got) != 2 || got[0] == got[1] {
			t.Fatalf("got %v, want two different", got)
		}
		count[got[0]]++
	}
	for id := range protocol.NodeID(5) {
		if n := count[id+1]; id+1 == 3 && n != 0 || id+1 != 3 && (n < 650 || n > 850) {
			t.Errorf("%v came first %d times of 3000, want about 750, 3 never", id+1, n)
		}
	}
	if got := b.node.Sample(b, 9, nil); len(got) != 5 {
		t.Errorf("got %v, want all", got)
	}
	if got := b.node.Sample(b, 0, nil); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
}
