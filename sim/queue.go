package sim

import (
	"math"
	"math/bits"
	"slices"
)

const (
	wheelBuckets = 1024
	chunkEvents  = 32  // events of a chunk, a power of two
	pageChunks   = 128 // chunks that are allocated together

	// Width of a bucket, as a power of two of nanoseconds.
	minShift, startShift, maxShift = 10, 22, 36

	// A bucket is sorted into at most so many slots.
	maxSlots = 4096
	// A slot with more events than that is sorted before the final pass.
	heavySlot = 16

	// A bucket should hold so many events: fewer make reaching it dear, more
	// do not fit the second-level cache while they are sorted.
	fewEvents, manyEvents = 12, 6000
)

// queue is a priority queue of events: a wheel of buckets, each an append-only
// chain of chunks of the events of one stretch of time. The bucket that is
// reached is sorted into run and drained in order. Events pushed into the
// bucket that is being drained go to the heap near, events beyond the wheel's
// horizon to the heap far. All accesses but those to the heaps are sequential,
// which is what makes it fast when many events wait (BenchmarkQueue).
//
// The width of a bucket follows the density of the events. It decides how fast
// the queue is, never in what order events leave it.
type queue struct {
	run  []event // the current bucket, sorted
	next int     // first event of run that has not left
	near heap    // events of the current bucket (or before) that are not in run

	current int64 // number of the current bucket: time >> shift
	shift   uint
	tails   [wheelBuckets]*chunk
	counts  [wheelBuckets]uint32
	heads   [wheelBuckets]int32 // first chunk of the bucket's chain, if counts > 0
	lasts   [wheelBuckets]int32 // last chunk of it
	filled  [wheelBuckets / 64]uint64
	far     heap

	pages []*[pageChunks]chunk
	links []int32 // next chunk of a chain, or of the free list
	free  int32   // first free chunk, -1: none

	slots []uint32 // counting sort: where the next event of a slot goes
	heavy []span

	stored int // events in buckets
	load   queueLoad
}

type chunk [chunkEvents]event

type span struct{ from, to uint32 }

// queueLoad is what the width of buckets is chosen by.
type queueLoad struct {
	reached, sorted, near, far uint64
}

func newQueue() *queue {
	return &queue{current: -1, shift: startShift, free: -1, slots: make([]uint32, maxSlots+1)}
}

func (q *queue) size() int {
	return len(q.run) - q.next + len(q.near) + q.stored + len(q.far)
}

func (q *queue) push(e event) {
	d := e.time>>q.shift - q.current
	if uint64(d-1) >= wheelBuckets-1 {
		q.pushAside(e, d)
		return
	}
	b := uint(q.current+d) % wheelBuckets
	i := q.counts[b]
	if i%chunkEvents == 0 {
		q.grow(b)
	}
	q.tails[b][i%chunkEvents] = e
	q.counts[b] = i + 1
	q.stored++
}

// pushAside takes events of the current bucket and from beyond the horizon.
func (q *queue) pushAside(e event, d int64) {
	if d <= 0 {
		q.load.near++
		q.near.push(e)
		return
	}
	q.load.far++
	q.far.push(e)
}

// grow appends an empty chunk to bucket b.
func (q *queue) grow(b uint) {
	if q.free < 0 {
		q.addPage()
	}
	c := q.free
	q.free = q.links[c]
	if q.counts[b] == 0 {
		q.heads[b] = c
		q.filled[b/64] |= 1 << (b % 64)
	} else {
		q.links[q.lasts[b]] = c
	}
	q.lasts[b] = c
	q.tails[b] = q.chunk(c)
}

func (q *queue) chunk(c int32) *chunk { return &q.pages[c/pageChunks][c%pageChunks] }

func (q *queue) addPage() {
	first := int32(len(q.links))
	q.pages = append(q.pages, new([pageChunks]chunk))
	for c := first + pageChunks - 1; c >= first; c-- {
		q.links = append(q.links, 0)
	}
	for c := first + pageChunks - 1; c >= first; c-- {
		q.links[c] = q.free
		q.free = c
	}
}

// pop removes the first event if it is before limit.
func (q *queue) pop(limit int64) (event, bool) {
	for {
		if q.next < len(q.run) {
			e := &q.run[q.next]
			if len(q.near) > 0 && q.near[0].before(e) {
				break
			}
			if e.time >= limit {
				return event{}, false
			}
			q.next++
			return *e, true
		}
		if len(q.near) > 0 {
			break
		}
		if !q.advance(limit) {
			return event{}, false
		}
	}
	if q.near[0].time >= limit {
		return event{}, false
	}
	return q.near.pop(), true
}

// first returns a time that no event is before: that of the first event, or
// the beginning of its bucket; ok is false if there is no event.
func (q *queue) first() (t int64, ok bool) {
	t = math.MaxInt64
	if q.next < len(q.run) {
		t = q.run[q.next].time
	}
	if len(q.near) > 0 {
		t = min(t, q.near[0].time)
	}
	if t != math.MaxInt64 {
		return t, true
	}
	if b, ok := q.nextBucket(); ok {
		return b << q.shift, true
	}
	return 0, false
}

// nextBucket returns the number of the first bucket after the current one that
// holds events, in the wheel or beyond.
func (q *queue) nextBucket() (b int64, ok bool) {
	if len(q.far) > 0 {
		b, ok = q.far[0].time>>q.shift, true
	}
	if q.stored == 0 {
		return b, ok
	}
	at := uint(q.current+1) % wheelBuckets
	if w := q.filled[at/64] >> (at % 64); w != 0 {
		return q.earlier(b, ok, q.current+1+int64(bits.TrailingZeros64(w)))
	}
	d := int64(64 - at%64)
	for i := at/64 + 1; ; i++ {
		if w := q.filled[i%(wheelBuckets/64)]; w != 0 {
			return q.earlier(b, ok, q.current+1+d+int64(bits.TrailingZeros64(w)))
		}
		d += 64
	}
}

func (q *queue) earlier(a int64, ok bool, b int64) (int64, bool) {
	if ok && a < b {
		return a, true
	}
	return b, true
}

// advance goes on to the next bucket that holds events, if that begins before
// limit. Run and near must be empty.
func (q *queue) advance(limit int64) bool {
	if q.load.reached >= 64 {
		q.adapt()
	}
	b, ok := q.nextBucket()
	if !ok || b<<q.shift >= limit {
		return false
	}
	// The wheel now begins at b: what was beyond its horizon may be inside.
	q.current = b - 1
	for len(q.far) > 0 && q.far[0].time>>q.shift-q.current < wheelBuckets {
		q.push(q.far.pop())
	}
	q.current = b
	q.reach(uint(b) % wheelBuckets)
	return true
}

// reach sorts bucket b into run.
func (q *queue) reach(b uint) {
	n := int(q.counts[b])
	q.load.reached++
	q.load.sorted += uint64(n)
	if cap(q.run) < n {
		q.run = make([]event, n+n/4)
	}
	q.run, q.next = q.run[:n], 0
	if n <= heavySlot {
		copy(q.run, q.chunk(q.heads[b])[:n])
	} else {
		q.scatter(b, n)
	}
	insertionSort(q.run)
	// Give the chain back, in one piece.
	q.links[q.lasts[b]] = q.free
	q.free = q.heads[b]
	q.counts[b] = 0
	q.filled[b/64] &^= 1 << (b % 64)
	q.stored -= n
}

// scatter copies bucket b into run, sorted by the upper bits of the events'
// offsets in the bucket (a counting sort), with crowded slots sorted through.
func (q *queue) scatter(b uint, n int) {
	width := min(uint(bits.Len(uint(n-1))), 12, q.shift)
	down := q.shift - width
	mask := uint64(1)<<width - 1
	slots := q.slots[:mask+2]
	clear(slots)
	for c, left := q.heads[b], n; left > 0; c, left = q.links[c], left-chunkEvents {
		ch := q.chunk(c)[:min(left, chunkEvents)]
		for i := range ch {
			slots[uint64(ch[i].time)>>down&mask]++
		}
	}
	sum := uint32(0)
	q.heavy = q.heavy[:0]
	for i, k := range slots {
		slots[i] = sum
		if k > heavySlot {
			q.heavy = append(q.heavy, span{sum, sum + k})
		}
		sum += k
	}
	for c, left := q.heads[b], n; left > 0; c, left = q.links[c], left-chunkEvents {
		ch := q.chunk(c)[:min(left, chunkEvents)]
		for i := range ch {
			s := uint64(ch[i].time) >> down & mask
			q.run[slots[s]] = ch[i]
			slots[s]++
		}
	}
	for _, s := range q.heavy {
		slices.SortFunc(q.run[s.from:s.to], compareEvents)
	}
}

func compareEvents(a, b event) int {
	if a.before(&b) {
		return -1
	}
	return 1
}

// insertionSort finishes what is nearly sorted.
func insertionSort(es []event) {
	for i := 1; i < len(es); i++ {
		if es[i-1].before(&es[i]) {
			continue
		}
		e := es[i]
		j := i
		for j > 0 && e.before(&es[j-1]) {
			es[j] = es[j-1]
			j--
		}
		es[j] = e
	}
}

// adapt chooses the width of the buckets anew after every 64 buckets.
func (q *queue) adapt() {
	l := q.load
	// Moving everything must be paid for by as many events.
	if l.sorted+l.near < uint64(q.stored) {
		return
	}
	q.load = queueLoad{}
	shift := q.shift
	mean := l.sorted / l.reached
	switch {
	case (l.near > l.sorted || mean > manyEvents) && shift > minShift:
		shift--
	case mean < fewEvents && l.near*16 < l.sorted && shift < maxShift:
		shift++
	case l.far*2 > l.sorted && l.near*16 < l.sorted && mean < manyEvents/4 && shift < maxShift:
		shift++
	}
	if shift != q.shift {
		q.rewind(shift)
	}
}

// rewind moves all events into buckets of another width. Run and near must be
// empty.
func (q *queue) rewind(shift uint) {
	waiting := make([]event, 0, q.stored)
	for b := range q.counts {
		n := int(q.counts[b])
		if n == 0 {
			continue
		}
		for c, left := q.heads[b], n; left > 0; c, left = q.links[c], left-chunkEvents {
			waiting = append(waiting, q.chunk(c)[:min(left, chunkEvents)]...)
		}
		q.links[q.lasts[b]] = q.free
		q.free = q.heads[b]
		q.counts[b] = 0
	}
	clear(q.filled[:])
	q.stored = 0
	end := (q.current + 1) << q.shift
	q.shift = shift
	q.current = end>>shift - 1
	for _, e := range waiting {
		q.push(e)
	}
}
