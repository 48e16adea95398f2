package node

import "github.com/starling-sim/starling/protocol"

// timer is a timer that was set.
type timer struct {
	due   protocol.Time
	seq   uint64
	timer protocol.Timer
}

func (t *timer) before(u *timer) bool {
	return t.due < u.due || (t.due == u.due && t.seq < u.seq)
}

// timers is a binary heap of timers by value, ordered by the time at which they
// are due, then by when they were set.
type timers struct {
	heap []timer
	seq  uint64
}

func (h *timers) len() int { return len(h.heap) }

// first returns the next timer; there must be one.
func (h *timers) first() *timer { return &h.heap[0] }

func (h *timers) push(due protocol.Time, t protocol.Timer) {
	e := timer{due: due, seq: h.seq, timer: t}
	h.seq++
	h.heap = append(h.heap, e)
	i := len(h.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(&h.heap[up]) {
			break
		}
		h.heap[i] = h.heap[up]
		i = up
	}
	h.heap[i] = e
}

// pop removes and returns the next timer; there must be one.
func (h *timers) pop() timer {
	first := h.heap[0]
	n := len(h.heap) - 1
	last := h.heap[n]
	h.heap = h.heap[:n]
	if n == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= n {
			break
		}
		if right := down + 1; right < n && h.heap[right].before(&h.heap[down]) {
			down = right
		}
		if !h.heap[down].before(&last) {
			break
		}
		h.heap[i] = h.heap[down]
		i = down
	}
	h.heap[i] = last
	return first
}
