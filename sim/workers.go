package sim

import (
	"context"
	"math"
	"sync"
)

// This file is the one place in the deterministic part of the project that
// starts goroutines. What they do in a window cannot be seen by each other
// before it closes, so the order in which they run does not matter.

//starling:exempt-file goroutine,channel windows end before what one worker did can reach another

// crew is the goroutines that carry out windows, one for each shard but the
// first, which the caller of Run serves itself.
type crew struct {
	w      *World
	orders []chan int64 // the end of the window to carry out
	done   sync.WaitGroup
}

// newCrew starts the goroutines that a world needs; none for one shard.
func newCrew(w *World) *crew {
	c := &crew{w: w}
	for _, sh := range w.shards[1:] {
		orders := make(chan int64, 1)
		c.orders = append(c.orders, orders)
		go func() {
			for end := range orders {
				sh.window(end)
				c.done.Done()
			}
		}()
	}
	return c
}

func (c *crew) dismiss() {
	for _, orders := range c.orders {
		close(orders)
	}
}

// window has all shards carry out their events before end.
func (c *crew) window(end int64) {
	for _, sh := range c.w.shards {
		sh.out, sh.in = sh.in, sh.out
	}
	c.done.Add(len(c.orders))
	for _, orders := range c.orders {
		orders <- end
	}
	c.w.shards[0].window(end)
	c.done.Wait()
}

// window takes in what other shards sent and carries out all events before end.
func (sh *shard) window(end int64) {
	for _, from := range sh.w.shards {
		sh.takeIn(&from.in[sh.number])
	}
	sh.direct = false
	for !sh.runSafely(end, math.MaxInt) && sh.err == nil {
	}
	sh.direct = true
}

func (sh *shard) takeIn(box *outbox) {
	for i := range box.parcels {
		t := &box.parcels[i]
		t.e.arg = uint64(sh.parcels.put(t.v))
		sh.q.push(t.e)
		t.v = payload{}
	}
	for i := range box.segments {
		t := &box.segments[i]
		t.e.arg = uint64(sh.segments.put(t.v))
		sh.q.push(t.e)
		t.v = segment{}
	}
	box.parcels, box.segments = box.parcels[:0], box.segments[:0]
}

// advanceWindows carries out all events before border, window by window.
func (w *World) advanceWindows(ctx context.Context, crew *crew, border int64) error {
	for {
		first, ok := w.firstEvent()
		if !ok || first >= border {
			return nil
		}
		end := min(first+w.lookahead, border)
		crew.window(end)
		w.now = end
		w.passOn()
		if w.err = w.firstError(); w.err != nil {
			return w.err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// firstEvent returns a time that no event is before.
func (w *World) firstEvent() (int64, bool) {
	first, found := int64(math.MaxInt64), false
	for _, sh := range w.shards {
		if t, ok := sh.q.first(); ok {
			first, found = min(first, t), true
		}
		for i := range sh.out {
			if box := &sh.out[i]; len(box.parcels)+len(box.segments) > 0 {
				first, found = min(first, box.least), true
			}
		}
	}
	return first, found
}

// firstError returns the error of the earliest event that failed: the one that
// a single worker would have ended with.
func (w *World) firstError() error {
	var failed *shard
	for _, sh := range w.shards {
		if sh.err == nil {
			continue
		}
		c := &sh.ctx
		if failed == nil || c.at < failed.ctx.at || (c.at == failed.ctx.at && c.key < failed.ctx.key) {
			failed = sh
		}
	}
	if failed == nil {
		return nil
	}
	return failed.err
}

// passOn gives what the shards recorded in a window to the observer and the
// tracer, in the total order.
func (w *World) passOn() {
	if w.cfg.Observer != nil {
		lists := make([][]orderedRecord, len(w.shards))
		for i, sh := range w.shards {
			lists[i], sh.records = sh.records, sh.records[:0]
		}
		merge(lists, (*orderedRecord).before, func(r *orderedRecord) { w.cfg.Observer.Observe(r.Record) })
	}
	if w.cfg.Tracer != nil {
		lists := make([][]TraceRecord, len(w.shards))
		for i, sh := range w.shards {
			lists[i], sh.traces = sh.traces, sh.traces[:0]
		}
		merge(lists, (*TraceRecord).before, w.cfg.Tracer.Trace)
	}
}

// merge visits the elements of lists that are each in order, in order. Elements
// that belong to one event are all in one list.
func merge[T any](lists [][]T, before func(a, b *T) bool, visit func(*T)) {
	for {
		least := -1
		for i := range lists {
			if len(lists[i]) > 0 && (least < 0 || before(&lists[i][0], &lists[least][0])) {
				least = i
			}
		}
		if least < 0 {
			return
		}
		visit(&lists[least][0])
		lists[least] = lists[least][1:]
	}
}
