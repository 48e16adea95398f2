package clock

import (
	"iter"
	"slices"
)

// Run is the events From to To (both included) of an actor.
type Run struct {
	Actor    Actor
	From, To uint64
}

// DotContext is a set of events: the causal context of a state or of a delta.
// The zero value is empty.
//
// It is kept as the longest runs of counters. A run from 1 on is an entry of a
// version vector; what an actor has beyond is there because something is still
// under way, or because a delta leaves out what its receiver has. Runs keep a
// context small even where a few of very many events are missing.
type DotContext struct {
	// runs are in the order of actor and From; between two runs of an actor
	// at least one counter is missing.
	runs []Run
}

// NewDotContext returns the context of the given runs, which may overlap. It
// returns false if a run is empty or holds a dot that is not valid.
func NewDotContext(runs ...Run) (DotContext, bool) {
	sorted := slices.Clone(runs)
	for _, r := range sorted {
		if r.From > r.To || !(Dot{r.Actor, r.From}).Valid() || !(Dot{r.Actor, r.To}).Valid() {
			return DotContext{}, false
		}
	}
	slices.SortFunc(sorted, compareRuns)
	out := sorted[:0]
	for _, r := range sorted {
		out = appendRun(out, r)
	}
	return DotContext{out}, true
}

// All yields the runs in order.
func (c DotContext) All() iter.Seq[Run] { return slices.Values(c.runs) }

// Len returns the number of runs, which the context's memory is proportional
// to.
func (c DotContext) Len() int { return len(c.runs) }

// IsEmpty reports whether c holds no event.
func (c DotContext) IsEmpty() bool { return len(c.runs) == 0 }

// Contains reports whether c holds d.
func (c DotContext) Contains(d Dot) bool {
	i := c.after(d)
	return i > 0 && c.runs[i-1].Actor == d.Actor && c.runs[i-1].To >= d.Counter && d.Counter > 0
}

// Max returns the counter of a's newest event in c, 0 if there is none.
func (c DotContext) Max(a Actor) uint64 {
	i := c.after(Dot{a, MaxCounter})
	if i == 0 || c.runs[i-1].Actor != a {
		return 0
	}
	return c.runs[i-1].To
}

// Vector returns what c holds without gaps: of each actor, the events from the
// first to the last before one is missing.
func (c DotContext) Vector() VersionVector {
	var entries []Dot
	for _, r := range c.runs {
		if r.From == 1 {
			entries = append(entries, Dot{r.Actor, r.To})
		}
	}
	return VersionVector{entries}
}

// Bounds returns the newest event that c holds of each actor. Gaps count as
// filled: it says how far c reaches, not what it has.
func (c DotContext) Bounds() VersionVector {
	var entries []Dot
	for i, r := range c.runs {
		if i+1 == len(c.runs) || c.runs[i+1].Actor != r.Actor {
			entries = append(entries, Dot{r.Actor, r.To})
		}
	}
	return VersionVector{entries}
}

// CoveredBy reports whether v knows every event in c.
func (c DotContext) CoveredBy(v VersionVector) bool {
	known := v.entries
	for _, r := range c.runs {
		for len(known) > 0 && known[0].Actor.Compare(r.Actor) < 0 {
			known = known[1:]
		}
		if len(known) == 0 || known[0].Actor != r.Actor || known[0].Counter < r.To {
			return false
		}
	}
	return true
}

// Compare tells how c relates to d as a set: Before if it is a proper subset.
func (c DotContext) Compare(d DotContext) Order {
	return orderOf(within(c.runs, d.runs), within(d.runs, c.runs))
}

// after returns how many runs begin at or before d.
func (c DotContext) after(d Dot) int {
	lo, hi := 0, len(c.runs)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if (Dot{c.runs[mid].Actor, c.runs[mid].From}).Compare(d) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// within reports whether every event of a is in b.
func within(a, b []Run) bool {
	for _, r := range a {
		for len(b) > 0 && (b[0].Actor.Compare(r.Actor) < 0 || b[0].Actor == r.Actor && b[0].To < r.To) {
			b = b[1:]
		}
		if len(b) == 0 || b[0].Actor != r.Actor || b[0].From > r.From {
			return false
		}
	}
	return true
}

func compareRuns(a, b Run) int {
	return (Dot{a.Actor, a.From}).Compare(Dot{b.Actor, b.From})
}

// appendRun appends a run that begins no earlier than the last one did, and
// joins the two if they overlap or touch.
func appendRun(out []Run, r Run) []Run {
	if n := len(out); n > 0 && out[n-1].Actor == r.Actor && r.From <= out[n-1].To+1 {
		out[n-1].To = max(out[n-1].To, r.To)
		return out
	}
	return append(out, r)
}
