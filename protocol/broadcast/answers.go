package broadcast

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// answers are the peers that a message was sent to because they asked, in the
// order in which they first did.
type answers []answer

type answer struct {
	peer  protocol.NodeID
	at    protocol.Time
	count uint32
}

// maxAnswers bounds the peers that are remembered for a message.
const maxAnswers = 64

// Answer tells whether a message may be sent to a peer that asks for it, and
// counts it as sent then: the second time a pause after the first, and from
// then on twice as long after each as before it. A peer that asks on and on gets
// it as often as the logarithm of the time that it is kept. A message that is
// not there may not be sent.
func (c *Cache) Answer(id ID, peer protocol.NodeID, now protocol.Time, pause time.Duration) bool {
	it := c.kept.find(id)
	if it == nil {
		return false
	}
	if it.value.answers == nil {
		it.value.answers = &answers{}
	}
	given := it.value.answers
	i := slices.IndexFunc(*given, func(a answer) bool { return a.peer == peer })
	if i < 0 {
		if len(*given) >= maxAnswers {
			*given = slices.Delete(*given, 0, 1)
		}
		*given = append(*given, answer{peer: peer, at: now, count: 1})
		return true
	}
	a := &(*given)[i]
	if now.Sub(a.at) < pause<<min(a.count-1, maxDoublings) {
		return false
	}
	a.at, a.count = now, a.count+1
	return true
}

// maxDoublings keeps pauses of up to some minutes from overflowing.
const maxDoublings = 24
