package replica

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
)

// broadcaster is what writes are pushed through: plumtree, gossip or flood.
type broadcaster interface {
	Broadcast(env protocol.Env, payload []byte) (broadcast.ID, error)
	OnDeliver(f func(env protocol.Env, m broadcast.Message))
}

// Node is one node's replica.
type Node struct {
	*shared
	sampler broadcast.Sampler
	push    pusher
	heat    heat
	ready   bool // what is on disk was read

	// What it holds. Entries are on disk; the tree has a digest of each that is
	// live.
	edit       *mst.Editor // nil if tree is up to date
	tree       mst.Tree
	tombstones int
	// known names the events that the contents take account of: all of them,
	// without gaps. That a key is not there, although an event of it is known,
	// means that what the event brought was deleted.
	known  clock.VersionVector
	stored clock.VersionVector // what is on disk of it
	actor  clock.Actor
	hlc    *clock.HLC
	// storedClock is what is on disk of the clock, besides in entries.
	storedClock clock.Timestamp

	dirty      bool // there are writes that were not synced
	syncing    bool // and a timer that is going to
	exposed    bool // one of them is this node's own, which the disk failed to sync: nobody must see it
	reportable bool // something changed since the root was reported

	sessions []*session
	numbered uint64 // sessions
	tries    uint   // sessions in a row that found no peer
	news     bool   // sessions have changed something since the last one was begun
	hurried  protocol.Time
	idling   bool // there is a timer that ends silent sessions
	rates    []rated
	watches  []watch
}

func newNode(s *shared, lower []protocol.Protocol) (*Node, error) {
	sampler, err := findSampler(lower)
	if err != nil {
		return nil, err
	}
	n := &Node{shared: s, sampler: sampler, heat: newHeat(&s.cfg), tree: mst.New(s.profile, s.pool)}
	n.push = pusher{interval: s.cfg.PushMin.Std(), bucket: bucket{rate: int64(s.cfg.PushRate), burst: int64(s.cfg.PushRate)}}
	for i := len(lower) - 1; i >= 0 && n.push.through == nil; i-- {
		n.push.through, _ = lower[i].(broadcaster)
	}
	switch {
	case n.push.through != nil:
		n.push.through.OnDeliver(n.delivered)
	case s.cfg.Push != "none":
		return nil, fmt.Errorf("push = %q needs a protocol that broadcasts below: want plumtree, gossip or flood before it in the stack, or push = \"none\"", s.cfg.Push)
	}
	return n, nil
}

// findSampler returns the lowest peer sampler: that knows most. With the few
// links of an overlay, which may be all near, sessions would bring news no
// faster than from neighbour to neighbour.
func findSampler(lower []protocol.Protocol) (broadcast.Sampler, error) {
	for _, p := range lower {
		if s, ok := p.(broadcast.Sampler); ok {
			return s, nil
		}
	}
	return nil, errors.New("no peer sampler below: want swim, cyclon or hyparview before it in the stack")
}

// Start implements protocol.Protocol: it reads what is on disk.
func (n *Node) Start(env protocol.Env) {
	n.hlc = clock.NewHLC(env.ID(), n.cfg.ClockBound.Std())
	n.hurried = env.Now()
	n.recovered(env)
	// Newcomers and those who were away have much to learn.
	n.later(env, env.Rand().DurationN(min(n.cfg.Interval.Std(), firstSession)))
	if n.cfg.RootInterval > 0 {
		env.After(n.cfg.RootInterval.Std(), protocol.Timer{Kind: timerRoot})
	}
	env.After(n.cfg.collectInterval(), protocol.Timer{Kind: timerCollect})
}

// Receive implements protocol.Protocol.
func (n *Node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	if m, ok := m.(*Open); ok {
		n.opened(env, from, m)
		return
	}
	s := n.sessionOf(from, m)
	if s == nil {
		return // it has ended
	}
	s.last = env.Now()
	s.heard++
	s.bytes += uint64(m.Size())
	switch m := m.(type) {
	case *Accept:
		n.accepted(env, s, m)
	case *Ask:
		n.asked(env, s, m)
	case *Pages:
		n.pages(env, s, m)
	case *Fetch:
		n.fetched(env, s, m)
	case *Entries:
		n.entries(env, s, m)
	case *Drop:
		n.dropped(env, s, m)
	case *Commit:
		n.committed(env, s, m)
	case *Done:
		n.done(env, s, m)
	case *Abort:
		n.end(env, s, m.Reason)
	case *Leaves:
		n.leaves(env, s, m)
	case *Buckets:
		n.buckets(env, s, m)
	case *Last:
		n.last(env, s, m)
	}
	n.drain(env, s)
}

// Timer implements protocol.Protocol.
func (n *Node) Timer(env protocol.Env, t protocol.Timer) {
	switch t.Kind {
	case timerSession:
		n.begin(env)
	case timerIdle:
		n.idle(env)
	case timerPush:
		if t.Arg == n.push.timer {
			n.flush(env)
		}
	case timerRecover:
		n.recovered(env)
	case timerSync:
		n.syncing = false
		if n.dirty {
			_ = n.sync(env) // the world reports what fails; it stays dirty
		}
	case timerRoot:
		n.report(env)
		env.After(n.cfg.RootInterval.Std(), t)
	case timerCollect:
		n.collect(env)
		env.After(n.cfg.collectInterval(), t)
	case timerPace:
		n.paced(env, t.Arg)
	}
}

// StreamBroken implements protocol.StreamBreakHandler.
func (n *Node) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	for i := 0; i < len(n.sessions); {
		if s := n.sessions[i]; s.peer == peer {
			n.end(env, s, BrokenStream)
		} else {
			i++
		}
	}
}

// Root returns the root of the tree of all keys that are not deleted.
func (n *Node) Root() mst.Hash { return n.snapshot().Root() }

// Len returns the number of keys.
func (n *Node) Len() int { return n.snapshot().Len() }

// Tombstones returns the number of deletions that are remembered.
func (n *Node) Tombstones() int { return n.tombstones }

// Tree returns the tree of all keys, each with the digest of its entry.
func (n *Node) Tree() mst.Tree { return n.snapshot() }

// snapshot is the tree as it is.
func (n *Node) snapshot() mst.Tree {
	if n.edit != nil {
		n.tree, n.edit = n.edit.Commit(), nil
	}
	return n.tree
}

// report reports the root if it changed.
func (n *Node) report(env protocol.Env) {
	if !n.reportable || !n.ready {
		return
	}
	n.reportable = false
	root := n.Root()
	env.Emit(protocol.Event{Kind: EventRoot, Args: [3]uint64{binary.BigEndian.Uint64(root[:]), uint64(n.Len()), uint64(n.tombstones)}})
}

// watch is who wants to know what happens to keys.
type watch struct {
	prefix string
	f      func(env protocol.Env, key []byte, e crdt.Entry)
}

// Watch has f called with what a key with the prefix holds, whenever that
// changes.
func (n *Node) Watch(prefix string, f func(env protocol.Env, key []byte, e crdt.Entry)) {
	n.watches = append(n.watches, watch{prefix, f})
}
