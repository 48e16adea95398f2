package swim

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// naiveQueue keeps a list and sorts it whenever it is asked.
type naiveQueue struct {
	items []naiveItem
	clock int
}

type naiveItem struct {
	update Update
	sent   int
	moved  int // when it got to its number of transmissions
}

func (q *naiveQueue) put(u Update) {
	q.items = slices.DeleteFunc(q.items, func(i naiveItem) bool { return i.update.Member.ID == u.Member.ID })
	q.clock++
	q.items = append(q.items, naiveItem{update: u, moved: q.clock})
}

func (q *naiveQueue) take(room, limit int) []Update {
	slices.SortFunc(q.items, func(a, b naiveItem) int {
		return cmp.Or(cmp.Compare(a.sent, b.sent), -cmp.Compare(a.moved, b.moved))
	})
	var out []Update
	var kept []naiveItem
	var took []naiveItem
	for _, it := range q.items {
		if it.update.size() > room {
			kept = append(kept, it)
			continue
		}
		room -= it.update.size()
		out = append(out, it.update)
		took = append(took, it)
	}
	slices.Reverse(took)
	for _, it := range took {
		if it.sent++; it.sent < limit {
			q.clock++
			it.moved = q.clock
			kept = append(kept, it)
		}
	}
	q.items = kept
	return out
}

func TestQueueIsTheNaiveQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fast queue
		var naive naiveQueue
		limit := rapid.IntRange(1, 6).Draw(t, "limit")
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "put") {
				u := drawUpdate(t)
				u.Member.ID = protocol.NodeID(rapid.IntRange(1, 12).Draw(t, "member"))
				fast.put(u)
				naive.put(u)
				continue
			}
			room := rapid.IntRange(0, 200).Draw(t, "room")
			got := fast.take(nil, room, limit, func(*Update) bool { return false })
			if want := naive.take(room, limit); !slices.Equal(got, want) {
				t.Fatalf("took %v, want %v", got, want)
			}
			if fast.waiting != len(naive.items) {
				t.Fatalf("%d wait, want %d", fast.waiting, len(naive.items))
			}
		}
	})
}

func TestQueueSkipsWhatItIsToldTo(t *testing.T) {
	var q queue
	q.put(Update{Member: membertable.Member{ID: 1, Status: membertable.Alive}})
	q.put(Update{Member: membertable.Member{ID: 2, Status: membertable.Left}})
	got := q.take(nil, 1000, 5, func(u *Update) bool { return u.Member.ID == 1 })
	if len(got) != 1 || got[0].Member.ID != 2 || q.waiting != 2 {
		t.Errorf("took %v, %d wait; want only member 2 taken and both waiting", got, q.waiting)
	}
}

// An idle node keeps no buffers of its last storm.
func TestEmptyQueueKeepsNothing(t *testing.T) {
	var q queue
	for i := range 100 {
		q.put(Update{Member: membertable.Member{ID: protocol.NodeID(i + 1), Status: membertable.Left}})
	}
	q.take(nil, 1<<20, 1, func(*Update) bool { return false })
	if q.waiting != 0 || q.items != nil || q.heads != nil || q.index != nil || q.free != nil {
		t.Errorf("got %+v, want the zero queue", q)
	}
}
