package swim

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// Table returns this node's view: everybody it knows, itself included.
func (n *Node) Table() membertable.Table { return n.table }

// Incarnation returns this node's own incarnation number.
func (n *Node) Incarnation() uint32 { return n.self.Incarnation }

// Health returns the local health score, 0 (best) to awareness_max.
func (n *Node) Health() int { return int(n.health) }

// Members returns how many members are present (alive or suspected) in this
// node's view, itself included. The time-outs and transmissions depend on it.
func (n *Node) Members() int { return n.table.CountIn(present) }

// Sample returns up to count different members that are present, in random
// order, without this node itself and whom skip (if not nil) skips.
func (n *Node) Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID {
	picked := n.pick(env, present, count, func(m membertable.Member) bool {
		return skip != nil && skip(m.ID)
	})
	ids := make([]protocol.NodeID, len(picked))
	for i, m := range picked {
		ids[i] = m.ID
	}
	return ids
}

// OnChange has f called whenever a member becomes present in this node's view,
// or ceases to be (it died or left). The view has changed already. Whoever is
// present when the node starts is not reported. For protocols above, when they
// are built.
func (n *Node) OnChange(f func(env protocol.Env, member protocol.NodeID, present bool)) {
	n.listeners = append(n.listeners, f)
}

// changed: a member came or went.
func (n *Node) changed(env protocol.Env, member protocol.NodeID, present bool) {
	n.hurry(env)
	for _, f := range n.listeners {
		f(env, member, present)
	}
}
