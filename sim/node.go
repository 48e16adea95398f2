package sim

import (
	"strconv"

	"github.com/starling-sim/starling/protocol"
)

// node is what almost every event touches, in one cache line. What only some
// nodes have is in cold, found by the node's index.
type node struct {
	proto     protocol.Protocol
	rand      protocol.Rand
	sent      uint64 // messages, all lives
	sentBytes uint64
	seq       uint32 // next sequence number
	born      uint32 // sequence number at which this life began
	pairBlock uint32 // table of receivers: see pairArena
	pairUsed  uint32
	pairLog   uint8 // 0: no table
	flags     uint8
	state     State // changed by control events only
	silent    bool  // it crashed with its host; changed by control events only
}

const (
	flagUp      = 1 << iota // the process runs
	flagHeld                // events may have to wait: paused or busy
	flagBlocked             // what it sends waits
	flagClock               // its clock differs from the world's
)

// current tells whether an event that the node gave itself belongs to the
// present life of its process: the first always, a later one for its first 2^31
// sequence numbers.
func (w *World) current(e *event) bool {
	return int32(e.sequence()-w.nodes[e.dst].born) >= 0 || w.cold[e.dst] == nil || w.cold[e.dst].lives == 0
}

// cold is the state of a node that most nodes do without, in one cache line:
// in some worlds every node has streams.
type cold struct {
	streams streams
	lives   uint32 // number of restarts
	clock   *clock
	hold    *hold
	disk    *disk
}

// coldOf returns node i's cold state, made if need be.
func (w *World) coldOf(i uint32) *cold {
	if w.cold[i] == nil {
		w.cold[i] = &cold{}
	}
	return w.cold[i]
}

// holdOf returns what is held at node i, made if need be.
func (w *World) holdOf(i uint32) *hold {
	cold := w.coldOf(i)
	if cold.hold == nil {
		cold.hold = &hold{}
	}
	return cold.hold
}

// nodeRand is the stream of random numbers of one life of a node.
func (w *World) nodeRand(i, life uint32) protocol.Rand {
	seed := protocol.Derive(w.cfg.Seed, "node", uint64(i))
	if life > 0 {
		seed = protocol.Derive(seed, "life", uint64(life))
	}
	return protocol.NewRand(seed)
}

// NodeName returns the name of node i, by which scenarios and traces call it.
func NodeName(i int) string { return "n" + strconv.Itoa(i) }
