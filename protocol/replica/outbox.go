package replica

import (
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
)

const (
	// maxChunk is about how large a message of several pages or entries is, in
	// bytes.
	maxChunk = 64 << 10
	// scanStep is how many deletions are looked at before others have their
	// turn.
	scanStep = 1024
	// breath is how long that takes.
	breath = time.Millisecond
)

// chunk is maxChunk, or less so that a peer of whom little may be asked does not
// seem to be silent.
func (c *Config) chunk() int { return min(maxChunk, max(int(c.PeerRate)/4, 256)) }

// job is something to be sent in a session. What is sent is made when its turn
// has come: what a peer asks for with a few bytes can be much, and what waits
// takes memory.
type job interface {
	// next makes the next message. There is none if nothing is left, or so much
	// was looked at in vain that others should have their turn.
	next(n *Node, env protocol.Env, s *session) (m protocol.Message, done bool, err error)
}

// ready is a message.
type ready struct{ m protocol.Message }

func (j ready) next(*Node, protocol.Env, *session) (protocol.Message, bool, error) {
	return j.m, true, nil
}

// pagesJob answers a question for pages of the tree as it was when the session
// began.
type pagesJob struct {
	wants []mst.Want
	round uint64
	size  int // of the question
}

func (j *pagesJob) next(n *Node, env protocol.Env, s *session) (protocol.Message, bool, error) {
	m, size, chunk := &Pages{Session: s.id, Round: j.round}, 0, n.cfg.chunk()
	for len(j.wants) > 0 && size < chunk {
		body, ok := s.mine.Answer(nil, j.wants[0])
		if !ok {
			n.refuse(env, s.peer, RefusedMalformed)
			return nil, true, errMalformed
		}
		if size > 0 && size+len(body) > chunk {
			break
		}
		m.Pages = append(m.Pages, Page{j.wants[0].ID, body})
		size += len(body)
		j.wants = j.wants[1:]
		s.owed--
	}
	if len(j.wants) == 0 {
		s.asking -= j.size
	}
	return m, len(j.wants) == 0, nil
}

// entriesJob sends what is under keys: to answer a question, or to say what is
// known better here (round 0).
type entriesJob struct {
	keys  [][]byte
	round uint64
	size  int // of the question
}

func (j *entriesJob) next(n *Node, env protocol.Env, s *session) (protocol.Message, bool, error) {
	p := packer{limit: n.cfg.chunk()}
	for len(j.keys) > 0 {
		key := j.keys[0]
		_, raw, err := n.load(env, key)
		if err != nil {
			return nil, true, err
		}
		if (raw != nil || j.round > 0) && !p.add(Item{key, raw}) {
			break
		}
		j.keys = j.keys[1:]
		s.owed--
	}
	if len(j.keys) == 0 {
		s.asking -= j.size
	}
	return p.message(s, j.round), len(j.keys) == 0, nil
}

// offersJob sends what is under keys of which the peer has nothing.
type offersJob struct{ keys [][]byte }

func (j *offersJob) next(n *Node, env protocol.Env, s *session) (protocol.Message, bool, error) {
	p := packer{limit: n.cfg.chunk()}
	for len(j.keys) > 0 {
		e, raw, err := n.load(env, j.keys[0])
		if err != nil {
			return nil, true, err
		}
		if raw = n.without(env, s, j.keys[0], e, raw); raw != nil && !p.add(Item{j.keys[0], raw}) {
			break
		}
		j.keys = j.keys[1:]
	}
	return p.message(s, 0), len(j.keys) == 0, nil
}

// tombstonesJob sends the deletions that the peer does not take account of.
type tombstonesJob struct{ from []byte }

func (j *tombstonesJob) next(n *Node, env protocol.Env, s *session) (protocol.Message, bool, error) {
	var keys [][]byte
	err := env.Store().Scan(j.from, after(prefixTombstone), func(key, _ []byte) bool {
		keys = append(keys, keyOf(key, prefixTombstone))
		return len(keys) < scanStep
	})
	if err != nil {
		return nil, true, err
	}
	p := packer{limit: n.cfg.chunk()}
	for _, key := range keys {
		e, raw, err := n.load(env, key)
		if err != nil {
			return nil, true, err
		}
		if !e.IsZero() && !e.CoveredBy(s.theirs) && !p.add(Item{key, raw}) {
			return p.message(s, 0), false, nil
		}
		j.from = append(tombstoneKey(key), 0)
	}
	return p.message(s, 0), len(keys) < scanStep, nil
}

// commitJob says that all was sent, which was so when its turn came.
type commitJob struct{}

func (commitJob) next(_ *Node, _ protocol.Env, s *session) (protocol.Message, bool, error) {
	return &Commit{Session: s.id, Sent: s.sent}, true, nil
}

// doneJob says that all is on disk.
type doneJob struct{}

func (doneJob) next(_ *Node, _ protocol.Env, s *session) (protocol.Message, bool, error) {
	return &Done{Session: s.id, Sent: s.sent, Keys: s.keys, Complete: !s.incomplete}, true, nil
}

// packer makes a message of entries that is not too large.
type packer struct {
	items       []Item
	size, limit int
}

// add returns false if the item has to wait for the next message.
func (p *packer) add(i Item) bool {
	if len(p.items) == maxItems || p.size > 0 && p.size+i.size() > p.limit {
		return false
	}
	p.items = append(p.items, i)
	p.size += i.size()
	return true
}

func (p *packer) message(s *session, round uint64) protocol.Message {
	if len(p.items) == 0 {
		return nil
	}
	return &Entries{Session: s.id, Round: round, Items: p.items}
}

// without takes out of an entry what the peer, who takes account of what it
// knows and has nothing under the key, shows to be deleted. It returns what is
// left, encoded; nil for nothing.
func (n *Node) without(env protocol.Env, s *session, key []byte, e crdt.Entry, raw []byte) []byte {
	rest := heldWithout(e, s.theirs)
	if rest == e {
		return raw
	}
	next, err := n.set(env, key, e, rest)
	if err != nil {
		s.incomplete = true
		return nil
	}
	n.syncLater(env)
	n.changed(s)
	if e.Live() && !rest.Live() {
		env.Emit(protocol.Event{Kind: EventVanish, Peer: s.peer, Args: [3]uint64{keyHash(key), versionSeen(e)}})
	}
	return next
}

// drain sends what there is to send, as the peer's rate allows, in order.
func (n *Node) drain(env protocol.Env, s *session) {
	for !s.ended && !s.pacing {
		if s.waiting == nil && !n.produce(env, s) {
			return
		}
		m := s.waiting
		wait, ok := n.rateOf(env, s.peer).take(env.Now(), m.Size())
		if !ok {
			n.pace(env, s, wait)
			return
		}
		// Nobody must hear of an own write that a crash could take back.
		if n.exposed && n.sync(env) != nil {
			n.abort(env, s, BrokenStore)
			return
		}
		s.waiting = nil
		s.last = env.Now() // to send for long is not silence
		s.sent++
		s.bytes += uint64(m.Size())
		_ = env.SendStream(s.peer, m) // messages are made to fit
		if _, ok := m.(*Done); ok {
			n.forget(s)
		}
	}
}

// produce makes the next message; it returns false if there is none now.
func (n *Node) produce(env protocol.Env, s *session) bool {
	for len(s.jobs) > 0 || n.walk(s) {
		m, done, err := s.jobs[0].next(n, env, s)
		switch {
		case err == errMalformed:
			n.abort(env, s, BrokenMalformed)
			return false
		case err != nil:
			n.abort(env, s, BrokenStore)
			return false
		case done:
			s.jobs[0] = nil
			s.jobs = s.jobs[1:]
		}
		if m != nil {
			s.waiting = m
			return true
		}
		if !done {
			n.pace(env, s, breath)
			return false
		}
	}
	s.jobs = nil
	return false
}

func (n *Node) pace(env protocol.Env, s *session, d time.Duration) {
	s.pacing = true
	env.After(d, protocol.Timer{Kind: timerPace, Arg: s.number})
}

func (n *Node) paced(env protocol.Env, number uint64) {
	for _, s := range n.sessions {
		if s.number == number {
			s.pacing = false
			n.drain(env, s)
			return
		}
	}
}

// rated is what was sent to a peer lately.
type rated struct {
	peer   protocol.NodeID
	bucket bucket
}

// rateOf returns a peer's bucket, however many sessions there are with it. Full
// ones are forgotten.
func (n *Node) rateOf(env protocol.Env, peer protocol.NodeID) *bucket {
	for i := range n.rates {
		if n.rates[i].peer == peer {
			return &n.rates[i].bucket
		}
	}
	kept := n.rates[:0]
	for _, r := range n.rates {
		if !r.bucket.full(env.Now()) {
			kept = append(kept, r)
		}
	}
	clear(n.rates[len(kept):])
	rate := int64(n.cfg.PeerRate)
	n.rates = append(kept, rated{peer, bucket{rate: rate, burst: rate, at: env.Now()}})
	return &n.rates[len(n.rates)-1].bucket
}
