package plumtree

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/wire"
)

// queue are the announcements that wait for a peer.
type queue struct {
	peer    protocol.NodeID
	waiting []Announcement
}

// announce queues an announcement. Who announces calls flushSoon afterwards.
func (n *Node) announce(env protocol.Env, peer protocol.NodeID, a Announcement) {
	i := slices.IndexFunc(n.queues, func(q queue) bool { return q.peer == peer })
	if i < 0 {
		i = len(n.queues)
		n.queues = append(n.queues, queue{peer: peer})
	}
	q := &n.queues[i]
	if shed := len(q.waiting) + 1 - n.cfg().LazyQueue; shed > 0 {
		q.waiting = slices.Delete(q.waiting, 0, shed)
		env.Emit(protocol.Event{Kind: EventShed, Peer: peer, Args: [3]uint64{uint64(shed)}})
	}
	q.waiting = append(q.waiting, a)
}

// flushSoon has what waits sent when it is time.
func (n *Node) flushSoon(env protocol.Env) {
	switch {
	case len(n.queues) == 0 || n.flushing:
	case n.cfg().LazyInterval == 0:
		n.flush(env)
	default:
		n.flushing = true
		env.After(n.cfg().LazyInterval.Std(), protocol.Timer{Kind: timerFlush})
	}
}

// flush sends all announcements that wait.
func (n *Node) flush(env protocol.Env) {
	n.flushing = false
	queues := n.queues
	n.queues = nil
	for _, q := range queues {
		for rest := q.waiting; len(rest) > 0; {
			batch := n.batch(env, rest)
			n.send(env, q.peer, &IHave{Announcements: rest[:batch:batch]})
			rest = rest[batch:]
		}
	}
}

// batch is the number of announcements, from the first on, that fit a datagram.
func (n *Node) batch(env protocol.Env, waiting []Announcement) int {
	room := env.MaxDatagram() - wire.UvarintSize(maxAnnouncements)
	for i := range waiting {
		if room -= waiting[i].size(); room < 0 {
			return max(i, 1)
		}
	}
	return len(waiting)
}

// announceRecent tells a new peer of the latest messages, as many as a
// datagram holds: they may have passed it by while it had no links.
func (n *Node) announceRecent(env protocol.Env, peer protocol.NodeID) {
	recent := n.cfg().AnnounceRecent.Std()
	if recent == 0 {
		return
	}
	n.cache.Expire(env.Now(), &n.shared.cache)
	most := env.MaxDatagram() / (broadcast.IDSize + 2)
	since := env.Now().Add(-recent)
	if n.stranded {
		since, n.stranded = min(since, n.strandedAt), false
	}
	n.cache.Latest(most, since, func(m broadcast.Message) {
		if m.ID.Origin != peer && m.Hops < n.hopLimit() {
			n.announce(env, peer, Announcement{ID: m.ID, Hops: m.Hops + 1})
		}
	})
	n.flushSoon(env)
}

// repeatSoon has what came now announced again, if it may be lost on the way.
func (n *Node) repeatSoon(env protocol.Env) {
	if n.cfg().Transport == "stream" || n.cfg().AnnounceAgain == 0 || n.repeating {
		return
	}
	n.repeating, n.repeatingSince = true, env.Now()
	env.After(n.cfg().AnnounceAgain.Std(), protocol.Timer{Kind: timerAgain})
}

// announceAgain tells everybody of the messages that came since the timer was set:
// also those that were sent the payloads.
func (n *Node) announceAgain(env protocol.Env) {
	n.repeating = false
	for _, peer := range n.links.Peers() {
		n.cache.Latest(n.cfg().LazyQueue, n.repeatingSince, func(m broadcast.Message) {
			if m.From != peer && m.ID.Origin != peer && m.Hops < n.hopLimit() {
				n.announce(env, peer, Announcement{ID: m.ID, Hops: m.Hops + 1})
			}
		})
	}
	n.flushSoon(env)
}
