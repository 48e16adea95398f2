package membertable

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// EncodedSize returns the number of bytes that AppendEntries adds, at once.
func (t Table) EncodedSize() int {
	if t.root == nil {
		return wire.UvarintSize(0)
	}
	return wire.UvarintSize(uint64(t.Len())) + int(t.root.bytes)
}

// AppendEntries appends the table as it travels: the variable-length number
// of members, then the members as [Member.Append] writes them in ascending
// order of ID.
func (t Table) AppendEntries(b []byte) []byte {
	b = wire.AppendUvarint(b, uint64(t.Len()))
	t.root.each(func(r *record) bool {
		b = r.Append(b)
		return true
	})
	return b
}

// ReadEntries reads what [Table.AppendEntries] wrote, at most limit members,
// into a table of the pool, which may be nil. It accepts nothing else: IDs must
// ascend strictly. The result is empty if the reader has failed.
func ReadEntries(r *wire.Reader, pool *Pool, limit int) Table {
	count := r.Count(MinEntrySize, limit)
	changes := make([]change, 0, min(count, r.Left()/MinEntrySize))
	last := protocol.NodeID(0)
	for range count {
		m := ReadMember(r)
		if !r.Failed() && m.ID <= last {
			r.Fail("got member %v after %v, want ascending order", m.ID, last)
		}
		if r.Failed() {
			return New(pool)
		}
		last = m.ID
		changes = append(changes, change{record: newRecord(m)})
	}
	return New(pool).apply(Table{}, changes)
}
