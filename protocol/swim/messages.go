package swim

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/wire"
)

// Number is the protocol's number.
const Number = 1

// Kinds of messages.
const (
	kindPing protocol.MessageKind = Number<<8 + 1 + iota
	kindAck
	kindPingReq
	kindNack
	kindGossip
	kindPushPull
	kindStreamPing
	kindStreamAck
)

// Update is one piece of news about a member.
type Update struct {
	// Member is the subject; contact and metadata travel only if it is alive.
	Member membertable.Member
	// Accuser is who suspected it or declared it dead.
	Accuser protocol.NodeID
}

// news returns the update that says what m says, with what travels and nothing
// else.
func news(m membertable.Member, accuser protocol.NodeID) Update {
	switch m.Status {
	case membertable.Alive:
		return Update{Member: m}
	case membertable.Left:
		accuser = 0
	}
	m.Contact, m.Metadata = "", ""
	return Update{Member: m, Accuser: accuser}
}

const minUpdateSize = 8 + 1 + 1

func (u *Update) size() int {
	n := 8 + wire.UvarintSize(uint64(u.Member.Incarnation)) + 1
	switch u.Member.Status {
	case membertable.Alive:
		n += wire.BytesSize(len(u.Member.Contact)) + wire.BytesSize(len(u.Member.Metadata))
	case membertable.Suspect, membertable.Dead:
		n += 8
	}
	return n
}

func (u *Update) append(b []byte) []byte {
	b = append(b, byte(u.Member.Status))
	b = wire.AppendNodeID(b, u.Member.ID)
	b = wire.AppendUvarint(b, uint64(u.Member.Incarnation))
	switch u.Member.Status {
	case membertable.Alive:
		b = wire.AppendBytes(b, u.Member.Contact)
		b = wire.AppendBytes(b, u.Member.Metadata)
	case membertable.Suspect, membertable.Dead:
		b = wire.AppendNodeID(b, u.Accuser)
	}
	return b
}

func readUpdate(r *wire.Reader) Update {
	var u Update
	u.Member.Status = membertable.Status(r.Uint8())
	u.Member.ID = r.NodeID()
	incarnation := r.Uvarint()
	checkIncarnation(r, incarnation)
	u.Member.Incarnation = uint32(incarnation)
	switch u.Member.Status {
	case membertable.Alive:
		u.Member.Contact = r.String(protocol.MaxContact)
		u.Member.Metadata = r.String(membertable.MaxMetadata)
	case membertable.Suspect, membertable.Dead:
		u.Accuser = r.NodeID()
	case membertable.Left:
	default:
		r.Fail("got status %d, want 1 to 4", u.Member.Status)
	}
	return u
}

// maxIncarnation leaves room to refute whatever anybody claims.
const maxIncarnation = 1<<32 - 2

func checkIncarnation(r *wire.Reader, incarnation uint64) {
	if incarnation > maxIncarnation {
		r.Fail("got incarnation %d, want at most %d", incarnation, uint64(maxIncarnation))
	}
}

func updatesSize(updates []Update) int {
	n := wire.UvarintSize(uint64(len(updates)))
	for i := range updates {
		n += updates[i].size()
	}
	return n
}

func appendUpdates(b []byte, updates []Update) []byte {
	b = wire.AppendUvarint(b, uint64(len(updates)))
	for i := range updates {
		b = updates[i].append(b)
	}
	return b
}

// maxUpdates bounds the updates of one datagram, whatever its MTU.
const maxUpdates = 1 << 16

func readUpdates(r *wire.Reader) []Update {
	n := r.Count(minUpdateSize, maxUpdates)
	if n == 0 {
		return nil
	}
	updates := make([]Update, 0, n)
	for range n {
		updates = append(updates, readUpdate(r))
	}
	return updates
}

// Ping asks for an Ack with the same number.
type Ping struct {
	Seq     uint32
	Updates []Update
}

// Kind implements protocol.Message.
func (*Ping) Kind() protocol.MessageKind { return kindPing }

// Size implements protocol.Message.
func (m *Ping) Size() int { return 4 + updatesSize(m.Updates) }

// Append implements protocol.Message.
func (m *Ping) Append(b []byte) []byte {
	return appendUpdates(wire.AppendUint32(b, m.Seq), m.Updates)
}

func decodePing(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Ping{Seq: r.Uint32(), Updates: readUpdates(&r)}
	return m, r.Finish()
}

// Ack answers a Ping, or passes on the answer to a PingReq.
type Ack struct {
	Seq     uint32
	Updates []Update
}

// Kind implements protocol.Message.
func (*Ack) Kind() protocol.MessageKind { return kindAck }

// Size implements protocol.Message.
func (m *Ack) Size() int { return 4 + updatesSize(m.Updates) }

// Append implements protocol.Message.
func (m *Ack) Append(b []byte) []byte {
	return appendUpdates(wire.AppendUint32(b, m.Seq), m.Updates)
}

func decodeAck(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Ack{Seq: r.Uint32(), Updates: readUpdates(&r)}
	return m, r.Finish()
}

// PingReq asks the receiver to probe a member and to pass its answer on.
type PingReq struct {
	Seq    uint32
	Target protocol.NodeID
	// Contact is what it takes to reach Target.
	Contact string
	// WantNack asks for a Nack if there is no answer in time.
	WantNack bool
	Updates  []Update
}

// Kind implements protocol.Message.
func (*PingReq) Kind() protocol.MessageKind { return kindPingReq }

// Size implements protocol.Message.
func (m *PingReq) Size() int {
	return 4 + 8 + wire.BytesSize(len(m.Contact)) + 1 + updatesSize(m.Updates)
}

// Append implements protocol.Message.
func (m *PingReq) Append(b []byte) []byte {
	b = wire.AppendUint32(b, m.Seq)
	b = wire.AppendNodeID(b, m.Target)
	b = wire.AppendBytes(b, m.Contact)
	b = wire.AppendBool(b, m.WantNack)
	return appendUpdates(b, m.Updates)
}

func decodePingReq(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &PingReq{
		Seq: r.Uint32(), Target: r.NodeID(), Contact: r.String(protocol.MaxContact),
		WantNack: r.Bool(), Updates: readUpdates(&r),
	}
	return m, r.Finish()
}

// Nack says that the probe asked for with a PingReq has not been answered yet.
type Nack struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*Nack) Kind() protocol.MessageKind { return kindNack }

// Size implements protocol.Message.
func (*Nack) Size() int { return 4 }

// Append implements protocol.Message.
func (m *Nack) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodeNack(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Nack{Seq: r.Uint32()}
	return m, r.Finish()
}

// Gossip carries nothing but updates.
type Gossip struct{ Updates []Update }

// Kind implements protocol.Message.
func (*Gossip) Kind() protocol.MessageKind { return kindGossip }

// Size implements protocol.Message.
func (m *Gossip) Size() int { return updatesSize(m.Updates) }

// Append implements protocol.Message.
func (m *Gossip) Append(b []byte) []byte { return appendUpdates(b, m.Updates) }

func decodeGossip(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Gossip{Updates: readUpdates(&r)}
	return m, r.Finish()
}

// PushPull is one side's whole table, sent over a stream.
type PushPull struct {
	// Reply is false for the one that asks for the other's table.
	Reply bool
	Table membertable.Table
}

// Kind implements protocol.Message.
func (*PushPull) Kind() protocol.MessageKind { return kindPushPull }

// Size implements protocol.Message.
func (m *PushPull) Size() int { return 1 + m.Table.EncodedSize() }

// Append implements protocol.Message.
func (m *PushPull) Append(b []byte) []byte {
	return m.Table.AppendEntries(wire.AppendBool(b, m.Reply))
}

// maxTable bounds the members of one exchange.
const maxTable = protocol.MaxStreamMessage / membertable.MinEntrySize

func decodePushPull(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &PushPull{Reply: r.Bool(), Table: membertable.ReadEntries(&r, nil, maxTable)}
	for member := range m.Table.All() {
		checkIncarnation(&r, uint64(member.Incarnation))
	}
	return m, r.Finish()
}

// StreamPing is a Ping over a stream, for when datagrams do not get through.
type StreamPing struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*StreamPing) Kind() protocol.MessageKind { return kindStreamPing }

// Size implements protocol.Message.
func (*StreamPing) Size() int { return 4 }

// Append implements protocol.Message.
func (m *StreamPing) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodeStreamPing(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &StreamPing{Seq: r.Uint32()}
	return m, r.Finish()
}

// StreamAck answers a StreamPing over the stream.
type StreamAck struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*StreamAck) Kind() protocol.MessageKind { return kindStreamAck }

// Size implements protocol.Message.
func (*StreamAck) Size() int { return 4 }

// Append implements protocol.Message.
func (m *StreamAck) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodeStreamAck(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &StreamAck{Seq: r.Uint32()}
	return m, r.Finish()
}
