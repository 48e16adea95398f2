package cyclon

import "github.com/starling-sim/starling/protocol"

// Sample returns up to count different peers of the view, in random order,
// without whom skip (if not nil) skips.
func (n *Node) Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID {
	if count <= 0 || len(n.view) == 0 {
		return nil
	}
	ids := make([]protocol.NodeID, 0, len(n.view))
	for i := range n.view {
		if skip == nil || !skip(n.view[i].id) {
			ids = append(ids, n.view[i].id)
		}
	}
	count = min(count, len(ids))
	for i := range count {
		j := i + env.Rand().IntN(len(ids)-i)
		ids[i], ids[j] = ids[j], ids[i]
	}
	return ids[:count]
}

// OnChange has f called, with present false, when a peer has failed: it did not
// answer a shuffle, its stream broke, or the membership protocol below says so.
// The view has changed already. That an entry moved on to another view is not
// reported: it says nothing about the peer. For protocols above, when they are
// built.
func (n *Node) OnChange(f func(env protocol.Env, peer protocol.NodeID, present bool)) {
	n.listeners = append(n.listeners, f)
}

// View returns who is in the view, in no particular order.
func (n *Node) View() []protocol.NodeID {
	ids := make([]protocol.NodeID, len(n.view))
	for i := range n.view {
		ids[i] = n.view[i].id
	}
	return ids
}
