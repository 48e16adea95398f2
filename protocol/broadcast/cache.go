package broadcast

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// CacheLimits bound a Cache.
type CacheLimits struct {
	// Count is the largest number of messages.
	Count int
	// Bytes is the largest sum of the sizes of their payloads. A message that
	// is larger by itself is not kept.
	Bytes int
	// Age is how long a message is kept.
	Age time.Duration
}

// Cache keeps messages for peers that ask for them. It is bounded by the limits
// that its methods are given, which must be the same in every call.
type Cache struct {
	kept  memory[body]
	bytes int
}

type body struct {
	payload []byte
	answers *answers // nil as long as nobody asked
	from    protocol.NodeID
	hops    uint32
}

func messageOf(it *item[body]) Message {
	return Message{ID: it.id, Hops: it.value.hops, From: it.value.from, Payload: it.value.payload}
}

// Put keeps a message. One that is there already stays as it is.
func (c *Cache) Put(m Message, now protocol.Time, limits *CacheLimits) {
	c.Expire(now, limits)
	if len(m.Payload) > limits.Bytes || limits.Count < 1 || c.kept.find(m.ID) != nil {
		return
	}
	for int(c.kept.n) >= limits.Count || c.bytes+len(m.Payload) > limits.Bytes {
		c.drop()
	}
	c.kept.push(item[body]{id: m.ID, at: now, value: body{payload: m.Payload, from: m.From, hops: m.Hops}})
	c.bytes += len(m.Payload)
}

// Get returns a message, if it is still there.
func (c *Cache) Get(id ID) (m Message, ok bool) {
	it := c.kept.find(id)
	if it == nil {
		return Message{}, false
	}
	return messageOf(it), true
}

// Reparent changes the peer that a message counts as having come from, if it
// is still there.
func (c *Cache) Reparent(id ID, from protocol.NodeID) {
	if it := c.kept.find(id); it != nil {
		it.value.from = from
	}
}

// Expire drops what is too old.
func (c *Cache) Expire(now protocol.Time, limits *CacheLimits) {
	for c.kept.expired(now, limits.Age) {
		c.drop()
	}
}

// Len is the number of messages that are kept, Bytes the sum of the sizes of
// their payloads.
func (c *Cache) Len() int   { return int(c.kept.n) }
func (c *Cache) Bytes() int { return c.bytes }

// Latest calls visit for the up to most messages that came last, and not before
// since, in the order in which they came.
func (c *Cache) Latest(most int, since protocol.Time, visit func(m Message)) {
	first := c.kept.n
	for first > 0 && int(c.kept.n-first) < most && c.kept.at(first-1).at >= since {
		first--
	}
	for i := first; i < c.kept.n; i++ {
		visit(messageOf(c.kept.at(i)))
	}
}

func (c *Cache) drop() {
	c.bytes -= len(c.kept.oldest().value.payload)
	c.kept.pop()
}
