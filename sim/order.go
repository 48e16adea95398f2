package sim

import "github.com/starling-sim/starling/protocol"

// event is one entry of a queue. It holds no pointer, so that the garbage
// collector has nothing to look for in a queue, and half of a cache line.
type event struct {
	time int64  // ns of virtual time
	key  uint64 // orders events of one time: permuted source << 32 | sequence number
	dst  uint32 // index of the node it happens to
	what uint32 // eventType | flags << 8 | timer kind << 16
	arg  uint64 // argument of a timer, slot of a payload
}

type eventType uint8

const (
	evTimer   eventType = iota // a protocol's timer
	evDeliver                  // a datagram has reached the node
	evArrive                   // a datagram has reached the node's downlink
	evUpcall                   // a message of a stream has reached the node
	evBroken                   // a node is to be told that a stream broke
	evSegment                  // a segment of a stream has reached the node's host
	evWake                     // an end of a stream that waited carries on
	evServe                    // a busy node takes the next event from its queue
)

const (
	// whatFrame marks an event whose payload travels as bytes, whatDamaged one
	// whose bytes were damaged on the way.
	whatFrame   = 1 << 8
	whatDamaged = 1 << 9
)

func (e *event) kind() eventType { return eventType(e.what) }

func timerWhat(k protocol.TimerKind) uint32 { return uint32(evTimer) | uint32(k)<<16 }

// before is the total order of events: no two events of a world have the same
// time and key.
func (e *event) before(o *event) bool {
	return e.time < o.time || (e.time == o.time && e.key < o.key)
}

// orderKey puts the events of one instant in order: by source, in an order of
// sources that the seed and the instant choose, then by the source's sequence
// number. For a given seed and instant the upper half is a bijection of the
// source, so that keys of different sources differ.
//
// A source would have to create 2^32 events that wait at once before two of
// its keys could be the same.
func orderKey(seed uint64, at int64, source, seq uint32) uint64 {
	h := (uint64(at) ^ seed) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	x := (source ^ uint32(h)) * (uint32(h>>32) | 1)
	x ^= x >> 15
	x *= 0x2c1b3c6d
	x ^= x >> 12
	return uint64(x)<<32 | uint64(seq)
}

// sequence returns the source's sequence number of an event.
func (e *event) sequence() uint32 { return uint32(e.key) }
