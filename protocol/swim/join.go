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
	n.pushPullWait = n.cfg().PushPullInterval.Std()
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

// trySeed exchanges tables with one of the seeds, if that is one this node does
// not know (any more). Nodes that were alone, or found only each other when they
// joined, are unknown to the others as the others are to them: only the seeds
// lead from one island to another.
func (n *Node) trySeed(env protocol.Env) {
	seeds := env.Seeds()
	if len(seeds) == 0 || !n.joined {
		return
	}
	seed := seeds[env.Rand().IntN(len(seeds))]
	if seed.ID != n.self.ID && missing(n.table, seed.ID) {
		env.Introduce(seed.ID, seed.Contact)
		// A seed that does not answer is asked again some day.
		_ = env.SendStream(seed.ID, &PushPull{Table: n.table})
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
