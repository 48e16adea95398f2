package sim

import (
	"encoding/binary"

	"github.com/starling-sim/starling/protocol"
)

// A node's identity is a bijection of its index, keyed by the seed, so that no
// table is needed in either direction.

// idSalt is what is added to indices before they are mixed. It keeps sums with
// an index away from 0, which Mix would map to the identity of nobody.
func idSalt(seed uint64) uint64 {
	return protocol.Derive(seed, "identity", 0)&(1<<62-1) | 1<<40
}

func (w *World) id(i uint32) protocol.NodeID {
	return protocol.NodeID(protocol.Mix(uint64(i) + w.salt))
}

func (w *World) index(id protocol.NodeID) (uint32, bool) {
	i := protocol.Unmix(uint64(id)) - w.salt
	return uint32(i), i < uint64(len(w.nodes))
}

// ID returns the identity of node i.
func (w *World) ID(i int) protocol.NodeID { return w.id(uint32(i)) }

// Index returns the index of a node, false if there is no such node.
func (w *World) Index(id protocol.NodeID) (int, bool) {
	i, ok := w.index(id)
	return int(i), ok
}

// contactBytes is the length of a contact: an IPv4 address and a port.
const contactBytes = 6

// makeContacts lays out the contacts of n nodes: node i is at
// 10.a.b.c:port, with the lower 24 bits of i in a, b and c and the port 7946
// (memberlist's) plus the rest.
func makeContacts(n int) []byte {
	b := make([]byte, 0, n*contactBytes)
	for i := range uint32(n) {
		b = binary.BigEndian.AppendUint32(b, 10<<24|i&(1<<24-1))
		b = binary.BigEndian.AppendUint16(b, uint16(7946+i>>24))
	}
	return b
}

func (w *World) contact(i uint32) []byte {
	from := int(i) * contactBytes
	return w.contacts[from : from+contactBytes : from+contactBytes]
}

// seedLists keeps lists of seeds, equal ones once, for as long as a node's last
// start used them. List 0 is empty and stays.
type seedLists struct {
	lists []seedList
	byKey map[string]uint32
	free  []uint32
}

type seedList struct {
	peers []protocol.Peer
	key   string
	users int
}

func newSeedLists() seedLists {
	return seedLists{lists: make([]seedList, 1), byKey: map[string]uint32{"": 0}}
}

func (s *seedLists) list(i uint32) []protocol.Peer { return s.lists[i].peers }

// exchange puts a node on a list, that was on list old before. Nodes that are
// told the same seeds share one list, be they on it or not: so a world in which
// everybody knows everybody from the start keeps one list.
func (s *seedLists) exchange(old, list uint32) {
	s.lists[list].users++
	if old == 0 {
		return // nobody's before
	}
	if l := &s.lists[old]; l.users > 1 {
		l.users--
	} else {
		delete(s.byKey, l.key)
		*l = seedList{}
		s.free = append(s.free, old)
	}
}

// add returns the number of the list of some nodes.
func (s *seedLists) add(w *World, seeds []int) uint32 {
	key := make([]byte, 0, 4*len(seeds))
	for _, i := range seeds {
		key = binary.LittleEndian.AppendUint32(key, uint32(i))
	}
	if n, ok := s.byKey[string(key)]; ok {
		return n
	}
	peers := make([]protocol.Peer, len(seeds))
	for k, i := range seeds {
		peers[k] = protocol.Peer{ID: w.ID(i), Contact: w.contact(uint32(i))}
	}
	n := uint32(len(s.lists))
	if last := len(s.free) - 1; last >= 0 {
		n, s.free = s.free[last], s.free[:last]
	} else {
		s.lists = append(s.lists, seedList{})
	}
	s.lists[n] = seedList{peers: peers, key: string(key)}
	s.byKey[string(key)] = n
	return n
}
