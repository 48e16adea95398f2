package sim

import (
	"slices"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// Loss is a reason why a message did not arrive.
type Loss uint8

// The first reasons are those of the network model.
const (
	LostRandom = Loss(netmodel.LostRandom-1) + iota // independent loss, or in the good state of a link
	LostBurst                                       // in the bad state of a link
	LostCut                                         // a partition
	LostRule                                        // by a fault's loss
	LostUplink                                      // the queue of the sender's uplink was full
	LostLimit                                       // the queue of a fault's bandwidth limit was full
	// LostDownlink: the queue of the receiver's downlink was full.
	LostDownlink
	// LostNobody: the receiver was not running, or is no node at all.
	LostNobody
	// LostInbox: the receiver was paused or slow and its inbox was full.
	LostInbox
	// LostMalformed, LostVersion and LostUnknownKind: damaged on the way, and
	// refused by the receiver's decoder.
	LostMalformed
	LostVersion
	LostUnknownKind
	// LostStream: the stream broke before it arrived.
	LostStream

	// Losses is the number of reasons.
	Losses = iota
)

var lossNames = [Losses]string{
	"random", "burst", "cut", "rule", "uplink", "limit",
	"downlink", "nobody", "inbox", "malformed", "version", "unknown_kind", "stream",
}

func (l Loss) String() string {
	if int(l) < len(lossNames) {
		return lossNames[l]
	}
	return "unknown"
}

// KindCounters counts messages of one kind.
type KindCounters struct {
	Kind protocol.MessageKind
	// Sent and SentBytes count what nodes sent, datagrams and stream
	// messages, with the bytes charged to the network.
	Sent, SentBytes uint64
	// Delivered counts what reached a protocol, duplicates included.
	Delivered uint64
}

// Counters counts what happened since the world began.
type Counters struct {
	// Events is the number of timers fired and messages delivered.
	Events uint64
	// Timers, Datagrams and StreamMessages are what reached protocols.
	Timers, Datagrams, StreamMessages uint64
	// Emitted is the number of events that nodes emitted.
	Emitted uint64
	// SentDatagrams, SentStream and the bytes are counted at the sender,
	// headers included; copies that the network made are not.
	SentDatagrams, SentStream          uint64
	SentDatagramBytes, SentStreamBytes uint64
	// Duplicated and Corrupted count what the network copied and damaged.
	Duplicated, Corrupted uint64
	// Refused counts messages that were too large to send.
	Refused uint64
	// StreamsBroken counts the breaks that were reported to a node.
	StreamsBroken uint64
	// Lost counts by reason.
	Lost [Losses]uint64
	// Kinds counts by kind of message, in ascending order of kind.
	Kinds []KindCounters
	// Up is the number of nodes whose process runs now, paused ones included.
	Up int
}

// NodeCounters counts what one node sent since the world began.
type NodeCounters struct {
	Sent, SentBytes uint64
}

// tally is one shard's share of the counters.
type tally struct {
	timers, datagramsIn, streamIn, emitted        uint64
	datagrams, streamSent                         uint64
	datagramBytes, streamBytes                    uint64
	duplicated, corrupted, refused, streamsBroken uint64
	lost                                          [Losses]uint64
	kinds                                         [256]*[256]kindTally
}

type kindTally struct{ messages, bytes, delivered uint64 }

func (k *kindTally) sent(size int32) {
	k.messages++
	k.bytes += uint64(size)
}

// kind returns the tally of one kind of message.
func (t *tally) kind(k protocol.MessageKind) *kindTally {
	if p := t.kinds[k>>8]; p != nil {
		return &p[k&0xff]
	}
	p := new([256]kindTally)
	t.kinds[k>>8] = p
	return &p[k&0xff]
}

// Counters returns what happened so far.
func (w *World) Counters() Counters {
	var c Counters
	for _, sh := range w.shards {
		t := &sh.count
		c.Timers += t.timers
		c.Datagrams += t.datagramsIn
		c.StreamMessages += t.streamIn
		c.Emitted += t.emitted
		c.SentDatagrams += t.datagrams
		c.SentStream += t.streamSent
		c.SentDatagramBytes += t.datagramBytes
		c.SentStreamBytes += t.streamBytes
		c.Duplicated += t.duplicated
		c.Corrupted += t.corrupted
		c.Refused += t.refused
		c.StreamsBroken += t.streamsBroken
		for i, n := range t.lost {
			c.Lost[i] += n
		}
	}
	c.Events = c.Timers + c.Datagrams + c.StreamMessages
	c.Kinds = w.kindCounters()
	c.Up = w.up
	return c
}

func (w *World) kindCounters() []KindCounters {
	var all []KindCounters
	for high := range 256 {
		if !slices.ContainsFunc(w.shards, func(sh *shard) bool { return sh.count.kinds[high] != nil }) {
			continue
		}
		for low := range 256 {
			k := KindCounters{Kind: protocol.MessageKind(high<<8 | low)}
			for _, sh := range w.shards {
				if page := sh.count.kinds[high]; page != nil {
					k.Sent += page[low].messages
					k.SentBytes += page[low].bytes
					k.Delivered += page[low].delivered
				}
			}
			if k.Sent > 0 || k.Delivered > 0 {
				all = append(all, k)
			}
		}
	}
	return all
}

// NodeCounters returns what node i sent so far.
func (w *World) NodeCounters(i int) NodeCounters {
	n := &w.nodes[i]
	return NodeCounters{Sent: n.sent, SentBytes: n.sentBytes}
}
