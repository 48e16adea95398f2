package node

import (
	"bytes"
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// Memory is a store that ends with the process: for nodes that were given no
// disk. Its zero value is empty. It belongs to one goroutine.
type Memory struct {
	pairs []pair // by key
}

type pair struct{ key, value []byte }

var _ protocol.Store = (*Memory)(nil)

func (m *Memory) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(m.pairs, key, func(p pair, key []byte) int { return bytes.Compare(p.key, key) })
}

// Get implements [protocol.Store].
func (m *Memory) Get(key []byte) (value []byte, ok bool, err error) {
	i, ok := m.find(key)
	if !ok {
		return nil, false, nil
	}
	return bytes.Clone(m.pairs[i].value), true, nil
}

// Scan implements [protocol.Store].
func (m *Memory) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	i, _ := m.find(start)
	j := len(m.pairs)
	if end != nil {
		j, _ = m.find(end)
	}
	if i >= j {
		return nil
	}
	for _, p := range slices.Clone(m.pairs[i:j]) { // visit may write
		if !visit(p.key, p.value) {
			break
		}
	}
	return nil
}

// Apply implements [protocol.Store].
func (m *Memory) Apply(b *protocol.Batch) error {
	for _, w := range b.Writes() {
		i, ok := m.find(w.Key)
		switch {
		case w.Delete && ok:
			m.pairs = slices.Delete(m.pairs, i, i+1)
		case w.Delete:
		case ok:
			m.pairs[i].value = bytes.Clone(w.Value)
		default:
			m.pairs = slices.Insert(m.pairs, i, pair{bytes.Clone(w.Key), bytes.Clone(w.Value)})
		}
	}
	return nil
}

// Sync implements [protocol.Store]. There is nothing to do.
func (m *Memory) Sync() error { return nil }
