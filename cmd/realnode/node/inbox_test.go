package node

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// The inbox is a list with limits, and one entry for each peer whose stream
// broke.
func TestInboxIsABoundedQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := InboxLimits{
			Datagrams: rapid.IntRange(1, 200).Draw(t, "datagrams"), DatagramBytes: 1000,
			StreamFrames: rapid.IntRange(1, 10).Draw(t, "stream frames"), StreamBytes: 500,
		}
		b := newInbox(&limits)
		var naive []item
		load := func(how arrival) (count, bytes int) {
			for _, it := range naive {
				if it.how == how {
					count++
					bytes += it.size
				}
			}
			return count, bytes
		}
		var room <-chan struct{}
		for i := range rapid.IntRange(0, 500).Draw(t, "steps") {
			it := item{from: protocol.NodeID(i), size: rapid.IntRange(3, 100).Draw(t, "size")}
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			default:
				count, bytes := load(byDatagram)
				want := count == 0 || count < limits.Datagrams && bytes+it.size <= limits.DatagramBytes
				if got := b.datagram(it); got != want {
					t.Fatalf("datagram of %d bytes beside %d of %d: got %v", it.size, count, bytes, got)
				}
				if want {
					naive = append(naive, it)
				}
			case 5, 6:
				it.how = byStream
				force := rapid.Bool().Draw(t, "own")
				count, bytes := load(byStream)
				want := force || count == 0 || count < limits.StreamFrames && bytes+it.size <= limits.StreamBytes
				got, wait := b.stream(it, force)
				if got != want || (wait == nil) != want {
					t.Fatalf("frame of %d bytes beside %d of %d: got %v, %v", it.size, count, bytes, got, wait)
				}
				if want {
					naive = append(naive, it)
				} else {
					room = wait
				}
			case 7:
				it = item{from: protocol.NodeID(i % 3), how: broken}
				b.broke(it.from)
				if !slices.Contains(naive, it) {
					naive = append(naive, it)
				}
			case 8:
				most := rapid.IntRange(1, 200).Draw(t, "most bytes")
				got := b.take(make([]item, 0, rapid.IntRange(1, 20).Draw(t, "most")), most)
				if !slices.Equal(got, naive[:len(got)]) || (len(got) == 0) != (len(naive) == 0) {
					t.Fatalf("take: got %v of %v", got, naive)
				}
				bytes, frames := 0, false
				for _, it := range got {
					bytes += it.size
					frames = frames || it.how == byStream
				}
				if len(got) > 1 && bytes > most {
					t.Fatalf("took %d bytes, want at most %d", bytes, most)
				}
				naive = naive[len(got):]
				if frames && room != nil {
					<-room // is closed: waiters try again
					room = nil
				}
			}
			if b.empty() != (len(naive) == 0) {
				t.Fatalf("empty: got %v beside %v", b.empty(), naive)
			}
		}
	})
}

func TestClosedInbox(t *testing.T) {
	l := InboxLimits{StreamFrames: 1, StreamBytes: 1, Datagrams: 1, DatagramBytes: 1}
	b := newInbox(&l)
	b.stream(item{how: byStream}, false)
	_, room := b.stream(item{how: byStream}, false)
	b.close()
	<-room
	if ok, room := b.stream(item{how: byStream}, true); ok || room != nil {
		t.Error("a closed inbox took a frame, or made its reader wait")
	}
	if b.datagram(item{}) || !b.empty() {
		t.Error("a closed inbox took a datagram, or is not empty")
	}
	b.broke(1)
}
