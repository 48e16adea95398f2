package clock

import (
	"math"
	"slices"

	"github.com/starling-sim/starling/protocol/wire"
)

// Union returns the events of c and d. It is c itself if d adds nothing, else d
// itself if c adds nothing.
func (c DotContext) Union(d DotContext) DotContext {
	switch c.Compare(d) {
	case Equal, After:
		return c
	case Before:
		return d
	}
	out := make([]Run, 0, len(c.runs)+len(d.runs))
	a, b := c.runs, d.runs
	for len(a) > 0 && len(b) > 0 {
		if compareRuns(a[0], b[0]) <= 0 {
			out, a = appendRun(out, a[0]), a[1:]
		} else {
			out, b = appendRun(out, b[0]), b[1:]
		}
	}
	for _, r := range a {
		out = appendRun(out, r)
	}
	for _, r := range b {
		out = appendRun(out, r)
	}
	return DotContext{slices.Clone(out)}
}

// With returns c with the events of r. It returns c itself if it holds them
// already, or if r is empty or holds dots that are not valid.
func (c DotContext) With(r Run) DotContext {
	one, ok := NewDotContext(r)
	if !ok {
		return c
	}
	return c.Union(one)
}

// Without returns c without the given dots, which must be in ascending order
// and may or may not be in c.
func (c DotContext) Without(dots []Dot) DotContext {
	if len(dots) == 0 || len(c.runs) == 0 {
		return c
	}
	out := make([]Run, 0, len(c.runs))
	removed := false
	for _, r := range c.runs {
		for len(dots) > 0 && dots[0].Compare(Dot{r.Actor, r.From}) < 0 {
			dots = dots[1:]
		}
		for len(dots) > 0 && dots[0].Actor == r.Actor && dots[0].Counter <= r.To {
			gap := dots[0].Counter
			for len(dots) > 0 && dots[0].Actor == r.Actor && dots[0].Counter == gap {
				dots = dots[1:]
			}
			if gap > r.From {
				out = append(out, Run{r.Actor, r.From, gap - 1})
			}
			r.From = gap + 1
			removed = true
		}
		if r.From <= r.To {
			out = append(out, r)
		}
	}
	if !removed {
		return c
	}
	return DotContext{slices.Clone(out)}
}

// Prune returns c without the events of the actors that retired reports. What
// [VersionVector.Prune] says of when that is safe holds here.
func (c DotContext) Prune(retired func(Actor) bool) DotContext {
	out := make([]Run, 0, len(c.runs))
	for _, r := range c.runs {
		if !retired(r.Actor) {
			out = append(out, r)
		}
	}
	if len(out) == len(c.runs) {
		return c
	}
	return DotContext{slices.Clone(out)}
}

// Actors returns the actors of c in order.
func (c DotContext) Actors() []Actor {
	out := make([]Actor, 0, len(c.runs))
	for _, r := range c.runs {
		if n := len(out); n == 0 || out[n-1] != r.Actor {
			out = append(out, r.Actor)
		}
	}
	return out
}

// Size returns the number of bytes Append adds.
func (c DotContext) Size() int {
	actors, size := 0, 0
	for runs := c.runs; len(runs) > 0; actors++ {
		base, more, rest := splitActor(runs)
		size += ActorSize(runs[0].Actor) + wire.UvarintSize(base) + wire.UvarintSize(uint64(len(more)))
		last := base
		for _, r := range more {
			size += wire.UvarintSize(r.From-last-2) + wire.UvarintSize(r.To-r.From)
			last = r.To
		}
		runs = rest
	}
	return wire.UvarintSize(uint64(actors)) + size
}

// Append appends c.
func (c DotContext) Append(b []byte) []byte {
	b = wire.AppendUvarint(b, uint64(c.countActors()))
	for runs := c.runs; len(runs) > 0; {
		base, more, rest := splitActor(runs)
		b = AppendActor(b, runs[0].Actor)
		b = wire.AppendUvarint(b, base)
		b = wire.AppendUvarint(b, uint64(len(more)))
		last := base
		for _, r := range more {
			b = wire.AppendUvarint(b, r.From-last-2)
			b = wire.AppendUvarint(b, r.To-r.From)
			last = r.To
		}
		runs = rest
	}
	return b
}

// ReadDotContext reads what Append wrote.
func ReadDotContext(r *wire.Reader) DotContext {
	const minActor, minRun = 11, 2
	n := r.Count(minActor, math.MaxInt32)
	if n == 0 {
		return DotContext{}
	}
	runs := make([]Run, 0, n)
	for i := range n {
		actor := ReadActor(r)
		if i > 0 && runs[len(runs)-1].Actor.Compare(actor) >= 0 {
			r.Fail("got actor %s after %s, want ascending order", actor, runs[len(runs)-1].Actor)
		}
		last := r.Uvarint()
		more := r.Count(minRun, math.MaxInt32)
		if last == 0 && more == 0 || last > MaxCounter {
			r.Fail("got an actor with base %d and %d more runs", last, more)
		}
		if r.Failed() {
			return DotContext{}
		}
		if last > 0 {
			runs = append(runs, Run{actor, 1, last})
		}
		for range more {
			gap, length := r.Uvarint(), r.Uvarint()
			// All three are below 2^63, one after the other: no sum wraps.
			if gap > MaxCounter || last+gap > MaxCounter-2 || length > MaxCounter-2-last-gap {
				r.Fail("got a run of %d counters after a gap of %d after %d, want at most %d", length, gap, last, uint64(MaxCounter))
			}
			if r.Failed() {
				return DotContext{}
			}
			runs = append(runs, Run{actor, last + gap + 2, last + gap + 2 + length})
			last += gap + 2 + length
		}
	}
	return DotContext{runs}
}

// DecodeDotContext decodes exactly what Append wrote. Its errors wrap
// protocol.ErrMalformed.
func DecodeDotContext(b []byte) (DotContext, error) {
	r := wire.NewReader(b)
	c := ReadDotContext(&r)
	return c, r.Finish()
}

// countActors counts without allocating.
func (c DotContext) countActors() int {
	n := 0
	for i, r := range c.runs {
		if i == 0 || c.runs[i-1].Actor != r.Actor {
			n++
		}
	}
	return n
}

// splitActor takes the first actor's runs off: up to which counter it has no
// gap, its runs beyond, and the runs of other actors.
func splitActor(runs []Run) (base uint64, more, rest []Run) {
	n := 1
	for n < len(runs) && runs[n].Actor == runs[0].Actor {
		n++
	}
	more = runs[:n]
	if runs[0].From == 1 {
		base, more = runs[0].To, runs[1:n]
	}
	return base, more, runs[n:]
}
