package replica

import (
	"errors"
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/wire"
)

// recoverRetry is after what time a node that could not read its disk tries
// again.
const recoverRetry = time.Second

// ErrNotReady is the error of operations before the disk could be read.
var ErrNotReady = errors.New("the disk could not be read yet")

// recovered reads the disk, or tries again later. Until it has succeeded this node
// takes no part in anything: what it does not know to have it would lose.
func (n *Node) recovered(env protocol.Env) {
	if err := n.recover(env); err != nil {
		env.Emit(protocol.Event{Kind: EventUnreadable})
		env.After(recoverRetry, protocol.Timer{Kind: timerRecover})
		return
	}
	n.ready, n.reportable = true, true
}

// recover reads what is on disk.
func (n *Node) recover(env protocol.Env) error {
	n.tree, n.edit, n.tombstones = mst.New(n.profile, n.pool), nil, 0
	n.known, n.stored, n.storedClock = clock.VersionVector{}, clock.VersionVector{}, clock.Timestamp{}
	err := errors.Join(n.recoverActor(env), n.recoverKnown(env), n.recoverClock(env))
	if err == nil {
		err = n.recoverEntries(env)
	}
	if err == nil && n.actor.Node != env.ID() {
		err = n.rename(env) // the disk was another node's: its contents are as good
	}
	if err != nil {
		return fmt.Errorf("recover replica: %w", err)
	}
	return nil
}

func (n *Node) recoverActor(env protocol.Env) error {
	raw, ok, err := env.Store().Get([]byte(keyActor))
	if err != nil {
		return err
	}
	if !ok {
		return n.rename(env)
	}
	r := wire.NewReader(raw)
	n.actor = clock.ReadActor(&r)
	return r.Finish()
}

func (n *Node) recoverKnown(env protocol.Env) error {
	raw, ok, err := env.Store().Get([]byte(keyKnown))
	if err != nil || !ok {
		return err
	}
	n.known, err = clock.DecodeVersionVector(raw)
	n.stored = n.known
	return err
}

func (n *Node) recoverClock(env protocol.Env) error {
	raw, ok, err := env.Store().Get([]byte(keyClock))
	if err != nil || !ok {
		return err
	}
	r := wire.NewReader(raw)
	n.storedClock = clock.ReadTimestamp(&r)
	n.hlc.Restore(n.storedClock)
	return r.Finish()
}

func (n *Node) recoverEntries(env protocol.Env) error {
	b, own := mst.NewBuilder(n.profile, n.pool), uint64(0)
	var wrong error
	err := env.Store().Scan([]byte(prefixEntry), after(prefixEntry), func(key, value []byte) bool {
		var e crdt.Entry
		if e, wrong = crdt.DecodeEntry(value); wrong != nil {
			return false
		}
		own = max(own, e.Version().Get(n.actor))
		n.hlc.Restore(e.Register().Stamp().Time)
		if !e.Live() {
			n.tombstones++
			return true
		}
		wrong = b.Add(key[len(prefixEntry):], digestOf(value))
		return wrong == nil
	})
	if err = errors.Join(err, wrong); err != nil {
		return err
	}
	n.tree = b.Finish()
	if own > 0 {
		n.known = n.known.With(clock.Dot{Actor: n.actor, Counter: own})
	}
	return nil
}

// rename has this node go on as a new actor: as one that it never was.
func (n *Node) rename(env protocol.Env) error {
	actor := clock.Actor{Node: env.ID(), Incarnation: uint32(env.Rand().Uint64())}
	if actor == n.actor {
		actor.Incarnation++
	}
	var batch protocol.Batch
	batch.Set([]byte(keyActor), clock.AppendActor(nil, actor))
	if n.known.Len() > 0 {
		// What it did under its old name is found among the entries no more.
		batch.Set([]byte(keyKnown), n.known.Append(nil))
	}
	if err := env.Store().Apply(&batch); err != nil {
		return err
	}
	n.stored = n.known
	if err := n.sync(env); err != nil {
		return err
	}
	n.actor = actor
	return nil
}

// issued makes sure that v names no event of this node's actor that it did not
// bring about. If it does, the disk has forgotten some, or somebody lies: whatever
// the node did next under this name would be taken for what it did then.
func (n *Node) issued(env protocol.Env, v clock.VersionVector) bool {
	if v.Get(n.actor) <= n.known.Get(n.actor) {
		return true
	}
	if n.rename(env) != nil {
		return false
	}
	env.Emit(protocol.Event{Kind: EventRename})
	return true
}
