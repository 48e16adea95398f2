// Package real runs scenarios on real processes: each node is a realnode on
// loopback, in real time, and the network between them is the scenario's, made
// by package lab in every process. What the processes report comes back in the
// shape in which a virtual world reports it.
//
//	recording, err := real.Run(ctx, scenario, real.Options{Realnode: path})
//	for _, record := range recording.Records {
//		collector.Observe(record)
//	}
//
// # What is the same
//
// The timeline is the one that a virtual world is given, and so is its chance:
// the same nodes crash, the same senders send, at the same times. Nodes have the
// identities and the random numbers that they have there, and the network does
// to the k-th datagram of a link what it does there. Two runs still differ, for
// nobody decides in which order processes run.
//
// # What is not
//
//   - [Check] lists what a scenario must not ask for.
//   - A process that starts again takes some time until it runs; it is reported
//     as restarted when it does. At the beginning all wait for one another.
//   - A host that falls silent is a process that is killed, and a rule in all
//     others that cuts it off, so that no refusal of the kernel gives it away.
//     What it sent and was still on its way is lost, for the sender holds back
//     what takes time.
//   - A process that ends breaks its streams at once, not after a delay.
//   - A process that is frozen (SIGSTOP) learns of network rules that changed
//     meanwhile when it runs again.
//   - Messages to a process that ended, if its host did not crash, are not
//     counted as lost: only the kernel knows of them.
//
// # Processes
//
// Each is in a process group of its own, so that the terminal's signals do not
// reach it, and ends when its standard input does; on Linux the kernel kills it
// when the orchestrator dies. Run returns when all have ended.
package real
