package cyclon

import "github.com/starling-sim/starling/protocol"

// shuffle begins a cycle (section 3.2, enhanced shuffling): everybody in the
// view gets older, and the oldest is offered a fresh entry of this node and a
// few random others. The oldest leaves the view at once: if it is dead, that
// was its end here.
func (n *Node) shuffle(env protocol.Env) {
	n.view.grow()
	if len(n.view) == 0 {
		n.rejoinIfAlone(env)
		return
	}
	i := n.view.oldest(env.Rand())
	n.partner, n.heard = n.view[i].id, false
	n.seq++
	n.remove(env, i, CausePartner)

	m := &Shuffle{Seq: n.seq, Entries: make([]Entry, 0, min(n.cfg.ShuffleLength, len(n.view)+1))}
	m.Entries = append(m.Entries, own(env))
	drawn := n.view.draw(env.Rand(), n.cfg.ShuffleLength-1, 0)
	m.Entries = n.fill(env, m.Entries, drawn)
	for i := range len(m.Entries) - 1 {
		n.view[i].offered = true
	}
	n.send(env, n.partner, m)
	env.After(n.cfg.ReplyTimeout.Std(), protocol.Timer{Kind: timerReply, Arg: uint64(n.seq)})
}

// fill appends the first count entries of the view, or as many as fit a
// message.
func (n *Node) fill(env protocol.Env, entries []Entry, count int) []Entry {
	// The number of the shuffle and the count of its entries come on top.
	room := n.room(env) - 4 - 2
	for i := range entries {
		room -= entries[i].size()
	}
	for i := range count {
		e := n.entry(env, i)
		if room -= e.size(); room < 0 {
			break
		}
		entries = append(entries, e)
	}
	return entries
}

// answer gives as many random entries as a shuffle may carry for those that
// came. Nobody gets older by it.
func (n *Node) answer(env protocol.Env, from protocol.NodeID, m *Shuffle) {
	// The asker has no use for its own entry.
	drawn := n.view.draw(env.Rand(), n.cfg.ShuffleLength, from)
	reply := &ShuffleReply{Seq: m.Seq}
	if drawn > 0 {
		reply.Entries = n.fill(env, make([]Entry, 0, drawn), drawn)
	}
	given := len(reply.Entries)
	if drawn < n.cfg.ShuffleLength {
		// Hardly anybody is known here: give what there is. Without this two
		// nodes that know only each other would forget each other.
		if e := own(env); reply.Size()+e.size()+1 <= n.room(env) {
			reply.Entries = append(reply.Entries, e)
		}
	}
	n.send(env, from, reply)
	n.accept(env, m.Entries, given)
}

// answered: the entries of the answer take free slots and then those of the
// entries that were offered and are still there.
func (n *Node) answered(env protocol.Env, from protocol.NodeID, m *ShuffleReply) {
	if from != n.partner || m.Seq != n.seq {
		return // late, or sent twice
	}
	n.partner = 0
	n.accept(env, m.Entries, n.view.offeredFirst())
	n.rejoinIfAlone(env)
}

// endShuffle gives up the shuffle in progress: what was offered stays.
func (n *Node) endShuffle() {
	n.partner = 0
	n.view.offeredFirst()
}

func (n *Node) replyTimeout(env protocol.Env, seq uint32) {
	if n.partner == 0 || seq != n.seq {
		return
	}
	if n.heard {
		// Only the shuffle was lost: no news for those above.
		peer := n.partner
		n.endShuffle()
		env.Emit(protocol.Event{Kind: EventShuffleFailed, Peer: peer, Args: [3]uint64{CauseTimeout}})
		n.rejoinIfAlone(env)
		return
	}
	n.gone(env, n.partner, CauseTimeout)
}
