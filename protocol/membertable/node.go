package membertable

import (
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/starling-sim/starling/protocol"
)

const (
	digitBits = 4              // bits of the ID that one level of the trie reads
	fanout    = 1 << digitBits // children of an inner node
	idDigits  = 64 / digitBits // levels it takes to tell any two IDs apart
	leafMax   = 64             // a subtree of more members than this has children
)

// record is a row as tables hold it: one for each version of a member, shared
// by all tables that hold that version. It never changes.
type record struct {
	Member
	hash Hash
}

func newRecord(m Member) record {
	// The encoding is injective, so that a hash of it is a hash of all fields.
	var scratch [MaxEntrySize]byte
	h := xxh3.Hash128(m.Append(scratch[:0]))
	return record{Member: m, hash: Hash{Hi: h.Hi, Lo: h.Lo}}
}

// tally is what is known of a set of rows without looking at them. Every part
// of it is a sum over the rows: that of a changed set follows from the change.
type tally struct {
	hash  Hash
	count [statuses]uint32
	bytes uint64 // encoded size of the rows
}

func (t *tally) add(r *record) {
	t.hash.Hi += r.hash.Hi
	t.hash.Lo += r.hash.Lo
	t.count[r.Status-1]++
	t.bytes += uint64(r.EncodedSize())
}

func (t *tally) remove(r *record) {
	t.hash.Hi -= r.hash.Hi
	t.hash.Lo -= r.hash.Lo
	t.count[r.Status-1]--
	t.bytes -= uint64(r.EncodedSize())
}

func (t *tally) countIn(set StatusSet) int {
	var n uint32
	for i, c := range t.count {
		if set>>i&1 != 0 {
			n += c
		}
	}
	return int(n)
}

func (t *tally) len() int { return t.countIn(AnyStatus) }

// node is a subtree: all rows of a table whose IDs agree in their first level
// digits. It is a leaf (rows, ascending) if these are at most leafMax,
// otherwise an inner node (kids, by the next digit); never empty: the empty
// subtree is nil. So rows and level determine a node entirely. It never
// changes once it is reachable from a table or a pool.
type node struct {
	tally
	level uint8
	rows  []*record
	kids  *[fanout]*node
}

// inner is an inner node together with its children, for one allocation.
type inner struct {
	node
	array [fanout]*node
}

func newInner(level uint8) *node {
	in := &inner{}
	in.level, in.kids = level, &in.array
	return &in.node
}

func newLeaf(level uint8, rows []*record) *node {
	n := &node{level: level, rows: rows}
	for _, r := range rows {
		n.add(r)
	}
	return n
}

// digit returns the level-th digit of id, counted from the most significant.
func digit(id protocol.NodeID, level uint8) int {
	return int(id >> (64 - digitBits*(uint(level)+1)) & (fanout - 1))
}

func (n *node) get(id protocol.NodeID) *record {
	for n != nil {
		if n.kids == nil {
			if i, ok := search(n.rows, id); ok {
				return n.rows[i]
			}
			return nil
		}
		n = n.kids[digit(id, n.level)]
	}
	return nil
}

// kid returns the child of digit d, nil if there is none.
func (n *node) kid(d int) *node {
	if n == nil || n.kids == nil {
		return nil
	}
	return n.kids[d]
}

// search returns where id is or would be in rows, and whether it is there.
func search(rows []*record, id protocol.NodeID) (int, bool) {
	low, high := 0, len(rows)
	for low < high {
		middle := (low + high) / 2
		if rows[middle].ID < id {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(rows) && rows[low].ID == id
}

// each calls yield for each row in ascending order until it returns false.
func (n *node) each(yield func(*record) bool) bool {
	if n == nil {
		return true
	}
	for _, r := range n.rows {
		if !yield(r) {
			return false
		}
	}
	if n.kids != nil {
		for _, kid := range n.kids {
			if !kid.each(yield) {
				return false
			}
		}
	}
	return true
}

// appendRows appends the rows below n in ascending order.
func (n *node) appendRows(rows []*record) []*record {
	if n == nil {
		return rows
	}
	rows = append(rows, n.rows...)
	if n.kids != nil {
		for _, kid := range n.kids {
			rows = kid.appendRows(rows)
		}
	}
	return rows
}

// change is one difference between a table and the next: the record to put in
// (Status Unknown: none) in the place of old (nil: none).
type change struct {
	record
	old   *record
	known *record // equal to record, held by the donor, or nil
}

// update returns the subtree of the given level that results from n by the
// changes, which are in ascending order of ID. What it will be is known from
// the changes alone; it is built only if neither the donor, which is some other
// table's subtree of that prefix (or nil), nor the pool has it.
func (p *Pool) update(n, donor *node, level uint8, changes []change) *node {
	if len(changes) == 0 {
		return n
	}
	want := n.after(changes)
	size := want.len()
	if size == 0 {
		return nil
	}
	if donor != nil && donor.hash == want.hash {
		return donor
	}
	if found := p.findNode(want.hash, level); found != nil {
		return found
	}
	var made *node
	switch {
	case size <= leafMax:
		made = &node{level: level, rows: p.merge(n, size, changes)}
	case n != nil && n.kids != nil:
		made = p.updateKids(n, donor, changes)
	default:
		made = p.grow(n, donor, level, changes)
	}
	made.tally = want
	return p.keepNode(made)
}

// after returns the tally of n after the changes.
func (n *node) after(changes []change) tally {
	var t tally
	if n != nil {
		t = n.tally
	}
	for i := range changes {
		c := &changes[i]
		if c.old != nil {
			t.remove(c.old)
		}
		if c.Status != Unknown {
			t.add(&c.record)
		}
	}
	return t
}

// merge returns the rows of n after the changes, of which there are size.
func (p *Pool) merge(n *node, size int, changes []change) []*record {
	var before []*record
	if n != nil {
		before = n.rows
		if n.kids != nil {
			before = n.appendRows(make([]*record, 0, n.len()))
		}
	}
	rows := make([]*record, 0, size)
	for i := range changes {
		c := &changes[i]
		at, ok := search(before, c.ID)
		rows = append(rows, before[:at]...)
		if ok {
			at++
		}
		before = before[at:]
		if c.Status != Unknown {
			rows = append(rows, p.shareRecord(c))
		}
	}
	return append(rows, before...)
}

// updateKids returns an inner node like n with the changes made below it.
func (p *Pool) updateKids(n, donor *node, changes []change) *node {
	made := newInner(n.level)
	*made.kids = *n.kids
	for len(changes) > 0 {
		d := digit(changes[0].ID, n.level)
		end := changesOf(changes, n.level, d)
		made.kids[d] = p.update(n.kids[d], donor.kid(d), n.level+1, changes[:end])
		changes = changes[end:]
	}
	return made
}

// grow returns the inner node that the leaf (or nothing) n becomes.
func (p *Pool) grow(n, donor *node, level uint8, changes []change) *node {
	var rows []*record
	if n != nil {
		rows = n.rows
	}
	made := newInner(level)
	for d := range made.kids {
		split, end := rowsOf(rows, level, d), changesOf(changes, level, d)
		made.kids[d] = p.growKid(rows[:split], donor.kid(d), level+1, changes[:end])
		rows, changes = rows[split:], changes[end:]
	}
	return made
}

func (p *Pool) growKid(rows []*record, donor *node, level uint8, changes []change) *node {
	if len(rows) == 0 {
		return p.update(nil, donor, level, changes)
	}
	kid := newLeaf(level, rows)
	if len(changes) > 0 {
		return p.update(kid, donor, level, changes)
	}
	if found := p.findNode(kid.hash, level); found != nil {
		return found
	}
	kid.rows = slices.Clone(rows) // not to hold on to the larger leaf
	return p.keepNode(kid)
}

// changesOf returns how many of the changes at the start have digit d.
func changesOf(changes []change, level uint8, d int) int {
	i := 0
	for i < len(changes) && digit(changes[i].ID, level) == d {
		i++
	}
	return i
}

// rowsOf returns how many of the rows at the start have digit d.
func rowsOf(rows []*record, level uint8, d int) int {
	i := 0
	for i < len(rows) && digit(rows[i].ID, level) == d {
		i++
	}
	return i
}
