package hyparview

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

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
	n.acquit(n.passive[at])
	n.passive[at] = id
	return first
}

func (n *Node) removePassive(id protocol.NodeID) {
	if i := slices.Index(n.passive, id); i >= 0 {
		last := len(n.passive) - 1
		n.passive[i] = n.passive[last]
		n.passive = n.passive[:last]
		n.acquit(id)
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
