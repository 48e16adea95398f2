package gossip

import (
	"cmp"
	"math"
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
)

// digest lists what this node has, as far as it fits a datagram: all of it, or
// what lies in a random range of keys.
func (n *Node) digest(env protocol.Env) *Digest {
	d := &Digest{Exchange: n.shared.cfg.Mode == "push-pull", To: ^uint64(0)}
	if n.cache.Len() == 0 {
		return d
	}
	known := make([]keyed, 0, n.cache.Len())
	n.cache.Latest(n.cache.Len(), math.MinInt64, func(m broadcast.Message) {
		known = append(known, keyed{m.ID.Key(), m.ID})
	})
	slices.SortFunc(known, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	// Two IDs of one key: the other is as good as none, once in 2^64.
	known = slices.CompactFunc(known, func(a, b keyed) bool { return a.key == b.key })
	room := min(max(1, (env.MaxDatagram()-digestHeader)/broadcast.IDSize), maxIDs)
	if len(known) > room {
		// Ranges that begin before the first or end after the last are cut, so
		// that every key is in one as often as every other.
		begin := env.Rand().IntN(len(known)+room-1) - (room - 1)
		end := begin + room
		if begin > 0 {
			d.From = known[begin-1].key + 1
		}
		if end < len(known) {
			d.To = known[end].key - 1
		}
		known = known[max(begin, 0):min(end, len(known))]
	}
	d.IDs = make([]broadcast.ID, len(known))
	for i, k := range known {
		d.IDs[i] = k.id
	}
	return d
}

type keyed struct {
	key uint64
	id  broadcast.ID
}

// compare answers a digest: it sends what the asker lacks, the oldest first, and,
// in an exchange, requests what this node lacks.
func (n *Node) compare(env protocol.Env, from protocol.NodeID, d *Digest) {
	if !n.shared.digests {
		return
	}
	sent := 0
	for i := 0; i < len(n.hot) && sent < n.shared.cfg.AnswerCount; i++ {
		r := &n.hot[i]
		old := int64(env.Now().Sub(r.learned)) > n.shared.offered
		if old || !n.spreads(r, env.Now()) || !d.asksFor(r.id) {
			continue
		}
		if data, ok := n.data(r.id, false); ok {
			n.send(env, from, data)
			sent++
		}
	}
	if d.Exchange {
		n.request(env, from, d.IDs)
	}
}

// request asks for those of the offered messages that this node lacks.
func (n *Node) request(env protocol.Env, from protocol.NodeID, offered []broadcast.ID) {
	var missing []broadcast.ID
	for _, id := range offered {
		if len(missing) < n.shared.cfg.AnswerCount && !n.history.Seen(id, env.Now(), &n.shared.history) {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		n.send(env, from, &Request{IDs: missing})
	}
}

// answer sends what was requested.
func (n *Node) answer(env protocol.Env, from protocol.NodeID, m *Request) {
	if !n.shared.digests {
		return
	}
	for _, id := range m.IDs[:min(len(m.IDs), n.shared.cfg.AnswerCount)] {
		if n.cameInThisRound(env, id) {
			continue
		}
		if data, ok := n.data(id, false); ok {
			n.send(env, from, data)
		}
	}
}

// asksFor tells whether a message is in the range and not listed.
func (m *Digest) asksFor(id broadcast.ID) bool {
	key := id.Key()
	if key < m.From || key > m.To {
		return false
	}
	_, listed := slices.BinarySearchFunc(m.IDs, key, func(id broadcast.ID, key uint64) int {
		return cmp.Compare(id.Key(), key)
	})
	return !listed
}
