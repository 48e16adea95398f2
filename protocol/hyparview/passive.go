package hyparview

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// maxStrikes is the number of requests in a row that a passive node may leave
// unanswered: a partition, or an answer that is lost, should not cost a node
// its memory of the other side.
const maxStrikes = 2

// addPassive takes a node into the passive view, in place of a random one if it
// is full. Neighbours, and neighbours that failed, do not belong there.
func (n *Node) addPassive(env protocol.Env, id protocol.NodeID) { n.addPassiveFor(env, id, nil) }

// addPassiveFor is addPassive that evicts one of first if there is one, and
// returns what is left of first.
func (n *Node) addPassiveFor(env protocol.Env, id protocol.NodeID, first []protocol.NodeID) []protocol.NodeID {
	if id == env.ID() || n.index(id) >= 0 || slices.Contains(n.passive, id) || n.hasFailed(id) {
		return first
	}
	if len(n.passive) < n.cfg().PassiveSize {
		n.passive = append(n.passive, id)
		n.strikes = append(n.strikes, 0)
		return first
	}
	at := -1
	for at < 0 && len(first) > 0 {
		at = slices.Index(n.passive, first[0])
		first = first[1:]
	}
	if at < 0 {
		at = env.Rand().IntN(len(n.passive))
	}
	n.passive[at], n.strikes[at] = id, 0
	return first
}

func (n *Node) removePassive(id protocol.NodeID) {
	if i := slices.Index(n.passive, id); i >= 0 {
		last := len(n.passive) - 1
		n.passive[i], n.strikes[i] = n.passive[last], n.strikes[last]
		n.passive, n.strikes = n.passive[:last], n.strikes[:last]
	}
}

// strike notes that a passive node did not answer.
func (n *Node) strike(env protocol.Env, id protocol.NodeID) {
	i := slices.Index(n.passive, id)
	if i < 0 {
		return
	}
	if n.strikes[i]++; n.strikes[i] < maxStrikes {
		return
	}
	n.removePassive(id)
	if len(n.failed) < maxFailed {
		n.remember(env, id)
	}
}

// acquit notes that a passive node did.
func (n *Node) acquit(id protocol.NodeID) {
	if i := slices.Index(n.passive, id); i >= 0 {
		n.strikes[i] = 0
	}
}

// sampleOf appends up to count different random elements of from to out, none
// of them not.
func sampleOf(env protocol.Env, out, from []protocol.NodeID, count int, not protocol.NodeID) []protocol.NodeID {
	begin := len(out)
	// Reservoir sampling: one pass, and no copy of the view.
	seen := 0
	for _, id := range from {
		if id == not {
			continue
		}
		seen++
		if len(out)-begin < count {
			out = append(out, id)
		} else if j := env.Rand().IntN(seen); j < count {
			out[begin+j] = id
		}
	}
	return out
}
