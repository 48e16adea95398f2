package sim

// backlog is what a process that fell behind has yet to deal with. It goes about
// it as event loops do (those of Go's scheduler and of libuv look at their timers
// before they poll): all the timers that are due, then all the messages that
// wait, and again. So a time-out that passed while the process was stopped
// strikes before the message is read that would have prevented it.
type backlog struct {
	timers, messages fifo[event]
	// turn is the number of events that are left of the present turn, which
	// is that of the timers or of the messages.
	turn      int
	ofTimers  bool
	datagrams int // among the messages
}

func (b *backlog) len() int { return b.timers.len() + b.messages.len() }

func (b *backlog) append(e event) {
	switch e.kind() {
	case evTimer:
		b.timers.append(e)
		return
	case evDeliver:
		b.datagrams++
	}
	b.messages.append(e)
}

// choose settles which event is next, whatever comes until it is popped. There
// must be one.
func (b *backlog) choose() {
	for b.turn == 0 {
		b.ofTimers = !b.ofTimers
		b.turn = b.now().len()
	}
}

// pop takes the next event. There must be one.
func (b *backlog) pop() event {
	b.choose()
	b.turn--
	e := b.now().pop()
	if e.kind() == evDeliver {
		b.datagrams--
	}
	if b.len() == 0 {
		b.ofTimers = false // whatever comes, timers are looked at first
	}
	return e
}

func (b *backlog) now() *fifo[event] {
	if b.ofTimers {
		return &b.timers
	}
	return &b.messages
}

// each visits everything that waits.
func (b *backlog) each(visit func(*event)) {
	for _, q := range []*fifo[event]{&b.timers, &b.messages} {
		for i := q.head; i < len(q.items); i++ {
			visit(&q.items[i])
		}
	}
}

// fifo is a queue, oldest first.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

// room is how many items there is room for.
func (q *fifo[T]) room() int { return cap(q.items) }

func (q *fifo[T]) append(v T) {
	if q.head > 64 && q.head*2 > len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items = q.items[:n]
		q.head = 0
	}
	q.items = append(q.items, v)
}

// first is the oldest item; there must be one.
func (q *fifo[T]) first() *T { return &q.items[q.head] }

func (q *fifo[T]) pop() T {
	v := q.items[q.head]
	var zero T
	q.items[q.head] = zero
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v
}
