package replica

import (
	"bytes"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
)

// opened answers one who wants to begin a session.
func (n *Node) opened(env protocol.Env, from protocol.NodeID, m *Open) {
	refuse := func(reason uint64) {
		_ = env.SendStream(from, &Abort{Session: m.Session, Reason: reason}) // it fits
	}
	switch {
	case m.Profile != n.profileMark():
		refuse(BrokenProfile)
		return
	case n.ongoing(false) >= n.cfg.Sessions, n.find(m.Session, from) != nil:
		refuse(BrokenBusy)
		return
	}
	s := n.newSession(env, from, m.Session, false)
	s.bytes += uint64(m.Size())
	s.theirs = m.Known
	if !n.forgotten(env, s) {
		return
	}
	n.send(env, s, &Accept{Session: s.id, Root: s.mine.Root(), Known: s.known})
}

// forgotten sends the deletions that the peer does not take account of. It
// returns false if it had to end the session.
func (n *Node) forgotten(env protocol.Env, s *session) bool {
	if n.tombstones == 0 {
		return true
	}
	var keys [][]byte
	err := env.Store().Scan([]byte(prefixTombstone), after(prefixTombstone), func(key, _ []byte) bool {
		keys = append(keys, keyOf(key, prefixTombstone))
		return true
	})
	var deleted packer
	for _, key := range keys {
		e, raw, failed := n.load(env, key)
		if failed != nil {
			err = failed
			break
		}
		if !e.IsZero() && !e.CoveredBy(s.theirs) {
			deleted.add(n, env, s, Item{key, raw})
		}
	}
	deleted.flush(n, env, s)
	if err != nil {
		// The peer must not believe that it heard of everything.
		n.abort(env, s, BrokenStore)
	}
	return err == nil
}

// asked answers with pages of the tree as it was when the session began.
func (n *Node) asked(env protocol.Env, s *session, m *Ask) {
	var pages []Page
	size := 0
	flush := func() {
		if len(pages) > 0 {
			n.send(env, s, &Pages{Session: s.id, Round: m.Round, Pages: pages})
			pages, size = nil, 0
		}
	}
	for _, w := range m.Wants {
		body, ok := s.mine.Answer(nil, w)
		if !ok {
			n.refuse(env, s.peer, RefusedMalformed)
			n.abort(env, s, BrokenMalformed)
			return
		}
		if size+len(body) > chunk {
			flush()
		}
		pages = append(pages, Page{w.ID, body})
		size += len(body)
	}
	flush()
}

// fetched answers with what is under keys.
func (n *Node) fetched(env protocol.Env, s *session, m *Fetch) {
	var answer packer
	for _, key := range m.Keys {
		_, raw, err := n.load(env, key)
		if err != nil {
			n.abort(env, s, BrokenStore)
			return
		}
		i := Item{key, raw}
		if answer.size > 0 && answer.size+i.size() > chunk {
			answer.flushAs(n, env, s, m.Round)
		}
		answer.add(n, env, s, i)
	}
	answer.flushAs(n, env, s, m.Round)
}

// entries takes entries: of one who was asked for them, of one who brings what
// this node lacks, or knows better.
func (n *Node) entries(env protocol.Env, s *session, m *Entries) {
	if m.Round > 0 {
		if !s.began || s.puller == nil || !s.answered(len(m.Items), m.Round) {
			n.abort(env, s, BrokenMalformed)
			return
		}
		n.fetchedEntries(env, s, m.Items)
		n.walk(env, s)
		return
	}
	var better packer
	for _, i := range m.Items {
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
		// The one who began hears of what is known better here; it sends its own
		// deletions first, and the last word on what it fetched.
		if !s.began && !bytes.Equal(got.raw, i.Entry) && got.had {
			better.add(n, env, s, Item{i.Key, got.raw})
		}
	}
	better.flush(n, env, s)
}

// dropped takes the word of one who began that it had nothing under keys.
func (n *Node) dropped(env protocol.Env, s *session, m *Drop) {
	for _, key := range m.Keys {
		e, _, err := n.load(env, key)
		if err != nil {
			s.incomplete = true
			continue
		}
		rest := heldWithout(e, s.theirs)
		if rest == e {
			continue
		}
		if _, err := n.set(env, key, e, rest); err != nil {
			s.incomplete = true
			continue
		}
		n.syncLater(env)
		s.keys++
		n.applied(env, key, e, rest, s)
	}
}

// committed ends a session for the one who answered.
func (n *Node) committed(env protocol.Env, s *session) {
	if !s.incomplete {
		if err := n.learn(env, s.theirs); err != nil {
			n.abort(env, s, BrokenStore)
			return
		}
	}
	s.over = true
	n.send(env, s, &Done{Session: s.id, Keys: s.keys})
}

// collect forgets deletions that are old enough and that the contents take
// account of without them.
func (n *Node) collect(env protocol.Env) {
	if n.tombstones == 0 {
		return
	}
	var old [][]byte
	err := env.Store().Scan([]byte(prefixTombstone), after(prefixTombstone), func(key, at []byte) bool {
		if env.Now().Sub(entryTime(at)) >= n.cfg.TombstoneLife.Std() {
			old = append(old, keyOf(key, prefixTombstone))
		}
		return true
	})
	if err != nil {
		return // the world reports it; there is a next time
	}
	count := uint64(0)
	for _, key := range old {
		e, _, err := n.load(env, key)
		if err != nil || !e.CoveredBy(n.known) {
			continue
		}
		if _, err := n.set(env, key, e, crdt.Entry{}); err == nil {
			count++
		}
	}
	if count > 0 {
		n.syncLater(env)
		env.Emit(protocol.Event{Kind: EventCollect, Args: [3]uint64{count}})
	}
}
