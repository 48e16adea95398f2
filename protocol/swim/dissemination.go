package swim

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// queue holds the updates that are still to be passed on, those passed on least
// often first and among them the newest first (SWIM section 4.1; memberlist's
// TransmitLimitedQueue). An update about a member takes the place of the one
// before it.
type queue struct {
	items   []queued
	free    []int32
	heads   []int32                   // by number of transmissions: newest, -1 for none
	index   map[protocol.NodeID]int32 // only ever looked up
	waiting int
	// smallest is at most the size of any update that waits: where less room is
	// left there is no need to look further.
	smallest int
}

type queued struct {
	update     Update
	size       int32
	sent       int32
	prev, next int32 // among those sent as often; -1 at the ends
}

func (q *queue) put(u Update) {
	if q.index == nil {
		q.index = map[protocol.NodeID]int32{}
	}
	i, ok := q.index[u.Member.ID]
	if ok {
		q.unlink(i)
	} else {
		i = q.slot()
		q.index[u.Member.ID] = i
		q.waiting++
	}
	size := u.size()
	if q.smallest == 0 || size < q.smallest {
		q.smallest = size
	}
	q.items[i] = queued{update: u, size: int32(size)}
	q.link(i)
}

func (q *queue) slot() int32 {
	if last := len(q.free) - 1; last >= 0 {
		i := q.free[last]
		q.free = q.free[:last]
		return i
	}
	q.items = append(q.items, queued{})
	return int32(len(q.items) - 1)
}

// link puts item i in front of those that were sent as often.
func (q *queue) link(i int32) {
	it := &q.items[i]
	for len(q.heads) <= int(it.sent) {
		q.heads = append(q.heads, -1)
	}
	it.prev, it.next = -1, q.heads[it.sent]
	if it.next >= 0 {
		q.items[it.next].prev = i
	}
	q.heads[it.sent] = i
}

func (q *queue) unlink(i int32) {
	it := &q.items[i]
	if it.prev >= 0 {
		q.items[it.prev].next = it.next
	} else {
		q.heads[it.sent] = it.next
	}
	if it.next >= 0 {
		q.items[it.next].prev = it.prev
	}
}

func (q *queue) drop(i int32) {
	q.unlink(i)
	delete(q.index, q.items[i].update.Member.ID)
	q.items[i] = queued{}
	q.free = append(q.free, i)
	q.waiting--
	if q.waiting == 0 {
		*q = queue{} // an idle node keeps no buffers
	}
}

// take appends to out what fits into room bytes and is not about skip, and
// forgets what has then been passed on limit times.
func (q *queue) take(out []Update, room, limit int, skip func(*Update) bool) []Update {
	var buffer [128]int32 // more than a datagram of the usual size holds
	taken := buffer[:0]
	for sent := 0; sent < len(q.heads) && room >= q.smallest; sent++ {
		for i := q.heads[sent]; i >= 0 && room >= q.smallest; i = q.items[i].next {
			if it := &q.items[i]; int(it.size) <= room && !skip(&it.update) {
				taken = append(taken, i)
				room -= int(it.size)
			}
		}
	}
	if len(taken) == 0 {
		return out
	}
	out = slices.Grow(out, len(taken))
	for _, i := range taken {
		out = append(out, q.items[i].update)
	}
	// Last to first, so that what was in front is in front again.
	for _, i := range slices.Backward(taken) {
		if int(q.items[i].sent)+1 >= limit {
			q.drop(i)
			continue
		}
		q.unlink(i)
		q.items[i].sent++
		q.link(i)
	}
	return out
}

// tell passes an update on from now on.
func (n *Node) tell(env protocol.Env, u Update) {
	n.queue.put(u)
	n.startGossiping(env)
}

// piggyback returns what fits into a datagram to a member beside used bytes:
// first the updates in first, then those that wait. The member is not told
// that it is alive.
func (n *Node) piggyback(env protocol.Env, used int, to protocol.NodeID, first []Update) []Update {
	if n.queue.waiting == 0 && len(first) == 0 {
		return nil
	}
	room := env.MaxDatagram() - used - countRoom
	updates := first
	for i := range first {
		room -= first[i].size()
	}
	limit := transmissions(n.cfg().RetransmitMult, n.Members())
	return n.queue.take(updates, room, limit, func(u *Update) bool {
		for i := range first {
			if first[i].Member.ID == u.Member.ID {
				return true
			}
		}
		return u.Member.ID == to && u.Member.Status == membertable.Alive
	})
}

// countRoom is what the number of updates may take beyond the one byte that an
// empty list takes.
const countRoom = 2

// startGossiping sets the gossip timer if it is not set. A node gossips at its
// own moments of the interval whether it had news before or not.
func (n *Node) startGossiping(env protocol.Env) {
	interval := n.cfg().GossipInterval.Std()
	if n.gossiping || interval <= 0 || n.cfg().GossipNodes == 0 {
		return
	}
	n.gossiping = true
	env.After(env.Rand().DurationN(interval), protocol.Timer{Kind: timerGossip})
}

func (n *Node) gossip(env protocol.Env) {
	n.gossiping = false
	n.gossipTo(env)
	if n.queue.waiting > 0 {
		n.gossiping = true
		env.After(n.cfg().GossipInterval.Std(), protocol.Timer{Kind: timerGossip})
	}
}

// gossipTo sends news to a few members, those that died a short while ago
// included: it may be news to them that they are dead.
func (n *Node) gossipTo(env protocol.Env) {
	if n.queue.waiting == 0 {
		return
	}
	since := env.Now().Add(-n.cfg().GossipToDead.Std())
	set := present
	if len(n.departed) > 0 && n.departed[len(n.departed)-1].at >= since {
		set |= dead
	}
	peers := n.pick(env, set, n.cfg().GossipNodes, func(m membertable.Member) bool {
		return m.Status == membertable.Dead && !n.departedSince(m.ID, since)
	})
	for _, p := range peers {
		m := &Gossip{}
		if m.Updates = n.piggyback(env, m.Size(), p.ID, nil); len(m.Updates) > 0 {
			n.send(env, p.ID, m)
		}
	}
}

// applyAll takes in the news of one datagram. It reports whether some of it
// says that this node is suspect, dead or gone, which it is not (any more).
func (n *Node) applyAll(env protocol.Env, updates []Update) (wrong bool) {
	for i := range updates {
		m := &updates[i].Member
		n.apply(env, &updates[i])
		wrong = wrong || m.ID == n.self.ID && m.Status != membertable.Alive && newer(n.self, *m)
	}
	return wrong
}

// correct tells one that said something wrong of this node how it is. To be
// refuted once is not enough: whom that news did not reach would go on
// believing the old.
func (n *Node) correct(env protocol.Env, who protocol.NodeID, wrong bool) {
	if wrong {
		n.send(env, who, &Gossip{Updates: []Update{news(n.self, 0)}})
	}
}

// apply takes in one piece of news. News of a member are ordered by incarnation
// and then alive < suspect < dead < left; what is not newer than what is known
// changes nothing.
func (n *Node) apply(env protocol.Env, u *Update) {
	if u.Member.ID == n.self.ID {
		n.aboutMyself(env, u.Member, u.Accuser)
		return
	}
	if n.leaving {
		return
	}
	known, ok := n.table.Get(u.Member.ID)
	if !ok && u.Member.Status != membertable.Alive {
		// Whoever is unknown here may have been forgotten here. To take its
		// death in again would keep the dead circulating for ever.
		return
	}
	if ok && !newer(u.Member, known) {
		if u.Member.Status == membertable.Suspect && known.Status == membertable.Suspect && u.Member.Incarnation == known.Incarnation {
			n.suspect(env, known, known.Incarnation, u.Accuser, false)
		}
		return
	}
	switch u.Member.Status {
	case membertable.Alive:
		n.alive(env, known, u.Member)
	case membertable.Suspect:
		if n.cfg().Suspicion {
			n.suspect(env, known, u.Member.Incarnation, u.Accuser, false)
		}
	case membertable.Dead:
		n.dead(env, known, u.Member.Incarnation, u.Accuser)
	case membertable.Left:
		n.left(env, known, u.Member.Incarnation, true)
	}
}

// newer reports whether a supersedes b, news of the same member. It is a total
// order, so that all who heard the same, in whatever order, believe the same.
func newer(a, b membertable.Member) bool {
	if a.Incarnation != b.Incarnation {
		return a.Incarnation > b.Incarnation
	}
	if a.Status != b.Status || a.Status != membertable.Alive {
		return a.Status > b.Status
	}
	// A node that forgot its past in a restart may say different things with one
	// number, until it hears of it. Which of them counts until then does not
	// matter, but it has to be the same everywhere.
	if a.Contact != b.Contact {
		return a.Contact > b.Contact
	}
	return a.Metadata > b.Metadata
}

// alive: m, of which known was known (the zero Member: nothing), is alive.
func (n *Node) alive(env protocol.Env, known, m membertable.Member) {
	n.welcome(env, known, m)
	n.table = n.table.With(m)
	n.tell(env, news(m, 0))
	if !present.Has(known.Status) {
		n.changed(env, m.ID, true)
	}
}

// welcome does all that an alive member means but for the table.
func (n *Node) welcome(env protocol.Env, known, m membertable.Member) {
	switch known.Status {
	case membertable.Suspect:
		n.dropSuspicion(m.ID)
	case membertable.Dead, membertable.Left:
		n.forgetDeparture(m.ID)
	}
	if known.Contact != m.Contact || known.Status == membertable.Unknown {
		env.Introduce(m.ID, []byte(m.Contact))
	}
	if known.Status != membertable.Alive {
		env.Emit(protocol.Event{Kind: EventAlive, Peer: m.ID, Args: [3]uint64{uint64(m.Incarnation), uint64(known.Status)}})
	}
	if known.Metadata != m.Metadata {
		env.Emit(protocol.Event{Kind: EventMetadata, Peer: m.ID, Args: [3]uint64{uint64(m.Incarnation), metadataHash(m.Metadata)}})
	}
}

// dead: accuser says that the member is dead.
func (n *Node) dead(env protocol.Env, known membertable.Member, incarnation uint32, accuser protocol.NodeID) {
	if !present.Has(known.Status) {
		// It lived in between, which did not reach us. Dead it stays, but only
		// news of the later life count from now on.
		known.Incarnation, known.Status = incarnation, membertable.Dead
		n.table = n.table.With(known)
		n.tell(env, news(known, accuser))
		return
	}
	if !n.graceOver(env, known, incarnation, accuser) {
		return
	}
	known.Incarnation = incarnation
	n.declareDead(env, known, accuser)
}

// left: the member said goodbye.
func (n *Node) left(env protocol.Env, known membertable.Member, incarnation uint32, spread bool) {
	n.dropSuspicion(known.ID)
	was := known.Status
	known.Incarnation, known.Status = incarnation, membertable.Left
	n.table = n.table.With(known)
	n.noteDeparture(env, known.ID)
	if was != membertable.Left {
		env.Emit(protocol.Event{Kind: EventLeft, Peer: known.ID, Args: [3]uint64{uint64(incarnation)}})
	}
	if spread {
		n.tell(env, news(known, 0))
	}
	if present.Has(was) {
		n.changed(env, known.ID, false)
	}
}

// aboutMyself: somebody says something of this node. What is not what this
// node says of itself, and not older, is refuted with a higher incarnation:
// accusations, and traces of an earlier life.
func (n *Node) aboutMyself(env protocol.Env, m membertable.Member, accuser protocol.NodeID) {
	if n.leaving || m.Incarnation < n.self.Incarnation || m.Incarnation > maxIncarnation {
		return
	}
	if m.Status == membertable.Alive {
		if m == n.self {
			return
		}
		n.announce(env, m.Incarnation+1)
		return
	}
	n.changeHealth(env, 1)
	n.announce(env, m.Incarnation+1)
	env.Emit(protocol.Event{Kind: EventRefute, Peer: accuser, Args: [3]uint64{uint64(n.self.Incarnation), uint64(accuser)}})
}
