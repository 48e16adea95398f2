package replica

import (
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/mst"
)

const (
	// firstSession is the longest time from a node's start to its first
	// session.
	firstSession = 2 * time.Second
	// sessionRetry is the time until the next try if nobody was found to hold a
	// session with; it doubles up to the interval.
	sessionRetry = time.Second
	// chunk is about how large a message of several pages or entries is, in
	// bytes.
	chunk = 64 << 10
	// maxFlight is how many pages and entries are asked for at once.
	maxFlight = 1 << 15
)

// session is one anti-entropy session. Who began it walks the tree of the other,
// fetches what it lacks, and sends what the other lacks. Both compare the
// contents that they had when it began.
type session struct {
	id    uint64
	peer  protocol.NodeID
	began bool // by this node
	since protocol.Time
	last  protocol.Time // when the peer was heard of

	mine mst.Tree
	// known and theirs are what this node and the peer take account of.
	known, theirs clock.VersionVector
	// incomplete: something was refused, so that this node must not claim to
	// have all that the peer has.
	incomplete bool

	// The walk, of the one who began it.
	puller    *mst.Puller
	flight    int      // pages and entries that were asked for and have not come
	fetch     [][]byte // keys to ask for
	keys      uint64   // that changed here
	round     uint64
	bytes     uint64
	committed bool

	// Messages that wait for the peer's rate.
	queue  []protocol.Message
	pacing bool
	bucket bucket
	over   bool // the last one is in the queue
}

// later sets the timer of the next session.
func (n *Node) later(env protocol.Env, d time.Duration) {
	env.After(d, protocol.Timer{Kind: timerSession})
}

// hurry begins a session with somebody soon, out of turn, unless one is under way.
func (n *Node) hurry(env protocol.Env) {
	if n.ongoing(true) == 0 {
		n.beginWithAnybody(env)
	}
}

// begin begins the session whose turn it is.
func (n *Node) begin(env protocol.Env) {
	interval := n.cfg.Interval.Std()
	if n.ongoing(true) < n.cfg.Sessions && !n.beginWithAnybody(env) {
		n.later(env, min(sessionRetry<<min(n.tries, 16), interval))
		n.tries++
		return
	}
	n.tries = 0
	n.later(env, interval/2+env.Rand().DurationN(interval))
}

// ongoing is the number of sessions that this node began, or answers.
func (n *Node) ongoing(began bool) int {
	count := 0
	for _, s := range n.sessions {
		if s.began == began {
			count++
		}
	}
	return count
}

// beginWithAnybody begins a session with a peer with whom there is none.
func (n *Node) beginWithAnybody(env protocol.Env) bool {
	peers := n.sampler.Sample(env, 1, func(id protocol.NodeID) bool {
		for _, s := range n.sessions {
			if s.peer == id {
				return true
			}
		}
		return false
	})
	if len(peers) == 0 {
		return false
	}
	n.begun++
	s := n.newSession(env, peers[0], env.Rand().Uint64(), true)
	env.Emit(protocol.Event{Kind: EventSessionBegin, Peer: s.peer})
	n.send(env, s, &Open{Session: s.id, Profile: n.profileMark(), Root: s.mine.Root(), Known: s.known})
	return true
}

func (n *Node) newSession(env protocol.Env, peer protocol.NodeID, id uint64, began bool) *session {
	s := &session{
		id: id, peer: peer, began: began, since: env.Now(), last: env.Now(), mine: n.snapshot(), known: n.known,
		bucket: bucket{rate: int64(n.cfg.PeerRate), burst: int64(n.cfg.PeerRate), at: env.Now()},
	}
	n.sessions = append(n.sessions, s)
	env.After(n.cfg.SessionTimeout.Std(), protocol.Timer{Kind: timerIdle, Arg: s.id})
	return s
}

// profileMark tells ways to build trees apart.
func (n *Node) profileMark() uint64 {
	h := protocol.Mix(uint64(n.cfg.TreeBase))
	for _, c := range []byte(n.cfg.TreeSalt) {
		h = protocol.Mix(h ^ uint64(c))
	}
	return h
}

// sessionOf finds the session of a message.
func (n *Node) sessionOf(from protocol.NodeID, m protocol.Message) *session {
	var id uint64
	began := true // by this node, for its messages go to the one that began
	switch m := m.(type) {
	case *Accept:
		id = m.Session
	case *Pages:
		id = m.Session
	case *Done:
		id = m.Session
	case *Ask:
		id, began = m.Session, false
	case *Fetch:
		id, began = m.Session, false
	case *Drop:
		id, began = m.Session, false
	case *Commit:
		id, began = m.Session, false
	case *Entries:
		return n.find(m.Session, from)
	case *Abort:
		return n.find(m.Session, from)
	default:
		return nil
	}
	if s := n.find(id, from); s != nil && s.began == began {
		return s
	}
	return nil
}

func (n *Node) find(id uint64, peer protocol.NodeID) *session {
	for _, s := range n.sessions {
		if s.id == id && s.peer == peer {
			return s
		}
	}
	return nil
}

// idle ends a session that has been silent, or looks again later.
func (n *Node) idle(env protocol.Env, id uint64) {
	for _, s := range n.sessions {
		if s.id != id {
			continue
		}
		if left := n.cfg.SessionTimeout.Std() - env.Now().Sub(s.last); left > 0 {
			env.After(left, protocol.Timer{Kind: timerIdle, Arg: id})
		} else {
			n.abort(env, s, BrokenSilence)
		}
		return
	}
}

// abort ends a session and says so to the peer.
func (n *Node) abort(env protocol.Env, s *session, reason uint64) {
	_ = env.SendStream(s.peer, &Abort{Session: s.id, Reason: reason}) // it fits
	n.end(env, s, reason)
}

// end forgets a session that was not completed. What it brought stays: all of it
// was valid by itself.
func (n *Node) end(env protocol.Env, s *session, reason uint64) {
	n.forget(s)
	began := uint64(0)
	if s.began {
		began = 1
	}
	env.Emit(protocol.Event{Kind: EventSessionBroken, Peer: s.peer, Args: [3]uint64{reason, began}})
}

func (n *Node) forget(s *session) {
	for i, t := range n.sessions {
		if t == s {
			n.sessions = append(n.sessions[:i:i], n.sessions[i+1:]...)
			return
		}
	}
}

// send sends a message of a session, as the peer's rate allows. Order is kept.
func (n *Node) send(env protocol.Env, s *session, m protocol.Message) {
	if _, ok := m.(*Entries); ok && n.exposed && n.sync(env) != nil {
		n.abort(env, s, BrokenStore)
		return
	}
	s.bytes += uint64(m.Size())
	s.queue = append(s.queue, m)
	if !s.pacing {
		n.drain(env, s)
	}
}

func (n *Node) paced(env protocol.Env, id uint64) {
	for _, s := range n.sessions {
		if s.id == id && s.pacing {
			s.pacing = false
			n.drain(env, s)
		}
	}
}

// drain sends what the rate allows now.
func (n *Node) drain(env protocol.Env, s *session) {
	for len(s.queue) > 0 {
		m := s.queue[0]
		wait, ok := s.bucket.take(env.Now(), m.Size())
		if !ok {
			s.pacing = true
			env.After(wait, protocol.Timer{Kind: timerPace, Arg: s.id})
			return
		}
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.last = env.Now()            // a long queue is not silence
		_ = env.SendStream(s.peer, m) // messages are made to fit
	}
	s.queue = nil
	if s.over {
		n.forget(s)
	}
}
