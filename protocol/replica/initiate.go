package replica

import (
	"bytes"
	"slices"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
)

// accepted begins the walk of the peer's tree, or what takes its place.
func (n *Node) accepted(env protocol.Env, s *session, m *Accept) {
	if s.puller != nil || s.flat != nil {
		n.abort(env, s, BrokenMalformed)
		return
	}
	if !n.issued(env, m.Known) {
		n.abort(env, s, BrokenStore)
		return
	}
	s.round++
	s.theirs = m.Known
	if n.cfg.Compare == compareMST {
		s.puller = mst.NewPuller(s.mine, m.Root, mst.PullOptions{SummaryLevels: n.cfg.SummaryLevels})
	} else {
		n.awaitFlat(s, m.Root)
	}
	s.queue(&tombstonesJob{from: []byte(prefixTombstone)})
}

// walk queues what the walk has come to need, what the peer was found to lack,
// and the end of the session when there is nothing more. It returns false if it
// queued nothing. It is called when nothing is queued: who has much to send asks
// for no more.
func (n *Node) walk(s *session) bool {
	switch {
	case s.committed:
		return false
	case s.puller != nil:
		n.walkTree(s)
	case s.flat == nil || !s.flat.complete:
		return false
	}
	if s.flight == 0 && len(s.jobs) == 0 {
		s.committed = true
		s.round++
		s.queue(commitJob{})
	}
	return len(s.jobs) > 0
}

func (n *Node) walkTree(s *session) {
	var lacks [][]byte
	s.puller.Drain(func(d mst.Difference) {
		if d.HasTheirs {
			s.fetch = append(s.fetch, bytes.Clone(d.Key)) // of a page that came from outside
		} else {
			lacks = append(lacks, d.Key) // of a page that this session keeps
		}
	})
	if len(lacks) > 0 {
		s.queue(&offersJob{lacks})
	}
	s.ask(n.cfg.chunk())
}

// ask asks for entries, then for pages, as many as may be under way. Entries
// come first so that few keys wait.
func (s *session) ask(chunk int) {
	for len(s.fetch) > 0 && s.flight < maxFlight {
		keys := split(&s.fetch, maxFlight-s.flight, chunk, func(key []byte) int { return len(key) })
		s.flight += len(keys)
		s.queue(ready{&Fetch{Session: s.id, Round: s.round + 1, Keys: keys}})
	}
	wants := s.puller.Next(maxFlight - s.flight)
	s.flight += len(wants)
	for len(wants) > 0 {
		some := split(&wants, len(wants), chunk, mst.Want.Size)
		s.queue(ready{&Ask{Session: s.id, Round: s.round + 1, Wants: some}})
	}
}

// split takes the first things of a list, at most so many, which fill a message.
func split[T any](list *[]T, most, chunk int, size func(T) int) []T {
	sum, k := 0, 0
	for ; k < min(len(*list), most) && (k == 0 || sum < chunk); k++ {
		sum += size((*list)[k])
	}
	first := (*list)[:k:k]
	*list = (*list)[k:]
	return first
}

// answered notes that so many of what was asked for have come, in answer to the
// question of a round.
func (s *session) answered(count int, round uint64) bool {
	if s.puller == nil || count > s.flight || round > s.round+1 {
		return false
	}
	s.flight -= count
	s.round = max(s.round, round)
	return true
}

// pages takes pages of the peer's tree.
func (n *Node) pages(env protocol.Env, s *session, m *Pages) {
	if !s.answered(len(m.Pages), m.Round) {
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
}

// fetchedEntries takes what the peer has under keys that differ, and tells it
// where that was not the last word.
func (n *Node) fetchedEntries(env protocol.Env, s *session, items []Item) {
	var better, lacks, drops [][]byte
	for _, i := range items {
		if len(i.Entry) == 0 {
			// It went away there since the session began: now it lacks what is
			// here.
			lacks = append(lacks, i.Key)
			continue
		}
		var got merged
		remote, ok := n.decode(env, s.peer, i)
		if ok {
			got, ok = n.merge(env, i.Key, remote, s.peer, protocol.ApplyPulled)
		}
		if !ok {
			// It must not be in the way of what the peer is to have.
			s.incomplete = true
			better = append(better, i.Key)
			continue
		}
		if got.changed {
			n.changed(s)
		}
		switch {
		case bytes.Equal(got.raw, i.Entry):
		case !got.had:
			drops = append(drops, i.Key)
		default:
			better = append(better, i.Key)
		}
	}
	if len(lacks) > 0 {
		s.queue(&offersJob{lacks})
	}
	if s.flat != nil {
		// What was here when the session began is sent anyway.
		better = slices.DeleteFunc(better, func(key []byte) bool {
			_, ok := s.mine.Get(key)
			return ok
		})
	}
	if len(better) > 0 {
		s.owed += len(better)
		s.queue(&entriesJob{keys: better})
	}
	for len(drops) > 0 {
		some := split(&drops, len(drops), n.cfg.chunk(), func(key []byte) int { return len(key) })
		s.queue(ready{&Drop{Session: s.id, Keys: some}})
	}
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

// done ends a session that both sides went through.
func (n *Node) done(env protocol.Env, s *session, m *Done) {
	if !s.committed || m.Sent+1 != s.heard {
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
	if s.incomplete || !m.Complete {
		n.end(env, s, BrokenIncomplete)
		return
	}
	env.Emit(protocol.Event{Kind: EventSessionEnd, Peer: s.peer, Args: [3]uint64{s.round, s.bytes, s.keys + m.Keys}})
}
