package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/wire"
)

// What is on disk. Entries are under their keys, deleted ones as well; of each
// of these there is the time at which it came.
const (
	prefixEntry     = "replica/e/"
	prefixTombstone = "replica/t/"
	keyKnown        = "replica/known"
	keyActor        = "replica/actor"
)

// maxEntry bounds an entry that comes from outside, in bytes: a value, what other
// values of the key there are, and their context.
const maxEntry = 4 << 20

// ErrKey is the error of a key that is too long.
var ErrKey = errors.New("key too long")

// recover reads what is on disk.
func (n *Node) recover(env protocol.Env) error {
	store := env.Store()
	b := mst.NewBuilder(n.profile, n.pool)
	var wrong error
	own := uint64(0)
	raw, ok, err := store.Get([]byte(keyActor))
	if err != nil {
		return err
	}
	if ok {
		r := wire.NewReader(raw)
		if n.actor = clock.ReadActor(&r); r.Finish() != nil || n.actor.Node != env.ID() {
			return fmt.Errorf("recover replica: %s: got % x", keyActor, raw)
		}
	} else {
		n.actor = clock.Actor{Node: env.ID(), Incarnation: uint32(env.Rand().Uint64())}
		var batch protocol.Batch
		batch.Set([]byte(keyActor), clock.AppendActor(nil, n.actor))
		if err := errors.Join(store.Apply(&batch), store.Sync()); err != nil {
			return err
		}
	}
	if raw, ok, err = store.Get([]byte(keyKnown)); err != nil {
		return err
	}
	if ok {
		r := wire.NewReader(raw)
		n.known = clock.ReadVersionVector(&r)
		n.stored, wrong = n.known, r.Finish()
	}
	err = store.Scan([]byte(prefixEntry), after(prefixEntry), func(key, value []byte) bool {
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
		return fmt.Errorf("recover replica: %w", err)
	}
	n.tree = b.Finish()
	if own > 0 {
		n.known = n.known.With(clock.Dot{Actor: n.actor, Counter: own})
	}
	return nil
}

// after is the first key behind all with a prefix.
func after(prefix string) []byte {
	b := []byte(prefix)
	b[len(b)-1]++
	return b
}

func entryKey(key []byte) []byte { return append([]byte(prefixEntry), key...) }

func tombstoneKey(key []byte) []byte { return append([]byte(prefixTombstone), key...) }

// digestOf is the digest of an encoded entry.
func digestOf(raw []byte) (d mst.Digest) {
	sum := sha256.Sum256(raw)
	copy(d[:digestSize], sum[:])
	return d
}

// load returns what is under a key, and its encoding.
func (n *Node) load(env protocol.Env, key []byte) (e crdt.Entry, raw []byte, err error) {
	raw, ok, err := env.Store().Get(entryKey(key))
	if err != nil || !ok {
		return crdt.Entry{}, nil, err
	}
	e, err = crdt.DecodeEntry(raw)
	return e, raw, err
}

// set puts next under a key in the place of before. It is on disk when it was
// synced.
func (n *Node) set(env protocol.Env, key []byte, before, next crdt.Entry) (raw []byte, err error) {
	var batch protocol.Batch
	if next.IsZero() {
		batch.Delete(entryKey(key))
	} else {
		raw = next.Append(make([]byte, 0, next.Size()))
		batch.Set(entryKey(key), raw)
	}
	wasTombstone, isTombstone := !before.IsZero() && !before.Live(), !next.IsZero() && !next.Live()
	if isTombstone && !wasTombstone {
		batch.Set(tombstoneKey(key), wire.AppendUint64(nil, uint64(env.Now())))
	} else if wasTombstone && !isTombstone {
		batch.Delete(tombstoneKey(key))
	}
	// An entry that goes takes along what it says of this node's own events,
	// which must not be named anew.
	stored := n.stored
	if next.IsZero() && stored.Get(n.actor) < n.known.Get(n.actor) {
		batch.Set([]byte(keyKnown), n.known.Append(nil))
		stored = n.known
	}
	if err := env.Store().Apply(&batch); err != nil {
		return nil, err
	}
	n.stored = stored
	switch {
	case isTombstone && !wasTombstone:
		n.tombstones++
	case wasTombstone && !isTombstone:
		n.tombstones--
	}
	if n.edit == nil {
		n.edit = n.tree.Edit()
	}
	if next.Live() {
		n.edit.Put(key, digestOf(raw))
	} else {
		n.edit.Delete(key)
	}
	n.reportable, n.dirty = true, true
	if next.Conflict() && !before.Conflict() {
		env.Emit(protocol.Event{Kind: EventConflict, Args: [3]uint64{keyHash(key)}})
	}
	for _, w := range n.watches {
		if bytes.HasPrefix(key, []byte(w.prefix)) {
			w.f(env, key, next)
		}
	}
	return raw, nil
}

// sync puts all writes on disk.
func (n *Node) sync(env protocol.Env) error {
	if err := env.Store().Sync(); err != nil {
		return err
	}
	n.dirty, n.exposed = false, false
	return nil
}

// syncLater has writes of others synced before long.
func (n *Node) syncLater(env protocol.Env) {
	if n.dirty && !n.syncing {
		n.syncing = true
		env.After(n.cfg.SyncInterval.Std(), protocol.Timer{Kind: timerSync})
	}
}

// learn adds what the contents have come to take account of.
func (n *Node) learn(env protocol.Env, known clock.VersionVector) error {
	next := n.known.Merge(known)
	if next.Compare(n.stored) != clock.Equal {
		var batch protocol.Batch
		batch.Set([]byte(keyKnown), next.Append(nil))
		if err := env.Store().Apply(&batch); err != nil {
			return err
		}
		n.dirty, n.stored = true, next
	}
	if n.dirty {
		if err := n.sync(env); err != nil {
			return err
		}
	}
	n.known = next
	return nil
}

// merged is what came of merging.
type merged struct {
	raw     []byte // what is under the key now, encoded
	had     bool   // something was there before
	changed bool
}

// merge merges what a peer has under a key into what is there. It returns false
// if the entry was refused or the disk failed.
func (n *Node) merge(env protocol.Env, key []byte, remote crdt.Entry, from protocol.NodeID, way uint64) (merged, bool) {
	if at := remote.Register().Stamp().Time; !at.IsZero() {
		if _, err := n.hlc.Update(env.Now(), at); err != nil {
			n.refuse(env, from, RefusedClock)
			return merged{}, false
		}
	}
	local, raw, err := n.load(env, key)
	if err != nil {
		return merged{}, false
	}
	next := local.MergeKnown(remote, n.known)
	if next == local {
		return merged{raw, !local.IsZero(), false}, true
	}
	if raw, err = n.set(env, key, local, next); err != nil {
		return merged{}, false
	}
	n.syncLater(env)
	seen, hash := local.Version(), keyHash(key)
	for d := range remote.Version().All() {
		if !seen.Contains(d) && d.Actor != n.actor {
			env.Emit(protocol.Event{Kind: EventApply, Peer: from, Args: [3]uint64{hash, versionOf(d), way}})
		}
	}
	n.heat.touch(env, key)
	return merged{raw, !local.IsZero(), true}, true
}

// decode reads an entry that a peer sent.
func (n *Node) decode(env protocol.Env, from protocol.NodeID, i Item) (crdt.Entry, bool) {
	reason := RefusedKey
	if n.profile.CheckKey(i.Key) == nil && len(i.Key) > 0 {
		e, err := crdt.DecodeEntry(i.Entry)
		var kind *crdt.UnknownKindError
		switch {
		case errors.As(err, &kind):
			reason = RefusedKind
		case err != nil:
			reason = RefusedMalformed
		default:
			return e, true
		}
	}
	n.refuse(env, from, reason)
	return crdt.Entry{}, false
}

func (n *Node) refuse(env protocol.Env, from protocol.NodeID, reason uint64) {
	env.Emit(protocol.Event{Kind: EventRefused, Peer: from, Args: [3]uint64{reason}})
}

// write carries out an operation of the application under a key. operate is
// given the entry and the event that it is to be.
func (n *Node) write(env protocol.Env, key []byte, operate func(crdt.Entry, crdt.Stamp) (next, change crdt.Entry, err error)) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("write key of %d bytes, want 1 to %d: %w", len(key), MaxKey, ErrKey)
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
	hot := n.heat.touch(env, key)
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

// entryTime reads the time of a tombstone.
func entryTime(raw []byte) protocol.Time {
	if len(raw) != 8 {
		return 0
	}
	return protocol.Time(binary.BigEndian.Uint64(raw))
}

// keyOf is the key in a key of the disk.
func keyOf(stored []byte, prefix string) []byte {
	return []byte(strings.TrimPrefix(string(stored), prefix))
}
