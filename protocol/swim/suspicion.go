package swim

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// suspicion is what is kept of a member while it is suspected.
type suspicion struct {
	id          protocol.NodeID
	incarnation uint32
	quiet       bool // so far only the accused itself was told (see Node.merge)
	asked       bool // the accused was asked for a last word
	began       protocol.Time
	deadline    protocol.Time
	ticket      uint64 // of the timer that counts
	// accusers are the first and those who confirmed, at most wanted + 1. Each
	// array belongs to the suspicion alone.
	accusers          []protocol.NodeID
	wanted            int
	shortest, longest time.Duration
}

func (s *suspicion) update() Update {
	return Update{
		Member:  membertable.Member{ID: s.id, Incarnation: s.incarnation, Status: membertable.Suspect},
		Accuser: s.accusers[0],
	}
}

func (n *Node) suspicion(id protocol.NodeID) *suspicion {
	i, ok := slices.BinarySearch(n.suspected, id)
	if !ok {
		return nil
	}
	return &n.suspicions[i]
}

func (n *Node) dropSuspicion(id protocol.NodeID) {
	if i, ok := slices.BinarySearch(n.suspected, id); ok {
		n.suspected = slices.Delete(n.suspected, i, i+1)
		n.suspicions = slices.Delete(n.suspicions, i, i+1)
		if len(n.suspected) == 0 {
			n.suspected, n.suspicions = nil, nil // an idle node keeps no buffers
		}
	}
}

// suspect begins to suspect m, which is present here and of no higher
// incarnation, on the word of accuser; or counts the accuser if m is suspected
// already. A quiet suspicion is nobody's business but this node's and the
// accused's, and counts for nothing where there is another.
func (n *Node) suspect(env protocol.Env, m membertable.Member, incarnation uint32, accuser protocol.NodeID, quiet bool) {
	if s := n.suspicion(m.ID); s != nil {
		if s.incarnation == incarnation {
			if !quiet {
				n.confirm(env, s, accuser)
			}
			return
		}
		// It refuted the former accusation, which did not reach us, and this is
		// another.
		n.dropSuspicion(m.ID)
	}
	returned := !present.Has(m.Status)
	if returned {
		n.forgetDeparture(m.ID)
		env.Emit(protocol.Event{Kind: EventAlive, Peer: m.ID, Args: [3]uint64{uint64(incarnation), uint64(m.Status)}})
	}
	m.Incarnation, m.Status = incarnation, membertable.Suspect
	n.table = n.table.With(m)
	env.Emit(protocol.Event{Kind: EventSuspect, Peer: m.ID, Args: [3]uint64{uint64(incarnation), uint64(accuser)}})

	i, _ := slices.BinarySearch(n.suspected, m.ID)
	n.suspected = slices.Insert(n.suspected, i, m.ID)
	n.suspicions = slices.Insert(n.suspicions, i, n.newSuspicion(m.ID, incarnation))
	if s := &n.suspicions[i]; quiet {
		s.quiet, s.began, s.accusers = true, env.Now(), []protocol.NodeID{accuser}
		s.deadline = s.began.Add(s.shortest)
		n.armSuspicion(env, s)
	} else {
		n.accuse(env, s, accuser)
	}
	if returned {
		n.changed(env, m.ID, true)
	}
}

func (n *Node) newSuspicion(id protocol.NodeID, incarnation uint32) suspicion {
	c, members := n.cfg(), n.Members()
	s := suspicion{id: id, incarnation: incarnation}
	s.shortest = suspicionMin(c.SuspicionMult, members, c.ProbeInterval.Std())
	s.longest = s.shortest
	if c.Confirmations {
		s.longest = time.Duration(c.SuspicionMaxMult) * s.shortest
		s.wanted = confirmationsWanted(c.SuspicionMult, members)
	}
	return s
}

// accuse makes a suspicion public: its time begins, and the news spreads.
func (n *Node) accuse(env protocol.Env, s *suspicion, accuser protocol.NodeID) {
	s.quiet, s.asked, s.began, s.accusers = false, false, env.Now(), []protocol.NodeID{accuser}
	s.deadline = s.began.Add(suspicionTimeout(0, s.wanted, s.shortest, s.longest))
	n.armSuspicion(env, s)
	n.tell(env, s.update())
}

// confirm counts an independent accuser, which shortens the time-out
// (LHA-Suspicion), and passes it on, once for each.
func (n *Node) confirm(env protocol.Env, s *suspicion, accuser protocol.NodeID) {
	if s.quiet {
		n.accuse(env, s, accuser)
		return
	}
	if len(s.accusers) > s.wanted || slices.Contains(s.accusers, accuser) {
		return
	}
	s.accusers = append(s.accusers, accuser)
	n.shorten(env, s, s.began.Add(suspicionTimeout(len(s.accusers)-1, s.wanted, s.shortest, s.longest)))
	u := s.update()
	u.Accuser = accuser
	n.tell(env, u)
}

// shorten moves the deadline forward, never back.
func (n *Node) shorten(env protocol.Env, s *suspicion, deadline protocol.Time) {
	if deadline < s.deadline {
		s.deadline = deadline
		n.armSuspicion(env, s)
	}
}

// armSuspicion sets the timer for the deadline or, before that, for the moment
// to ask for a last word.
func (n *Node) armSuspicion(env protocol.Env, s *suspicion) {
	n.nextTicket++
	s.ticket = n.nextTicket
	wait := s.deadline.Sub(env.Now())
	if n.refutable() && !s.quiet && !s.asked {
		wait -= n.cfg().ProbeTimeout.Std()
	}
	env.After(wait, protocol.Timer{Kind: timerSuspicion, Arg: s.ticket})
}

func (n *Node) suspicionTimer(env protocol.Env, ticket uint64) {
	if n.leaving {
		return
	}
	for i := range n.suspicions {
		if s := &n.suspicions[i]; s.ticket == ticket {
			n.suspicionTimedOut(env, s)
			return
		}
	}
}

func (n *Node) suspicionTimedOut(env protocol.Env, s *suspicion) {
	switch {
	case s.quiet:
		n.accuse(env, s, n.self.ID)
	case n.refutable() && !s.asked:
		// One of very many does not hear of a refutation. It would be alone in
		// declaring the member dead, but declare it nevertheless. Where the end
		// came sooner than expected it waits for the answer.
		s.asked = true
		s.deadline = max(s.deadline, env.Now().Add(n.cfg().ProbeTimeout.Std()))
		n.armSuspicion(env, s)
		n.seq++
		n.send(env, s.id, &Ping{Seq: n.seq, Updates: []Update{s.update()}})
	default:
		if m, ok := n.table.Get(s.id); ok {
			n.declareDead(env, m, n.self.ID)
		}
	}
}

// refutable reports whether the remedy for gray failures is on.
func (n *Node) refutable() bool { return n.cfg().Suspicion && !n.cfg().RefutationGrace.IsZero() }

// graceOver reports whether the accused has had the time to refute that
// refutation_grace gives it: another's word that a member is dead counts only
// then. Until then it makes the suspicion here end when the time is over. (See
// the package documentation: gray failures.)
func (n *Node) graceOver(env protocol.Env, m membertable.Member, incarnation uint32, accuser protocol.NodeID) bool {
	if !n.refutable() {
		return true
	}
	if s := n.suspicion(m.ID); s == nil || s.incarnation != incarnation || s.quiet {
		n.suspect(env, m, incarnation, accuser, false)
	}
	s := n.suspicion(m.ID)
	end := s.began.Add(part(n.cfg().RefutationGrace, s.shortest))
	if env.Now() >= end {
		return true
	}
	n.shorten(env, s, end)
	return false
}

// declareDead: m, which is present here, is dead.
func (n *Node) declareDead(env protocol.Env, m membertable.Member, accuser protocol.NodeID) {
	n.dropSuspicion(m.ID)
	m.Status = membertable.Dead
	n.table = n.table.With(m)
	n.noteDeparture(env, m.ID)
	own := uint64(0)
	if accuser == n.self.ID {
		own = 1
	}
	env.Emit(protocol.Event{Kind: EventConfirmDead, Peer: m.ID, Args: [3]uint64{uint64(m.Incarnation), own, uint64(accuser)}})
	n.tell(env, news(m, accuser))
	n.changed(env, m.ID, false)
}
