package hyparview

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// Neighbors returns the active view, oldest link first. It is read-only and
// valid until the next change.
func (n *Node) Neighbors() []protocol.NodeID { return n.peers }

// Passive returns the passive view. It is read-only and valid until the next
// change.
func (n *Node) Passive() []protocol.NodeID { return n.passive }

// Sample returns up to count different neighbours in random order, without those
// that skip (if not nil) skips.
func (n *Node) Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID {
	if count <= 0 {
		return nil
	}
	picked := slices.Clone(n.peers)
	if skip != nil {
		picked = slices.DeleteFunc(picked, skip)
	}
	env.Rand().Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	return picked[:min(count, len(picked))]
}

// OnChange has f called whenever a peer becomes a neighbour or ceases to be one.
// The view has changed already, and f may send. For protocols above, when they
// are built.
func (n *Node) OnChange(f func(env protocol.Env, peer protocol.NodeID, present bool)) {
	n.listeners = append(n.listeners, f)
}

func (n *Node) changed(env protocol.Env, peer protocol.NodeID, present bool) {
	for _, f := range n.listeners {
		f(env, peer, present)
	}
}
