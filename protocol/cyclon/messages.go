package cyclon

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Number is the protocol's number.
const Number = 6

// Kinds of messages.
const (
	kindJoin protocol.MessageKind = Number<<8 + 1 + iota
	kindJoinWalk
	kindJoinReply
	kindShuffle
	kindShuffleReply
)

// Entry is a node as it travels from view to view.
type Entry struct {
	ID protocol.NodeID
	// Age counts the cycles since the node itself made the entry.
	Age uint16
	// Contact is what it takes to reach the node.
	Contact string
}

const (
	minEntrySize = 8 + 2 + 1
	// maxEntries bounds the entries of one message.
	maxEntries = 256
)

func (e *Entry) size() int { return 8 + 2 + wire.BytesSize(len(e.Contact)) }

func (e *Entry) append(b []byte) []byte {
	b = wire.AppendNodeID(b, e.ID)
	b = wire.AppendUint16(b, e.Age)
	return wire.AppendBytes(b, e.Contact)
}

func readEntry(r *wire.Reader) Entry {
	return Entry{ID: r.NodeID(), Age: r.Uint16(), Contact: r.String(protocol.MaxContact)}
}

func entriesSize(entries []Entry) int {
	n := wire.UvarintSize(uint64(len(entries)))
	for i := range entries {
		n += entries[i].size()
	}
	return n
}

func appendEntries(b []byte, entries []Entry) []byte {
	b = wire.AppendUvarint(b, uint64(len(entries)))
	for i := range entries {
		b = entries[i].append(b)
	}
	return b
}

func readEntries(r *wire.Reader) []Entry {
	n := r.Count(minEntrySize, maxEntries)
	if n == 0 {
		return nil
	}
	entries := make([]Entry, 0, n)
	for range n {
		entries = append(entries, readEntry(r))
	}
	return entries
}

// Join asks a contact to introduce the sender.
type Join struct {
	// Contact is what it takes to reach the sender.
	Contact string
}

// Kind implements protocol.Message.
func (*Join) Kind() protocol.MessageKind { return kindJoin }

// Size implements protocol.Message.
func (m *Join) Size() int { return wire.BytesSize(len(m.Contact)) }

// Append implements protocol.Message.
func (m *Join) Append(b []byte) []byte { return wire.AppendBytes(b, m.Contact) }

func decodeJoin(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Join{Contact: r.String(protocol.MaxContact)}
	return m, r.Finish()
}

// JoinWalk is a random walk that introduces a newcomer where it ends.
type JoinWalk struct {
	Newcomer protocol.NodeID
	// Contact is what it takes to reach the newcomer.
	Contact string
	// TTL is the number of steps that are left; at 0 the walk ends.
	TTL uint8
}

// Kind implements protocol.Message.
func (*JoinWalk) Kind() protocol.MessageKind { return kindJoinWalk }

// Size implements protocol.Message.
func (m *JoinWalk) Size() int { return 8 + wire.BytesSize(len(m.Contact)) + 1 }

// Append implements protocol.Message.
func (m *JoinWalk) Append(b []byte) []byte {
	b = wire.AppendNodeID(b, m.Newcomer)
	b = wire.AppendBytes(b, m.Contact)
	return append(b, m.TTL)
}

func decodeJoinWalk(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &JoinWalk{Newcomer: r.NodeID(), Contact: r.String(protocol.MaxContact), TTL: r.Uint8()}
	return m, r.Finish()
}

// JoinReply gives a newcomer an entry for its view.
type JoinReply struct{ Entry Entry }

// Kind implements protocol.Message.
func (*JoinReply) Kind() protocol.MessageKind { return kindJoinReply }

// Size implements protocol.Message.
func (m *JoinReply) Size() int { return m.Entry.size() }

// Append implements protocol.Message.
func (m *JoinReply) Append(b []byte) []byte { return m.Entry.append(b) }

func decodeJoinReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &JoinReply{Entry: readEntry(&r)}
	return m, r.Finish()
}

// Shuffle offers entries, the sender's own first, and asks for as many.
type Shuffle struct {
	Seq     uint32
	Entries []Entry
}

// Kind implements protocol.Message.
func (*Shuffle) Kind() protocol.MessageKind { return kindShuffle }

// Size implements protocol.Message.
func (m *Shuffle) Size() int { return 4 + entriesSize(m.Entries) }

// Append implements protocol.Message.
func (m *Shuffle) Append(b []byte) []byte {
	return appendEntries(wire.AppendUint32(b, m.Seq), m.Entries)
}

func decodeShuffle(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Shuffle{Seq: r.Uint32(), Entries: readEntries(&r)}
	return m, r.Finish()
}

// ShuffleReply answers the Shuffle of the same number.
type ShuffleReply struct {
	Seq     uint32
	Entries []Entry
}

// Kind implements protocol.Message.
func (*ShuffleReply) Kind() protocol.MessageKind { return kindShuffleReply }

// Size implements protocol.Message.
func (m *ShuffleReply) Size() int { return 4 + entriesSize(m.Entries) }

// Append implements protocol.Message.
func (m *ShuffleReply) Append(b []byte) []byte {
	return appendEntries(wire.AppendUint32(b, m.Seq), m.Entries)
}

func decodeShuffleReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &ShuffleReply{Seq: r.Uint32(), Entries: readEntries(&r)}
	return m, r.Finish()
}
