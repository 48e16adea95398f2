package broadcast

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// memory keeps values by ID in the order in which they came.
type memory[V any] struct {
	// items is a ring: the oldest is at head, n of them are in use. Its length
	// is zero or a power of two.
	items []item[V]
	head  uint32
	n     uint32
	// first counts what was dropped, so that first+i is the serial number of
	// the i-th item for as long as it is kept.
	first uint32
	// serials finds items by ID, where there are too many to look at each.
	serials map[ID]uint32
}

type item[V any] struct {
	value V // first: an empty last field would cost a word
	id    ID
	at    protocol.Time
}

// fewItems is the number of items up to which a scan does without an index. Most nodes of
// a large world never have more.
const fewItems = 8

func (m *memory[V]) at(i uint32) *item[V] {
	return &m.items[(m.head+i)&uint32(len(m.items)-1)]
}

func (m *memory[V]) find(id ID) *item[V] {
	if m.serials != nil {
		if serial, ok := m.serials[id]; ok {
			return m.at(serial - m.first)
		}
		return nil
	}
	for i := range m.n {
		if it := m.at(i); it.id == id {
			return it
		}
	}
	return nil
}

// push adds an item that is not there yet.
func (m *memory[V]) push(it item[V]) {
	if int(m.n) == len(m.items) {
		m.grow()
	}
	m.n++
	*m.at(m.n - 1) = it
	switch {
	case m.serials != nil:
		m.serials[it.id] = m.first + m.n - 1
	case m.n > fewItems:
		m.serials = make(map[ID]uint32, 2*fewItems)
		for i := range m.n {
			m.serials[m.at(i).id] = m.first + i
		}
	}
}

func (m *memory[V]) grow() {
	items := make([]item[V], max(1, 2*len(m.items)))
	for i := range m.n {
		items[i] = *m.at(i)
	}
	m.items, m.head = items, 0
}

// oldest returns the item that came first, nil if there is none.
func (m *memory[V]) oldest() *item[V] {
	if m.n == 0 {
		return nil
	}
	return m.at(0)
}

// pop drops the item that came first.
func (m *memory[V]) pop() {
	it := m.at(0)
	delete(m.serials, it.id)
	*it = item[V]{}
	m.head = (m.head + 1) & uint32(len(m.items)-1)
	m.first++
	m.n--
	if m.n == 0 { // give back what a burst took
		*m = memory[V]{first: m.first}
	}
}

// expired tells whether the oldest item is older than age.
func (m *memory[V]) expired(now protocol.Time, age time.Duration) bool {
	it := m.oldest()
	return it != nil && now.Sub(it.at) > age
}
