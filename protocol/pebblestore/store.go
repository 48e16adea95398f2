package pebblestore

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/starling-sim/starling/protocol"
)

// keyspace begins every key in Pebble, which is at odds with empty keys.
const keyspace = 'd'

// stored returns a key as Pebble knows it, a copy.
func stored(key []byte) []byte { return append([]byte{keyspace}, key...) }

// Store is an open Pebble database as a node's disk. Errors are Pebble's.
type Store struct {
	DB *pebble.DB
}

var _ protocol.Store = Store{}

// Get implements [protocol.Store].
func (s Store) Get(key []byte) (value []byte, ok bool, err error) {
	v, closer, err := s.DB.Get(stored(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return append([]byte{}, v...), true, closer.Close()
}

// Apply implements [protocol.Store].
func (s Store) Apply(b *protocol.Batch) error {
	batch, err := Encode(b)
	if err != nil {
		return err
	}
	return s.Commit(batch)
}

// Encode returns a batch as Pebble knows it, a copy.
func Encode(b *protocol.Batch) (*pebble.Batch, error) {
	batch := &pebble.Batch{}
	for _, w := range b.Writes() {
		var err error
		if w.Delete {
			err = batch.Delete(stored(w.Key), nil)
		} else {
			err = batch.Set(stored(w.Key), w.Value, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	return batch, nil
}

// Commit applies what Encode returned. It is visible, and not yet durable.
func (s Store) Commit(batch *pebble.Batch) error {
	if batch.Empty() {
		return nil
	}
	return s.DB.Apply(batch, pebble.NoSync)
}

// Sync implements [protocol.Store].
func (s Store) Sync() error {
	// A record without content: when it is on the disk, so is the log before it.
	return s.DB.LogData(nil, pebble.Sync)
}

// Scan implements [protocol.Store]. It shows the store as it is when it begins;
// visit may call the store's methods.
func (s Store) Scan(start, end []byte, visit func(key, value []byte) bool) (err error) {
	it, err := s.Iterate(start, end)
	if err != nil || it == nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if !visit(it.Key(), it.Value()) {
			return nil
		}
	}
	return nil
}

// Iterator goes through a range of a Store. Key and Value are valid until it
// moves.
type Iterator struct{ *pebble.Iterator }

// Iterate returns an iterator over [start, end), nil if nothing can be in there.
// A nil end means no end.
func (s Store) Iterate(start, end []byte) (*Iterator, error) {
	if end != nil && bytes.Compare(start, end) >= 0 {
		return nil, nil
	}
	o := pebble.IterOptions{LowerBound: stored(start), UpperBound: []byte{keyspace + 1}}
	if end != nil {
		o.UpperBound = stored(end)
	}
	it, err := s.DB.NewIter(&o)
	if err != nil {
		return nil, err
	}
	return &Iterator{it}, nil
}

// Key returns the key as the node knows it.
func (it *Iterator) Key() []byte { return it.Iterator.Key()[1:] }
