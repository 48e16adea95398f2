package swim

import (
	"slices"
	"sync"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

// start makes a node known and lets it know the others.
func (n *Node) start(env protocol.Env) {
	if n.cfg().Bootstrap == "seeds_are_members" {
		// One that is not among its seeds comes later and has to ask.
		if all := n.shared.seed.table(env.Seeds()); !missing(all, n.self.ID) {
			n.table, n.joined = all.With(n.self), true
		}
	}
	n.joinWait = n.cfg().JoinRetry.Std()
	if !n.joined {
		n.join(env)
	}
	n.pushPullWait = n.cfg().PushPullStart.Std()
	if n.joined {
		n.pushPullWait = n.cfg().PushPullInterval.Std()
	}
	n.armPushPull(env)
}

// join asks a few of the seeds who is there, again and again until one answers.
func (n *Node) join(env protocol.Env) {
	if n.joined || n.leaving {
		return
	}
	seeds := slices.Clone(env.Seeds())
	seeds = slices.DeleteFunc(seeds, func(p protocol.Peer) bool { return p.ID == n.self.ID })
	if len(seeds) == 0 {
		n.joined = true // the first of all
		return
	}
	env.Rand().Shuffle(len(seeds), func(i, j int) { seeds[i], seeds[j] = seeds[j], seeds[i] })
	for _, seed := range seeds[:min(len(seeds), joinSeeds)] {
		env.Introduce(seed.ID, seed.Contact)
		// What cannot be sent is tried again.
		_ = env.SendStream(seed.ID, &PushPull{Table: n.table})
	}
	env.After(n.joinWait, protocol.Timer{Kind: timerJoin})
	n.joinWait = min(2*n.joinWait, maxJoinWait)
}

const (
	// joinSeeds is the number of seeds that are asked at a time.
	joinSeeds = 3
	// maxJoinWait bounds the time between attempts to join.
	maxJoinWait = 30 * time.Second
)

// armPushPull sets the timer of the next exchange: at random within twice the
// time, so that a burst of joins does not become a burst of exchanges.
func (n *Node) armPushPull(env protocol.Env) {
	if n.cfg().PushPullInterval > 0 {
		env.After(n.pushPullWait/2+env.Rand().DurationN(n.pushPullWait), protocol.Timer{Kind: timerPushPull})
	}
}

// nextPushPull exchanges tables with a random member.
func (n *Node) nextPushPull(env protocol.Env) {
	if n.leaving {
		return
	}
	for _, m := range n.pick(env, membertable.SetOf(membertable.Alive), 1, nobody) {
		// A stream that breaks is an exchange that did not take place.
		_ = env.SendStream(m.ID, &PushPull{Table: n.table})
	}
	longest := n.cfg().PushPullInterval.Std()
	for range pushPullScale(n.members()) - 1 {
		longest += n.cfg().PushPullInterval.Std()
	}
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
		n.tell(env, Update{Member: n.self})
	}
}

// merge takes in what another's table says. Nobody dies of it, and nobody is
// accused before others: a table is as old as its owner's last news. A member
// that the other holds for suspect or dead and that is present here is
// suspected here and told so at once; if it lives, its answer clears it here and,
// being of a higher incarnation, at the other's side as well. That is how the
// two sides of a healed partition become one.
func (n *Node) merge(env protocol.Env, from protocol.NodeID, theirs membertable.Table, spread bool) {
	var arrived []membertable.Member
	var accused []membertable.Member
	for mine, other := range n.table.Diff(theirs) {
		switch {
		case other.ID == 0:
		case other.ID == n.self.ID:
			n.aboutMyself(env, other, from)
		case mine.ID != 0 && !newer(other, mine):
		case other.Status == membertable.Alive:
			arrived = append(arrived, other)
		case other.Status == membertable.Left:
			if mine.ID != 0 {
				n.left(env, mine, other.Incarnation, spread)
			}
		case mine.ID == 0 && other.Status == membertable.Suspect:
			accused = append(accused, other)
			other.Status = membertable.Alive
			arrived = append(arrived, other)
		case mine.ID == 0: // dead and forgotten here
		case present.Has(mine.Status):
			mine.Incarnation = other.Incarnation
			accused = append(accused, mine)
		case other.Status == membertable.Dead:
			n.dead(env, mine, other.Incarnation, from)
		}
	}
	for _, m := range arrived {
		known, _ := n.table.Get(m.ID)
		n.welcome(env, known, m)
		if spread && !contains(accused, m.ID) {
			n.tell(env, Update{Member: m})
		}
	}
	n.table = n.table.WithAllFrom(theirs, arrived)
	n.tellAccused(env, from, accused)
}

func (n *Node) tellAccused(env protocol.Env, from protocol.NodeID, accused []membertable.Member) {
	if !n.cfg().Suspicion {
		return
	}
	// Whoever is left out is among the next exchange's.
	env.Rand().Shuffle(len(accused), func(i, j int) { accused[i], accused[j] = accused[j], accused[i] })
	for _, m := range accused[:min(len(accused), maxAccused)] {
		known, _ := n.table.Get(m.ID)
		n.suspect(env, known, m.Incarnation, from, false)
		n.seq++
		ping := &Ping{Seq: n.seq, Updates: []Update{n.suspicion(m.ID).update()}}
		n.send(env, m.ID, ping)
	}
}

// maxAccused bounds the members that are told of one exchange's accusations.
const maxAccused = 1024

func (n *Node) startReconnecting(env protocol.Env) {
	env.After(env.Rand().DurationN(n.tidyInterval()), protocol.Timer{Kind: timerReconnect})
}

// tidyInterval is how often the gone are tried and the long gone forgotten.
func (n *Node) tidyInterval() time.Duration {
	if interval := n.cfg().ReconnectInterval.Std(); interval > 0 {
		return interval
	}
	return maxJoinWait
}

// reconnect tries to reach a member that is held for dead, with the probability
// that makes every dead member be tried by somebody once an interval (Serf).
func (n *Node) reconnect(env protocol.Env) {
	if n.leaving {
		return
	}
	env.After(n.tidyInterval(), protocol.Timer{Kind: timerReconnect})
	n.reap(env)
	if n.cfg().ReconnectInterval <= 0 {
		return
	}
	gone, here := n.table.Count(membertable.Dead), n.members()
	if gone == 0 || env.Rand().IntN(here) >= gone {
		return
	}
	for _, m := range n.pick(env, dead, 1, nobody) {
		// Most dead members are dead.
		_ = env.SendStream(m.ID, &PushPull{Table: n.table})
	}
}

// seedTables holds the table that all nodes of a world begin with whose seeds
// are the members. It is the same for all of them and is built once.
type seedTables struct {
	pool *membertable.Pool

	mu    sync.Mutex
	seeds []protocol.Peer
	made  membertable.Table
}

func (s *seedTables) table(seeds []protocol.Peer) membertable.Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !sameSlice(s.seeds, seeds) {
		members := make([]membertable.Member, len(seeds))
		for i, p := range seeds {
			members[i] = membertable.Member{ID: p.ID, Status: membertable.Alive, Contact: string(p.Contact)}
		}
		s.seeds, s.made = seeds, membertable.New(s.pool).WithAll(members)
	}
	return s.made
}

func missing(t membertable.Table, id protocol.NodeID) bool {
	_, ok := t.Get(id)
	return !ok
}

// sameSlice reports whether a and b are the same memory: the world hands the
// same list to all.
func sameSlice(a, b []protocol.Peer) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}
