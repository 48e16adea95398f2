package hyparview

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// failure is a peer that failed, and when.
type failure struct {
	peer protocol.NodeID
	at   protocol.Time
}

const (
	// maxFailed bounds the failed peers that a node remembers.
	maxFailed = 8
	// maxCalm bounds the back-off of a node whose seeds do not answer: every
	// 2^7 = 128 intervals at last.
	maxCalm = 7
	// lackCalm is the same for a node that lacks links, even if they do.
	lackCalm = 2
	// askers is how many of those whom a node knows, and itself, ask a seed when it
	// is due: enough to lead an island out, of whatever size, and not all, for each
	// bridge costs two links that others have to replace.
	askers = 4
	// maxAnswers is how often in a row seeds answer until a node leaves them
	// alone, so that an overlay at rest keeps its links.
	maxAnswers = 3
)

func (n *Node) armReconnect(env protocol.Env) {
	if wait := n.cfg().ReconnectInterval.Std(); wait > 0 {
		env.After(wait/2+env.Rand().DurationN(wait), protocol.Timer{Kind: timerReconnect})
	}
}

// remember notes a peer that failed, in place of the oldest if there are many.
func (n *Node) remember(env protocol.Env, peer protocol.NodeID) {
	if n.cfg().ReconnectInterval <= 0 {
		return
	}
	n.forgetFailure(peer)
	t := n.note()
	if len(t.failed) == maxFailed {
		t.failed = slices.Delete(t.failed, 0, 1)
	}
	t.failed = append(t.failed, failure{peer, env.Now()})
	n.removePassive(peer)
}

func (n *Node) forgetFailure(peer protocol.NodeID) {
	n.forgetFailures(func(f failure) bool { return f.peer == peer })
}

func (n *Node) forgetFailures(which func(f failure) bool) {
	if n.trouble == nil {
		return
	}
	n.trouble.failed = slices.DeleteFunc(n.trouble.failed, which)
	n.tidy()
}

func (n *Node) hasFailed(peer protocol.NodeID) bool {
	return slices.ContainsFunc(n.look().failed, func(f failure) bool { return f.peer == peer })
}

// reconnect asks a peer that failed, or a seed, for a link. After a partition
// both sides are full and content; only those who remember the other side, or
// were told of it at the start, lead from one to the other.
func (n *Node) reconnect(env protocol.Env) {
	n.armReconnect(env)
	now, patience := env.Now(), n.cfg().ReconnectTimeout.Std()
	n.forgetFailures(func(f failure) bool { return now.Sub(f.at) > patience })
	if n.request.peer != 0 || !n.joined || n.greetFailed(env) {
		return
	}
	if peer, ok := n.lost(env); ok {
		n.ask(env, peer, PriorityBridge)
	}
}

// lost returns whom to try: one of those that failed or, less and less often and
// until they have answered, a seed.
func (n *Node) lost(env protocol.Env) (protocol.NodeID, bool) {
	if n.calm++; n.calm == 0 {
		n.calm = 1 << maxCalm
	}
	due := n.calm&(n.calm-1) == 0 && n.answers < maxAnswers // a power of two
	if lacks := n.cfg().ActiveSize - len(n.peers); lacks > 1 || lacks > 0 && len(n.passive) == 0 {
		// Of a small island everybody lacks links, of a large overlay at rest
		// somebody at most, and only one: to ask would move the gap on for ever.
		due = due || n.calm%(1<<lackCalm) == 0
	}
	if failed := n.look().failed; len(failed) > 0 && (n.calm == 1 || !due) {
		return failed[env.Rand().IntN(len(failed))].peer, true
	}
	if !due {
		return 0, false
	}
	if !n.insists && env.Rand().IntN(len(n.passive)+1) >= askers {
		n.answers = min(n.answers+1, maxAnswers) // others of the many here ask
		return 0, false
	}
	seed, ok := n.seed(env)
	if !ok {
		n.answers = maxAnswers // all are neighbours
		return 0, false
	}
	env.Introduce(seed.ID, seed.Contact)
	return seed.ID, true
}

// greetFailed sees who else has come back, once there is a bridge that has lasted
// until now: who answers is no longer held for failed, and needs no bridge of its
// own.
func (n *Node) greetFailed(env protocol.Env) bool {
	t := n.trouble
	if t == nil || t.bridge == 0 {
		return false
	}
	lasts := n.index(t.bridge) >= 0 && len(t.failed) > 0
	t.bridge = 0
	if lasts {
		for _, f := range t.failed {
			n.sendOnce(env, f.peer, &Ping{})
		}
	}
	n.tidy()
	return lasts
}

// mayBridge reports whether a full node gives up a link for a bridge: not twice
// within an interval, or a whole overlay that tries the same seed would turn
// over its links.
func (n *Node) mayBridge(env protocol.Env) bool {
	interval := max(n.cfg().ReconnectInterval.Std(), time.Second)
	since := env.Now().Sub(n.bridgedAt)
	if n.bridged && since >= 0 && since < interval {
		return false
	}
	n.bridgedAt, n.bridged = env.Now(), true
	return true
}
