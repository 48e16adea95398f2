package sim

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// sortedQueue is the queue's naive twin: a slice kept in order.
type sortedQueue []event

func (s *sortedQueue) push(e event) {
	i, _ := slices.BinarySearchFunc(*s, e, compareEvents)
	*s = slices.Insert(*s, i, e)
}

func (s *sortedQueue) pop(limit int64) (event, bool) {
	if len(*s) == 0 || (*s)[0].time >= limit {
		return event{}, false
	}
	e := (*s)[0]
	*s = (*s)[1:]
	return e, true
}

// Whatever the density of events (nanoseconds apart, all at one instant, hours
// apart), and whatever the order in which they come in, the queue lets them out
// as a sorted slice would.
func TestQueueIsASortedSlice(t *testing.T) {
	spread := rapid.SampledFrom([]int64{1, 100, 1e6, 1e8, 1e10, 4e12})
	rapid.Check(t, func(t *rapid.T) {
		fast, naive := newQueue(), &sortedQueue{}
		fast.shift = uint(rapid.IntRange(minShift, maxShift).Draw(t, "shift"))
		random := protocol.NewRand(rapid.Uint64().Draw(t, "seed"))
		now, serial := int64(0), uint64(0)
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			width := spread.Draw(t, "spread")
			for range rapid.IntRange(0, 300).Draw(t, "pushes") {
				serial++
				e := event{time: now + 1 + int64(random.Uint64N(uint64(width))), key: protocol.Mix(serial), arg: serial}
				fast.push(e)
				naive.push(e)
			}
			limit := int64(math.MaxInt64)
			if rapid.Bool().Draw(t, "bounded") {
				limit = now + int64(random.Uint64N(uint64(width)*2))
			}
			for range rapid.IntRange(0, 400).Draw(t, "pops") {
				if first, ok := fast.first(); ok != (len(*naive) > 0) || (ok && first > (*naive)[0].time) {
					t.Fatalf("first: got %d, %v, want at most the time of the first of %d events", first, ok, len(*naive))
				}
				got, gotOK := fast.pop(limit)
				want, wantOK := naive.pop(limit)
				if gotOK != wantOK || got != want {
					t.Fatalf("pop before %d: got %+v, %v, want %+v, %v", limit, got, gotOK, want, wantOK)
				}
				if fast.size() != len(*naive) {
					t.Fatalf("got size %d, want %d", fast.size(), len(*naive))
				}
				if !gotOK {
					break
				}
				now = got.time
			}
		}
	})
}

// A queue in use over a long time changes the width of its buckets, and still
// keeps the order.
func TestQueueKeepsOrderWhenDensityChanges(t *testing.T) {
	random := protocol.NewRand(5)
	q, naive := newQueue(), &heap{}
	serial, now := uint64(0), int64(0)
	shifts := map[uint]bool{}
	for _, phase := range []struct{ events, spread int64 }{
		{30_000, 1e9}, {60_000, 20_000}, {20_000, 1e11}, {40_000, 1e6}, {40_000, 1e4}, {30_000, 1e9},
	} {
		for i := range phase.events {
			serial++
			e := event{time: now + 1 + int64(random.Uint64N(uint64(phase.spread))), key: serial}
			q.push(e)
			naive.push(e)
			if i > 2000 {
				got, _ := q.pop(math.MaxInt64)
				if want := naive.pop(); got != want {
					t.Fatalf("got %+v, want %+v", got, want)
				}
				now = got.time
				shifts[q.shift] = true
			}
		}
	}
	if len(shifts) < 4 {
		t.Errorf("got widths %v only: the test did not change them", shifts)
	}
}

func TestOrderKeyDistinguishesSources(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, at := rapid.Uint64().Draw(t, "seed"), rapid.Int64Min(0).Draw(t, "at")
		base := rapid.Uint32().Draw(t, "base")
		seen := map[uint64]uint32{}
		for source := base; source != base+200; source++ {
			upper := orderKey(seed, at, source, 0) >> 32
			if other, ok := seen[upper]; ok {
				t.Fatalf("sources %d and %d have the same upper half at %d", source, other, at)
			}
			seen[upper] = source
		}
		if a, b := orderKey(seed, at, base, 7), orderKey(seed, at, base, 8); a >= b {
			t.Fatalf("keys of one source: got %#x before %#x", b, a)
		}
	})
}

// Over instants and seeds, either of two sources comes first half of the time,
// and which one does is independent of a third.
func TestOrderKeyMixesTies(t *testing.T) {
	const instants = 20_000
	for _, pair := range [][2]uint32{{0, 1}, {1, 2}, {5, 1 << 20}, {999, 998}} {
		var ab, abc int
		for i := range int64(instants) {
			a, b := orderKey(1, i*1e6, pair[0], 0), orderKey(1, i*1e6, pair[1], 0)
			c := orderKey(1, i*1e6, 77, 0)
			if a < b {
				ab++
				if b < c {
					abc++
				}
			}
		}
		// 5 sigma: 0.5 and 1/6 of the instants.
		if math.Abs(float64(ab)-instants/2) > 5*math.Sqrt(instants/4) {
			t.Errorf("sources %v: first one first at %d of %d instants", pair, ab, instants)
		}
		if math.Abs(float64(abc)-instants/6.) > 5*math.Sqrt(instants*5/36.) {
			t.Errorf("sources %v before 77: in order at %d of %d instants, want a sixth", pair, abc, instants)
		}
	}
}

// heap4 is a four-ary heap of values, kept to compare with.
type heap4 []event

func (h *heap4) push(e event) {
	q := append(*h, e)
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&q[up]) {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = e
	*h = q
}

func (h *heap4) pop() event {
	q := *h
	first, n := q[0], len(q)-1
	last := q[n]
	q = q[:n]
	*h = q
	if n == 0 {
		return first
	}
	i := 0
	for 4*i+1 < n {
		least := 4*i + 1
		for c := least + 1; c < min(4*i+5, n); c++ {
			if q[c].before(&q[least]) {
				least = c
			}
		}
		if !q[least].before(&last) {
			break
		}
		q[i] = q[least]
		i = least
	}
	q[i] = last
	return first
}

// BenchmarkQueue is why the engine's queue is a wheel: one pop and one push
// (hold model) with delays as in the gossip workload, half of them 1 s and half
// uniform in [10 ms, 100 ms).
func BenchmarkQueue(b *testing.B) {
	delay := func(r *protocol.Rand) int64 {
		x := r.Uint64()
		if x&1 == 0 {
			return 1e9
		}
		return 10e6 + int64(x>>1%90_000_000)
	}
	for _, pending := range []int{1_000, 10_000, 100_000, 1_000_000} {
		start := func(push func(event)) (*protocol.Rand, uint64) {
			r := protocol.NewRand(1)
			for i := range uint64(pending) {
				push(event{time: int64(r.Uint64N(1e9)), key: i})
			}
			return &r, uint64(pending)
		}
		b.Run(fmt.Sprintf("wheel/%d", pending), func(b *testing.B) {
			b.ReportAllocs()
			q := newQueue()
			r, serial := start(q.push)
			for b.Loop() {
				e, _ := q.pop(math.MaxInt64)
				serial++
				q.push(event{time: e.time + delay(r), key: serial})
			}
		})
		b.Run(fmt.Sprintf("binary/%d", pending), func(b *testing.B) {
			b.ReportAllocs()
			q := &heap{}
			r, serial := start(q.push)
			for b.Loop() {
				e := q.pop()
				serial++
				q.push(event{time: e.time + delay(r), key: serial})
			}
		})
		b.Run(fmt.Sprintf("four-ary/%d", pending), func(b *testing.B) {
			b.ReportAllocs()
			q := &heap4{}
			r, serial := start(q.push)
			for b.Loop() {
				e := q.pop()
				serial++
				q.push(event{time: e.time + delay(r), key: serial})
			}
		})
	}
}
