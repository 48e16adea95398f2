package sim

import (
	"math"

	"github.com/starling-sim/starling/protocol"
)

// BareLoop is the gossip workload as a loop over a queue, with nothing else: no
// contract, no network model, no trace hash, no counters. It is what the engine
// is measured against.
type BareLoop struct {
	q      *queue
	nodes  []bareNode
	random protocol.Rand
	serial uint64
}

type bareNode struct {
	received, sent uint64
	_              [48]byte // as large as the engine's
}

func NewBareLoop(nodes int) *BareLoop {
	l := &BareLoop{q: newQueue(), nodes: make([]bareNode, nodes), random: protocol.NewRand(1)}
	for i := range uint32(nodes) {
		l.push(event{time: int64(l.random.Uint64N(1e9)), dst: i, what: uint32(evTimer)})
	}
	return l
}

func (l *BareLoop) push(e event) {
	l.serial++
	e.key = l.serial
	l.q.push(e)
}

func (l *BareLoop) Run(events int) {
	for range events {
		e, _ := l.q.pop(math.MaxInt64)
		n := &l.nodes[e.dst]
		if e.kind() != evTimer {
			n.received++
			continue
		}
		n.sent++
		l.push(event{time: e.time + 1e9, dst: e.dst, what: uint32(evTimer)})
		l.push(event{
			time: e.time + 10e6 + int64(l.random.Uint64N(90e6)),
			dst:  uint32(l.random.Uint64N(uint64(len(l.nodes)))), what: uint32(evDeliver),
		})
	}
}
