// Package throughput measures what a datagram costs a real node of Starling, and
// a member of hashicorp/memberlist, on loopback. It has benchmarks and nothing
// else; .ci/throughput runs them.
//
// In BenchmarkEcho two nodes, both complete, send an application's message to and
// fro, a fixed number of them at a time: each is sent, received, decoded and
// handed to the application on either side. Starling's application is a protocol
// on the runtime (packages transport and node); memberlist's is a delegate that
// answers user messages. In BenchmarkProbe the messages are the smallest that
// either membership protocol has, a ping and its answer.
//
// The figures:
//
//	datagrams/s  that went to and fro; a node receives half of them and sends
//	             the other half
//	cpu-ns/msg   processor time, of user and system, for a datagram to be sent
//	             and received once
//	allocs/msg   allocations for that
//	lost         answers that did not come within a second
//
// Both nodes run in one process and share its processors with the system's part
// of the work, so datagrams/s says what a machine does with nothing else to do;
// cpu-ns/msg is what compares. In BenchmarkProbe, Starling's pings come from a
// bare transport, and memberlist's from a member that waits for each answer,
// which is how it offers them.
//
// memberlist takes a fresh buffer of 64 KiB for each packet that it receives. In
// a process whose heap is as small as that of this benchmark, the garbage
// collector then runs all the time, which it would not in a large program. So
// the script measures twice: as it comes (GOGC=100), and with a collector that
// lets the heap grow to eleven times what is in use (GOGC=1000).
package throughput
