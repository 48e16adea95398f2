package sim

// heap is a binary heap of events by value: small, and good enough for the few
// events that do not go through the buckets of a wheel.
type heap []event

func (h *heap) push(e event) {
	q := append(*h, e)
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(&q[up]) {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = e
	*h = q
}

// pop removes and returns the first event; h must not be empty.
func (h *heap) pop() event {
	q := *h
	first := q[0]
	n := len(q) - 1
	last := q[n]
	q = q[:n]
	*h = q
	if n == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= n {
			break
		}
		if r := down + 1; r < n && q[r].before(&q[down]) {
			down = r
		}
		if !q[down].before(&last) {
			break
		}
		q[i] = q[down]
		i = down
	}
	q[i] = last
	return first
}
