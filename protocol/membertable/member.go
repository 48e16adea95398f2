package membertable

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Status is what a table's owner believes of a member.
type Status uint8

// The states of a member. Unknown is the zero value: no member of a table has
// it, and the zero [Member] stands for a member that is not there.
const (
	Unknown Status = iota
	Alive
	Suspect
	Dead
	Left

	statuses = int(Left) // states that a member can have, Alive to Left
)

// String returns the state's name in lower case.
func (s Status) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Alive:
		return "alive"
	case Suspect:
		return "suspect"
	case Dead:
		return "dead"
	case Left:
		return "left"
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// StatusSet is a set of states: bit s-1 stands for state s.
type StatusSet uint8

// AnyStatus holds every state that a member can have.
const AnyStatus = StatusSet(1<<statuses - 1)

// SetOf returns the set of the states given. Unknown is in no set.
func SetOf(states ...Status) StatusSet {
	var set StatusSet
	for _, s := range states {
		set |= s.bit()
	}
	return set
}

// Has reports whether s is in the set.
func (set StatusSet) Has(s Status) bool { return set&s.bit() != 0 }

func (s Status) bit() StatusSet {
	if s < Alive || s > Left {
		return 0
	}
	return 1 << (s - 1)
}

// MaxMetadata bounds a member's metadata in bytes (memberlist: MetaMaxSize).
const MaxMetadata = 512

// MinEntrySize is the size in bytes of the smallest encoded member.
const MinEntrySize = 8 + 1 + 1 + 1 + 1

// MaxEntrySize is the size in bytes of the largest encoded member.
const MaxEntrySize = 8 + 5 + 1 + 2 + protocol.MaxContact + 2 + MaxMetadata

// Member is one row of a table.
type Member struct {
	ID          protocol.NodeID
	Incarnation uint32
	Status      Status
	// Contact is what it takes to reach the member, at most
	// [protocol.MaxContact] bytes. It is a string because rows are shared and
	// never change.
	Contact string
	// Metadata is the application's, at most [MaxMetadata] bytes.
	Metadata string
}

// Check returns an error unless m can be a row of a table.
func (m *Member) Check() error {
	switch {
	case m.ID == 0:
		return fmt.Errorf("check member: got the zero node id, want another")
	case m.Status < Alive || m.Status > Left:
		return fmt.Errorf("check member %v: got status %d, want %d (alive) to %d (left)", m.ID, m.Status, Alive, Left)
	case len(m.Contact) > protocol.MaxContact:
		return fmt.Errorf("check member %v: got a contact of %d bytes, want at most %d", m.ID, len(m.Contact), protocol.MaxContact)
	case len(m.Metadata) > MaxMetadata:
		return fmt.Errorf("check member %v: got metadata of %d bytes, want at most %d", m.ID, len(m.Metadata), MaxMetadata)
	}
	return nil
}

// EncodedSize returns the number of bytes that Append adds.
func (m *Member) EncodedSize() int {
	return 8 + wire.UvarintSize(uint64(m.Incarnation)) + 1 + wire.BytesSize(len(m.Contact)) + wire.BytesSize(len(m.Metadata))
}

// Append appends the member as it travels: 8 bytes ID, variable-length
// incarnation, one byte status, contact and metadata each as a byte string.
func (m *Member) Append(b []byte) []byte {
	b = wire.AppendNodeID(b, m.ID)
	b = wire.AppendUvarint(b, uint64(m.Incarnation))
	b = append(b, byte(m.Status))
	b = wire.AppendBytes(b, m.Contact)
	return wire.AppendBytes(b, m.Metadata)
}

// ReadMember reads what [Member.Append] wrote. What it returns is valid only
// if the reader has not failed.
func ReadMember(r *wire.Reader) Member {
	m := Member{ID: r.NodeID()}
	incarnation := r.Uvarint()
	if incarnation > 1<<32-1 {
		r.Fail("got incarnation %d, want at most %d", incarnation, uint32(1<<32-1))
	}
	m.Incarnation = uint32(incarnation)
	m.Status = Status(r.Uint8())
	if !r.Failed() && (m.Status < Alive || m.Status > Left) {
		r.Fail("got status %d, want %d (alive) to %d (left)", uint8(m.Status), uint8(Alive), uint8(Left))
	}
	m.Contact = r.String(protocol.MaxContact)
	m.Metadata = r.String(MaxMetadata)
	return m
}
