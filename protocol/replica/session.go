package replica

import (
	"errors"
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
	// session with, which doubles up to the interval, and the shortest time
	// between sessions out of turn.
	sessionRetry = time.Second
	// maxFlight is how many pages and entries are asked for at once.
	maxFlight = 1 << 15
	// maxAsking is how many bytes of questions wait for their answers. An honest
	// walk asks for maxFlight things with keys of up to 1 KiB.
	maxAsking = 64 << 20
)

// errMalformed says that a message was not what it should be.
var errMalformed = errors.New("malformed question")

// session is one anti-entropy session. Who began it finds what differs, mostly by
// a walk of the other's tree, fetches what it lacks, and sends what the other
// lacks. Both compare the contents that they had when it began.
type session struct {
	id     uint64 // that of who began it
	number uint64 // this node's own, for timers
	peer   protocol.NodeID
	began  bool // by this node
	ended  bool
	last   protocol.Time // when the peer was heard of, or sent something

	mine mst.Tree
	// known and theirs are what this node and the peer took account of when
	// it began.
	known, theirs clock.VersionVector
	// incomplete: something was refused or could not be stored, so that this node
	// must not claim to have all that the peer has.
	incomplete bool

	// The walk, of the one who began it.
	puller    *mst.Puller
	flight    int      // pages and entries that were asked for and have not come
	fetch     [][]byte // keys to ask for
	round     uint64
	committed bool
	flat      *flat // in its place, if Config.Compare says so

	jobs        []job
	owed        int              // pages and entries that jobs are to send because of the peer
	asking      int              // bytes of its questions that wait
	waiting     protocol.Message // for the peer's rate
	pacing      bool
	sent, heard uint64 // messages
	bytes       uint64
	keys        uint64 // that changed here
}

// queue has something sent when what is queued before was. The caller drains.
func (s *session) queue(j job) { s.jobs = append(s.jobs, j) }

// later sets the timer of the next session.
func (n *Node) later(env protocol.Env, d time.Duration) {
	env.After(d, protocol.Timer{Kind: timerSession})
}

// hurry begins a session with somebody, out of turn, unless one is under way or
// was begun just now.
func (n *Node) hurry(env protocol.Env) {
	if pause := env.Now().Sub(n.hurried); n.ongoing(true) == 0 && (pause < 0 || pause >= sessionRetry) {
		n.hurried = env.Now()
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
	d := interval/2 + env.Rand().DurationN(interval)
	if n.news {
		d, n.news = d/2, false
	}
	n.later(env, d)
}

// changed counts a key that a session changed here. Who learns something passes it
// on sooner.
func (n *Node) changed(s *session) {
	s.keys++
	n.news = true
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
	if !n.ready {
		return false
	}
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
	s := n.newSession(env, peers[0], env.Rand().Uint64(), true)
	env.Emit(protocol.Event{Kind: EventSessionBegin, Peer: s.peer})
	s.queue(ready{&Open{Session: s.id, Profile: n.profileMark(), Root: s.mine.Root(), Known: s.known}})
	n.drain(env, s)
	return true
}

func (n *Node) newSession(env protocol.Env, peer protocol.NodeID, id uint64, began bool) *session {
	n.numbered++
	s := &session{id: id, number: n.numbered, peer: peer, began: began, last: env.Now(), mine: n.snapshot(), known: n.known}
	n.sessions = append(n.sessions, s)
	if !n.idling {
		n.idling = true
		env.After(n.cfg.SessionTimeout.Std(), protocol.Timer{Kind: timerIdle})
	}
	return s
}

// profileMark tells ways to compare contents apart.
func (n *Node) profileMark() uint64 {
	h := protocol.Mix(uint64(n.cfg.TreeBase))
	for _, c := range []byte(n.cfg.TreeSalt) {
		h = protocol.Mix(h ^ uint64(c))
	}
	for _, c := range []byte(n.cfg.Compare) {
		h = protocol.Mix(h ^ uint64(c))
	}
	return protocol.Mix(h ^ uint64(n.cfg.MerkleDepth))
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
	case *Leaves:
		id = m.Session
	case *Last:
		id = m.Session
	case *Buckets:
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

// idle ends the sessions that have been silent, and looks again when the next one
// may have been.
func (n *Node) idle(env protocol.Env) {
	timeout := n.cfg.SessionTimeout.Std()
	next := timeout
	for i := 0; i < len(n.sessions); {
		s := n.sessions[i]
		s.last = min(s.last, env.Now()) // the clock may have been set back
		left := timeout - env.Now().Sub(s.last)
		if left <= 0 {
			n.abort(env, s, BrokenSilence)
			continue
		}
		next = min(next, left)
		i++
	}
	if n.idling = len(n.sessions) > 0; n.idling {
		env.After(next, protocol.Timer{Kind: timerIdle})
	}
}

// abort ends a session and says so to the peer.
func (n *Node) abort(env protocol.Env, s *session, reason uint64) {
	if s.ended {
		return
	}
	_ = env.SendStream(s.peer, &Abort{Session: s.id, Reason: reason}) // it fits
	n.end(env, s, reason)
}

// end forgets a session that was not completed. What it brought stays: all of it
// was valid by itself.
func (n *Node) end(env protocol.Env, s *session, reason uint64) {
	n.forget(s)
	if reason == BrokenProfile {
		env.Emit(protocol.Event{Kind: EventMismatch, Peer: s.peer})
	}
	began := uint64(0)
	if s.began {
		began = 1
	}
	env.Emit(protocol.Event{Kind: EventSessionBroken, Peer: s.peer, Args: [3]uint64{reason, began}})
}

func (n *Node) forget(s *session) {
	s.ended = true
	for i, t := range n.sessions {
		if t == s {
			n.sessions = append(n.sessions[:i:i], n.sessions[i+1:]...)
			return
		}
	}
}
