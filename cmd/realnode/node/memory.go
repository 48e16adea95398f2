package node

import (
	"bytes"

	"github.com/tidwall/btree"

	"github.com/starling-sim/starling/protocol"
)

// Memory is a store that ends with the process: for nodes that were given no
// disk. Its zero value is empty. It belongs to one goroutine.
type Memory struct {
	pairs btree.Map[string, []byte]
}

var _ protocol.Store = (*Memory)(nil)

// Get implements [protocol.Store].
func (m *Memory) Get(key []byte) (value []byte, ok bool, err error) {
	value, ok = m.pairs.Get(string(key))
	return bytes.Clone(value), ok, nil
}

// Scan implements [protocol.Store].
func (m *Memory) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	var buf []byte
	// A copy, which costs nothing until one of the two is written to: visit may
	// write.
	m.pairs.Copy().Ascend(string(start), func(key string, value []byte) bool {
		if end != nil && key >= string(end) {
			return false
		}
		buf = append(buf[:0], key...)
		return visit(buf, value)
	})
	return nil
}

// Apply implements [protocol.Store].
func (m *Memory) Apply(b *protocol.Batch) error {
	for _, w := range b.Writes() {
		if w.Delete {
			m.pairs.Delete(string(w.Key))
		} else {
			m.pairs.Set(string(w.Key), append([]byte{}, w.Value...))
		}
	}
	return nil
}

// Sync implements [protocol.Store]. There is nothing to do.
func (m *Memory) Sync() error { return nil }
