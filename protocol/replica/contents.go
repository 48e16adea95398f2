package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
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
	keyClock        = "replica/clock"
)

// maxEntry bounds an entry, in bytes: a value, what other values of the key there
// are, and their context. A merge that would pass it is refused, for what came of
// it could not be sent.
const maxEntry = 4 << 20

// ErrKey is the error of a key that is empty or too long.
var ErrKey = errors.New("wrong length of key")

// errRefused is the error of what is more than a node keeps in mind.
var errRefused = errors.New("refused")

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
	// which must not be named anew, and of the clock, which must not go back:
	// somewhere the entry is still there, and would win over the next write.
	stored, storedClock := n.stored, n.storedClock
	if next.IsZero() && stored.Get(n.actor) < n.known.Get(n.actor) {
		batch.Set([]byte(keyKnown), n.known.Append(nil))
		stored = n.known
	}
	if next.IsZero() && storedClock.Compare(before.Register().Stamp().Time) < 0 {
		storedClock = n.hlc.Last()
		batch.Set([]byte(keyClock), storedClock.Append(nil))
	}
	if err := env.Store().Apply(&batch); err != nil {
		return nil, err
	}
	n.stored, n.storedClock = stored, storedClock
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
	others := next.Len()
	if next.Get(n.actor) > 0 {
		others--
	}
	if others > maxActors-1 { // this node's own next write must find a place
		return fmt.Errorf("learn of events: got those of %d other actors, want at most %d: %w", others, maxActors-1, errRefused)
	}
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
	if !n.issued(env, remote.Version()) {
		return merged{}, false
	}
	local, raw, err := n.load(env, key)
	if err != nil {
		return merged{}, false
	}
	next := local.MergeKnown(remote, n.known)
	if next == local {
		return merged{raw, !local.IsZero(), false}, true
	}
	if next.Size() > maxEntry {
		n.refuse(env, from, RefusedLarge)
		return merged{}, false
	}
	if raw, err = n.set(env, key, local, next); err != nil {
		return merged{}, false
	}
	n.syncLater(env)
	seen, hash := local.Version(), keyHash(key)
	writes := uint64(0)
	for d := range remote.Version().All() {
		if !seen.Contains(d) {
			writes++
		}
	}
	for d := range inEffect(next) {
		if !seen.Contains(d) && d.Actor != n.actor {
			env.Emit(protocol.Event{Kind: EventApply, Peer: from, Args: [3]uint64{hash, versionOf(d), way}})
		}
	}
	n.heat.touch(env, key, writes)
	return merged{raw, !local.IsZero(), true}, true
}

// inEffect yields the events to which an entry owes what it is: a register's last
// write or deletion, and of counters and sets the newest of each actor.
func inEffect(e crdt.Entry) iter.Seq[clock.Dot] {
	return func(yield func(clock.Dot) bool) {
		if at := e.Register().Stamp(); !at.Time.IsZero() && !yield(at.Dot) {
			return
		}
		for _, v := range []crdt.Value{e.GCounter(), e.PNCounter(), e.ORSet()} {
			for d := range v.Version().All() {
				if !yield(d) {
					return
				}
			}
		}
	}
}

// decode reads an entry that a peer sent.
func (n *Node) decode(env protocol.Env, from protocol.NodeID, i Item) (crdt.Entry, bool) {
	reason := RefusedKey
	if len(i.Key) > 0 && len(i.Key) <= MaxKey {
		e, err := crdt.DecodeEntry(i.Entry)
		var kind *crdt.UnknownKindError
		switch {
		case errors.As(err, &kind):
			reason = RefusedKind
		case errors.Is(err, crdt.ErrTooLarge):
			reason = RefusedLarge
		case err != nil || e.IsZero():
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
