package plumtree

import (
	"bytes"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/wire"
)

// Number is the protocol's number.
const Number = 3

// Kinds of messages.
const (
	kindGossip protocol.MessageKind = Number<<8 + 1 + iota
	kindIHave
	kindGraft
	kindPrune
	kindUnlink
)

// Gossip carries a message.
type Gossip struct {
	// Message.Hops counts the link that the Gossip crosses.
	Message broadcast.Message
}

// Kind implements protocol.Message.
func (*Gossip) Kind() protocol.MessageKind { return kindGossip }

// Size implements protocol.Message.
func (m *Gossip) Size() int {
	return broadcast.IDSize + wire.UvarintSize(uint64(m.Message.Hops)) + wire.BytesSize(len(m.Message.Payload)) + broadcast.CheckSize
}

// Append implements protocol.Message.
func (m *Gossip) Append(b []byte) []byte {
	b = m.Message.ID.Append(b)
	b = wire.AppendUvarint(b, uint64(m.Message.Hops))
	b = wire.AppendBytes(b, m.Message.Payload)
	return broadcast.AppendCheck(b, m.Message.ID, m.Message.Payload)
}

// maxHops leaves room to count one more.
const maxHops = 1<<32 - 2

func readHops(r *wire.Reader) uint32 {
	hops := r.Uvarint()
	if hops > maxHops {
		r.Fail("got %d hops, want at most %d", hops, uint32(maxHops))
		return 0
	}
	return uint32(hops)
}

func decodeGossip(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Gossip{broadcast.Message{ID: broadcast.ReadID(&r), Hops: readHops(&r), Payload: bytes.Clone(r.Bytes(MaxPayload))}}
	broadcast.ReadCheck(&r, m.Message.ID, m.Message.Payload)
	return m, r.Finish()
}

// Announcement says that a node has a message.
type Announcement struct {
	ID broadcast.ID
	// Hops is the number of links that the message will have crossed at the
	// receiver if it comes from the announcer.
	Hops uint32
}

func (a *Announcement) size() int { return broadcast.IDSize + wire.UvarintSize(uint64(a.Hops)) }

// IHave announces messages.
type IHave struct {
	Announcements []Announcement
}

// Kind implements protocol.Message.
func (*IHave) Kind() protocol.MessageKind { return kindIHave }

// Size implements protocol.Message.
func (m *IHave) Size() int {
	n := wire.UvarintSize(uint64(len(m.Announcements)))
	for i := range m.Announcements {
		n += m.Announcements[i].size()
	}
	return n
}

// Append implements protocol.Message.
func (m *IHave) Append(b []byte) []byte {
	b = wire.AppendUvarint(b, uint64(len(m.Announcements)))
	for i := range m.Announcements {
		b = m.Announcements[i].ID.Append(b)
		b = wire.AppendUvarint(b, uint64(m.Announcements[i].Hops))
	}
	return b
}

// maxAnnouncements bounds the announcements of one message.
const maxAnnouncements = 1 << 16

func decodeIHave(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	n := r.Count(broadcast.IDSize+1, maxAnnouncements)
	m := &IHave{Announcements: make([]Announcement, 0, n)}
	for range n {
		m.Announcements = append(m.Announcements, Announcement{ID: broadcast.ReadID(&r), Hops: readHops(&r)})
	}
	return m, r.Finish()
}

// Graft makes the link a branch of the tree again.
type Graft struct {
	// ID is a message of that tree.
	ID broadcast.ID
	// Wanted: the sender lacks the message and asks for it.
	Wanted bool
}

// Kind implements protocol.Message.
func (*Graft) Kind() protocol.MessageKind { return kindGraft }

// Size implements protocol.Message.
func (*Graft) Size() int { return broadcast.IDSize + 1 }

// Append implements protocol.Message.
func (m *Graft) Append(b []byte) []byte { return wire.AppendBool(m.ID.Append(b), m.Wanted) }

func decodeGraft(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Graft{ID: broadcast.ReadID(&r), Wanted: r.Bool()}
	return m, r.Finish()
}

// Prune takes the link out of a tree.
type Prune struct {
	// Root is the origin whose tree it is, zero if all share one.
	Root protocol.NodeID
}

// Kind implements protocol.Message.
func (*Prune) Kind() protocol.MessageKind { return kindPrune }

// Size implements protocol.Message.
func (*Prune) Size() int { return 8 }

// Append implements protocol.Message.
func (m *Prune) Append(b []byte) []byte { return wire.AppendUint64(b, uint64(m.Root)) }

func decodePrune(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Prune{Root: protocol.NodeID(r.Uint64())}
	return m, r.Finish()
}

// Unlink ends a link over a bare sampler: the sender is no peer any more.
type Unlink struct{}

// Kind implements protocol.Message.
func (*Unlink) Kind() protocol.MessageKind { return kindUnlink }

// Size implements protocol.Message.
func (*Unlink) Size() int { return 0 }

// Append implements protocol.Message.
func (*Unlink) Append(b []byte) []byte { return b }

func decodeUnlink(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	return &Unlink{}, r.Finish()
}
