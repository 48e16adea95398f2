package replica

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
)

// Command implements protocol.CommandHandler.
func (n *Node) Command(env protocol.Env, c protocol.Command) error {
	switch c.Kind {
	case CommandPut:
		return n.Put(env, c.Key, c.Value)
	case CommandDelete:
		return n.Delete(env, c.Key)
	case CommandGet:
		_, err := n.Get(env, c.Key)
		return err
	case CommandIncrement:
		return n.Increment(env, c.Key, 1)
	case CommandAdd:
		return n.Add(env, c.Key, c.Value)
	case CommandRemove:
		return n.Remove(env, c.Key, c.Value)
	default:
		return fmt.Errorf("command kind %#04x is not replica's", uint16(c.Kind))
	}
}

// Put writes value to the key's register. Like all that write, it returns nil
// when the write is on this node's disk and is going to reach all others; the
// error wraps [ErrKey], [ErrNotReady], crdt.ErrTooLarge or what the disk says; after
// the latter the write may have happened nevertheless.
func (n *Node) Put(env protocol.Env, key, value []byte) error {
	return n.write(env, key, func(e crdt.Entry, s crdt.Stamp) (next, change crdt.Entry, err error) {
		r, err := e.Register().Put(s, string(value))
		if err != nil {
			return e, crdt.Entry{}, err
		}
		return e.Put(s, r)
	})
}

// Delete deletes the key, whatever it holds.
func (n *Node) Delete(env protocol.Env, key []byte) error {
	return n.write(env, key, func(e crdt.Entry, s crdt.Stamp) (next, change crdt.Entry, err error) {
		if !e.Live() {
			return e, crdt.Entry{}, nil
		}
		return e.Delete(s)
	})
}

// Increment adds by to the key's counter.
func (n *Node) Increment(env protocol.Env, key []byte, by int64) error {
	return n.write(env, key, func(e crdt.Entry, s crdt.Stamp) (next, change crdt.Entry, err error) {
		_, delta, err := e.PNCounter().Add(s.Dot, by)
		if err != nil {
			return e, crdt.Entry{}, err
		}
		return e.Put(s, delta)
	})
}

// Add adds an element to the key's set.
func (n *Node) Add(env protocol.Env, key, element []byte) error {
	return n.write(env, key, func(e crdt.Entry, s crdt.Stamp) (next, change crdt.Entry, err error) {
		_, delta, err := e.ORSet().Add(s.Dot, string(element))
		if err != nil {
			return e, crdt.Entry{}, err
		}
		return e.Put(s, delta)
	})
}

// Remove removes an element from the key's set.
func (n *Node) Remove(env protocol.Env, key, element []byte) error {
	return n.write(env, key, func(e crdt.Entry, s crdt.Stamp) (next, change crdt.Entry, err error) {
		_, delta, err := e.ORSet().Remove(s.Dot, string(element))
		if err != nil {
			return e, crdt.Entry{}, err
		}
		return e.Put(s, delta)
	})
}

// Get returns what the key holds, which is not live if it was deleted or never
// written. The error is the disk's.
func (n *Node) Get(env protocol.Env, key []byte) (crdt.Entry, error) {
	if !n.ready {
		return crdt.Entry{}, fmt.Errorf("read %q: %w", key, ErrNotReady)
	}
	e, _, err := n.load(env, key)
	if err != nil {
		return crdt.Entry{}, fmt.Errorf("read %q: %w", key, err)
	}
	env.Emit(protocol.Event{Kind: EventRead, Args: [3]uint64{keyHash(key), versionSeen(e)}})
	return e, nil
}
