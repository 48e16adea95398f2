// Package disk keeps a node's data in a directory: [protocol.Store] on Pebble,
// an ordered key-value store with a write-ahead log.
//
// # What a failure does
//
// Pebble has no way back from a log that it could not write (a full disk, an
// input or output error): it calls its logger's Fatalf, from whatever goroutine
// it is on, holding whatever locks it holds, and expects the process to end. A
// node is worth more than its disk, so a [Store] gives itself up instead. It
// says so once, through [Options].Failed; from then on every operation returns
// an error that wraps [ErrFailed] (and [ErrFull], if the disk was full), at
// once, also those that were under way. What was synced before is in the
// directory, and the next process finds it there.
//
// The goroutine that called Fatalf is never let go. If it returned, or unwound
// and released Pebble's locks on its way, Pebble would go on with a state that
// it has just declared broken. The same is done to a background write that
// failed, which Pebble would otherwise try again for ever, without a pause. So a
// failed Store holds on to its goroutines, its memory and the lock on its
// directory until the process ends. That is why no operation runs on its
// caller's goroutine: each is handed to a goroutine of the Store's own, which
// may be lost.
package disk
