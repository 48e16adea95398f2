package netmodel

import (
	"time"
)

// Always is the probability 1. Probabilities are thresholds out of 2^64: p
// means p / 2^64, and Always, the largest, means certainty.
const Always = ^uint64(0)

// Defaults and bounds.
const (
	// DefaultHeader is what every datagram costs beyond its payload: 20 bytes
	// of IPv4 (RFC 791) and 8 of UDP (RFC 768).
	DefaultHeader = 28
	// NoHeader as Config.Header charges payloads alone.
	NoHeader = -1
	// DefaultMTU is the largest payload of a datagram, in bytes: memberlist's
	// UDPBufferSize, which fits Ethernet's 1,500 with room for tunnels.
	DefaultMTU = 1400
	// DefaultQueue is the size of an up- or downlink's queue in bytes, headers
	// included: 64 KiB, some 40 full datagrams.
	DefaultQueue = 64 << 10
	// DefaultMSS is the largest segment of a stream in bytes: Ethernet's 1,500
	// less IPv4 (20), TCP (20) and its timestamps (12, RFC 7323).
	DefaultMSS = 1448
	// Loopback is the delay of what a node sends to itself. Such messages
	// never leave the host: no loss, no queue, no rule touches them.
	Loopback = 10 * time.Microsecond

	// MaxNodes bounds Config.Nodes.
	MaxNodes = 1 << 30
	// MaxDelay bounds every duration in a Config or Rule, and every draw of a
	// latency model.
	MaxDelay = time.Hour
	// MinBandwidth and MaxBandwidth bound every bandwidth, in bits per second.
	MinBandwidth = 8
	MaxBandwidth = 1_000_000_000_000
	// MaxQueue bounds every queue, in bytes.
	MaxQueue = 1 << 30
	// MaxMTU bounds the payload of a datagram: 65,535 less IPv4 and UDP.
	MaxMTU = 65507
)

// Config says what a network is like. It is plain data; [New] copies what it
// needs. The zero value of every field but Nodes and Latency is a network
// without that imperfection.
type Config struct {
	// Seed decides the fate of every message. What happens to the k-th
	// datagram from a to b is a function of (Seed, a, b, k).
	Seed uint64
	// Nodes is the number of nodes, 1 to MaxNodes. Their indices are 0 to
	// Nodes-1.
	Nodes int

	// Latency is the model of one-way delays: Constant, Uniform, Normal,
	// LogNormal, RegionMatrix or PairMatrix.
	Latency Latency
	// Loss is the model of loss: nil (none), Independent or GilbertElliott.
	Loss Loss
	// Duplicate is the probability that the network delivers a datagram twice.
	// The copy draws its own latency.
	Duplicate uint64
	// Reorder is the probability that a datagram is held back by a further
	// time uniform in [0, ReorderDelay).
	Reorder      uint64
	ReorderDelay time.Duration
	// Corrupt is the probability that a datagram is damaged on the way. See
	// [Damage].
	Corrupt uint64

	// Regions are where nodes are. Empty means one region for each row of a
	// RegionMatrix, by the matrix's weights, and otherwise none at all.
	Regions []Region
	// Placement says how nodes are numbered over regions.
	Placement Placement

	// Bandwidth lists classes of nodes by their up- and downlinks. Nodes that
	// are in no class have no limit.
	Bandwidth []BandwidthClass

	// Header is what every datagram costs beyond its payload, in bytes. 0
	// means DefaultHeader, NoHeader none.
	Header int32
	// MTU is the largest payload of a datagram, in bytes, headers not
	// included. 0 means DefaultMTU.
	MTU int32
	// MSS is the largest segment of a stream, in bytes. 0 means DefaultMSS.
	MSS int32
}

// Region is a place where nodes are.
type Region struct {
	// Name is unique; a RegionMatrix must have a row of that name.
	Name string
	// Nodes is the number of nodes there. Either all regions give Nodes, and
	// they add up to Config.Nodes, or none does.
	Nodes int
	// Weight is the region's part of all nodes where no region gives Nodes.
	// Seats are given out by largest remainder. All zero means equal parts.
	Weight uint64
}

// Placement says how nodes are numbered over regions.
type Placement uint8

const (
	// PlaceBlocks numbers the nodes of the first region first, then those of
	// the second, and so on.
	PlaceBlocks Placement = iota
	// PlaceShuffled gives each region as many nodes as PlaceBlocks, chosen by
	// the seed.
	PlaceShuffled
)

// BandwidthClass is a set of nodes with like links.
type BandwidthClass struct {
	// Name is for people.
	Name string
	// Share of all nodes, out of 2^64, chosen by the seed. Classes are
	// disjoint; their shares may not add up to more than Always.
	Share uint64
	// Up and Down are the rates of a node's links, in bits per second. 0 means
	// no limit.
	Up, Down int64
	// UpQueue and DownQueue are how many bytes wait or are being transmitted
	// at most, headers included; a datagram that finds no room is dropped
	// (drop tail). 0 means DefaultQueue.
	UpQueue, DownQueue int64
}

// Latency is a model of one-way delays: one of [Constant], [Uniform],
// [Normal], [LogNormal], [RegionMatrix], [PairMatrix].
type Latency interface{ isLatency() }

// Constant: every datagram takes the same time.
type Constant struct{ Delay time.Duration }

// Uniform: delays are uniform in [Min, Max).
type Uniform struct{ Min, Max time.Duration }

// Normal: delays are normal, truncated to [Min, Max]: the distribution given
// that the delay lies there. Max 0 means MaxDelay.
type Normal struct {
	Mean, StdDev time.Duration
	Min, Max     time.Duration
}

// LogNormal: the logarithm of delays is normal. Median and P90 fix it: half
// of all delays are below Median, nine tenths below P90. It is truncated to
// [Min, Max]; Max 0 means MaxDelay. Without Min the shortest delay is a small
// part of the median (that of 6.3 standard deviations below), and so is the
// engine's lookahead; a Min that is physically sensible costs nothing.
type LogNormal struct {
	Median, P90 time.Duration
	Min, Max    time.Duration
}

// RegionMatrix: the delay depends on the regions of sender and receiver.
type RegionMatrix struct {
	// Matrix has a named row for each region of Config.Regions; it may have
	// more. See [AWS2019], [LibP2P8] and [ParseMatrix].
	Matrix *Matrix
	// Jitter adds to each delay a part of it that is uniform in [0, Jitter),
	// out of 2^64. Measured values are taken for the floor.
	Jitter uint64
}

// PairMatrix: the delay depends on the sites of sender and receiver. Sites are
// put in an order that depends on the seed, and node i stands at the i-th,
// modulo their number: as long as there are enough sites, every node has its
// own. Regions have no influence.
type PairMatrix struct {
	// Matrix has a row for each site; it needs no names. See [PlanetLab490].
	Matrix *Matrix
	// Jitter adds to each delay a part of it that is uniform in [0, Jitter),
	// out of 2^64.
	Jitter uint64
}

func (Constant) isLatency()     {}
func (Uniform) isLatency()      {}
func (Normal) isLatency()       {}
func (LogNormal) isLatency()    {}
func (RegionMatrix) isLatency() {}
func (PairMatrix) isLatency()   {}

// Loss is a model of loss: [Independent] or [GilbertElliott].
type Loss interface{ isLoss() }

// Independent: each datagram is lost with the same probability.
type Independent struct{ Probability uint64 }

// GilbertElliott: each directed link is in a good or a bad state, a Markov
// chain in continuous time (Gilbert 1960, Elliott 1963). The state depends on
// (seed, from, to, time) and not on what is sent. The long-run share of bad
// time is MeanBad / (MeanGood + MeanBad).
type GilbertElliott struct {
	// MeanGood and MeanBad are the mean lengths of a stay in either state.
	MeanGood, MeanBad time.Duration
	// LossGood and LossBad are the probabilities that a datagram is lost.
	LossGood, LossBad uint64
}

func (Independent) isLoss()    {}
func (GilbertElliott) isLoss() {}
