package flood

import (
	"bytes"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/wire"
)

// Number is the protocol's number.
const Number = 4

// Kinds of messages.
const (
	kindData protocol.MessageKind = Number<<8 + 1 + iota
	kindLink
	kindUnlink
)

// Data carries a message that was broadcast.
type Data struct {
	ID broadcast.ID
	// Hops is the number of links that it has crossed when it arrives, from 1.
	Hops    uint32
	Payload []byte
}

// Kind implements protocol.Message.
func (*Data) Kind() protocol.MessageKind { return kindData }

// Size implements protocol.Message.
func (m *Data) Size() int {
	return broadcast.IDSize + broadcast.CheckSize + wire.UvarintSize(uint64(m.Hops)) + len(m.Payload)
}

// Append implements protocol.Message.
func (m *Data) Append(b []byte) []byte {
	b = m.ID.Append(b)
	b = broadcast.AppendCheck(b, m.ID, m.Payload)
	b = wire.AppendUvarint(b, uint64(m.Hops))
	return append(b, m.Payload...)
}

func decodeData(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Data{ID: broadcast.ReadID(&r)}
	sum := r.Uint32()
	hops := r.Uvarint()
	if hops < 1 || hops > maxHops {
		r.Fail("got %d hops, want 1 to %d", hops, maxHops)
	}
	if r.Failed() {
		return nil, r.Finish()
	}
	m.Hops = uint32(hops)
	m.Payload = bytes.Clone(body[len(body)-r.Left():])
	if broadcast.VerifyCheck(&r, sum, m.ID, m.Payload); r.Failed() {
		return nil, r.Finish()
	}
	return m, nil
}

// Link tells a node that it was picked as a peer.
type Link struct{}

// Kind implements protocol.Message.
func (*Link) Kind() protocol.MessageKind { return kindLink }

// Size implements protocol.Message.
func (*Link) Size() int { return 0 }

// Append implements protocol.Message.
func (*Link) Append(b []byte) []byte { return b }

func decodeLink(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	return &Link{}, r.Finish()
}

// Unlink tells a node that it is no peer any more.
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
