package membertable

import (
	"fmt"
	"iter"
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// Table is an immutable set of members, at most one for each NodeID. It is a
// small value: copying it is taking a snapshot. The zero Table is empty and
// shares nothing with other tables.
type Table struct {
	root *node
	pool *Pool
}

// New returns an empty table that shares its parts with the other tables of
// the pool. A nil pool is allowed: then the table shares only with its own
// earlier versions.
func New(pool *Pool) Table { return Table{pool: pool} }

// Hash stands for a table's contents: the sum of a 128-bit hash of each row.
// Tables with the same rows have the same hash whatever their history; two
// tables with different rows have the same hash with probability 2^-128.
type Hash struct{ Hi, Lo uint64 }

// String returns the hash as 32 hexadecimal digits.
func (h Hash) String() string { return fmt.Sprintf("%016x%016x", h.Hi, h.Lo) }

// Len returns the number of members.
func (t Table) Len() int { return t.CountIn(AnyStatus) }

// Count returns the number of members in state s.
func (t Table) Count(s Status) int { return t.CountIn(s.bit()) }

// CountIn returns the number of members in the states of set.
func (t Table) CountIn(set StatusSet) int {
	if t.root == nil {
		return 0
	}
	return t.root.countIn(set)
}

// Hash returns the hash of the contents.
func (t Table) Hash() Hash {
	if t.root == nil {
		return Hash{}
	}
	return t.root.hash
}

// Equal reports whether both tables have the same rows.
func (t Table) Equal(other Table) bool {
	return t.root == other.root || t.Hash() == other.Hash() && t.Len() == other.Len()
}

// Get returns the member named id, and whether there is one.
func (t Table) Get(id protocol.NodeID) (Member, bool) {
	if r := t.root.get(id); r != nil {
		return r.Member, true
	}
	return Member{}, false
}

// With returns the table with m in the place of the member of the same ID, if
// any. It panics unless m passes [Member.Check].
func (t Table) With(m Member) Table {
	must(&m)
	if c := (change{record: newRecord(m)}); t.resolve(&c) {
		changes := [...]change{c}
		t.root = t.pool.update(t.root, nil, 0, changes[:])
	}
	return t
}

// WithAll returns the table with all of ms put in, in any order; of several
// members of the same ID the last counts. It costs much less than With for
// each: only the final table's parts are built. It panics unless each passes
// [Member.Check].
func (t Table) WithAll(ms []Member) Table { return t.WithAllFrom(Table{}, ms) }

// WithAllFrom is WithAll for members that were found (most of them) in another
// table, a push-pull message's for instance: what becomes equal to a part of
// that table shares it.
func (t Table) WithAllFrom(donor Table, ms []Member) Table {
	changes := make([]change, 0, len(ms))
	for i := range ms {
		must(&ms[i])
		c := change{record: newRecord(ms[i])}
		if known := donor.root.get(c.ID); known != nil && known.hash == c.hash {
			c.known = known
		}
		changes = append(changes, c)
	}
	return t.apply(donor, changes)
}

// Without returns the table without the member named id.
func (t Table) Without(id protocol.NodeID) Table {
	if c := (change{record: record{Member: Member{ID: id}}}); t.resolve(&c) {
		changes := [...]change{c}
		t.root = t.pool.update(t.root, nil, 0, changes[:])
	}
	return t
}

// WithoutAll returns the table without the members named.
func (t Table) WithoutAll(ids []protocol.NodeID) Table {
	changes := make([]change, 0, len(ids))
	for _, id := range ids {
		changes = append(changes, change{record: record{Member: Member{ID: id}}})
	}
	return t.apply(Table{}, changes)
}

func must(m *Member) {
	if err := m.Check(); err != nil {
		panic("membertable: " + err.Error())
	}
}

// apply makes the changes, which need not be in order or real.
func (t Table) apply(donor Table, changes []change) Table {
	ascending := func(a, b change) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	}
	if !slices.IsSortedFunc(changes, ascending) {
		slices.SortStableFunc(changes, ascending)
	}
	kept := changes[:0]
	for i := range changes {
		superseded := i+1 < len(changes) && changes[i+1].ID == changes[i].ID
		if !superseded && t.resolve(&changes[i]) {
			kept = append(kept, changes[i])
		}
	}
	t.root = t.pool.update(t.root, donor.root, 0, kept)
	return t
}

// resolve finds the row that the change replaces. It returns false if the
// change changes nothing.
func (t Table) resolve(c *change) bool {
	c.old = t.root.get(c.ID)
	if c.old == nil {
		return c.Status != Unknown
	}
	if c.Status == Unknown {
		return true
	}
	// Most changes leave the strings alone: keep one copy of them.
	if c.Contact == c.old.Contact {
		c.Contact = c.old.Contact
	}
	if c.Metadata == c.old.Metadata {
		c.Metadata = c.old.Metadata
	}
	return c.hash != c.old.hash
}

// Select returns the member of the given rank, counted from 0 in order of ID,
// among the members in the states of set; false if there are not that many.
func (t Table) Select(set StatusSet, rank int) (Member, bool) {
	if rank < 0 || rank >= t.CountIn(set) {
		return Member{}, false
	}
	n := t.root
	for n.kids != nil {
		for _, kid := range n.kids {
			if kid == nil {
				continue
			}
			if count := kid.countIn(set); rank >= count {
				rank -= count
				continue
			}
			n = kid
			break
		}
	}
	for _, r := range n.rows {
		if !set.Has(r.Status) {
			continue
		}
		if rank == 0 {
			return r.Member, true
		}
		rank--
	}
	return Member{}, false
}

// Rank returns the number of members in the states of set whose ID is less
// than id.
func (t Table) Rank(set StatusSet, id protocol.NodeID) int {
	rank := 0
	n := t.root
	for n != nil && n.kids != nil {
		d := digit(id, n.level)
		for _, kid := range n.kids[:d] {
			if kid != nil {
				rank += kid.countIn(set)
			}
		}
		n = n.kids[d]
	}
	if n == nil {
		return rank
	}
	for _, r := range n.rows {
		if r.ID < id && set.Has(r.Status) {
			rank++
		}
	}
	return rank
}

// All yields the members in ascending order of ID.
func (t Table) All() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		t.root.each(func(r *record) bool { return yield(r.Member) })
	}
}
