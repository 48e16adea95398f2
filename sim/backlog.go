package sim

// backlog is what a process that fell behind has yet to deal with. It goes about
// it as event loops do (those of Go's scheduler and of libuv look at their timers
// before they poll): all the timers that are due, then all the messages that
// wait, and again. So a time-out that passed while the process was stopped
// strikes before the message is read that would have prevented it.
type backlog struct {
	timers, messages fifo
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

func (b *backlog) now() *fifo {
	if b.ofTimers {
		return &b.timers
	}
	return &b.messages
}

// fifo is a queue of events, oldest first.
type fifo struct {
	events []event
	head   int
}

func (q *fifo) len() int { return len(q.events) - q.head }

func (q *fifo) append(e event) {
	if q.head > 64 && q.head*2 > len(q.events) {
		q.events = q.events[:copy(q.events, q.events[q.head:])]
		q.head = 0
	}
	q.events = append(q.events, e)
}

func (q *fifo) pop() event {
	e := q.events[q.head]
	q.head++
	if q.head == len(q.events) {
		q.events, q.head = q.events[:0], 0
	}
	return e
}
