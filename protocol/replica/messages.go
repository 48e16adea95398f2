package replica

import (
	"encoding/binary"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/wire"
)

// Kinds of messages.
const (
	kindOpen protocol.MessageKind = Number<<8 + 1 + iota
	kindAccept
	kindAsk
	kindPages
	kindFetch
	kindEntries
	kindDrop
	kindCommit
	kindDone
	kindAbort
	kindLeaves
	kindBuckets
	kindLast
)

const (
	// maxItems is how many pages, keys or entries one message may have; it has
	// one at least.
	maxItems = 1 << 16
	// maxActors is how many actors a node may know events of: each node is one,
	// and one more each time it loses its disk.
	maxActors = 1 << 16
)

// Open begins a session. The sender, who begins it, is about to walk the
// receiver's tree.
type Open struct {
	Session uint64
	// Profile is a fingerprint of how trees are built.
	Profile uint64
	Root    mst.Hash
	// Known is what the sender's contents take account of.
	Known clock.VersionVector
}

// Kind implements protocol.Message.
func (*Open) Kind() protocol.MessageKind { return kindOpen }

// Size implements protocol.Message.
func (m *Open) Size() int { return 16 + mst.MaxHashSize + m.Known.Size() }

// Append implements protocol.Message.
func (m *Open) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = wire.AppendUint64(b, m.Profile)
	b = append(b, m.Root[:]...)
	return m.Known.Append(b)
}

func decodeOpen(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Open{Session: r.Uint64(), Profile: r.Uint64(), Root: readHash(&r), Known: readKnown(&r)}
	return m, r.Finish()
}

// Accept answers Open. What the receiver does not know to be deleted came before
// it, in Entries.
type Accept struct {
	Session uint64
	Root    mst.Hash
	Known   clock.VersionVector
}

// Kind implements protocol.Message.
func (*Accept) Kind() protocol.MessageKind { return kindAccept }

// Size implements protocol.Message.
func (m *Accept) Size() int { return 8 + mst.MaxHashSize + m.Known.Size() }

// Append implements protocol.Message.
func (m *Accept) Append(b []byte) []byte {
	b = wire.AppendUint64(b, m.Session)
	b = append(b, m.Root[:]...)
	return m.Known.Append(b)
}

func decodeAccept(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Accept{Session: r.Uint64(), Root: readHash(&r), Known: readKnown(&r)}
	return m, r.Finish()
}

// Commit says that the sender, who began the session, has all that the receiver
// had, and that all that it had itself has been sent.
type Commit struct {
	Session uint64
	// Sent is how many messages of the session the sender sent before this one.
	// Who has not received as many must not believe the rest: a stream may
	// break, and another one be opened, before anybody is told.
	Sent uint64
}

// Kind implements protocol.Message.
func (*Commit) Kind() protocol.MessageKind { return kindCommit }

// Size implements protocol.Message.
func (m *Commit) Size() int { return 8 + wire.UvarintSize(m.Sent) }

// Append implements protocol.Message.
func (m *Commit) Append(b []byte) []byte {
	return wire.AppendUvarint(wire.AppendUint64(b, m.Session), m.Sent)
}

func decodeCommit(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Commit{Session: r.Uint64(), Sent: r.Uvarint()}
	return m, r.Finish()
}

// Done answers Commit when all that was sent is on disk.
type Done struct {
	Session uint64
	// Sent is as in Commit.
	Sent uint64
	// Keys is how many keys changed at the sender.
	Keys uint64
	// Complete: the sender took all that it was sent.
	Complete bool
}

// Kind implements protocol.Message.
func (*Done) Kind() protocol.MessageKind { return kindDone }

// Size implements protocol.Message.
func (m *Done) Size() int { return 9 + wire.UvarintSize(m.Sent) + wire.UvarintSize(m.Keys) }

// Append implements protocol.Message.
func (m *Done) Append(b []byte) []byte {
	b = wire.AppendUvarint(wire.AppendUint64(b, m.Session), m.Sent)
	return wire.AppendBool(wire.AppendUvarint(b, m.Keys), m.Complete)
}

func decodeDone(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Done{Session: r.Uint64(), Sent: r.Uvarint(), Keys: r.Uvarint(), Complete: r.Bool()}
	return m, r.Finish()
}

// Abort ends a session, or refuses it.
type Abort struct {
	Session uint64
	// Reason is one of the Broken constants.
	Reason uint64
}

// Kind implements protocol.Message.
func (*Abort) Kind() protocol.MessageKind { return kindAbort }

// Size implements protocol.Message.
func (*Abort) Size() int { return 9 }

// Append implements protocol.Message.
func (m *Abort) Append(b []byte) []byte {
	return append(wire.AppendUint64(b, m.Session), byte(m.Reason))
}

func decodeAbort(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Abort{Session: r.Uint64(), Reason: uint64(r.Uint8())}
	if m.Reason > BrokenIncomplete {
		r.Fail("got reason %d, want at most %d", m.Reason, BrokenIncomplete)
	}
	return m, r.Finish()
}

func readHash(r *wire.Reader) (h mst.Hash) {
	for i := 0; i < len(h); i += 8 {
		binary.BigEndian.PutUint64(h[i:], r.Uint64())
	}
	return h
}

func readKnown(r *wire.Reader) clock.VersionVector {
	v := clock.ReadVersionVector(r)
	if v.Len() > maxActors {
		r.Fail("got events of %d actors, want at most %d", v.Len(), maxActors)
	}
	return v
}
