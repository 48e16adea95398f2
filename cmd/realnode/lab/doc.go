// Package lab makes loopback behave as the network of a scenario does. A
// scenario that runs on real processes of one machine gives each of them a
// [Shim], which stands between the node and its transport and asks package
// netmodel, as a simulated world does, what becomes of each message: how long
// it takes, whether it is lost, doubled or damaged, and what partitions and
// other rules do to it meanwhile.
//
//	node         protocol state machines, unaware of all this
//	Shim         latency, loss, duplicates, reordering, damage, bandwidth, rules
//	transport    real sockets on loopback
//
// # Who decides
//
// The sending process decides, and holds back what takes time; so a message
// that is lost never enters a socket. Only the receiver's downlink is the
// receiving process's affair ([Shim.Receive]). All processes of a run build
// their models from one description ([Network]) and have the same rules in
// force: the fate of the k-th datagram from a to b is then what it is in the
// simulated run.
//
// # Differences to the simulated network
//
//   - What loopback itself takes (some 50 us) comes on top, and so does the time
//     by which the operating system and the Go runtime wake the shim too late:
//     up to a millisecond on an idle machine, more on a busy one. [Stats] says
//     how much that was. Latencies of a few milliseconds and more are
//     faithful, microseconds are not.
//   - A rule takes effect when it reaches a process, which is not the same
//     instant in all of them.
//   - What waits is bounded (Config.MaxWaiting, MaxWaitingBytes).
//   - The connection below is opened by the first message of a stream, after the
//     modelled handshake. That the peer refuses it is therefore heard of when
//     that message would have arrived, and not when the handshake would have
//     ended.
//   - A message is held back by its sender: what a process sent and was still on
//     its way is lost when it is killed. A host that crashes is a process that
//     is killed when the others have the rule of [Silence].
//   - A process that is started again begins to count its messages anew; see
//     Config.FirstK.
//
// Pauses and slow processes are not made here, but by signals; [Clock] is a
// clock that is set wrong or runs at the wrong speed.
package lab
