package cyclon

import (
	"github.com/starling-sim/starling/protocol"
)

// maxJoinWait bounds the time between attempts to join, in rejoin intervals.
const maxJoinWait = 12

// rejoinIfAlone begins to look for company if nobody is left and nobody can
// still turn up in the answer to a shuffle.
func (n *Node) rejoinIfAlone(env protocol.Env) {
	if !n.joining && n.partner == 0 {
		n.join(env)
	}
}

// join asks a random seed to introduce this node, again and again until the
// view is not empty any more.
func (n *Node) join(env protocol.Env) {
	if len(n.view) > 0 {
		n.joinWait = n.cfg.RejoinInterval.Std()
		return
	}
	seed, ok := n.drawSeed(env)
	if !ok {
		return // the first of all: others will come
	}
	env.Introduce(seed.ID, seed.Contact)
	n.send(env, seed.ID, &Join{Contact: string(env.Contact(env.ID()))})
	env.Emit(protocol.Event{Kind: EventJoin, Peer: seed.ID})
	// Those who lost everybody in the same moment do not come back in the same.
	n.joining = true
	env.After(n.joinWait+env.Rand().DurationN(n.joinWait/4), protocol.Timer{Kind: timerJoin})
	n.joinWait = min(2*n.joinWait, maxJoinWait*n.cfg.RejoinInterval.Std())
}

// drawSeed returns a random seed that is not this node itself.
func (n *Node) drawSeed(env protocol.Env) (protocol.Peer, bool) {
	seeds := env.Seeds()
	if len(seeds) == 0 {
		return protocol.Peer{}, false
	}
	first := env.Rand().IntN(len(seeds))
	for k := range seeds {
		if s := seeds[(first+k)%len(seeds)]; s.ID != env.ID() {
			return s, true
		}
	}
	return protocol.Peer{}, false
}

// introduce begins, for a newcomer, as many random walks as a view has slots
// (section 3.4).
func (n *Node) introduce(env protocol.Env, newcomer protocol.NodeID, contact string) {
	for range n.cfg.ViewSize {
		n.step(env, &JoinWalk{Newcomer: newcomer, Contact: contact, TTL: uint8(n.cfg.JoinWalk)})
	}
}

// walk goes on with a walk that reached this node.
func (n *Node) walk(env protocol.Env, m *JoinWalk) {
	if m.Newcomer == env.ID() {
		return
	}
	// Nobody makes others walk for longer than they would themselves.
	n.step(env, &JoinWalk{Newcomer: m.Newcomer, Contact: m.Contact, TTL: min(m.TTL, uint8(n.cfg.JoinWalk))})
}

// step sends a walk on to a random neighbour, or ends it here. It owns m.
func (n *Node) step(env protocol.Env, m *JoinWalk) {
	// The newcomer itself is no step on the way: it may be known from an
	// earlier life or an earlier walk.
	if m.TTL > 0 {
		next := n.partner
		if n.view.draw(env.Rand(), 1, m.Newcomer) == 1 {
			next = n.view[0].id
		}
		if next != 0 && next != m.Newcomer {
			m.TTL--
			n.send(env, next, m)
			return
		}
	}
	n.admit(env, m.Newcomer, m.Contact)
}

// admit ends a walk: a random entry and the newcomer change places, so that
// nobody's in-degree changes but the newcomer's. While there are free slots, the
// newcomer gets a copy.
func (n *Node) admit(env protocol.Env, newcomer protocol.NodeID, contact string) {
	if contact != "" {
		env.Introduce(newcomer, []byte(contact))
	}
	given := own(env)
	drawn := n.view.draw(env.Rand(), 1, newcomer) == 1
	if drawn {
		given = n.entry(env, 0)
	}
	fresh := Entry{ID: newcomer, Contact: contact}
	switch i := n.view.find(newcomer); {
	case i >= 0:
		n.view[i].age = 0
	case len(n.view) < n.cfg.ViewSize:
		n.insert(env, &fresh)
	case drawn:
		n.replace(env, 0, &fresh, CauseNewcomer)
	}
	n.send(env, newcomer, &JoinReply{Entry: given})
}
