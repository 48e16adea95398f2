package gossip

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// Rumor mongering after Demers et al., PODC 1987, section 1.4. What a contact
// says is noted at once and takes effect at the end of the cycle, so that all of
// a cycle rests on the state at its beginning.

// isNews tells whether a message that is known counts as unknown, because it
// came in the very cycle that is still going on: the cycle's pushes to this
// node happen at once, and none of them is the first.
func (n *Node) isNews(env protocol.Env, id broadcast.ID) bool {
	return n.shared.cfg.SameCycle == "useful" && n.cameInThisRound(env, id)
}

// contacts are the peers that were sent rumors in the present round and the one
// before, and have feedback to give; each may be there more than once.
type contacts struct {
	peers   []protocol.NodeID // in the order of the contacts
	earlier int               // the first ones: in the round before
}

// A node contacts fanout peers a round and answers about as many who ask, for two
// rounds. More are forgotten, the earliest first: the list is bounded by
// contactsPer for each of the fanout and contactsSpare for rounds with many.
const (
	contactsPer   = 6
	contactsSpare = 16
)

func (c *contacts) add(peer protocol.NodeID, most int) {
	if len(c.peers) >= most {
		c.peers = slices.Delete(c.peers, 0, 1)
		c.earlier = max(c.earlier, 1) - 1
	}
	c.peers = append(c.peers, peer)
}

func (c *contacts) nextRound() {
	c.peers = slices.Delete(c.peers, 0, c.earlier)
	c.earlier = len(c.peers)
}

// feedback is a receiver's answer. That of others does not count: it would end
// rumors that hardly anybody knows.
func (n *Node) feedback(env protocol.Env, from protocol.NodeID, m *Feedback) {
	if n.shared.cfg.Mode != "rumor" || !n.shared.cfg.Feedback || !slices.Contains(n.contacts.peers, from) {
		return
	}
	for i := range n.hot {
		if n.hot[i].id == m.ID {
			n.count(env, &n.hot[i], m.Knew)
			return
		}
	}
}

// count notes a contact.
func (n *Node) count(env protocol.Env, r *rumor, unnecessary bool) {
	switch {
	case !unnecessary:
		r.useful = true
	case n.shared.cfg.Stop == "coin":
		r.lost = r.lost || env.Rand().IntN(n.shared.cfg.K) == 0
	default:
		r.unnecessary++
	}
}

// interested ends a cycle and tells whether the rumor is still hot.
func (n *Node) interested(r *rumor) bool {
	c := &n.shared.cfg
	switch {
	case c.Stop == "coin":
		return !r.lost
	case r.useful:
		// Demers, note on table 3: if any of the contacts of a cycle was useful,
		// the counter is set back; if none was, it grows by one.
		if c.CounterReset {
			r.useless = 0
		}
	case c.Feedback:
		r.useless += min(r.unnecessary, 1)
	default:
		r.useless += r.unnecessary
	}
	r.useful, r.unnecessary = false, 0
	return int64(r.useless) < int64(c.K)
}
