package plumtree

import "github.com/starling-sim/starling/protocol"

// Kept is how much a node keeps, for tests of its bounds.
type Kept struct {
	History, Origins, Messages, Bytes, Missing, Queued, Roots int
}

// Kept returns how much n keeps.
func (n *Node) Kept() Kept {
	k := Kept{
		History: n.history.Len(), Origins: n.history.Origins(), Messages: n.cache.Len(), Bytes: n.cache.Bytes(),
		Missing: len(n.missing), Roots: len(n.trees),
	}
	for _, q := range n.queues {
		k.Queued = max(k.Queued, len(q.waiting))
	}
	return k
}

// Links returns the peers.
func (n *Node) Links() []protocol.NodeID { return n.links.Peers() }
