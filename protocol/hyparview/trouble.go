package hyparview

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// trouble is what a node keeps only while something is wrong: most nodes, most
// of the time, have none.
type trouble struct {
	failed   []failure         // neighbours that failed, oldest first
	tried    []protocol.NodeID // asked for a link in vain since the last shuffle
	refusals int               // answers of those that were full, since then
	failure  bool              // a neighbour failed, and the view has not been full since
	struck   []protocol.NodeID // passive nodes that did not answer the last request
	deferred request           // somebody's, that waits for this node's links to be tested
	bridge   protocol.NodeID   // got since the last look at whom to reconnect to, 0 if none
}

// look returns the trouble there is, to read.
func (n *Node) look() trouble {
	if n.trouble == nil {
		return trouble{}
	}
	return *n.trouble
}

// note returns the trouble there is, to add some.
func (n *Node) note() *trouble {
	if n.trouble == nil {
		n.trouble = &trouble{}
	}
	return n.trouble
}

// tidy frees what has become empty.
func (n *Node) tidy() {
	if t := n.look(); len(t.failed)+len(t.tried)+len(t.struck) == 0 && t.deferred == (request{}) && t.bridge == 0 && t.refusals == 0 && !t.failure {
		n.trouble = nil
	}
}

// markTried notes who is not to be asked for a link before the next shuffle.
func (n *Node) markTried(peer protocol.NodeID) {
	if t := n.note(); len(t.tried) < maxTried*n.cfg().PassiveSize && !slices.Contains(t.tried, peer) {
		t.tried = append(t.tried, peer)
	}
}

// forgetTried has everybody asked once more.
func (n *Node) forgetTried() {
	if n.trouble != nil {
		n.trouble.tried, n.trouble.refusals = nil, 0
		n.tidy()
	}
}

// strike notes that a passive node did not answer; at the second time in a row
// it is dropped. A partition, or an answer that is lost, should not cost a node
// its memory of the other side.
func (n *Node) strike(id protocol.NodeID) (dropped bool) {
	if !slices.Contains(n.passive, id) {
		return false
	}
	if t := n.note(); !slices.Contains(t.struck, id) {
		t.struck = append(t.struck, id)
		return false
	}
	n.removePassive(id)
	return true
}

// acquit notes that a node did.
func (n *Node) acquit(id protocol.NodeID) {
	if n.trouble == nil {
		return
	}
	if i := slices.Index(n.trouble.struck, id); i >= 0 {
		n.trouble.struck = slices.Delete(n.trouble.struck, i, i+1)
		n.tidy()
	}
}

// dropDeferred has nobody answered who has gone in the meantime. The test of the
// links goes on.
func (n *Node) dropDeferred(asker protocol.NodeID) {
	if n.trouble != nil && n.trouble.deferred.peer == asker {
		n.trouble.deferred.peer = 0
	}
}
