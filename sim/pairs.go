package sim

import "math/bits"

// A pair is an entry of a node's table of receivers: receiver + 1 in the upper
// half (0: empty), the number of datagrams sent to it in the lower half.
type pair uint64

const (
	// A block is a table's storage: a power of two of pairs, at least
	// blockUnit, in which addresses are counted.
	blockUnit  = 4
	firstLog   = 3       // of a node's first block: one cache line
	arenaUnits = 1 << 12 // units of a page: 128 KiB
)

// pairArena hands out blocks, and keeps those that are given back by size.
// Blocks that exceed a page get pages of their own.
type pairArena struct {
	pages [][]pair
	next  uint32 // unit of the last page that was not handed out yet
	spare [32][]uint32
}

// block returns the storage at an address.
func (a *pairArena) block(at uint32, log uint8) []pair {
	p := a.pages[at/arenaUnits]
	from := at % arenaUnits * blockUnit
	return p[from : from+1<<log]
}

// get returns the address of an empty block of 1<<log pairs.
func (a *pairArena) get(log uint8) uint32 {
	if n := len(a.spare[log]); n > 0 {
		at := a.spare[log][n-1]
		a.spare[log] = a.spare[log][:n-1]
		clear(a.block(at, log))
		return at
	}
	units := uint32(1) << log / blockUnit
	if units > arenaUnits {
		return a.getLarge(units)
	}
	if len(a.pages) == 0 || a.next+units > arenaUnits {
		a.pages = append(a.pages, make([]pair, arenaUnits*blockUnit))
		a.next = 0
	}
	at := uint32(len(a.pages)-1)*arenaUnits + a.next
	a.next += units
	return at
}

// getLarge takes as many page numbers as the block is long, so that addresses
// stay unique, and puts the storage under the first.
func (a *pairArena) getLarge(units uint32) uint32 {
	at := uint32(len(a.pages)) * arenaUnits
	a.pages = append(a.pages, make([]pair, units*blockUnit))
	for range units/arenaUnits - 1 {
		a.pages = append(a.pages, nil)
	}
	a.next = arenaUnits
	return at
}

func (a *pairArena) put(at uint32, log uint8) { a.spare[log] = append(a.spare[log], at) }

// countPair returns how many datagrams n sent to dst before, and counts one
// more, in a world of a number of nodes. A table is first an open-addressing
// one with linear probing; when an array of counters by receiver is no larger,
// it becomes that.
func (a *pairArena) countPair(n *node, dst uint32, nodes int) uint32 {
	if n.pairLog == 0 {
		n.pairLog = firstLog
		n.pairBlock = a.get(firstLog)
	}
	for {
		if n.pairLog&pairArray != 0 {
			p := &a.block(n.pairBlock, n.pairLog&^pairArray)[dst/2]
			shift := dst % 2 * 32
			k := uint32(*p >> shift)
			*p += 1 << shift
			return k
		}
		if k, ok := count(a.block(n.pairBlock, n.pairLog), n, dst); ok {
			return k
		}
		if 4<<n.pairLog >= nodes {
			a.flatten(n, nodes)
			continue
		}
		a.resize(n, n.pairLog+1)
	}
}

// pairArray marks, in a node's pairLog, a table that is an array.
const pairArray = 1 << 7

// count counts in an open-addressing table; false means that it is full.
func count(table []pair, n *node, dst uint32) (uint32, bool) {
	mask := uint32(len(table) - 1)
	for i := pairSlot(dst, n.pairLog); ; i = (i + 1) & mask {
		p := table[i&mask]
		if uint32(p>>32) == dst+1 {
			table[i&mask] = p + 1
			return uint32(p), true
		}
		if p != 0 {
			continue
		}
		// At most three quarters are in use.
		if (n.pairUsed+1)*4 > uint32(len(table))*3 {
			return 0, false
		}
		n.pairUsed++
		table[i&mask] = pair(dst+1)<<32 | 1
		return 0, true
	}
}

// touch reads what countPair will read, so that it is in the cache by then.
func (a *pairArena) touch(n *node, dst uint32) pair {
	switch {
	case n.pairLog == 0:
		return 0
	case n.pairLog&pairArray != 0:
		return a.block(n.pairBlock, n.pairLog&^pairArray)[dst/2]
	}
	return a.block(n.pairBlock, n.pairLog)[pairSlot(dst, n.pairLog)]
}

// flatten makes n's table an array.
func (a *pairArena) flatten(n *node, nodes int) {
	log := uint8(max(bits.Len(uint(nodes-1)), 3) - 1)
	at := a.get(log)
	array := a.block(at, log)
	for _, p := range a.block(n.pairBlock, n.pairLog) {
		if p != 0 {
			dst := uint32(p>>32) - 1
			array[dst/2] += pair(uint32(p)) << (dst % 2 * 32)
		}
	}
	a.put(n.pairBlock, n.pairLog)
	n.pairBlock, n.pairLog = at, log|pairArray
}

// carry copies n's table into another arena.
func (a *pairArena) carry(n *node, to *pairArena) {
	log := n.pairLog &^ pairArray
	at := to.get(log)
	copy(to.block(at, log), a.block(n.pairBlock, log))
	n.pairBlock = at
}

// resize moves n's open-addressing table to a block of another size.
func (a *pairArena) resize(n *node, log uint8) {
	at := a.get(log)
	table := a.block(at, log)
	mask := uint32(len(table) - 1)
	for _, p := range a.block(n.pairBlock, n.pairLog) {
		if p == 0 {
			continue
		}
		i := pairSlot(uint32(p>>32)-1, log)
		for table[i] != 0 {
			i = (i + 1) & mask
		}
		table[i] = p
	}
	a.put(n.pairBlock, n.pairLog)
	n.pairBlock, n.pairLog = at, log
}

func pairSlot(dst uint32, log uint8) uint32 {
	return dst * 0x9e3779b9 >> (32 - log)
}
