// Package sim is the virtual world: a deterministic discrete-event engine that
// runs protocols, written against package protocol, by the hundred thousand.
//
// A [World] is built from a [Config] (a seed, a number of nodes, a network, a
// function that builds one node's state machine). What happens to the nodes is
// scheduled as control events ([World.At], [World.Every]): joins, leaves,
// crashes, restarts, pauses, commands, changes of the network. [World.Run]
// carries the world forward. See the package's Example.
//
// # Order
//
// Events are ordered by (time, source, sequence number of the source). The
// sender assigns all three, so the order owes nothing to the order of
// execution. Sources that act at the same instant are put in an order that
// depends on the seed and the instant: another seed explores another order of
// simultaneous events. An effect is always later than its cause, by at least a
// nanosecond: a timer of zero fires, and a message over a link without latency
// arrives, 1 ns later. Control events at an instant come before all other
// events of that instant, in the order in which they were scheduled.
//
// # Trace hash
//
// Every delivered message, every timer fired, every emitted event and every
// fault is mixed, with its place in the order and its content, into
// [World.TraceHash]. The same Config and the same schedule give the same hash,
// with any number of workers, with or without an observer or a tracer, and in
// both wire modes.
//
// # Execution
//
// Nodes are divided among workers. Time advances in windows no longer than the
// smallest latency of the network ([netmodel.Model.MinDelay]), within which
// nodes of different workers cannot influence each other (conservative
// synchronisation after Chandy, Misra 1979 and Nicol 1993). A world of one
// worker runs straight through without windows. Control events run between
// windows on the caller's goroutine.
package sim
