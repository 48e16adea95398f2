package analysis

import (
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// write is an acknowledged write.
type write struct {
	at   int64
	key  uint32 // index of it
	node uint32
	// saw is the latest version of the key that the node had taken before.
	saw   uint32
	flags uint8
}

func (w *write) deletes() bool { return w.flags&uint8(protocol.WriteDeletes) != 0 }

// writeTable holds the writes of the keys that are followed.
type writeTable struct {
	writes    []write           // by number, from 1
	byVersion map[uint64]uint32 // number
	keys      map[uint64]uint32 // index by hash
	byKey     []keyWrites
	// mask is 0 if all keys are followed, else those are whose mixed hash
	// has none of its bits.
	mask  uint64
	cells int // of all columns
	// takers are the nodes that took a write, stride words of a bit each for
	// every write.
	takers []uint64
	stride int
}

// keyWrites are the numbers of a key's writes and of its deletions among them.
type keyWrites struct {
	hash         uint64
	all, deletes []uint32
}

// column has a number for each key, by index: the latest version that a replica
// took, 0 if none. Pages are there if a key on them was taken.
type column struct{ pages []*[pageKeys]uint32 }

const (
	pageKeys = 256
	// What a write and a key take, in cells of columns.
	cellsPerWrite, cellsPerKey = 20, 25
	// maxReplicaMask ends the halving: of four billion keys one is followed.
	maxReplicaMask = 1<<32 - 1
	// defaultReplicaLimit bounds the memory to half a gibibyte.
	defaultReplicaLimit = 1 << 27
)

func newWriteTable(nodes int) writeTable {
	stride := (nodes + 63) / 64
	return writeTable{
		writes: make([]write, 1), byVersion: map[uint64]uint32{}, keys: map[uint64]uint32{},
		takers: make([]uint64, stride), stride: stride,
	}
}

// follows reports whether a key is followed.
func (t *writeTable) follows(hash uint64) bool { return protocol.Mix(hash)&t.mask == 0 }

// size is how much the table takes, in cells of columns.
func (t *writeTable) size() int {
	return t.cells + (cellsPerWrite+2*t.stride)*(len(t.writes)-1) + cellsPerKey*len(t.byKey)
}

// last is the number of the last write.
func (t *writeTable) last() uint32 { return uint32(len(t.writes) - 1) }

// key returns the index of a key.
func (t *writeTable) key(hash uint64) uint32 {
	key, ok := t.keys[hash]
	if !ok {
		key = uint32(len(t.byKey))
		t.keys[hash] = key
		t.byKey = append(t.byKey, keyWrites{hash: hash})
	}
	return key
}

func (t *writeTable) add(w write, version uint64) uint32 {
	t.writes = append(t.writes, w)
	t.takers = append(t.takers, make([]uint64, t.stride)...)
	number := t.last()
	t.byVersion[version] = number
	k := &t.byKey[w.key]
	k.all = append(k.all, number)
	if w.deletes() {
		k.deletes = append(k.deletes, number)
	}
	return number
}

// between returns the writes of a key after one and up to another.
func (t *writeTable) between(key, after, upto uint32) []uint32 {
	all := t.byKey[key].all
	if after >= upto {
		return nil
	}
	from, _ := slices.BinarySearch(all, after+1)
	to, _ := slices.BinarySearch(all, upto+1)
	return all[from:to]
}

// firstAfter is the first write of a key after one, 0 if there is none.
func (t *writeTable) firstAfter(key, after uint32) uint32 {
	if all := t.between(key, after, t.last()); len(all) > 0 {
		return all[0]
	}
	return 0
}

// lastOf is the last of some writes, 0 if there are none.
func lastOf(numbers []uint32) uint32 {
	if len(numbers) == 0 {
		return 0
	}
	return numbers[len(numbers)-1]
}

func (t *writeTable) lastDeletion(key uint32) uint32 { return lastOf(t.byKey[key].deletes) }

// took notes that a node, which had taken versions up to one, took a version, but
// not if it had taken a deletion that is later: that one did not know of it.
func (t *writeTable) took(node int, number, upto uint32) {
	deletes := t.byKey[t.writes[number].key].deletes
	if i, _ := slices.BinarySearch(deletes, number+1); i < len(deletes) && deletes[i] <= upto {
		return
	}
	t.takers[int(number)*t.stride+node/64] |= 1 << (node % 64)
}

// covers reports whether the node that deleted a key knew a version of it before:
// it had taken it, or what it had taken last was written on top of it, or on top
// of what was. A version of before the run was known to all.
func (t *writeTable) covers(deletion, number uint32) bool {
	node := int(t.writes[deletion].node)
	if number == 0 || t.takers[int(number)*t.stride+node/64]&(1<<(node%64)) != 0 {
		return true
	}
	for x := deletion; x > number; x = t.writes[x].saw {
		if t.writes[x].saw == number {
			return true
		}
	}
	return false
}

func (c *column) get(key uint32) uint32 {
	if page := int(key / pageKeys); page < len(c.pages) && c.pages[page] != nil {
		return c.pages[page][key%pageKeys]
	}
	return 0
}

// cell is where the number for a key stands.
func (t *writeTable) cell(c *column, key uint32) *uint32 {
	page := int(key / pageKeys)
	for len(c.pages) <= page {
		c.pages = append(c.pages, nil)
	}
	if c.pages[page] == nil {
		c.pages[page] = new([pageKeys]uint32)
		t.cells += pageKeys
	}
	return &c.pages[page][key%pageKeys]
}

// release gives a column's memory back.
func (t *writeTable) release(c *column) {
	for _, page := range c.pages {
		if page != nil {
			t.cells -= pageKeys
		}
	}
	*c = column{}
}

// halve stops following half of the keys, by their hashes, and numbers the writes
// of the others anew.
func (t *writeTable) halve(nodes []replicaNode) {
	old := *t
	*t = newWriteTable(len(nodes))
	t.mask = old.mask<<1 | 1
	// renumbered are the new numbers of writes; a write that is followed no
	// longer has that of the last one before it that is.
	renumbered := make([]uint32, len(old.writes))
	versions := make([]uint64, len(old.writes))
	//starling:exempt maprange each entry is put at a place of its own
	for version, number := range old.byVersion {
		versions[number] = version
	}
	for number := 1; number < len(old.writes); number++ {
		w := old.writes[number]
		if hash := old.byKey[w.key].hash; t.follows(hash) {
			w.key, w.saw = t.key(hash), renumbered[w.saw]
			copy(t.takers[int(t.add(w, versions[number]))*t.stride:], old.takers[number*t.stride:(number+1)*t.stride])
		}
		renumbered[number] = t.last()
	}
	for i := range nodes {
		was := nodes[i].upto
		nodes[i].upto = column{}
		nodes[i].since = renumbered[nodes[i].since]
		for key, k := range old.byKey {
			if number := was.get(uint32(key)); number != 0 && t.follows(k.hash) {
				*t.cell(&nodes[i].upto, t.keys[k.hash]) = renumbered[number]
			}
		}
	}
}
