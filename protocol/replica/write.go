package replica

import (
	"bytes"
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

// write carries out an operation of the application under a key. operate is
// given the entry and the event that it is to be.
func (n *Node) write(env protocol.Env, key []byte, operate func(crdt.Entry, crdt.Stamp) (next, change crdt.Entry, err error)) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("write key of %d bytes, want 1 to %d: %w", len(key), MaxKey, ErrKey)
	}
	if !n.ready {
		return fmt.Errorf("write %q: %w", key, ErrNotReady)
	}
	key = bytes.Clone(key)
	local, _, err := n.load(env, key)
	if err != nil {
		return fmt.Errorf("write %q: %w", key, err)
	}
	stamp := crdt.Stamp{Dot: clock.Dot{Actor: n.actor, Counter: n.known.Get(n.actor) + 1}, Time: n.hlc.Now(env.Now())}
	next, change, err := operate(local, stamp)
	if err != nil {
		return fmt.Errorf("write %q: %w", key, err)
	}
	if change.IsZero() {
		return nil // nothing to delete
	}
	if size := next.Size(); size > maxEntry {
		return fmt.Errorf("write %q: got an entry of %d bytes, want at most %d: %w", key, size, maxEntry, crdt.ErrTooLarge)
	}
	if _, err = n.set(env, key, local, next); err == nil {
		n.known = n.known.With(stamp.Dot) // whatever comes of it, the event has this name
		n.exposed = true
		err = n.sync(env)
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", key, err)
	}
	var flags uint64
	if !next.Live() {
		flags |= protocol.WriteDeletes
	}
	hot := n.heat.touch(env, key, 1)
	if n.pushes(hot) && change.Size() <= int(n.cfg.PushLimit) {
		flags |= protocol.WritePushed
		n.gather(env, key, change)
	}
	env.Emit(protocol.Event{Kind: EventWrite, Args: [3]uint64{keyHash(key), versionOf(stamp.Dot), flags}})
	return nil
}

// keyHash is what events call a key: 64 bits of FNV-1a.
func keyHash(key []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range key {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h
}

// versionOf is what events call a version.
func versionOf(d clock.Dot) uint64 {
	return protocol.Mix(protocol.Mix(uint64(d.Actor.Node)^uint64(d.Actor.Incarnation)<<32) + d.Counter)
}

// versionSeen is the version that a reader of an entry sees: its newest event,
// by actor if several are concurrent.
func versionSeen(e crdt.Entry) uint64 {
	if !e.Live() {
		return 0
	}
	if at := e.Register().Stamp(); e.Value().Kind() == crdt.KindRegister {
		return versionOf(at.Dot)
	}
	version := uint64(0)
	for d := range e.Version().All() {
		version = versionOf(d)
	}
	return version
}
