package replica

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

// maxInitial is how many keys a data set may have.
const maxInitial = 10_000_000

// founder wrote the data set that all have. It is no node.
var founder = clock.Actor{Node: 1}

// firstLife is the incarnation of a node whose disk was prepared.
const firstLife = 1

// initial is the data set that nodes begin with.
func initial(config any) protocol.Initial {
	c, err := asConfig(config)
	if err != nil || c.InitialKeys == 0 {
		return protocol.Initial{}
	}
	return protocol.Initial{Shared: c.writeShared, Own: c.writeOwn}
}

func initialKey(number int) []byte { return fmt.Appendf(nil, "k%08d", number) }

// initialEntry is what all have under the key of a number.
func (c *Config) initialEntry(number int) (*crdt.Register, error) {
	stamp := crdt.Stamp{
		Dot:  clock.Dot{Actor: founder, Counter: uint64(number) + 1},
		Time: clock.Timestamp{Node: founder.Node, Logical: uint32(number)},
	}
	return new(crdt.Register).Put(stamp, c.initialValue(protocol.Derive(0, "initial value", uint64(number))))
}

func (c *Config) initialValue(seed uint64) string {
	r := protocol.NewRand(seed)
	value := make([]byte, c.InitialValue)
	for i := range value {
		value[i] = byte(r.Uint64())
	}
	return string(value)
}

// writing writes entries in batches.
type writing struct {
	store protocol.Store
	batch protocol.Batch
}

func (w *writing) set(number int, r *crdt.Register) error {
	e := crdt.NewEntry(r)
	w.batch.Set(entryKey(initialKey(number)), e.Append(make([]byte, 0, e.Size())))
	if len(w.batch.Writes()) < 1024 {
		return nil
	}
	return w.flush()
}

func (w *writing) flush() error {
	err := w.store.Apply(&w.batch)
	w.batch.Reset()
	return err
}

func (c *Config) writeShared(s protocol.Store) error {
	w := writing{store: s}
	for number := range c.InitialKeys {
		r, err := c.initialEntry(number)
		if err == nil {
			err = w.set(number, r)
		}
		if err != nil {
			return fmt.Errorf("write the initial data set: %w", err)
		}
	}
	known := clock.VersionVector{}.With(clock.Dot{Actor: founder, Counter: uint64(c.InitialKeys)})
	w.batch.Set([]byte(keyKnown), known.Append(nil))
	return w.flush()
}

// writeOwn gives a node later versions of its own.
func (c *Config) writeOwn(s protocol.Store, seed uint64, id protocol.NodeID) error {
	w := writing{store: s}
	actor := clock.Actor{Node: id, Incarnation: firstLife}
	w.batch.Set([]byte(keyActor), clock.AppendActor(nil, actor))
	r := protocol.NewRand(protocol.Derive(seed, "initial divergence", uint64(id)))
	own := uint64(0)
	// Each key is chosen with the probability that leaves the right number for
	// those behind it (Knuth, The Art of Computer Programming, volume 2, section
	// 3.4.2, algorithm S).
	left := c.InitialDivergence.Of(c.InitialKeys)
	for number := 0; left > 0; number++ {
		if r.IntN(c.InitialKeys-number) >= left {
			continue
		}
		left--
		before, err := c.initialEntry(number)
		if err != nil {
			return fmt.Errorf("write the initial data set of node %v: %w", id, err)
		}
		own++
		stamp := crdt.Stamp{
			Dot:  clock.Dot{Actor: actor, Counter: own},
			Time: clock.Timestamp{Node: id, Logical: maxInitial},
		}
		after, err := before.Put(stamp, c.initialValue(r.Uint64()))
		if err == nil {
			err = w.set(number, after)
		}
		if err != nil {
			return fmt.Errorf("write the initial data set of node %v: %w", id, err)
		}
	}
	known := clock.VersionVector{}.With(clock.Dot{Actor: founder, Counter: uint64(c.InitialKeys)})
	if own > 0 {
		known = known.With(clock.Dot{Actor: actor, Counter: own})
	}
	w.batch.Set([]byte(keyKnown), known.Append(nil))
	return w.flush()
}
