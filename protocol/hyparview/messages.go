package hyparview

import (
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/wire"
)

// Number is the protocol's number.
const Number = 2

// Kinds of messages.
const (
	kindJoin protocol.MessageKind = Number<<8 + 1 + iota
	kindForwardJoin
	kindNeighbor
	kindNeighborReply
	kindDisconnect
	kindShuffle
	kindShuffleReply
	kindKeepAlive
	kindKeepAliveReply
	kindPing
	kindPong
	kindOptimization
	kindOptimizationReply
	kindReplace
	kindReplaceReply
	kindSwitch
	kindSwitchReply
)

// Peer is a third node that a message names, with what it takes to reach it.
type Peer struct {
	ID      protocol.NodeID
	Contact string
}

const minPeerSize = 8 + 1

func (p *Peer) size() int { return 8 + wire.BytesSize(len(p.Contact)) }

func (p *Peer) append(b []byte) []byte {
	return wire.AppendBytes(wire.AppendNodeID(b, p.ID), p.Contact)
}

func readPeer(r *wire.Reader) Peer {
	return Peer{ID: r.NodeID(), Contact: r.String(protocol.MaxContact)}
}

func peersSize(peers []Peer) int {
	n := wire.UvarintSize(uint64(len(peers)))
	for i := range peers {
		n += peers[i].size()
	}
	return n
}

func appendPeers(b []byte, peers []Peer) []byte {
	b = wire.AppendUvarint(b, uint64(len(peers)))
	for i := range peers {
		b = peers[i].append(b)
	}
	return b
}

func readPeers(r *wire.Reader) []Peer {
	n := r.Count(minPeerSize, maxShuffle+1)
	if n == 0 {
		return nil
	}
	peers := make([]Peer, 0, n)
	for range n {
		peers = append(peers, readPeer(r))
	}
	return peers
}

// Join asks the receiver to take the sender in, with a link that cannot be
// refused, and to tell others of it.
type Join struct {
	// Seq names the request; everybody who takes the newcomer in answers with it.
	Seq uint32
}

// Kind implements protocol.Message.
func (*Join) Kind() protocol.MessageKind { return kindJoin }

// Size implements protocol.Message.
func (*Join) Size() int { return 4 }

// Append implements protocol.Message.
func (m *Join) Append(b []byte) []byte { return wire.AppendUint32(b, m.Seq) }

func decodeJoin(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Join{Seq: r.Uint32()}
	return m, r.Finish()
}

// ForwardJoin is a newcomer's Join on its random walk.
type ForwardJoin struct {
	Newcomer Peer
	Seq      uint32 // of its Join
	TTL      uint8  // hops that are left
}

// Kind implements protocol.Message.
func (*ForwardJoin) Kind() protocol.MessageKind { return kindForwardJoin }

// Size implements protocol.Message.
func (m *ForwardJoin) Size() int { return m.Newcomer.size() + 4 + 1 }

// Append implements protocol.Message.
func (m *ForwardJoin) Append(b []byte) []byte {
	return append(wire.AppendUint32(m.Newcomer.append(b), m.Seq), m.TTL)
}

func decodeForwardJoin(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &ForwardJoin{Newcomer: readPeer(&r), Seq: r.Uint32(), TTL: r.Uint8()}
	return m, r.Finish()
}

// Priority says how much a request for a link weighs.
type Priority uint8

const (
	// PriorityLow may be refused: the sender has other links.
	PriorityLow Priority = iota
	// PriorityHigh may not: the sender's active view is empty.
	PriorityHigh
	// PriorityBridge asks for a link to what may be another overlay: a full
	// node gives up a link for it, but not often (ours).
	PriorityBridge
)

// Neighbor asks for a link.
type Neighbor struct {
	Seq      uint32
	Priority Priority
}

// Kind implements protocol.Message.
func (*Neighbor) Kind() protocol.MessageKind { return kindNeighbor }

// Size implements protocol.Message.
func (*Neighbor) Size() int { return 5 }

// Append implements protocol.Message.
func (m *Neighbor) Append(b []byte) []byte {
	return append(wire.AppendUint32(b, m.Seq), byte(m.Priority))
}

func decodeNeighbor(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Neighbor{Seq: r.Uint32(), Priority: Priority(r.Uint8())}
	if m.Priority > PriorityBridge {
		r.Fail("got priority %d, want 0 to 2", m.Priority)
	}
	return m, r.Finish()
}

// NeighborReply answers a Neighbor, or a Join (then always positively, by the
// contact and by everybody at whom a walk ended). A positive one says that the
// sender has the link.
type NeighborReply struct {
	Seq      uint32
	Accepted bool
}

// Kind implements protocol.Message.
func (*NeighborReply) Kind() protocol.MessageKind { return kindNeighborReply }

// Size implements protocol.Message.
func (*NeighborReply) Size() int { return 5 }

// Append implements protocol.Message.
func (m *NeighborReply) Append(b []byte) []byte { return appendAnswer(b, m.Seq, m.Accepted) }

func decodeNeighborReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &NeighborReply{Seq: r.Uint32(), Accepted: r.Bool()}
	return m, r.Finish()
}

func appendAnswer(b []byte, seq uint32, accepted bool) []byte {
	return wire.AppendBool(wire.AppendUint32(b, seq), accepted)
}

// Disconnect says that the sender has no link to the receiver (any more).
type Disconnect struct{ Cause Cause }

// Kind implements protocol.Message.
func (*Disconnect) Kind() protocol.MessageKind { return kindDisconnect }

// Size implements protocol.Message.
func (*Disconnect) Size() int { return 1 }

// Append implements protocol.Message.
func (m *Disconnect) Append(b []byte) []byte { return append(b, byte(m.Cause)) }

func decodeDisconnect(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Disconnect{Cause: Cause(r.Uint8())}
	if m.Cause < CauseEvicted || m.Cause > CauseFailed {
		r.Fail("got cause %d, want %d to %d", m.Cause, CauseEvicted, CauseFailed)
	}
	return m, r.Finish()
}

// Shuffle offers nodes for the passive view of whoever its walk ends at.
type Shuffle struct {
	Origin Peer
	Seq    uint32
	TTL    uint8
	Peers  []Peer // without the origin, which is offered as well
}

// Kind implements protocol.Message.
func (*Shuffle) Kind() protocol.MessageKind { return kindShuffle }

// Size implements protocol.Message.
func (m *Shuffle) Size() int { return m.Origin.size() + 4 + 1 + peersSize(m.Peers) }

// Append implements protocol.Message.
func (m *Shuffle) Append(b []byte) []byte {
	b = append(wire.AppendUint32(m.Origin.append(b), m.Seq), m.TTL)
	return appendPeers(b, m.Peers)
}

func decodeShuffle(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &Shuffle{Origin: readPeer(&r), Seq: r.Uint32(), TTL: r.Uint8(), Peers: readPeers(&r)}
	return m, r.Finish()
}

// ShuffleReply offers the origin of a shuffle as many nodes as it offered.
type ShuffleReply struct {
	Seq   uint32
	Peers []Peer
}

// Kind implements protocol.Message.
func (*ShuffleReply) Kind() protocol.MessageKind { return kindShuffleReply }

// Size implements protocol.Message.
func (m *ShuffleReply) Size() int { return 4 + peersSize(m.Peers) }

// Append implements protocol.Message.
func (m *ShuffleReply) Append(b []byte) []byte {
	return appendPeers(wire.AppendUint32(b, m.Seq), m.Peers)
}

func decodeShuffleReply(body []byte) (protocol.Message, error) {
	r := wire.NewReader(body)
	m := &ShuffleReply{Seq: r.Uint32(), Peers: readPeers(&r)}
	return m, r.Finish()
}
