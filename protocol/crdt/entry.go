package crdt

import (
	"crypto/sha256"
	"iter"

	"github.com/starling-sim/starling/protocol/clock"
)

// Entry is what a replica keeps under a key: a value with its causal context, or
// the context alone when the value was deleted. The zero Entry was never
// written.
//
// An entry is the product of one value of each kind, of which normally one is
// not empty. Entries are immutable; two that are == share everything, and two
// that are equal have equal bytes, but need not be ==.
type Entry struct {
	// one is nil, or a Value that is not empty, or *several.
	one any
}

// several is what an entry holds if values of two or more kinds are not empty,
// in ascending order of kind.
type several struct{ parts []Value }

// Digest identifies an entry's state: the first 16 bytes of the SHA-256 hash of
// its encoding.
type Digest [16]byte

// NewEntry returns the entry that holds v, which may be a delta.
func NewEntry(v Value) Entry {
	if v == nil || v.empty() {
		return Entry{}
	}
	return Entry{v}
}

// IsZero reports whether the entry is that of a key never written.
func (e Entry) IsZero() bool { return e.one == nil }

// Live reports whether the key has a value.
func (e Entry) Live() bool { return e.Value() != nil }

// Value returns what a reader sees: of the values that are live, the one of the
// greatest kind; nil if there is none.
func (e Entry) Value() Value {
	var seen Value
	for v := range e.parts() {
		if v.Live() {
			seen = v
		}
	}
	return seen
}

// Conflict reports whether values of several kinds are live: replicas put
// different types at once, and readers do not see all of it.
func (e Entry) Conflict() bool {
	live := 0
	for v := range e.parts() {
		if v.Live() {
			live++
		}
	}
	return live > 1
}

// Register returns the entry's register, to be written and put back with Put;
// like the others it is empty rather than nil.
func (e Entry) Register() *Register {
	if r, ok := part[*Register](e); ok {
		return r
	}
	return &Register{}
}

// GCounter returns the entry's growing counter.
func (e Entry) GCounter() *GCounter {
	if c, ok := part[*GCounter](e); ok {
		return c
	}
	return &GCounter{}
}

// PNCounter returns the entry's counter that grows and shrinks.
func (e Entry) PNCounter() *PNCounter {
	if c, ok := part[*PNCounter](e); ok {
		return c
	}
	return &PNCounter{}
}

// ORSet returns the entry's set.
func (e Entry) ORSet() *ORSet {
	if s, ok := part[*ORSet](e); ok {
		return s
	}
	return &ORSet{}
}

func part[T Value](e Entry) (t T, ok bool) {
	for v := range e.parts() {
		if t, ok = v.(T); ok {
			return t, true
		}
	}
	return t, false
}

// Put returns e with the delta of an operation on its value of the delta's
// kind, after deleting what it saw of other kinds, and the delta of both. Stamp
// is the operation's. If delta is empty, so is the entry's, and next is e.
func (e Entry) Put(s Stamp, delta Value) (next, change Entry, err error) {
	change = NewEntry(delta)
	if change.IsZero() {
		return e, Entry{}, nil
	}
	for v := range e.parts() {
		if v.Kind() == delta.Kind() || !v.Live() {
			continue
		}
		_, cleared, err := v.Clear(s)
		if err != nil {
			return e, Entry{}, err
		}
		change = change.Merge(NewEntry(cleared))
	}
	return e.Merge(change), change, nil
}

// Delete returns e after everything that it holds was deleted, and the delta. If
// it holds nothing, next is e, the delta is zero, and no event happened.
func (e Entry) Delete(s Stamp) (next, change Entry, err error) {
	for v := range e.parts() {
		_, cleared, err := v.Clear(s)
		if err != nil {
			return e, Entry{}, err
		}
		change = change.Merge(NewEntry(cleared))
	}
	return e.Merge(change), change, nil
}

// DeltaSince returns what a replica lacks that has merged every event of the
// key that v names.
func (e Entry) DeltaSince(v clock.VersionVector) Entry {
	var out Entry
	for p := range e.parts() {
		out = out.Merge(NewEntry(p.DeltaSince(v)))
	}
	return out
}

// Version returns the newest event of each actor that the entry has seen. A
// deletion is an event: of a deleted entry it names the deletion.
func (e Entry) Version() clock.VersionVector {
	var out clock.VersionVector
	for p := range e.parts() {
		out = out.Merge(p.Version())
	}
	return out
}

// CoveredBy reports whether v names every event that the entry has seen. For an
// entry that is not live and a vector that is stable, that is when it may be
// dropped.
func (e Entry) CoveredBy(v clock.VersionVector) bool {
	for p := range e.parts() {
		if !p.CoveredBy(v) {
			return false
		}
	}
	return true
}

// Digest returns the entry's digest. Equal entries have equal digests.
func (e Entry) Digest() Digest {
	sum := sha256.Sum256(e.Append(make([]byte, 0, e.Size())))
	return Digest(sum[:len(Digest{})])
}

// parts yields the values that are not empty in ascending order of kind.
func (e Entry) parts() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		switch one := e.one.(type) {
		case *several:
			for _, v := range one.parts {
				if !yield(v) {
					return
				}
			}
		case Value:
			yield(one)
		}
	}
}

// of returns the entry's value of a kind, nil if it is empty.
func (e Entry) of(k Kind) Value {
	for v := range e.parts() {
		if v.Kind() == k {
			return v
		}
	}
	return nil
}
