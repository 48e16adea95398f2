package plumtree

import (
	"cmp"
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// missing is a message that was announced and has not come.
type missing struct {
	id     broadcast.ID
	ticket uint64          // names it in its timer
	by     protocol.NodeID // who announced it first
	// announcers are who announced it, in the order in which they are asked.
	announcers []announcer
}

type announcer struct {
	peer  protocol.NodeID
	hops  uint32
	tries int32 // how often it was asked
}

// maxAnnouncers bounds the announcers of a message: as many links may there be.
const maxAnnouncers = 64

// announced handles the announcement of a message.
func (n *Node) announced(env protocol.Env, from protocol.NodeID, a Announcement) {
	if a.ID.Origin == env.ID() || n.history.Seen(a.ID, env.Now(), &n.shared.history) {
		return
	}
	i := slices.IndexFunc(n.missing, func(m missing) bool { return m.id == a.ID })
	if i < 0 {
		if i = n.expect(env, from, a.ID); i < 0 {
			return
		}
	}
	m := &n.missing[i]
	if k := slices.IndexFunc(m.announcers, func(x announcer) bool { return x.peer == from }); k >= 0 {
		m.announcers[k].hops = a.Hops
		return
	}
	if len(m.announcers) < maxAnnouncers {
		m.announcers = append(m.announcers, announcer{peer: from, hops: a.Hops})
	}
}

// share is the number of messages that a peer announced first.
type share struct {
	peer  protocol.NodeID
	count int
}

// expect begins to wait for a message and returns its place, -1 if too many are
// waited for already, or more than a quarter of what may be on the word of one
// peer: its made-up announcements must not keep out those of others.
func (n *Node) expect(env protocol.Env, by protocol.NodeID, id broadcast.ID) int {
	most := n.cfg().MissingCount
	i := slices.IndexFunc(n.expected, func(s share) bool { return s.peer == by })
	if i < 0 {
		i = len(n.expected)
		n.expected = append(n.expected, share{peer: by})
	}
	if len(n.missing) >= most || n.expected[i].count >= max(most/4, 1) {
		env.Emit(protocol.Event{Kind: EventGiveUp, Args: [3]uint64{id.Key()}})
		return -1
	}
	n.expected[i].count++
	n.missing = append(n.missing, missing{id: id, ticket: n.nextTicket, by: by})
	// Many nodes lose a branch at once. Those that ask first get the message for
	// the others as well, if the others wait a little longer.
	wait := n.cfg().GraftTimeout.Std()
	env.After(wait/2+env.Rand().DurationN(wait), protocol.Timer{Kind: timerMissing, Arg: n.nextTicket})
	n.nextTicket++
	return len(n.missing) - 1
}

// missingTimer asks the next announcer of a message that has not come.
func (n *Node) missingTimer(env protocol.Env, ticket uint64) {
	i, ok := slices.BinarySearchFunc(n.missing, ticket, func(m missing, t uint64) int { return cmp.Compare(m.ticket, t) })
	if !ok {
		return // it has come
	}
	m := &n.missing[i]
	if len(m.announcers) == 0 {
		env.Emit(protocol.Event{Kind: EventGiveUp, Args: [3]uint64{m.id.Key()}})
		n.forget(i)
		return
	}
	next := n.nextAnnouncer(m)
	ask := m.announcers[next]
	m.announcers = slices.Delete(m.announcers, next, next+1)
	if ask.tries++; int(ask.tries) < n.cfg().GraftTries {
		m.announcers = append(m.announcers, ask) // it has its turn again after all others
	}
	id := m.id
	env.After(n.cfg().GraftRetry.Std(), protocol.Timer{Kind: timerMissing, Arg: ticket})
	n.setEager(env, n.rootOf(id), ask.peer)
	env.Emit(protocol.Event{Kind: EventGraft, Peer: ask.peer, Args: [3]uint64{id.Key(), GraftMissing}})
	n.send(env, ask.peer, &Graft{ID: id, Wanted: true})
}

// nextAnnouncer is the place of the announcer that is asked next: of those that
// were asked least often the first, but one whose link is a branch already before
// others. Else a node that lacks several messages would graft as many links.
func (n *Node) nextAnnouncer(m *missing) int {
	lazy := n.trees.lazy(n.rootOf(m.id))
	least := m.announcers[0].tries
	for i, a := range m.announcers {
		if a.tries == least && !lazy.has(a.peer) {
			return i
		}
	}
	return 0
}

// found ends the wait for a message that has come, and takes a path into the
// tree that was announced and is shorter by enough.
func (n *Node) found(env protocol.Env, got *broadcast.Message) {
	i := slices.IndexFunc(n.missing, func(m missing) bool { return m.id == got.ID })
	if i < 0 {
		return
	}
	best := announcer{hops: got.Hops}
	for _, a := range n.missing[i].announcers {
		if a.peer != got.From && a.hops < best.hops && n.links.Has(a.peer) {
			best = a
		}
	}
	n.forget(i)
	if threshold := n.cfg().OptimiseThreshold; threshold == 0 || best.peer == 0 || got.Hops-best.hops < uint32(threshold) {
		return
	}
	root := n.rootOf(got.ID)
	n.setEager(env, root, best.peer)
	// It may have been asked for the payload already; that must not prune it.
	n.cache.Reparent(got.ID, best.peer)
	env.Emit(protocol.Event{Kind: EventGraft, Peer: best.peer, Args: [3]uint64{got.ID.Key(), GraftOptimised}})
	n.send(env, best.peer, &Graft{ID: got.ID})
	n.prune(env, root, got.From, got.ID)
}

func (n *Node) forget(i int) {
	k := slices.IndexFunc(n.expected, func(s share) bool { return s.peer == n.missing[i].by })
	if n.expected[k].count--; n.expected[k].count == 0 {
		n.expected = slices.Delete(n.expected, k, k+1)
	}
	if n.missing = slices.Delete(n.missing, i, i+1); len(n.missing) == 0 {
		n.missing = nil
	}
}

// forgetAnnouncer: a peer is gone and need not be asked.
func (n *Node) forgetAnnouncer(peer protocol.NodeID) {
	for i := range n.missing {
		m := &n.missing[i]
		m.announcers = slices.DeleteFunc(m.announcers, func(a announcer) bool { return a.peer == peer })
	}
}
