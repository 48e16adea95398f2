package broadcast

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Both sides of a link agree on it: whoever gives it up says so. Otherwise the
// other side would go on to send, and be taken for a peer that picked this node.

// parting is a peer that this node gave up.
type parting struct {
	peer protocol.NodeID
	at   protocol.Time
}

const (
	// settle is how long what a peer sends that was given up counts as sent
	// before it knew.
	settle = 5 * time.Second
	// silence is how long a peer that picked this node must not have been heard
	// of to give way to another. Over datagrams nobody is told that it is gone.
	silence = time.Minute
)

// part gives up the i-th peer and tells it.
func (l *Links) part(env protocol.Env, i int) {
	id := l.peers[i]
	l.remove(env, id)
	if len(l.parted) >= l.inbound() {
		l.parted = slices.Delete(l.parted, 0, 1)
	}
	l.parted = append(l.parted, parting{id, env.Now()})
	l.tell.Part(env, id)
}

// partedFrom tells whether a peer was given up just now.
func (l *Links) partedFrom(env protocol.Env, id protocol.NodeID) bool {
	l.parted = slices.DeleteFunc(l.parted, func(p parting) bool { return env.Now().Sub(p.at) >= settle })
	if len(l.parted) == 0 {
		l.parted = nil
	}
	return slices.ContainsFunc(l.parted, func(p parting) bool { return p.peer == id })
}

// Parted says that a peer has given up the link. If this node had picked it,
// another is picked.
func (l *Links) Parted(env protocol.Env, id protocol.NodeID) { l.Failed(env, id) }

// makeRoom gives up that peer which picked this node and was not heard of for
// longest, if it was long silent.
func (l *Links) makeRoom(env protocol.Env) bool {
	oldest := l.picked
	for i := range l.peers {
		if i >= l.picked && l.last[i] < l.last[oldest] {
			oldest = i
		}
	}
	if env.Now().Sub(l.last[oldest]) < silence {
		return false
	}
	l.part(env, oldest)
	return true
}

// inbound is the number of peers up to which those are taken that picked this
// node: enough for all of them, as they are Poisson-distributed with the mean
// fanout.
func (l *Links) inbound() int { return 4*l.fanout + 16 }
