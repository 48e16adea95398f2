// Package crdt holds the replicated data types that a key's value can be: states
// that replicas change on their own and merge in any order, any number of times,
// into the same state (Shapiro, Preguiça, Baquero, Zawirski: "Conflict-free
// replicated data types", SSS 2011).
//
//   - [Register]: last writer wins, by hybrid logical clock.
//   - [GCounter] and [PNCounter]: counters that grow; that grow and shrink.
//   - [ORSet]: a set in which an addition wins over a concurrent removal.
//
// [Entry] is what a replica keeps under a key: a value of one of these types,
// or what is left of it after its deletion.
//
// # States and deltas
//
// An operation returns the new state and a delta: a small state of the same type
// that brings any other state what the operation brought (Almeida, Shoker,
// Baquero: "Delta state replicated data types", JPDC 2018). Deltas are merged
// like states, in any order, with repetition. They need no causal delivery: each
// carries its own causal context, so a state that has merged the 5th delta and
// not the 4th has a gap in its context, and is no less valid. A delta may also
// be merged into another delta before it is sent.
//
// DeltaSince(v) is what a replica lacks that has merged every event that v
// names. It is empty if the state has no other event.
//
// # Events
//
// Every operation that changes anything is an event with a dot of its own,
// removals included. The caller issues dots: per actor ascending, across keys if it likes.
// An operation fails if the value has seen the dot or a later one of the
// actor. It claims the counters that its actor skipped: the actor is the only
// one to issue them, and knows that it did not use them for this value or that
// what it used them for is gone. So a context stays a version vector
// although the counters of one key are few.
//
// A replica that finds in what it receives a dot of its own actor that it never
// issued has met a liar or a lost disk; it must not merge that, or its own
// operations on the key fail with ErrStale. A replica that throws away what it
// holds, to start over from what another holds, goes on as a new actor: the
// old one would claim events that only a third replica has.
//
// # What a deletion does
//
// Clear deletes what the value held. Against a put that it had not seen:
//
//   - ORSet: the elements that were seen are removed; those added
//     concurrently stay.
//   - GCounter, PNCounter: the increments that were seen are removed. An actor
//     that increments concurrently keeps its own sum, what it had added earlier
//     included: each actor has one dot for all that it has added since it last
//     saw a deletion.
//   - Register: a deletion is a write of nothing, and the last writer wins.
//     Timestamps respect causality, so a deletion wins over what it had seen, and
//     a register holds one value, however many wrote at once.
//
// A set without elements does not exist: removing the last is deleting the set.
//
// # Two types under one key
//
// Replicas may put different types under one key at once. An entry keeps both,
// each merged for itself; readers see the one whose [Kind] is the greater, and
// [Entry.Conflict] says so. The next put or deletion, of whatever type, removes
// both. To forget the loser at once would not be associative: a third replica may
// have deleted the winner and not the loser.
//
// # Collecting what is left of the deleted
//
// A deleted entry is its causal context (and a register's last timestamp). A
// replica may drop it when [Entry.CoveredBy] holds for what the replica knows
// without gaps: then it has merged every event that the entry has seen, and
// what it does not hold of them was deleted. The next put of the key starts a
// new context; since dots of one actor ascend for ever, no replica takes it for
// an old event.
// A replica that was away does still have what was deleted: whoever drops
// entries merges with [Entry.MergeKnown], which takes an event that was merged
// once, and is not there, for deleted.
//
// # Memory
//
// Values are immutable and shared. Merge returns an operand itself, the same
// pointer, where that is the result. States grow with the number of actors that
// wrote the key, not with the number of writes. [MaxValue] bounds what one
// operation can make of a value; a merge is never refused, so concurrent
// additions may pass the bound.
//
// # Bytes
//
// Notation as in package clock. All lists are strictly ascending. A decoder
// accepts exactly what an encoder writes.
//
//	Entry      count of parts 1 byte (0 to 4), then for each in ascending order
//	           of kind: kind 1 byte, length uvarint, Value (not empty)
//	Register   0 if never written; else 1 for a value, 2 for a deletion; wall
//	           8 bytes, logical uvarint, dot of the write (its node is the
//	           timestamp's), VersionVector of the other writes seen (of the same
//	           actor: later ones only), and if a value: length uvarint (at most
//	           MaxValue), bytes
//	GCounter   DotContext, count of tallies uvarint, for each in the order of
//	           dots: actor's index in the DotContext uvarint, counter uvarint,
//	           increments uvarint
//	PNCounter  the same with decrements uvarint after the increments
//	ORSet      DotContext, count of elements uvarint, for each in byte order:
//	           length uvarint, bytes, count of dots uvarint (not 0), for each:
//	           actor's index in the DotContext uvarint, counter uvarint
//
// Tallies are below 2^63. Every dot is in the DotContext.
package crdt
