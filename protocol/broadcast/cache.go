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
	hops    uint32
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
	c.kept.push(item[body]{id: m.ID, at: now, value: body{m.Payload, m.Hops}})
	c.bytes += len(m.Payload)
}

// Get returns a message, if it is still there.
func (c *Cache) Get(id ID) (m Message, ok bool) {
	it := c.kept.find(id)
	if it == nil {
		return Message{}, false
	}
	return Message{ID: id, Hops: it.value.hops, Payload: it.value.payload}, true
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

// Each calls visit for every message that is kept, the oldest first, until it
// returns false.
func (c *Cache) Each(visit func(m Message) bool) {
	for i := range c.kept.n {
		it := c.kept.at(i)
		if !visit(Message{ID: it.id, Hops: it.value.hops, Payload: it.value.payload}) {
			return
		}
	}
}

func (c *Cache) drop() {
	c.bytes -= len(c.kept.oldest().value.payload)
	c.kept.pop()
}
