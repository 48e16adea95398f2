package real

import (
	"container/heap"
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// loop does one thing after the other, each at its time: what a timeline asks
// for, and what processes have to say. All is done on the goroutine of prepare
// and run.
type loop struct {
	queue  agenda
	serial uint64
	posted chan func()

	now time.Duration // of what is being done, as planned
	// late is by how much something was done too late at most.
	late time.Duration
}

func newLoop() *loop { return &loop{posted: make(chan func(), 1024)} }

// at has do called at a time since the epoch.
func (l *loop) at(t time.Duration, do func()) {
	heap.Push(&l.queue, entry{max(t, l.now), l.serial, do})
	l.serial++
}

// post has do called soon, from any goroutine.
func (l *loop) post(ctx context.Context, do func()) {
	select {
	case l.posted <- do:
	case <-ctx.Done():
	}
}

// prepare does what is to be done at time 0. The clock does not run yet.
func (l *loop) prepare() error {
	return guarded(func() {
		for len(l.queue) > 0 && l.queue[0].at == 0 {
			heap.Pop(&l.queue).(entry).do()
		}
	})
}

// run does what is to be done from the epoch on, and returns at the time until,
// or when ctx is done.
func (l *loop) run(ctx context.Context, epoch time.Time, until time.Duration) error {
	return guarded(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for ctx.Err() == nil {
			select {
			case do := <-l.posted:
				do()
				continue
			default:
			}
			next := until
			if len(l.queue) > 0 && l.queue[0].at < until {
				next = l.queue[0].at
			}
			wait := next - time.Since(epoch)
			if wait <= 0 && next == until {
				return
			}
			if wait <= 0 {
				e := heap.Pop(&l.queue).(entry)
				l.now, l.late = e.at, max(l.late, -wait)
				e.do()
				continue
			}
			timer.Reset(wait)
			select {
			case <-timer.C:
			case do := <-l.posted:
				do()
			case <-ctx.Done():
			}
		}
	})
}

// guarded turns a panic into an error: a timeline panics when it cannot go on.
func guarded(do func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	do()
	return nil
}

// entry is something to do; at one time, in the order in which it was planned.
type entry struct {
	at     time.Duration
	serial uint64
	do     func()
}

type agenda []entry

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

func (a agenda) Less(i, j int) bool {
	if a[i].at != a[j].at {
		return a[i].at < a[j].at
	}
	return a[i].serial < a[j].serial
}

func (a *agenda) Push(x any) { *a = append(*a, x.(entry)) }

func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = entry{}
	*a = (*a)[:last]
	return e
}
