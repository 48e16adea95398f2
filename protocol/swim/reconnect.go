package swim

import (
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

func (n *Node) startReconnecting(env protocol.Env) {
	env.After(env.Rand().DurationN(n.tidyInterval()), protocol.Timer{Kind: timerReconnect})
}

// tidyInterval is how often the gone are tried and the long gone forgotten.
func (n *Node) tidyInterval() time.Duration {
	if interval := n.cfg().ReconnectInterval.Std(); interval > 0 {
		return interval
	}
	return maxJoinWait
}

// reconnect tries to reach members that are held for dead, as many as it takes
// for every dead member to be tried by somebody once an interval (Serf), and
// each in turn, and at times a seed that it does not know.
func (n *Node) reconnect(env protocol.Env) {
	if n.leaving {
		return
	}
	env.After(n.tidyInterval(), protocol.Timer{Kind: timerReconnect})
	n.reap(env)
	if n.cfg().ReconnectInterval <= 0 {
		return
	}
	n.trySeed(env)
	gone, here := n.table.Count(membertable.Dead), n.Members()
	tries := gone / here
	if env.Rand().IntN(here) < gone%here {
		tries++
	}
	for range min(tries, maxReconnects) {
		m, ok := n.deadRound.Next(n.table, dead, nil)
		if !ok {
			n.deadRound = membertable.NewRound(env.Rand().Uint64())
			m, ok = n.deadRound.Next(n.table, dead, nil)
		}
		if ok {
			// Most dead members are dead.
			_ = env.SendStream(m.ID, &PushPull{Table: n.table})
		}
	}
}

// maxReconnects bounds the dead that a node tries at a time.
const maxReconnects = 16

// departed is a member that is dead or left, and since when.
type departed struct {
	id protocol.NodeID
	at protocol.Time
}

// noteDeparture: departures are kept in order of time.
func (n *Node) noteDeparture(env protocol.Env, id protocol.NodeID) {
	n.forgetDeparture(id)
	n.departed = append(n.departed, departed{id: id, at: env.Now()})
}

func (n *Node) forgetDeparture(id protocol.NodeID) {
	for i := range n.departed {
		if n.departed[i].id == id {
			n.departed = append(n.departed[:i], n.departed[i+1:]...)
			return
		}
	}
}

func (n *Node) departedSince(id protocol.NodeID, since protocol.Time) bool {
	for i := len(n.departed) - 1; i >= 0 && n.departed[i].at >= since; i-- {
		if n.departed[i].id == id {
			return true
		}
	}
	return false
}

// reap forgets those that have been gone long enough.
func (n *Node) reap(env protocol.Env) {
	old := func(d departed, after time.Duration) bool { return env.Now().Sub(d.at) >= after }
	kept := n.departed[:0]
	for _, d := range n.departed {
		m, ok := n.table.Get(d.id)
		after := n.cfg().ReconnectTimeout.Std()
		if m.Status == membertable.Left {
			after = n.cfg().LeftTimeout.Std()
		}
		if !ok || !old(d, after) {
			kept = append(kept, d)
			continue
		}
		n.table = n.table.Without(d.id)
		env.Emit(protocol.Event{Kind: EventReap, Peer: d.id})
	}
	n.departed = kept
}
