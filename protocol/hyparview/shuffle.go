package hyparview

import (
	"github.com/starling-sim/starling/protocol"
)

// shuffle is a node's cycle: it offers a part of its views to a node at the end
// of a random walk. When the answer has refreshed the passive view it asks once
// more for the links that it lacks; asking before would only find those nearby.
func (n *Node) shuffle(env protocol.Env) {
	env.After(n.cfg().ShuffleInterval.Std(), protocol.Timer{Kind: timerShuffle})
	n.forgetTried()
	if len(n.peers) == 0 || n.shuffleSeq != 0 {
		n.fill(env) // there is no answer to wait for, or the last one did not come
	}
	first, ok := n.randomNeighbor(env, 0, 0)
	if !ok {
		return
	}
	ids := make([]protocol.NodeID, 0, n.cfg().ShuffleActive+n.cfg().ShufflePassive)
	ids = sampleOf(env, ids, n.peers, n.cfg().ShuffleActive, first)
	active := len(ids)
	ids = sampleOf(env, ids, n.passive, n.cfg().ShufflePassive, first)
	n.offered = append(n.offered[:0], ids[active:]...)
	n.shuffleSeq = n.next()
	n.send(env, first, &Shuffle{
		Origin: named(env, env.ID()), Seq: n.shuffleSeq, TTL: uint8(n.cfg().ShuffleWalk - 1), Peers: namedAll(env, ids),
	})
}

func namedAll(env protocol.Env, ids []protocol.NodeID) []Peer {
	if len(ids) == 0 {
		return nil
	}
	peers := make([]Peer, len(ids))
	for i, id := range ids {
		peers[i] = named(env, id)
	}
	return peers
}

// walkShuffle passes a shuffle on, or ends its walk: then the origin is offered
// as many passive nodes as it offered.
func (n *Node) walkShuffle(env protocol.Env, from protocol.NodeID, m *Shuffle) {
	origin := m.Origin.ID
	if n.leaving || origin == env.ID() {
		return
	}
	// No walk is longer than this node's own are.
	if ttl := min(m.TTL, uint8(n.cfg().ShuffleWalk)); ttl > 0 && len(n.peers) > 1 {
		if next, ok := n.randomNeighbor(env, from, origin); ok {
			n.send(env, next, &Shuffle{Origin: m.Origin, Seq: m.Seq, TTL: ttl - 1, Peers: m.Peers})
			return
		}
	}
	introduce(env, m.Origin)
	ids := sampleOf(env, nil, n.passive, len(m.Peers)+1, origin)
	n.sendOnce(env, origin, &ShuffleReply{Seq: m.Seq, Peers: namedAll(env, ids)})
	n.merge(env, append([]Peer{m.Origin}, m.Peers...), ids)
}

// shuffled: the answer to this node's shuffle.
func (n *Node) shuffled(env protocol.Env, m *ShuffleReply) {
	if n.leaving || m.Seq != n.shuffleSeq || n.shuffleSeq == 0 {
		return
	}
	n.shuffleSeq = 0 // an answer is taken once
	n.merge(env, m.Peers, n.offered)
	n.offered = n.offered[:0]
	n.fill(env)
}

// merge takes nodes into the passive view. For want of space those go first that
// the other side was offered.
func (n *Node) merge(env protocol.Env, peers []Peer, offered []protocol.NodeID) {
	for i := range peers {
		introduce(env, peers[i])
		offered = n.addPassiveFor(env, peers[i].ID, offered)
	}
}
