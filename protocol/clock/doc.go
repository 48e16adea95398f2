// Package clock tells what happened before what, without a common clock.
//
// It holds the four instruments that replicated state is built with:
//
//   - [HLC], a hybrid logical clock, and its [Timestamp] (Kulkarni, Demirbas,
//     Madappa, Avva, Leone: "Logical Physical Clocks", OPODIS 2014). Timestamps
//     are totally ordered, respect causality, and stay close to physical time.
//   - [VersionVector], how much of each actor's events is known.
//   - [DotContext], a set of events with gaps: a version vector and what lies
//     beyond it ("causal context" in Almeida, Shoker, Baquero: "Delta state
//     replicated data types", JPDC 2018). A context with gaps can travel with a
//     delta, which then needs no causal delivery.
//   - [DVVSet], a set of concurrent values with compact causality (Almeida,
//     Baquero, Gonçalves, Preguiça, Fonte: "Scalable and accurate causality
//     tracking for eventually consistent stores", DAIS 2014). A version vector
//     with an entry a server orders two concurrent writes of two clients
//     through one server; a dotted one does not.
//
// # Actors and dots
//
// An event is named by a [Dot]: the [Actor] that caused it and the actor's
// counter, which grows and starts at 1. An actor is a node in one incarnation: a
// node that restarts without its counters must take an incarnation that it
// never had, or it gives old names to new events, and whoever knows the old ones
// takes the new for known.
//
// # Values
//
// All types but HLC are immutable values: operations return a new value, and
// return an operand itself where it is the result. Equal values have equal
// bytes.
//
// # Bytes
//
// In the notation of package wire; uvarint is the shortest LEB128 form. All
// orders are strictly ascending, actors by node and then incarnation.
//
//	Actor          node 8 bytes (not 0), incarnation uvarint (at most 2^32 - 1)
//	Dot            Actor, counter uvarint (1 to MaxCounter)
//	Timestamp      wall 8 bytes (below 2^63), logical uvarint (at most 2^32 - 1),
//	               node 8 bytes (not 0)
//	VersionVector  count uvarint, Dots in the order of their actors
//	DotContext     count of actors uvarint, then for each in order:
//	                 Actor
//	                 base uvarint: counters 1 to base are in the context
//	                 count of further runs uvarint (base and count not both 0)
//	                 for each run: the number of counters missing before it,
//	                   less 1, and the number of counters in it, less 1, both
//	                   uvarint (the run's end is at most MaxCounter)
//	DVVSet         count of actors uvarint, then for each in order: Dot (its
//	               newest event), count of values uvarint (at most the counter),
//	               values newest first, each as uvarint length and bytes
//
// A decoder accepts nothing else: runs that touch would be one run, and the
// numbers of counters missing are at least one. It allocates in proportion to
// its input only; whoever receives bytes bounds their length.
package clock
