package node

import (
	"sync"

	"github.com/starling-sim/starling/protocol"
)

// arrival is how something came into the inbox.
type arrival uint8

const (
	byDatagram arrival = iota
	byStream
	broken // the stream to a peer
)

// item is something that waits for the loop.
type item struct {
	msg  protocol.Message // nil if a stream broke
	from protocol.NodeID
	size int // of the frame, in bytes
	how  arrival
}

// load is what waits of one kind of arrival, and how much may.
type load struct{ count, bytes, mostCount, mostBytes int }

// takes tells whether there is room for another. One alone always has room.
func (l *load) takes(size int) bool {
	return l.count == 0 || (l.count < l.mostCount && l.bytes+size <= l.mostBytes)
}

func (l *load) add(size int)    { l.count, l.bytes = l.count+1, l.bytes+size }
func (l *load) remove(size int) { l.count, l.bytes = l.count-1, l.bytes-size }

// inbox is what waits for the loop, in order of arrival: a ring that grows up to
// its limits. Everybody puts in, only the loop takes out.
type inbox struct {
	// wake holds a token when something may be there.
	wake chan struct{}

	mu     sync.Mutex
	ring   []item // of a length that is a power of two
	head   int
	count  int
	loads  [2]load // by datagram, by stream
	breaks map[protocol.NodeID]struct{}
	// room is closed when a frame of a stream is taken out; nil if nobody waits.
	room   chan struct{}
	closed bool
}

func newInbox(l *InboxLimits) *inbox {
	return &inbox{
		wake: make(chan struct{}, 1),
		ring: make([]item, 64),
		loads: [2]load{
			{mostCount: l.Datagrams, mostBytes: l.DatagramBytes},
			{mostCount: l.StreamFrames, mostBytes: l.StreamBytes},
		},
		breaks: map[protocol.NodeID]struct{}{},
	}
}

// datagram puts in a datagram if there is room.
func (b *inbox) datagram(it item) bool {
	b.mu.Lock()
	ok := !b.closed && b.loads[byDatagram].takes(it.size)
	if ok {
		b.put(it)
	}
	b.mu.Unlock()
	if ok {
		b.notify()
	}
	return ok
}

// stream puts in a frame of a stream if there is room, or if forced to. Else room
// is closed when it is time to try again, nil if the inbox is closed.
func (b *inbox) stream(it item, force bool) (ok bool, room <-chan struct{}) {
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return false, nil
	case !force && !b.loads[byStream].takes(it.size):
		if b.room == nil {
			b.room = make(chan struct{})
		}
		room = b.room
		b.mu.Unlock()
		return false, room
	}
	b.put(it)
	b.mu.Unlock()
	b.notify()
	return true, nil
}

// broke puts in that the stream to a peer broke, unless that waits there
// already: that bounds it by the number of peers.
func (b *inbox) broke(peer protocol.NodeID) {
	b.mu.Lock()
	_, known := b.breaks[peer]
	if known || b.closed {
		b.mu.Unlock()
		return
	}
	b.breaks[peer] = struct{}{}
	b.put(item{from: peer, how: broken})
	b.mu.Unlock()
	b.notify()
}

// put appends an item; the caller holds the lock.
func (b *inbox) put(it item) {
	if b.count == len(b.ring) {
		b.grow()
	}
	b.ring[(b.head+b.count)&(len(b.ring)-1)] = it
	b.count++
	if it.how != broken {
		b.loads[it.how].add(it.size)
	}
}

func (b *inbox) grow() {
	larger := make([]item, 2*len(b.ring))
	n := copy(larger, b.ring[b.head:])
	copy(larger[n:], b.ring[:b.head])
	b.ring, b.head = larger, 0
}

func (b *inbox) notify() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take moves the oldest items to the end of into: at most as many as it has room
// for, and none after the first if they come to more than most bytes.
func (b *inbox) take(into []item, most int) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	streams := b.loads[byStream].count
	for size := 0; b.count > 0 && len(into) < cap(into); {
		it := &b.ring[b.head]
		if size += it.size; size > most && len(into) > 0 {
			break
		}
		into = append(into, *it)
		if it.how == broken {
			delete(b.breaks, it.from)
		} else {
			b.loads[it.how].remove(it.size)
		}
		*it = item{}
		b.head = (b.head + 1) & (len(b.ring) - 1)
		b.count--
	}
	if b.loads[byStream].count < streams {
		b.makeRoom()
	}
	return into
}

func (b *inbox) makeRoom() {
	if b.room != nil {
		close(b.room)
		b.room = nil
	}
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count == 0
}

// close drops what waits and lets nothing in any more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.ring, b.head, b.count = make([]item, 1), 0, 0
	b.loads[byDatagram].count, b.loads[byDatagram].bytes = 0, 0
	b.loads[byStream].count, b.loads[byStream].bytes = 0, 0
	clear(b.breaks)
	b.makeRoom()
}

// waiting returns what waits, by kind of arrival.
func (b *inbox) waiting() (datagrams, streams load) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.loads[byDatagram], b.loads[byStream]
}
