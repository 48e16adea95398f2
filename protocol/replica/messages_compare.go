package replica

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Leaves says what the sender, who answers a session, has in buckets of keys, from
// the first one on.
type Leaves struct {
	Session, First uint64
	Leaves         []leaf
}

// Kind implements protocol.Message.
func (*Leaves) Kind() protocol.MessageKind { return kindLeaves }

// Size implements protocol.Message.
func (m *Leaves) Size() int {
	return 8 + wire.UvarintSize(m.First) + wire.UvarintSize(uint64(len(m.Leaves))) + leafSize*len(m.Leaves)
}

// Append implements protocol.Message.
func (m *Leaves) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUvarint(b, m.First)
	b = wire.AppendUvarint(b, uint64(len(m.Leaves)))
	for i := range m.Leaves {
		b = append(b, m.Leaves[i][:]...)
	}
	return b
}

func decodeLeaves(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Leaves{Session: r.Uint64(), First: r.Uvarint()}
	if n := readCount(&r, leafSize); n > 0 {
		m.Leaves = make([]leaf, n)
		for i := range m.Leaves {
			for k := range m.Leaves[i] {
				m.Leaves[i][k] = r.Uint8()
			}
		}
	}
	return m, r.Finish()
}

// Buckets asks for all that is in buckets of keys, of which the sender has
// something else.
type Buckets struct {
	Session, Round uint64
	Buckets        []uint32 // ascending
}

// Kind implements protocol.Message.
func (*Buckets) Kind() protocol.MessageKind { return kindBuckets }

// Size implements protocol.Message.
func (m *Buckets) Size() int {
	n := 8 + wire.UvarintSize(m.Round) + wire.UvarintSize(uint64(len(m.Buckets)))
	next := uint32(0)
	for _, b := range m.Buckets {
		n += wire.UvarintSize(uint64(b - next))
		next = b + 1
	}
	return n
}

// Append implements protocol.Message.
func (m *Buckets) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUvarint(b, m.Round)
	b = wire.AppendUvarint(b, uint64(len(m.Buckets)))
	next := uint32(0)
	for _, bucket := range m.Buckets {
		b = wire.AppendUvarint(b, uint64(bucket-next))
		next = bucket + 1
	}
	return b
}

func decodeBuckets(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Buckets{Session: r.Uint64(), Round: r.Uvarint()}
	next := uint64(0)
	for n := readCountTo(&r, 1, 1<<maxDepth); n > 0 && !r.Failed(); n-- {
		skipped := r.Uvarint()
		if skipped >= 1<<maxDepth-next {
			r.Fail("got a bucket that is %d after %d, want less than %d", skipped, next, 1<<maxDepth)
			break
		}
		m.Buckets = append(m.Buckets, uint32(next+skipped))
		next += skipped + 1
	}
	return m, r.Finish()
}

// Last says that all that was to be sent in a round has been.
type Last struct {
	Session, Round uint64
	// Sent is as in Commit: a key that did not come is one that the sender has
	// not only if all has come.
	Sent uint64
}

// Kind implements protocol.Message.
func (*Last) Kind() protocol.MessageKind { return kindLast }

// Size implements protocol.Message.
func (m *Last) Size() int { return 8 + wire.UvarintSize(m.Round) + wire.UvarintSize(m.Sent) }

// Append implements protocol.Message.
func (m *Last) Append(b []byte) []byte {
	return wire.AppendUvarint(wire.AppendUvarint(wire.AppendUint64(b, m.Session), m.Round), m.Sent)
}

func decodeLast(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Last{Session: r.Uint64(), Round: r.Uvarint(), Sent: r.Uvarint()}
	return m, r.Finish()
}
