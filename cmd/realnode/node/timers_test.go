package node

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// The heap is a list that is kept sorted by time, then by order of setting.
func TestTimersFireInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var heap timers
		var naive []timer
		seq := uint64(0)
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if len(naive) == 0 || rapid.IntRange(0, 2).Draw(t, "push") > 0 {
				due := protocol.Time(rapid.Int64Range(-2, 5).Draw(t, "due"))
				v := protocol.Timer{Kind: 0x8001, Arg: seq}
				heap.push(due, v)
				naive = append(naive, timer{due: due, seq: seq, timer: v})
				slices.SortStableFunc(naive, func(a, b timer) int { return int(a.due - b.due) })
				seq++
			} else {
				if got := *heap.first(); got != naive[0] {
					t.Fatalf("first: got %v, want %v", got, naive[0])
				}
				if got := heap.pop(); got != naive[0] {
					t.Fatalf("pop: got %v, want %v", got, naive[0])
				}
				naive = naive[1:]
			}
			if heap.len() != len(naive) {
				t.Fatalf("got %d timers, want %d", heap.len(), len(naive))
			}
		}
	})
}

func TestTimersCostNoAllocation(t *testing.T) {
	var heap timers
	for i := range protocol.Time(100) {
		heap.push(i, protocol.Timer{})
	}
	i := protocol.Time(100)
	if n := testing.AllocsPerRun(1000, func() {
		heap.pop()
		heap.push(i, protocol.Timer{})
		i++
	}); n != 0 {
		t.Errorf("got %v allocations a timer, want none", n)
	}
}
