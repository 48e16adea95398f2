package lab

import (
	"encoding/binary"
	"maps"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Loss is why a message did not get through.
type Loss string

// Losses: the first are those of package netmodel, by its names.
const (
	LostRandom Loss = "random" // independent loss, or in the good state of a link
	LostBurst  Loss = "burst"  // in the bad state of a link
	LostCut    Loss = "cut"    // a partition
	LostRule   Loss = "rule"   // by a rule's loss
	LostUplink Loss = "uplink" // the queue of the uplink was full
	LostLimit  Loss = "limit"  // the queue of a rule's limit was full

	// LostDownlink: the queue of this node's downlink was full.
	LostDownlink Loss = "downlink"
	// LostNobody: to a node that the model does not have, or whose host has
	// crashed ([Silence]).
	LostNobody Loss = "nobody"
	// LostTooLarge: larger than MaxDatagram, or than what a stream takes.
	LostTooLarge Loss = "too large"
	// LostOverflow: too much was waiting in the shim, which no model asks for:
	// the results of such a run are not to be trusted.
	LostOverflow Loss = "overflow"
	// LostStream: the stream broke before it arrived.
	LostStream Loss = "stream"
	// LostClosed: the shim was closed.
	LostClosed Loss = "closed"
)

// Stats counts what a shim has done. Datagrams + Duplicated + StreamMessages +
// Received = Passed + StreamPassed + Delivered + all losses + Waiting, as long as
// no message is between two of them.
type Stats struct {
	// Datagrams and StreamMessages are how many the node has sent, Duplicated
	// and Corrupted how many datagrams the network doubled and damaged.
	Datagrams, StreamMessages uint64
	Duplicated, Corrupted     uint64
	// Sent is what the node has sent, by kind of message: with the sizes that the
	// model is charged for them, headers included.
	Sent map[protocol.MessageKind]Traffic
	// Passed and StreamPassed are how many went down to the transport.
	Passed, StreamPassed uint64
	// Received is how many datagrams came up from the transport, Delivered how
	// many of them went on to the node.
	Received, Delivered uint64
	// Lost is how many were lost, by reason.
	Lost map[Loss]uint64
	// StreamsBroken is how often a stream broke.
	StreamsBroken uint64
	// Waiting is how many messages the shim holds at present, WaitingBytes the
	// size of their frames.
	Waiting, WaitingBytes int
	// Late is by how much the messages that waited left too late altogether,
	// MostLate by how much the latest of them.
	Late, MostLate time.Duration
}

// Traffic is a number of messages and their size.
type Traffic struct{ Messages, Bytes uint64 }

// Stats returns what the shim has done so far.
func (s *Shim) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Lost, st.Sent = maps.Clone(s.lost), maps.Clone(s.sent)
	return st
}

// charge counts a message that the node sends.
func (s *Shim) charge(frame []byte, size int64) {
	if len(frame) < protocol.FrameOverhead {
		return // no message of a protocol
	}
	kind := protocol.MessageKind(binary.BigEndian.Uint16(frame[1:]))
	t := s.sent[kind]
	s.sent[kind] = Traffic{t.Messages + 1, t.Bytes + uint64(size)}
}

func (s *Shim) lose(why Loss) { s.lost[why]++ }
