package gossip

import (
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// tick sets the timer of the next round, if there is anything to do in it.
func (n *Node) tick(env protocol.Env) {
	if n.ticking || !n.shared.asks && len(n.hot) == 0 {
		return
	}
	n.ticking = true
	interval := n.shared.cfg.RoundInterval.Std()
	env.After(interval-n.past(env.Now()), protocol.Timer{Kind: timerRound})
}

// past is the time since the round began that now is in.
func (n *Node) past(now protocol.Time) time.Duration {
	interval := n.shared.cfg.RoundInterval.Std()
	past := (time.Duration(now) - n.phase) % interval
	if past < 0 {
		past += interval
	}
	return past
}

// spreads tells whether a rumor is spread in the present round. Where rounds
// are aligned, all that happens in one rests on what was known when it began.
func (n *Node) spreads(r *rumor, now protocol.Time) bool {
	return n.shared.cfg.RoundPhase != "aligned" || r.learned < now.Add(-n.past(now))
}

// cameInThisRound tells whether a message is known but not spread yet, as it was
// not known when the round began. Where rounds are not aligned none is.
func (n *Node) cameInThisRound(env protocol.Env, id broadcast.ID) bool {
	for i := len(n.hot) - 1; i >= 0 && !n.spreads(&n.hot[i], env.Now()); i-- {
		if n.hot[i].id == id {
			return true
		}
	}
	return false
}

// round is what a node does once an interval.
func (n *Node) round(env protocol.Env) {
	now := env.Now()
	n.cache.Expire(now, &n.shared.cache)
	n.history.Expire(now, &n.shared.history)
	n.forget(env)
	n.contacts.nextRound()
	if len(n.hot) > 0 || n.shared.asks {
		for _, peer := range n.sampler.Sample(env, n.shared.cfg.Fanout, nil) {
			n.contact(env, peer)
		}
		for i := range n.hot {
			if n.spreads(&n.hot[i], now) {
				n.hot[i].rounds++
			}
		}
	}
	n.tick(env)
}

// forget stops to spread what has been spread enough.
func (n *Node) forget(env protocol.Env) {
	left := n.hot[:0]
	for _, r := range n.hot {
		if n.keeps(env, &r) {
			left = append(left, r)
			continue
		}
		n.interestLost(env, &r)
	}
	n.hot = left
	if len(left) == 0 {
		n.hot = nil
		n.contacts = contacts{}
		if !n.shared.asks {
			n.cache = broadcast.Cache{} // there may be no further round to expire it
		}
	}
}

func (n *Node) keeps(env protocol.Env, r *rumor) bool {
	_, cached := n.cache.Get(r.id)
	if !cached || int64(env.Now().Sub(r.learned)) > n.shared.offered {
		return false
	}
	switch c := &n.shared.cfg; c.Mode {
	case "push":
		return c.ActiveRounds == 0 || int64(r.rounds) < int64(c.ActiveRounds)
	case "rumor":
		return n.interested(r)
	}
	return true
}

func (n *Node) interestLost(env protocol.Env, r *rumor) {
	if n.shared.digests {
		return // an answer is no interest
	}
	env.Emit(protocol.Event{Kind: EventInterestLost, Args: [3]uint64{r.id.Key(), uint64(r.contacts)}})
}

// contact has a round with one peer.
func (n *Node) contact(env protocol.Env, peer protocol.NodeID) {
	if n.shared.pushes {
		n.tellRumors(env, peer, len(n.hot))
	}
	switch {
	case n.shared.digests:
		n.send(env, peer, n.digest(env))
	case n.shared.asks:
		n.send(env, peer, &Ask{})
	}
}

// asked tells a peer that asks what is hot, as much as answers a digest, if nodes
// ask here: nobody else need be answered.
func (n *Node) asked(env protocol.Env, peer protocol.NodeID) {
	if n.shared.asks && !n.shared.digests {
		n.tellRumors(env, peer, n.shared.cfg.AnswerCount)
	}
}

// tellRumors sends a peer up to most messages that are hot, the oldest first.
func (n *Node) tellRumors(env protocol.Env, peer protocol.NodeID, most int) {
	feedback := n.shared.cfg.Mode == "rumor" && n.shared.cfg.Feedback
	sent := 0
	for i := 0; i < len(n.hot) && sent < most; i++ {
		r := &n.hot[i]
		if !n.spreads(r, env.Now()) {
			continue
		}
		if data, ok := n.data(r.id, feedback); ok {
			n.send(env, peer, data)
			sent++
			r.contacts++
			if n.shared.cfg.Mode == "rumor" && !feedback {
				n.count(env, r, true)
			}
		}
	}
	if feedback && sent > 0 {
		n.contacts.add(peer, contactsPer*n.shared.cfg.Fanout+contactsSpare)
	}
}
