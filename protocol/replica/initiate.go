package replica

import (
	"bytes"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
)

// accepted begins the walk of the peer's tree.
func (n *Node) accepted(env protocol.Env, s *session, m *Accept) {
	if s.puller != nil {
		n.abort(env, s, BrokenMalformed)
		return
	}
	s.round++
	s.theirs = m.Known
	s.puller = mst.NewPuller(s.mine, m.Root, mst.PullOptions{SummaryLevels: n.cfg.SummaryLevels})
	if n.forgotten(env, s) {
		n.walk(env, s)
	}
}

// walk asks for what the walk has come to need, sends what the peer was found to
// lack, and ends the session when both are done.
func (n *Node) walk(env protocol.Env, s *session) {
	var lacks packer
	s.puller.Drain(func(d mst.Difference) {
		if d.HasTheirs {
			s.fetch = append(s.fetch, bytes.Clone(d.Key))
			return
		}
		if item, ok := n.offer(env, s, d.Key); ok {
			lacks.add(n, env, s, item)
		}
	})
	lacks.flush(n, env, s)
	n.ask(env, s)
	if s.flight > 0 || s.committed || len(s.fetch) > 0 || !s.puller.Done() {
		return
	}
	if s.incomplete {
		// What was refused is not all that is missing: of these keys the peer has
		// not been sent what this node has.
		n.abort(env, s, BrokenIncomplete)
		return
	}
	s.committed = true
	s.round++
	n.send(env, s, &Commit{Session: s.id})
}

// ask asks for pages, then for entries, as many as may be under way.
func (n *Node) ask(env protocol.Env, s *session) {
	if wants := s.puller.Next(maxFlight - s.flight); len(wants) > 0 {
		s.flight += len(wants)
		for len(wants) > 0 {
			size, k := 0, 0
			for ; k < len(wants) && (k == 0 || size < chunk); k++ {
				size += wants[k].Size()
			}
			n.send(env, s, &Ask{Session: s.id, Round: s.round + 1, Wants: wants[:k:k]})
			wants = wants[k:]
		}
	}
	for len(s.fetch) > 0 && s.flight < maxFlight {
		size, k := 0, 0
		for ; k < len(s.fetch) && k < maxFlight-s.flight && (k == 0 || size < chunk); k++ {
			size += len(s.fetch[k])
		}
		n.send(env, s, &Fetch{Session: s.id, Round: s.round + 1, Keys: s.fetch[:k:k]})
		s.flight += k
		s.fetch = s.fetch[k:]
	}
}

// answered notes that so many of what was asked for have come, in answer to the
// question of a round.
func (s *session) answered(count int, round uint64) bool {
	if count > s.flight || round > s.round+1 {
		return false
	}
	s.flight -= count
	s.round = max(s.round, round)
	return true
}

// pages takes pages of the peer's tree.
func (n *Node) pages(env protocol.Env, s *session, m *Pages) {
	if s.puller == nil || !s.answered(len(m.Pages), m.Round) {
		n.abort(env, s, BrokenMalformed)
		return
	}
	for _, p := range m.Pages {
		if err := s.puller.Receive(p.ID, p.Body); err != nil {
			n.refuse(env, s.peer, RefusedMalformed)
			n.abort(env, s, BrokenMalformed)
			return
		}
	}
	n.walk(env, s)
}

// fetchedEntries takes what the peer has under keys that differ, and tells it
// where that was not the last word.
func (n *Node) fetchedEntries(env protocol.Env, s *session, items []Item) {
	var better packer
	var drops [][]byte
	for _, i := range items {
		if len(i.Entry) == 0 {
			continue // deleted there since; the next session tells
		}
		remote, ok := n.decode(env, s.peer, i)
		if !ok {
			s.incomplete = true
			continue
		}
		got, ok := n.merge(env, i.Key, remote, s.peer, protocol.ApplyPulled)
		if !ok {
			s.incomplete = true
			continue
		}
		if got.changed {
			s.keys++
		}
		switch {
		case bytes.Equal(got.raw, i.Entry):
		case !got.had:
			drops = append(drops, i.Key)
		default:
			better.add(n, env, s, Item{i.Key, got.raw})
		}
	}
	better.flush(n, env, s)
	n.sendDrops(env, s, drops)
}

func (n *Node) sendDrops(env protocol.Env, s *session, keys [][]byte) {
	for len(keys) > 0 {
		size, k := 0, 0
		for ; k < len(keys) && (k == 0 || size < chunk); k++ {
			size += len(keys[k])
		}
		n.send(env, s, &Drop{Session: s.id, Keys: keys[:k:k]})
		keys = keys[k:]
	}
}

// offer is what the peer is sent of a key that it lacks, if anything. What it
// takes account of, and has not, was deleted: that goes from here as well.
func (n *Node) offer(env protocol.Env, s *session, key []byte) (Item, bool) {
	e, raw, err := n.load(env, key)
	if err != nil {
		s.incomplete = true
		return Item{}, false
	}
	rest := heldWithout(e, s.theirs)
	if rest != e {
		if raw, err = n.set(env, bytes.Clone(key), e, rest); err != nil {
			s.incomplete = true
			return Item{}, false
		}
		n.syncLater(env)
		s.keys++
		n.applied(env, key, e, rest, s)
	}
	return Item{bytes.Clone(key), raw}, !rest.IsZero()
}

// heldWithout is what is left of an entry when one who takes account of known
// has nothing under the key. A deletion stays: it is for this node to say when
// it takes account of it without being reminded.
func heldWithout(e crdt.Entry, known clock.VersionVector) crdt.Entry {
	if !e.Live() {
		return e
	}
	return crdt.Entry{}.MergeKnown(e, known)
}

// applied reports that the peer's silence about a key deleted it.
func (n *Node) applied(env protocol.Env, key []byte, before, rest crdt.Entry, s *session) {
	if before.Live() && !rest.Live() {
		env.Emit(protocol.Event{Kind: EventVanish, Peer: s.peer, Args: [3]uint64{keyHash(key), versionSeen(before)}})
	}
}

// done ends a session that is complete on both sides.
func (n *Node) done(env protocol.Env, s *session, m *Done) {
	if !s.committed {
		n.abort(env, s, BrokenMalformed)
		return
	}
	n.forget(s)
	if !s.incomplete {
		if err := n.learn(env, s.theirs); err != nil {
			n.end(env, s, BrokenStore)
			return
		}
	}
	env.Emit(protocol.Event{Kind: EventSessionEnd, Peer: s.peer, Args: [3]uint64{s.round, s.bytes, s.keys + m.Keys}})
}

// packer makes messages of entries that are not too large.
type packer struct {
	items []Item
	size  int
}

func (p *packer) add(n *Node, env protocol.Env, s *session, i Item) {
	if p.size > 0 && p.size+i.size() > chunk {
		p.flush(n, env, s)
	}
	p.items = append(p.items, i)
	p.size += i.size()
}

func (p *packer) flush(n *Node, env protocol.Env, s *session) {
	p.flushAs(n, env, s, 0)
}

func (p *packer) flushAs(n *Node, env protocol.Env, s *session, round uint64) {
	if len(p.items) > 0 {
		n.send(env, s, &Entries{Session: s.id, Round: round, Items: p.items})
		p.items, p.size = nil, 0
	}
}
