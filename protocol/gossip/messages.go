package gossip

import (
	"bytes"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/wire"
)

// Number is the protocol's number.
const Number = 5

// Kinds of messages.
const (
	kindData protocol.MessageKind = Number<<8 + 1 + iota
	kindDigest
	kindRequest
	kindAsk
	kindFeedback
)

// Data carries a message that was broadcast.
type Data struct {
	ID broadcast.ID
	// Hops is the number of links that it has crossed when it arrives, from 1.
	Hops uint32
	// Feedback: the sender wants to know whether it was known.
	Feedback bool
	Payload  []byte
}

const maxHops = 1 << 30

// Kind implements protocol.Message.
func (*Data) Kind() protocol.MessageKind { return kindData }

// Size implements protocol.Message.
func (m *Data) Size() int {
	return broadcast.IDSize + broadcast.CheckSize + wire.UvarintSize(uint64(m.Hops)) + 1 + len(m.Payload)
}

// Append implements protocol.Message.
func (m *Data) Append(b []byte) []byte {
	b = m.ID.Append(b)
	b = broadcast.AppendCheck(b, m.ID, m.Payload)
	b = wire.AppendUvarint(b, uint64(m.Hops))
	b = wire.AppendBool(b, m.Feedback)
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
	m.Feedback = r.Bool()
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

// Digest asks for messages: all whose key is from From to To, both included,
// and that are not listed.
type Digest struct {
	// Exchange: the asker also offers those that are listed.
	Exchange bool
	From, To uint64
	// IDs are those that the asker knows, by ascending key.
	IDs []broadcast.ID
}

const digestHeader = 1 + 8 + 8 + 5

// Kind implements protocol.Message.
func (*Digest) Kind() protocol.MessageKind { return kindDigest }

// Size implements protocol.Message.
func (m *Digest) Size() int { return 1 + 8 + 8 + idsSize(m.IDs) }

// Append implements protocol.Message.
func (m *Digest) Append(b []byte) []byte {
	b = wire.AppendBool(b, m.Exchange)
	b = wire.AppendUint64(b, m.From)
	b = wire.AppendUint64(b, m.To)
	return appendIDs(b, m.IDs)
}

func decodeDigest(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Digest{Exchange: r.Bool(), From: r.Uint64(), To: r.Uint64()}
	if m.From > m.To {
		r.Fail("got keys from %d to %d, want an ascending range", m.From, m.To)
	}
	m.IDs = readIDs(&r)
	for i, id := range m.IDs {
		key := id.Key()
		if key < m.From || key > m.To || i > 0 && key <= m.IDs[i-1].Key() {
			r.Fail("got key %d at place %d, want ascending ones from %d to %d", key, i, m.From, m.To)
			break
		}
	}
	return m, r.Finish()
}

// Request asks for messages that a Digest has offered.
type Request struct{ IDs []broadcast.ID }

// Kind implements protocol.Message.
func (*Request) Kind() protocol.MessageKind { return kindRequest }

// Size implements protocol.Message.
func (m *Request) Size() int { return idsSize(m.IDs) }

// Append implements protocol.Message.
func (m *Request) Append(b []byte) []byte { return appendIDs(b, m.IDs) }

func decodeRequest(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Request{IDs: readIDs(&r)}
	return m, r.Finish()
}

// Ask asks for hot rumors.
type Ask struct{}

// Kind implements protocol.Message.
func (*Ask) Kind() protocol.MessageKind { return kindAsk }

// Size implements protocol.Message.
func (*Ask) Size() int { return 0 }

// Append implements protocol.Message.
func (*Ask) Append(b []byte) []byte { return b }

func decodeAsk(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	return &Ask{}, r.Finish()
}

// Feedback answers a Data that wants it.
type Feedback struct {
	ID broadcast.ID
	// Knew: the message was known already, the contact was unnecessary.
	Knew bool
}

// Kind implements protocol.Message.
func (*Feedback) Kind() protocol.MessageKind { return kindFeedback }

// Size implements protocol.Message.
func (*Feedback) Size() int { return broadcast.IDSize + 1 }

// Append implements protocol.Message.
func (m *Feedback) Append(b []byte) []byte { return wire.AppendBool(m.ID.Append(b), m.Knew) }

func decodeFeedback(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Feedback{ID: broadcast.ReadID(&r), Knew: r.Bool()}
	return m, r.Finish()
}

// maxIDs bounds the IDs of one message, whatever its way.
const maxIDs = 1 << 16

func idsSize(ids []broadcast.ID) int {
	return wire.UvarintSize(uint64(len(ids))) + broadcast.IDSize*len(ids)
}

func appendIDs(b []byte, ids []broadcast.ID) []byte {
	b = wire.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		b = id.Append(b)
	}
	return b
}

func readIDs(r *wire.Reader) []broadcast.ID {
	count := r.Count(broadcast.IDSize, maxIDs)
	if count == 0 {
		return nil
	}
	ids := make([]broadcast.ID, count)
	for i := range ids {
		ids[i] = broadcast.ReadID(r)
	}
	return ids
}
