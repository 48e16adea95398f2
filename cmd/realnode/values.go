package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/replica"
)

// keeper is a layer that keeps keys.
type keeper interface {
	Get(env protocol.Env, key []byte) (crdt.Entry, error)
	Put(env protocol.Env, key, value []byte) error
	Delete(env protocol.Env, key []byte) error
	Increment(env protocol.Env, key []byte, by int64) error
	Add(env protocol.Env, key, element []byte) error
	Remove(env protocol.Env, key, element []byte) error
	Tree() mst.Tree
	Tombstones() int
}

var _ keeper = (*replica.Node)(nil)

// keep has the node's loop call f with the layer that keeps keys.
func (n inspector) keep(ctx context.Context, f func(env protocol.Env, k keeper) error) error {
	var failed error
	err := n.node.Do(ctx, func(env protocol.Env, layers []protocol.Protocol) {
		k, _, ok := find[keeper](n.specs, layers)
		if !ok {
			failed = fmt.Errorf("no protocol of the stack keeps keys, as replica does: %w", admin.ErrNotSupported)
			return
		}
		failed = f(env, k)
	})
	if err != nil {
		return err
	}
	if errors.Is(failed, replica.ErrKey) || errors.Is(failed, crdt.ErrTooLarge) {
		return admin.Invalid(failed)
	}
	return failed
}

// Key implements admin.Node.
func (n inspector) Key(ctx context.Context, key []byte) (admin.Value, error) {
	var e crdt.Entry
	err := n.keep(ctx, func(env protocol.Env, k keeper) (err error) {
		e, err = k.Get(env, key) // immutable
		return err
	})
	if err != nil {
		return admin.Value{}, err
	}
	if !e.Live() {
		return admin.Value{}, missing(key)
	}
	return value(key, e)
}

func missing(key []byte) error {
	return fmt.Errorf("%w: %.1100q", admin.ErrNoKey, key)
}

// value is a live entry as the interface shows it.
func value(key []byte, e crdt.Entry) (admin.Value, error) {
	out := admin.Value{Key: key, Conflict: e.Conflict()}
	switch v := e.Value().(type) {
	case *crdt.Register:
		text, _ := v.Get()
		bytes := admin.Bytes(text)
		out.Kind, out.Value = admin.Register, &bytes
	case *crdt.PNCounter:
		count := v.Count()
		out.Kind, out.Count = admin.Counter, &count
	case *crdt.ORSet:
		out.Kind = admin.Set
		for element := range v.All() {
			out.Elements = append(out.Elements, admin.Bytes(element))
		}
	default: // of a later version, perhaps
		return out, fmt.Errorf("key %.1100q holds a %v, which this interface cannot show: %w", key, v.Kind(), admin.ErrNotSupported)
	}
	return out, nil
}

// Keys implements admin.Node.
func (n inspector) Keys(ctx context.Context, q admin.KeyQuery) (admin.KeyPage, error) {
	page := admin.KeyPage{Keys: []admin.Bytes{}}
	err := n.keep(ctx, func(_ protocol.Env, k keeper) error {
		start, end := between(q.Prefix, q.After)
		k.Tree().Range(start, end, func(key []byte, _ mst.Digest) bool {
			if len(page.Keys) == q.Limit { // and here is one more
				page.Next = url.QueryEscape(string(page.Keys[q.Limit-1]))
				return false
			}
			page.Keys = append(page.Keys, append(admin.Bytes{}, key...)) // whose own memory is a page of the tree
			return true
		})
		return nil
	})
	return page, err
}

// between bounds the keys that have a prefix and are behind another: start
// inclusive, end exclusive, nil for none.
func between(prefix, after []byte) (start, end []byte) {
	start = prefix
	if len(after) > 0 && string(after) >= string(prefix) {
		start = append(append([]byte{}, after...), 0)
	}
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end = append([]byte{}, prefix[:i+1]...)
			end[i]++
			break
		}
	}
	return start, end
}

// ChangeKey implements admin.Node.
func (n inspector) ChangeKey(ctx context.Context, key []byte, c admin.Change) (admin.Changed, error) {
	out := admin.Changed{Key: key}
	err := n.keep(ctx, func(env protocol.Env, k keeper) error {
		if c.Op == admin.Delete || c.Op == admin.Remove {
			// The tree tells without a read that nobody asked for.
			if _, ok := k.Tree().Get(key); !ok {
				return missing(key)
			}
		}
		switch c.Op {
		case admin.Put:
			return k.Put(env, key, c.Value)
		case admin.Delete:
			return k.Delete(env, key)
		case admin.Add:
			return k.Add(env, key, c.Value)
		case admin.Remove:
			return k.Remove(env, key, c.Value)
		case admin.Increment:
			if err := k.Increment(env, key, c.By); err != nil {
				return err
			}
			e, err := k.Get(env, key)
			if v := e.PNCounter(); err == nil && v.Live() {
				count := v.Count()
				out.Count = &count
			}
			return err
		}
		return admin.Invalid(fmt.Errorf("unknown change %q", c.Op))
	})
	return out, err
}

// mapOf is how much a node keeps, nil if it keeps no keys.
func (n inspector) mapOf(layers []protocol.Protocol) *admin.Map {
	k, _, ok := find[keeper](n.specs, layers)
	if !ok {
		return nil
	}
	tree := k.Tree()
	root := tree.Root()
	return &admin.Map{Keys: tree.Len(), Tombstones: k.Tombstones(), Root: hex.EncodeToString(root[:])}
}

// warnOfMemory says so if a node keeps keys that end with the process.
func (r *running) warnOfMemory(ctx context.Context) {
	if r.store != nil || r.world != nil { // an experiment knows, and may not have begun
		return
	}
	_ = r.node.Inspect(ctx, func(layers []protocol.Protocol) {
		if _, name, ok := find[keeper](r.specs, layers); ok {
			r.log.Warn("the keys of this node end with its process, for it has no disk to keep them on: node.data_dir, or --data", "protocol", name)
		}
	})
}
