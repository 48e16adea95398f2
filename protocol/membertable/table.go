// Package membertable is the table of members that a membership protocol's
// view of the world lives in.
package membertable

import (
	"iter"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
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

// Len returns the number of members.
func (t Table) Len() int { panic("not yet") }

// Count returns the number of members in state s.
func (t Table) Count(s Status) int { panic("not yet") }

// CountIn returns the number of members in the states of set.
func (t Table) CountIn(set StatusSet) int { panic("not yet") }

// Get returns the member named id, and whether there is one.
func (t Table) Get(id protocol.NodeID) (Member, bool) { panic("not yet") }

// With returns the table with m in the place of the member of the same ID, if
// any. m must pass [Member.Check].
func (t Table) With(m Member) Table { panic("not yet") }

// WithAll returns the table with all of ms put in, in any order; of several
// members of the same ID the last counts. It costs much less than With for
// each: only the final table's parts are built.
func (t Table) WithAll(ms []Member) Table { panic("not yet") }

// Without returns the table without the member named id.
func (t Table) Without(id protocol.NodeID) Table { panic("not yet") }

// Select returns the member of the given rank, counted from 0 in order of ID,
// among the members in the states of set; false if there are not that many.
func (t Table) Select(set StatusSet, rank int) (Member, bool) { panic("not yet") }

// Rank returns the number of members in the states of set whose ID is less
// than id.
func (t Table) Rank(set StatusSet, id protocol.NodeID) int { panic("not yet") }

// All yields the members in ascending order of ID.
func (t Table) All() iter.Seq[Member] { panic("not yet") }

// Diff yields, in ascending order of ID, each ID's members in t and in other
// where they differ. The zero Member (ID 0) stands for one that is not there.
// It skips what is equal without looking inside.
func (t Table) Diff(other Table) iter.Seq2[Member, Member] { panic("not yet") }

// Equal reports whether both tables have the same rows.
func (t Table) Equal(other Table) bool { panic("not yet") }

// Hash returns the hash of the contents.
func (t Table) Hash() Hash { panic("not yet") }

// EncodedSize returns the number of bytes that AppendEntries adds, at once.
func (t Table) EncodedSize() int { panic("not yet") }

// AppendEntries appends the table as it travels: the variable-length number
// of members, then the members as [Member.Append] writes them in ascending
// order of ID.
func (t Table) AppendEntries(b []byte) []byte { panic("not yet") }

// ReadEntries reads what [Table.AppendEntries] wrote, at most max members, into a
// table of the pool, which may be nil. The result is empty if the reader has
// failed.
func ReadEntries(r *wire.Reader, pool *Pool, max int) Table { panic("not yet") }

// Pool is where the tables of one process find parts that they can share. It
// is safe for concurrent use. What is in it changes memory and speed, never a
// table's contents.
type Pool struct{}

// NewPool returns a pool that keeps at most about capacity parts of tables
// reachable (a part is up to 64 members); 0 means DefaultPoolCapacity.
func NewPool(capacity int) *Pool { panic("not yet") }

// DefaultPoolCapacity is how many parts a pool keeps if not told otherwise.
const DefaultPoolCapacity = 1 << 18

type node struct{}

// Round is one pass of probing over all members in random order, each exactly
// once (SWIM, section 4.3), in 24 bytes. Its zero value is a round that is over.
type Round struct {
	key  uint64
	next uint64
	live bool
}

// NewRound returns a round in an order that depends on nothing but the key.
func NewRound(key uint64) Round { return Round{key: key, live: true} }

// Next returns the next member of the round among the members of t in the
// states of set that accept (if not nil) accepts; false when the round is over.
// t may be another table each time: whoever is acceptable all the time is
// returned exactly once, nobody is returned twice, a newcomer's place is as
// random as everybody else's (if it lies behind already, the newcomer waits
// for the next round).
func (r *Round) Next(t Table, set StatusSet, accept func(Member) bool) (Member, bool) {
	panic("not yet")
}
