package plumtree

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// trees are this node's part of all trees. Links are branches (eager) unless
// they are listed as lazy.
type trees []tree

type tree struct {
	root     protocol.NodeID // zero if all messages share the tree
	lastUsed protocol.Time
	lazy     lazySet
}

// lazySet are the peers that get announcements only.
type lazySet []protocol.NodeID

func (s lazySet) has(peer protocol.NodeID) bool { return slices.Contains(s, peer) }

// lazy returns the lazy peers of a root's tree.
func (t trees) lazy(root protocol.NodeID) lazySet {
	for i := range t {
		if t[i].root == root {
			return t[i].lazy
		}
	}
	return nil
}

// rootOf returns which tree a message travels on.
func (n *Node) rootOf(id broadcast.ID) protocol.NodeID {
	if n.cfg().Trees == "shared" {
		return 0
	}
	return id.Origin
}

// tree returns a root's tree, made if need be.
func (n *Node) tree(env protocol.Env, root protocol.NodeID) *tree {
	oldest := 0
	for i := range n.trees {
		if n.trees[i].root == root {
			n.trees[i].lastUsed = env.Now()
			return &n.trees[i]
		}
		if n.trees[i].lastUsed < n.trees[oldest].lastUsed {
			oldest = i
		}
	}
	fresh := tree{root: root, lastUsed: env.Now()}
	if len(n.trees) >= n.cfg().MaxRoots {
		n.trees[oldest] = fresh
		return &n.trees[oldest]
	}
	n.trees = append(n.trees, fresh)
	return &n.trees[len(n.trees)-1]
}

// setEager makes the link to a peer a branch.
func (n *Node) setEager(env protocol.Env, root, peer protocol.NodeID) {
	if n.trees.lazy(root) == nil {
		return
	}
	t := n.tree(env, root)
	if i := slices.Index(t.lazy, peer); i >= 0 {
		t.lazy = slices.Delete(t.lazy, i, i+1)
	}
}

// setLazy takes the link to a peer out of a tree, if there is such a link: what
// is known of others would be a memory without bound.
func (n *Node) setLazy(env protocol.Env, root, peer protocol.NodeID) {
	if (n.cfg().Trees == "shared") != (root == 0) || !n.links.Has(peer) {
		return
	}
	if t := n.tree(env, root); !t.lazy.has(peer) {
		t.lazy = append(t.lazy, peer)
	}
}

// prune takes the link to a peer out of a tree and tells the peer.
func (n *Node) prune(env protocol.Env, root, peer protocol.NodeID, id broadcast.ID) {
	n.setLazy(env, root, peer)
	env.Emit(protocol.Event{Kind: EventPrune, Peer: peer, Args: [3]uint64{id.Key()}})
	n.send(env, peer, &Prune{Root: root})
}

// graft makes the link to a peer that asks for it a branch, and sends what it
// lacks.
func (n *Node) graft(env protocol.Env, from protocol.NodeID, g *Graft) {
	if n.links.Heard(env, from) {
		n.setEager(env, n.rootOf(g.ID), from)
	}
	if !g.Wanted {
		return
	}
	n.cache.Expire(env.Now(), &n.shared.cache)
	if m, ok := n.cache.Get(g.ID); ok {
		m.Hops, m.From = m.Hops+1, 0
		n.send(env, from, &Gossip{Message: m})
	}
}

// peerChanged: a link came or went. A new one is a branch of every tree.
func (n *Node) peerChanged(env protocol.Env, peer protocol.NodeID, up bool) {
	if up {
		n.announceRecent(env, peer)
		return
	}
	for i := range n.trees {
		if k := slices.Index(n.trees[i].lazy, peer); k >= 0 {
			n.trees[i].lazy = slices.Delete(n.trees[i].lazy, k, k+1)
		}
	}
	n.queues = slices.DeleteFunc(n.queues, func(q queue) bool { return q.peer == peer })
	n.forgetAnnouncer(peer)
}

// greet tells a peer that it was picked: that the link is a branch.
func (n *Node) greet(env protocol.Env, peer protocol.NodeID) {
	n.send(env, peer, &Graft{ID: broadcast.ID{Origin: env.ID()}})
}

// Eager returns the peers to which messages of an origin are pushed now, in the
// order of the links.
func (n *Node) Eager(origin protocol.NodeID) []protocol.NodeID {
	lazy := n.trees.lazy(n.rootOf(broadcast.ID{Origin: origin}))
	var eager []protocol.NodeID
	for _, peer := range n.links.Peers() {
		if !lazy.has(peer) {
			eager = append(eager, peer)
		}
	}
	return eager
}
