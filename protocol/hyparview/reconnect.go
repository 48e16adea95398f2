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
	// maxCalm bounds the back-off of a node that only has seeds to try: every
	// 2^7 = 128 intervals at last, so that the seeds of a large overlay are not
	// overrun.
	maxCalm = 7
	// lackCalm is the same for a node that lacks links: of a small island all
	// do, of a large overlay hardly anybody.
	lackCalm = 2
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
	if len(n.failed) == maxFailed {
		n.failed = slices.Delete(n.failed, 0, 1)
	}
	n.failed = append(n.failed, failure{peer, env.Now()})
	n.removePassive(peer)
}

func (n *Node) forgetFailure(peer protocol.NodeID) {
	n.failed = slices.DeleteFunc(n.failed, func(f failure) bool { return f.peer == peer })
	if len(n.failed) == 0 {
		n.failed = nil
	}
}

func (n *Node) hasFailed(peer protocol.NodeID) bool {
	return slices.ContainsFunc(n.failed, func(f failure) bool { return f.peer == peer })
}

// reconnect asks a peer that failed, or a seed, for a link. After a partition
// both sides are full and content; only those who remember the other side, or
// were told of it at the start, lead from one to the other.
func (n *Node) reconnect(env protocol.Env) {
	now, patience := env.Now(), n.cfg().ReconnectTimeout.Std()
	n.failed = slices.DeleteFunc(n.failed, func(f failure) bool { return now.Sub(f.at) > patience })
	if peer, ok := n.lost(env); ok && n.request.peer == 0 && n.joined {
		n.ask(env, peer, PriorityBridge)
	}
	n.armReconnect(env)
}

// lost returns whom to try: one of those that failed or, less and less often, a
// seed.
func (n *Node) lost(env protocol.Env) (protocol.NodeID, bool) {
	if n.calm++; n.calm == 0 {
		n.calm = 1 << maxCalm
	}
	due := n.calm&(n.calm-1) == 0 // a power of two
	if n.room() {
		due = due || n.calm%(1<<lackCalm) == 0
	}
	if len(n.failed) > 0 && (n.calm == 1 || !due) {
		return n.failed[env.Rand().IntN(len(n.failed))].peer, true
	}
	if !due {
		return 0, false
	}
	seed, ok := n.seed(env)
	if ok {
		env.Introduce(seed.ID, seed.Contact)
	}
	return seed.ID, ok
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
