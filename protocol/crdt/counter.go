package crdt

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/starling-sim/starling/protocol/clock"
)

// counter is what both counters are: under a causal context, live dots with
// what their actors had added up to then. An honest actor has one live dot at
// most: the next comes with a context of all that went before it.
type counter struct {
	context clock.DotContext
	// live is in the order of the dots. Every dot is in context.
	live []tally
}

type tally struct {
	dot clock.Dot
	// up and down are the sums of increments and decrements, at most
	// maxTally.
	up, down uint64
}

const maxTally = math.MaxInt64

func compareTallies(a, b tally) int { return a.dot.Compare(b.dot) }

// add returns c after the event d added up and down, and the delta.
func (c *counter) add(d clock.Dot, up, down uint64) (next, delta counter, err error) {
	run, err := fresh(c.context, d)
	if err != nil {
		return *c, counter{}, fmt.Errorf("add to counter: %w", err)
	}
	sum := tally{dot: d, up: up, down: down}
	live := make([]tally, 0, len(c.live)+1)
	for _, t := range c.live {
		if t.dot.Actor != d.Actor {
			live = append(live, t)
			continue
		}
		sum.up, sum.down = saturate(sum.up, t.up), saturate(sum.down, t.down)
	}
	if sum.up > maxTally || sum.down > maxTally {
		return *c, counter{}, fmt.Errorf("add to counter: got a sum of %d and %d, want at most %d: %w", sum.up, sum.down, uint64(maxTally), ErrTooLarge)
	}
	i, _ := slices.BinarySearchFunc(live, sum, compareTallies)
	live = slices.Insert(live, i, sum)
	delta = counter{claim(history(d), nil), []tally{sum}}
	return counter{c.context.With(run), live}, delta, nil
}

// clear returns c after the event d deleted everything, and the delta.
func (c *counter) clear(d clock.Dot) (next, delta counter, err error) {
	run, err := fresh(c.context, d)
	if err != nil {
		return *c, counter{}, fmt.Errorf("clear counter: %w", err)
	}
	return counter{context: c.context.With(run)}, counter{context: claim(history(d), c.dots())}, nil
}

// join merges c and o, and reports whether the result is c, and whether it is
// o.
func (c *counter) join(o *counter) (joined counter, isC, isO bool) {
	if c.equal(o) {
		return *c, true, false
	}
	joined.context = c.context.Union(o.context)
	live := make([]tally, 0, max(len(c.live), len(o.live)))
	a, b := c.live, o.live
	for len(a) > 0 || len(b) > 0 {
		switch side := compareHeads(a, b, compareTallies); {
		case side < 0:
			if !o.context.Contains(a[0].dot) {
				live = append(live, a[0])
			}
			a = a[1:]
		case side > 0:
			if !c.context.Contains(b[0].dot) {
				live = append(live, b[0])
			}
			b = b[1:]
		default:
			// They differ only if somebody lied.
			live = append(live, tally{a[0].dot, max(a[0].up, b[0].up), max(a[0].down, b[0].down)})
			a, b = a[1:], b[1:]
		}
	}
	joined.live = live
	return joined, joined.equal(c), joined.equal(o)
}

// since returns the delta for a replica that has merged the events in v.
func (c *counter) since(v clock.VersionVector) counter {
	if c.context.CoveredBy(v) {
		return counter{}
	}
	delta := counter{context: withheld(c.context, c.dots(), v)}
	for _, t := range c.live {
		if !v.Contains(t.dot) {
			delta.live = append(delta.live, t)
		}
	}
	return delta
}

// without returns c without the live dots that v names and held, which may be
// nil, does not have live, and whether there are any.
func (c *counter) without(v clock.VersionVector, held *counter) (counter, bool) {
	out := counter{context: c.context}
	for _, t := range c.live {
		if !v.Contains(t.dot) || held != nil && held.has(t.dot) {
			out.live = append(out.live, t)
		}
	}
	return out, len(out.live) < len(c.live)
}

func (c *counter) has(d clock.Dot) bool {
	_, ok := slices.BinarySearchFunc(c.live, tally{dot: d}, compareTallies)
	return ok
}

func (c *counter) equal(o *counter) bool {
	return c.context.Compare(o.context) == clock.Equal && slices.Equal(c.live, o.live)
}

// dots returns the live dots in order.
func (c *counter) dots() []clock.Dot {
	out := make([]clock.Dot, len(c.live))
	for i, t := range c.live {
		out[i] = t.dot
	}
	return out
}

// totals returns the sums over all actors, which saturate at 2^64 - 1.
func (c *counter) totals() (up, down uint64) {
	for _, t := range c.live {
		up, down = saturate(up, t.up), saturate(down, t.down)
	}
	return up, down
}

// saturate returns a + b, or the largest number if that is larger.
func saturate(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry > 0 {
		return math.MaxUint64
	}
	return sum
}

// compareHeads tells which of two sorted lists the next element of their
// union is from: a (< 0), b (> 0) or both. One of them is not empty.
func compareHeads[T any](a, b []T, compare func(a, b T) int) int {
	switch {
	case len(b) == 0:
		return -1
	case len(a) == 0:
		return 1
	default:
		return compare(a[0], b[0])
	}
}
