package hyparview

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// KeepAlive asks a neighbour for a KeepAliveReply with the same number.
type KeepAlive struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*KeepAlive) Kind() protocol.MessageKind { return kindKeepAlive }

// Size implements protocol.Message.
func (*KeepAlive) Size() int { return 4 }

// Append implements protocol.Message.
func (m *KeepAlive) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodeKeepAlive(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &KeepAlive{Seq: r.Uint32()}
	return m, r.Finish()
}

// KeepAliveReply answers a KeepAlive.
type KeepAliveReply struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*KeepAliveReply) Kind() protocol.MessageKind { return kindKeepAliveReply }

// Size implements protocol.Message.
func (*KeepAliveReply) Size() int { return 4 }

// Append implements protocol.Message.
func (m *KeepAliveReply) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodeKeepAliveReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &KeepAliveReply{Seq: r.Uint32()}
	return m, r.Finish()
}

// Ping asks any node for a Pong with the same number, to measure the round trip.
type Ping struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*Ping) Kind() protocol.MessageKind { return kindPing }

// Size implements protocol.Message.
func (*Ping) Size() int { return 4 }

// Append implements protocol.Message.
func (m *Ping) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodePing(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Ping{Seq: r.Uint32()}
	return m, r.Finish()
}

// Pong answers a Ping.
type Pong struct{ Seq uint32 }

// Kind implements protocol.Message.
func (*Pong) Kind() protocol.MessageKind { return kindPong }

// Size implements protocol.Message.
func (*Pong) Size() int { return 4 }

// Append implements protocol.Message.
func (m *Pong) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodePong(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Pong{Seq: r.Uint32()}
	return m, r.Finish()
}
