// Package node runs a stack of protocols in real time: it is the world of a real
// process, as package sim is the virtual one. It gives the same [protocol.Env] to
// the same state machines, on a monotonic clock, a [Transport] and a
// [protocol.Store].
//
// # One loop
//
// Everything that a protocol does, it does on one goroutine, that of [Node.Run].
// Each turn of the loop fires the timers that are due, then does what the
// application asked for ([Node.Do], [Node.Command]), then takes messages from the
// inbox, a limited number of each: so neither a flood of messages nor one of
// timers starves the other, and a process that was stopped for a while first
// finds out, as in package sim, how much time has passed. The observer is called
// on the same goroutine.
//
// # The inbox
//
// Frames are decoded on the goroutine that delivers them: garbage never reaches
// the loop, and the reader may use its buffer again at once. Decoders are
// therefore called from several goroutines. What is refused is counted by reason
// ([Drop]). The inbox is bounded by messages and by bytes, for
// datagrams and streams apart, so that a flood of datagrams does not stop
// streams. A datagram that finds it full is dropped: the newest goes first, for
// what waits is of use to somebody already paid for. A frame of a stream is never
// dropped: [Node.DeliverStream] waits for room, so that its reader stops reading
// and the sender feels it.
//
// # Time
//
// [protocol.Time] is nanoseconds. Within a run it follows the monotonic clock:
// that somebody sets the wall clock, by an hour in either direction, has no
// effect. Protocols number their messages by it, so it must also be later in each
// life of a node than in the one before. It begins, therefore, at the wall clock's
// reading, or at a mark that the last life left in the store if that is later.
//
// # Failures
//
// A panic of a protocol, of a function given to Do or of the observer ends Run
// with a [PanicError]; it goes no further. A store that fails does not end
// anything: the protocol is told, the observer too
// ([protocol.EventStoreFailed]), and [Stats] shows it until an operation succeeds
// again.
package node
