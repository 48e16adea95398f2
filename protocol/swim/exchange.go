package swim

import (
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// armPushPull sets the timer of the next exchange: at random between half and
// one and a half times the wait, so that a burst of joins does not become a
// burst of exchanges.
func (n *Node) armPushPull(env protocol.Env) {
	if n.cfg().PushPullInterval <= 0 {
		return
	}
	wait := n.pushPullWait/2 + env.Rand().DurationN(n.pushPullWait)
	n.pushPullTurn++
	n.pushPullAt = env.Now().Add(wait)
	env.After(wait, protocol.Timer{Kind: timerPushPull, Arg: uint64(n.pushPullTurn)})
}

// hurry makes the next exchange come soon if many members came or went since
// the last: after a storm of news some piece of it is missing somewhere.
func (n *Node) hurry(env protocol.Env) {
	n.unrest++
	if n.cfg().PushPullInterval <= 0 || n.unrest < manyOf(n.Members()) {
		return
	}
	n.unrest = 0
	n.pushPullWait = n.cfg().PushPullStart.Std()
	if n.pushPullAt > env.Now().Add(n.pushPullWait) {
		n.armPushPull(env)
	}
}

// manyOf is a sixteenth of n members, of few at least four, of very few a
// quarter. One piece of news is missing somewhere among 220 members in 1 % of
// cases (each gets 10 copies on average, so that n e^-10 get none), but one of
// the twenty that come with a region in 20 %.
func manyOf(n int) int {
	return max((n+15)/16, min(4, (n+3)/4))
}

// nextPushPull exchanges tables with a random member.
func (n *Node) nextPushPull(env protocol.Env, turn uint32) {
	if n.leaving || turn != n.pushPullTurn {
		return
	}
	for _, m := range n.pick(env, membertable.SetOf(membertable.Alive), 1, nobody) {
		// A stream that breaks is an exchange that did not take place.
		_ = env.SendStream(m.ID, &PushPull{Table: n.table})
	}
	n.unrest = 0
	longest := n.cfg().PushPullInterval.Std() * time.Duration(pushPullScale(n.Members()))
	n.pushPullWait = min(2*n.pushPullWait, longest)
	n.armPushPull(env)
}

// exchange takes in another's table and answers with this node's as it is then:
// with the refutations of what the other held against it.
func (n *Node) exchange(env protocol.Env, from protocol.NodeID, m *PushPull) {
	newcomer := m.Reply && !n.joined
	if !n.leaving {
		n.merge(env, from, m.Table, !newcomer)
	}
	if !m.Reply {
		// An answer that is lost with its stream is asked for again some day.
		_ = env.SendStream(from, &PushPull{Reply: true, Table: n.table})
	}
	if newcomer && !n.leaving {
		n.joined = true
		n.tell(env, news(n.self, 0))
	}
}

// merge takes in what another's table says. Nobody dies of it, and nobody is
// accused before others: a table is as old as its owner's last news. A member
// that the other holds for suspect or dead and that is present here is
// suspected here, quietly, and told so at once; if it lives, its answer clears
// it here and, being of a higher incarnation, at the other's side as well. That
// is how the two sides of a healed partition become one.
func (n *Node) merge(env protocol.Env, from protocol.NodeID, theirs membertable.Table, spread bool) {
	var arrived, strangers, accused []membertable.Member
	for mine, other := range n.table.Diff(theirs) {
		switch {
		case other.ID == 0: // not known there
		case other.ID == n.self.ID:
			n.aboutMyself(env, other, from)
		case mine.ID != 0 && !newer(other, mine):
		case other.Status == membertable.Alive:
			arrived = append(arrived, other)
		case mine.ID == 0:
			if other.Status == membertable.Suspect {
				accused = append(accused, other)
				other.Status = membertable.Alive
				strangers = append(strangers, other)
			} // else gone, and perhaps forgotten here
		case other.Status == membertable.Left:
			n.left(env, mine, other.Incarnation, spread)
		case other.Status == membertable.Suspect || present.Has(mine.Status):
			accused = append(accused, other)
		default:
			n.dead(env, mine, other.Incarnation, from)
		}
	}
	if spread {
		for _, m := range arrived {
			n.tell(env, news(m, 0))
		}
	}
	n.takeIn(env, theirs, append(arrived, strangers...))
	n.tellAccused(env, from, accused)
}

// takeIn puts members that are alive, found in another's table, into this
// node's.
func (n *Node) takeIn(env protocol.Env, theirs membertable.Table, alive []membertable.Member) {
	var came []protocol.NodeID
	for _, m := range alive {
		known, _ := n.table.Get(m.ID)
		n.welcome(env, known, m)
		if !present.Has(known.Status) {
			came = append(came, m.ID)
		}
	}
	n.table = n.table.WithAllFrom(theirs, alive)
	for _, id := range came {
		n.changed(env, id, true)
	}
}

// tellAccused pings those who are suspect or dead in from's table, with just
// this news.
func (n *Node) tellAccused(env protocol.Env, from protocol.NodeID, accused []membertable.Member) {
	// Whoever is left out is among the next exchange's.
	env.Rand().Shuffle(len(accused), func(i, j int) { accused[i], accused[j] = accused[j], accused[i] })
	for _, m := range accused[:min(len(accused), maxAccused)] {
		u := news(m, from)
		if n.cfg().Suspicion {
			known, _ := n.table.Get(m.ID)
			n.suspect(env, known, m.Incarnation, from, true)
			u = n.suspicion(m.ID).update()
		}
		n.seq++
		n.send(env, m.ID, &Ping{Seq: n.seq, Updates: []Update{u}})
	}
}

// maxAccused bounds the members that are told of one exchange's accusations.
const maxAccused = 1024
