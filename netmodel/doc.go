// Package netmodel says how networks behave: how long a message takes, whether
// it arrives, twice, late or damaged, and how that changes while partitions
// and other conditions last. It knows nothing of nodes but their indices, and
// nothing of protocols.
//
// A [Model] is built from a [Config] by [New] and belongs to one world. The
// engine asks [Model.Datagram] for the [Fate] of each datagram and, where
// downlinks are limited, [Model.Arrive] for its way through the receiver's
// queue. [Model.Apply] and [Model.Remove] change conditions.
//
// # Determinism
//
// Everything is integers: nanoseconds, bytes, bits per second, probabilities
// out of 2^64. What floating point would be needed for was computed once and
// is data (tables.go, data/). The fate of the k-th datagram from a to b is a
// function of (Config.Seed, a, b, k), the time for a [GilbertElliott] link,
// the sender's queues, and the rules in force. Each decision about a message
// draws its own number, so that turning duplication on, say, leaves latencies
// and losses as they were, and two runs can be compared under common random
// numbers.
//
// # The way of a datagram
//
//	sender's uplink     a queue in bytes, drop tail; transmission at its rate
//	limits of rules     likewise, one queue a rule and sender
//	cuts, losses        each rule and the model's own, independently
//	latency             the model's draw, rules' delay and jitter on top
//	held back           reordering, of the first copy
//	second copy         duplication, with a latency of its own
//	receiver's downlink a queue in bytes, drop tail (Arrive)
//
// A datagram that is lost has used the sender's uplink all the same. Without
// bandwidth limits, impairments and rules, only latency and loss are looked
// at. What a node sends to itself arrives after [Loopback], always.
//
// # Models and their sources
//
//   - [Constant], [Uniform]; [Normal], truncated by restricting the quantile
//     function; [LogNormal], which fits most measured latencies.
//   - [RegionMatrix] with [AWS2019] or [LibP2P8], [PairMatrix] with
//     [PlanetLab490], or data of one's own by [ParseMatrix]. Sources and
//     licences: data/README.md.
//   - [Independent] loss; [GilbertElliott]: Gilbert, Capacity of a Burst-Noise
//     Channel, BSTJ 39 (1960); Elliott, Estimates of Error Rates for Codes on
//     Burst-Noise Channels, BSTJ 42 (1963); in continuous time.
//   - Streams: TCP's time-outs (RFC 6298, and Linux' constants), throughput
//     after Mathis et al. (1997). There is no slow start and no receive
//     window, and streams of several senders do not compete for a receiver's
//     downlink.
//
// # Lookahead
//
// [Model.MinDelay] is exact for the model as configured: no datagram between
// two nodes takes less, duplicates and streams included, and some can take
// just that. Rules only add delay, so it holds for the whole run.
//
// # Concurrency
//
// Datagram and StreamTransmit may run concurrently for different senders,
// Arrive for different receivers, and all methods that only look
// (StreamConnect, RTT, Cut, StreamRate, the regions) with these. Apply and
// Remove may run concurrently with nothing.
package netmodel
