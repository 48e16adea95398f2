package flood

import "github.com/starling-sim/starling/protocol"

// Sizes returns how much a node remembers: IDs and origins.
func (n *Node) Sizes() (seen, origins int) { return n.history.Len(), n.history.Origins() }

// Links returns the peers.
func (n *Node) Links() []protocol.NodeID { return n.links.Peers() }
