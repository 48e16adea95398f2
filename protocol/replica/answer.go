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
	if m.Profile != n.profileMark() {
		env.Emit(protocol.Event{Kind: EventMismatch, Peer: from})
		refuse(BrokenProfile)
		return
	}
	for _, s := range n.sessions {
		if s.peer == from && !s.began {
			// Who begins anew has forgotten the last one, or wants all places.
			n.end(env, s, BrokenStream)
			break
		}
	}
	switch {
	case !n.ready || !n.issued(env, m.Known):
		refuse(BrokenStore)
		return
	case n.ongoing(false) >= n.cfg.Sessions, n.find(m.Session, from) != nil:
		refuse(BrokenBusy)
		return
	}
	s := n.newSession(env, from, m.Session, false)
	s.heard++
	s.bytes += uint64(m.Size())
	s.theirs = m.Known
	s.queue(&tombstonesJob{from: []byte(prefixTombstone)})
	s.queue(ready{&Accept{Session: s.id, Root: s.mine.Root(), Known: s.known}})
	n.compareFlat(s, m.Root)
	n.drain(env, s)
}

// owe notes that the peer has asked for so many pages or entries more, in a
// message of that size, as it does when it walks the tree.
func (n *Node) owe(env protocol.Env, s *session, count, size int) bool {
	s.owed += count
	s.asking += size
	if s.owed > maxFlight || s.asking > maxAsking || n.cfg.Compare != compareMST {
		n.abort(env, s, BrokenMalformed)
		return false
	}
	return true
}

func (n *Node) asked(env protocol.Env, s *session, m *Ask) {
	if size := m.Size(); n.owe(env, s, len(m.Wants), size) {
		s.queue(&pagesJob{m.Wants, m.Round, size})
	}
}

func (n *Node) fetched(env protocol.Env, s *session, m *Fetch) {
	if size := m.Size(); n.owe(env, s, len(m.Keys), size) {
		s.queue(&entriesJob{m.Keys, m.Round, size})
	}
}

// entries takes entries: of one who was asked for them, of one who brings what
// this node lacks, or knows better.
func (n *Node) entries(env protocol.Env, s *session, m *Entries) {
	if s.began && m.Round > 0 && s.flat != nil {
		n.state(env, s, m)
		return
	}
	if m.Round > 0 {
		if !s.began || !s.answered(len(m.Items), m.Round) {
			n.abort(env, s, BrokenMalformed)
			return
		}
		n.fetchedEntries(env, s, m.Items)
		return
	}
	var better [][]byte
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
			n.changed(s)
		}
		// The one who began hears of what is known better here; it sends its own
		// deletions first, and the last word on what it fetched.
		if !s.began && !bytes.Equal(got.raw, i.Entry) && got.had {
			better = append(better, i.Key)
		}
	}
	if len(better) > 0 {
		if s.owed += len(better); s.owed > maxFlight+maxItems {
			n.abort(env, s, BrokenBusy) // there is a next time, for the rest
			return
		}
		s.queue(&entriesJob{keys: better})
	}
}

// dropped takes the word of one who began that it had nothing under keys.
func (n *Node) dropped(env protocol.Env, s *session, m *Drop) {
	for _, key := range m.Keys {
		e, raw, err := n.load(env, key)
		if err != nil {
			s.incomplete = true
			continue
		}
		n.without(env, s, key, e, raw)
	}
}

// committed ends a session for the one who answered.
func (n *Node) committed(env protocol.Env, s *session, m *Commit) {
	if s.committed || m.Sent+1 != s.heard {
		n.abort(env, s, BrokenMalformed)
		return
	}
	s.committed = true
	if !s.incomplete {
		if err := n.learn(env, s.theirs); err != nil {
			n.abort(env, s, BrokenStore)
			return
		}
	}
	s.queue(doneJob{})
}

// collect forgets deletions that are old enough and that the contents take
// account of without them.
func (n *Node) collect(env protocol.Env) {
	if n.tombstones == 0 || !n.ready {
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
		if err != nil || !n.accounted(e) {
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

// accounted reports whether the contents take account of a deletion without it,
// also as they were when the sessions that are under way began: their peers are
// not told of it any more.
func (n *Node) accounted(e crdt.Entry) bool {
	for _, s := range n.sessions {
		if !e.CoveredBy(s.known) {
			return false
		}
	}
	return e.CoveredBy(n.known)
}
