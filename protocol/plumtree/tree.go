package plumtree

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// trees are this node's part of all trees. Links are branches (eager) unless
// they are listed as lazy.
type trees []tree

type tree struct {
	root     protocol.NodeID // zero if all messages share the tree
	lastUsed protocol.Time
	// lazy are the peers that get announcements only, since when.
	lazy peerTimes
	// useful are the peers from which a message came first, the last time.
	useful peerTimes
}

// peerTimes are times of peers.
type peerTimes []peerTime

type peerTime struct {
	id protocol.NodeID
	at protocol.Time
}

func (s peerTimes) index(peer protocol.NodeID) int {
	return slices.IndexFunc(s, func(l peerTime) bool { return l.id == peer })
}

func (s peerTimes) has(peer protocol.NodeID) bool { return s.index(peer) >= 0 }

// within tells whether a peer's time is less than d ago.
func (s peerTimes) within(peer protocol.NodeID, now protocol.Time, d time.Duration) bool {
	i := s.index(peer)
	return i >= 0 && now.Sub(s[i].at) < d
}

func (s *peerTimes) set(peer protocol.NodeID, at protocol.Time) {
	if i := s.index(peer); i >= 0 {
		(*s)[i].at = at
		return
	}
	*s = append(*s, peerTime{peer, at})
}

func (s *peerTimes) remove(peer protocol.NodeID) {
	if i := s.index(peer); i >= 0 {
		*s = slices.Delete(*s, i, i+1)
	}
}

// lazy returns the lazy peers of a root's tree.
func (t trees) lazy(root protocol.NodeID) peerTimes {
	for i := range t {
		if t[i].root == root {
			return t[i].lazy
		}
	}
	return nil
}

// touch notes that a root's tree is in use, if there is one.
func (t trees) touch(root protocol.NodeID, now protocol.Time) {
	for i := range t {
		if t[i].root == root {
			t[i].lastUsed = now
		}
	}
}

// known tells whether there is a tree of a root.
func (t trees) known(root protocol.NodeID) bool {
	return slices.ContainsFunc(t, func(t tree) bool { return t.root == root })
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
	if n.trees.lazy(root).has(peer) {
		n.tree(env, root).lazy.remove(peer)
	}
}

// setLazy takes the link to a peer out of a tree, if there is such a link: what
// is known of others would be a memory without bound.
func (n *Node) setLazy(env protocol.Env, root, peer protocol.NodeID) {
	if (n.cfg().Trees == "shared") != (root == 0) || !n.links.Has(peer) {
		return
	}
	if t := n.tree(env, root); !t.lazy.has(peer) {
		t.lazy.set(peer, env.Now())
	}
}

// firstFrom: a message came first from a peer. The link is a branch then, unless
// it was taken out of the tree so recently that the message may have been on its
// way: the peer will not push the next one.
func (n *Node) firstFrom(env protocol.Env, root, peer protocol.NodeID) {
	t := n.tree(env, root)
	t.useful.set(peer, env.Now())
	if !t.lazy.within(peer, env.Now(), n.cfg().GraftRetry.Std()) {
		t.lazy.remove(peer)
	}
}

// again: a message came from a peer again. The link is taken out of the tree,
// if the one by which the message came first is a branch: with several messages
// on their way at once, each may come first by another link, and a node that
// pruned them all would be left without any.
func (n *Node) again(env protocol.Env, root, peer protocol.NodeID, id broadcast.ID) {
	first, ok := n.cache.Get(id)
	if !ok || (first.From == peer || first.From != 0 && (!n.links.Has(first.From) || n.trees.lazy(root).has(first.From))) {
		return
	}
	n.prune(env, root, peer, id)
}

// prune takes the link to a peer out of a tree and tells the peer.
func (n *Node) prune(env protocol.Env, root, peer protocol.NodeID, id broadcast.ID) {
	n.setLazy(env, root, peer)
	env.Emit(protocol.Event{Kind: EventPrune, Peer: peer, Args: [3]uint64{id.Key()}})
	n.send(env, peer, &Prune{Root: root})
}

// pruned: the other side takes the link out of a tree. It may not, if a message
// came first by it just now: of a circle in a tree that several origins share,
// each may find another link superfluous, and the tree would fall apart.
func (n *Node) pruned(env protocol.Env, from protocol.NodeID, root protocol.NodeID) {
	if (n.cfg().Trees == "shared") != (root == 0) || !n.links.Has(from) {
		return
	}
	if root != 0 && root != env.ID() && !n.trees.known(root) {
		return // no message of it has come: made-up roots must not displace others
	}
	t := n.tree(env, root)
	if !t.lazy.has(from) && t.useful.within(from, env.Now(), n.cfg().GraftRetry.Std()) {
		if root == 0 {
			root = env.ID() // any message is of the shared tree
		}
		env.Emit(protocol.Event{Kind: EventGraft, Peer: from, Args: [3]uint64{0, GraftClaimed}})
		n.send(env, from, &Graft{ID: broadcast.ID{Origin: root}})
		return
	}
	n.setLazy(env, root, from)
}

// graft makes the link to a peer that asks for it a branch, and sends what it
// lacks.
func (n *Node) graft(env protocol.Env, from protocol.NodeID, g *Graft) {
	heard := n.links.Heard
	if isGreeting(g, from) {
		heard = n.links.Greeted
	}
	if !heard(env, from) {
		return // a few bytes of anybody would bring a payload
	}
	n.setEager(env, n.rootOf(g.ID), from)
	if !g.Wanted {
		return
	}
	n.cache.Expire(env.Now(), &n.shared.cache)
	m, ok := n.cache.Get(g.ID)
	if ok && m.Hops < n.hopLimit() && n.cache.Answer(g.ID, from, env.Now(), n.cfg().GraftRetry.Std()/4) {
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
		n.trees[i].lazy.remove(peer)
		n.trees[i].useful.remove(peer)
	}
	n.queues = slices.DeleteFunc(n.queues, func(q queue) bool { return q.peer == peer })
	n.forgetAnnouncer(peer)
}

// greet tells a peer that it was picked: that the link is a branch. That goes over
// a stream in any case, as does part: the two must not overtake each other, and the
// sides would not agree if one of them were lost.
func (n *Node) greet(env protocol.Env, peer protocol.NodeID) {
	_ = env.SendStream(peer, &Graft{ID: broadcast.ID{Origin: env.ID()}})
}

// isGreeting tells whether a GRAFT may be that by which a peer says that it
// picked this node. Who claims back a link that both have sends the same.
func isGreeting(g *Graft, from protocol.NodeID) bool {
	return !g.Wanted && g.ID == broadcast.ID{Origin: from}
}

// part tells a peer that it is none any more.
func (n *Node) part(env protocol.Env, peer protocol.NodeID) { _ = env.SendStream(peer, &Unlink{}) }

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
