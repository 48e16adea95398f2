package crdt

import "github.com/starling-sim/starling/protocol/clock"

// Merge returns the join of both entries. It is e itself (by ==) if o adds
// nothing. Else it shares with o what it can: all of it, if e adds nothing and
// both hold one kind.
func (e Entry) Merge(o Entry) Entry {
	switch {
	case e == o || o.IsZero():
		return e
	case e.IsZero():
		return o
	}
	if a, ok := e.one.(Value); ok {
		if b, ok := o.one.(Value); ok && a.Kind() == b.Kind() {
			return Entry{joinParts(a, b)}
		}
	}
	var parts [kinds]Value
	isE, isO := true, true
	for k := range Kind(kinds) {
		a, b := e.of(k+1), o.of(k+1)
		joined := joinParts(a, b)
		isE, isO = isE && joined == a, isO && joined == b
		parts[k] = joined
	}
	switch {
	case isE:
		return e
	case isO:
		return o
	default:
		return entryOf(parts)
	}
}

// MergeKnown is Merge for a replica that has merged every event of the key that
// known names, and may have dropped what a deletion left. What o holds of these
// events and e does not hold was deleted, and stays so: it is merged as a
// removal, which the replica that o is from then learns of. If there is
// nothing but old removals to merge into a key that is not there, it stays not
// there.
func (e Entry) MergeKnown(o Entry, known clock.VersionVector) Entry {
	var news Entry
	all := true
	for p := range o.parts() {
		rest := p.forget(known, e.of(p.Kind()))
		all = all && rest == p
		news = news.Merge(NewEntry(rest))
	}
	switch {
	case e.IsZero() && !news.Live() && news.CoveredBy(known):
		return e
	case all:
		return e.Merge(o)
	default:
		return e.Merge(news)
	}
}

// joinParts merges two values of one kind; either may be nil.
func joinParts(a, b Value) Value {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	joined, err := a.Merge(b)
	if err != nil { // cannot be: they are of one kind
		return a
	}
	return joined
}

func entryOf(parts [kinds]Value) Entry {
	var some []Value
	for _, v := range parts {
		if v != nil {
			some = append(some, v)
		}
	}
	switch len(some) {
	case 0:
		return Entry{}
	case 1:
		return Entry{some[0]}
	default:
		return Entry{&several{some}}
	}
}
