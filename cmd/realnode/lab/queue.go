package lab

import "container/heap"

// what tells what an event is about.
type what uint8

const (
	nothing  what = iota
	datagram      // reaches the receiver's side
	message       // of a stream reaches the receiver's side
	delivery      // a datagram has come through this node's downlink
	wake          // an end that waits goes on
	broken        // an end broke; never waits in the queue
)

// event is something that happens at a time.
type event struct {
	at    int64 // ns since the run began
	seq   uint64
	peer  *peer
	frame []byte
	life  uint32 // of the stream that a message is on
	what  what
}

// queue holds events by time, and those of one time in the order in which they
// came.
type queue struct {
	events eventHeap
	seq    uint64
}

// push adds an event and tells whether it is the first now.
func (q *queue) push(e event) bool {
	q.seq++
	e.seq = q.seq
	heap.Push(&q.events, e)
	return q.events[0].seq == e.seq
}

// first is the time of the first event; false if there is none.
func (q *queue) first() (at int64, ok bool) {
	if len(q.events) == 0 {
		return 0, false
	}
	return q.events[0].at, true
}

func (q *queue) pop() event { return heap.Pop(&q.events).(event) }

type eventHeap []event

func (h eventHeap) Len() int      { return len(h) }
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}

func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }

func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = event{} // lets go of the frame
	*h = (*h)[:last]
	return e
}
