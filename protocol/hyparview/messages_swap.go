package hyparview

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Optimization asks the receiver (the candidate) to take the sender (the
// initiator) for a neighbour; the initiator gives up Old for it.
type Optimization struct {
	Seq uint32
	Old Peer
}

// Kind implements protocol.Message.
func (*Optimization) Kind() protocol.MessageKind { return kindOptimization }

// Size implements protocol.Message.
func (m *Optimization) Size() int { return 4 + m.Old.size() }

// Append implements protocol.Message.
func (m *Optimization) Append(b []byte) []byte {
	b = wire.AppendUint32(b, m.Seq)
	return m.Old.append(b)
}

func decodeOptimization(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Optimization{Seq: r.Uint32(), Old: readPeer(&r)}
	return m, r.Finish()
}

// OptimizationReply answers an Optimization. A positive one says that the
// sender has the link.
type OptimizationReply struct {
	Seq      uint32
	Accepted bool
}

// Kind implements protocol.Message.
func (*OptimizationReply) Kind() protocol.MessageKind { return kindOptimizationReply }

// Size implements protocol.Message.
func (*OptimizationReply) Size() int { return 5 }

// Append implements protocol.Message.
func (m *OptimizationReply) Append(b []byte) []byte { return appendAnswer(b, m.Seq, m.Accepted) }

func decodeOptimizationReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &OptimizationReply{Seq: r.Uint32(), Accepted: r.Bool()}
	return m, r.Finish()
}

// Replace asks a neighbour (the disconnected node) whether it would have Old
// in place of the sender, who would take Initiator.
type Replace struct {
	Seq       uint32
	Initiator Peer
	Old       Peer
}

// Kind implements protocol.Message.
func (*Replace) Kind() protocol.MessageKind { return kindReplace }

// Size implements protocol.Message.
func (m *Replace) Size() int { return 4 + m.Initiator.size() + m.Old.size() }

// Append implements protocol.Message.
func (m *Replace) Append(b []byte) []byte {
	b = wire.AppendUint32(b, m.Seq)
	b = m.Initiator.append(b)
	return m.Old.append(b)
}

func decodeReplace(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Replace{Seq: r.Uint32(), Initiator: readPeer(&r), Old: readPeer(&r)}
	return m, r.Finish()
}

// ReplaceReply answers a Replace. A positive one says that the sender has given
// up its link to the receiver.
type ReplaceReply struct {
	Seq      uint32
	Accepted bool
}

// Kind implements protocol.Message.
func (*ReplaceReply) Kind() protocol.MessageKind { return kindReplaceReply }

// Size implements protocol.Message.
func (*ReplaceReply) Size() int { return 5 }

// Append implements protocol.Message.
func (m *ReplaceReply) Append(b []byte) []byte { return appendAnswer(b, m.Seq, m.Accepted) }

func decodeReplaceReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &ReplaceReply{Seq: r.Uint32(), Accepted: r.Bool()}
	return m, r.Finish()
}

// Switch asks the old neighbour of Initiator to take the sender in its place.
type Switch struct {
	Seq       uint32
	Initiator Peer
}

// Kind implements protocol.Message.
func (*Switch) Kind() protocol.MessageKind { return kindSwitch }

// Size implements protocol.Message.
func (m *Switch) Size() int { return 4 + m.Initiator.size() }

// Append implements protocol.Message.
func (m *Switch) Append(b []byte) []byte {
	b = wire.AppendUint32(b, m.Seq)
	return m.Initiator.append(b)
}

func decodeSwitch(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Switch{Seq: r.Uint32(), Initiator: readPeer(&r)}
	return m, r.Finish()
}

// SwitchReply answers a Switch. A positive one says that the sender has the
// link.
type SwitchReply struct {
	Seq      uint32
	Accepted bool
}

// Kind implements protocol.Message.
func (*SwitchReply) Kind() protocol.MessageKind { return kindSwitchReply }

// Size implements protocol.Message.
func (*SwitchReply) Size() int { return 5 }

// Append implements protocol.Message.
func (m *SwitchReply) Append(b []byte) []byte { return appendAnswer(b, m.Seq, m.Accepted) }

func decodeSwitchReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &SwitchReply{Seq: r.Uint32(), Accepted: r.Bool()}
	return m, r.Finish()
}
