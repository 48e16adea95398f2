package broadcast

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// clock is a node's clock that mostly goes forward.
type clock struct{ now protocol.Time }

func (c *clock) tick(t *rapid.T) {
	step := rapid.SampledFrom([]time.Duration{0, 1, 1, 2, 3, 10, 40, -5}).Draw(t, "step")
	c.now = c.now.Add(step)
}

func drawID(t *rapid.T) ID {
	return ID{
		Origin: protocol.NodeID(rapid.IntRange(1, 5).Draw(t, "origin")),
		Number: rapid.Uint64Range(1, 60).Draw(t, "number"),
	}
}

// nearWrap is a count of dropped items that is about to start again at 0.
func nearWrap(t *rapid.T) uint32 {
	return math.MaxUint32 - rapid.Uint32Range(0, 20).Draw(t, "until_wrap")
}

// naiveHistory is what a History does, in the plainest way.
type naiveHistory struct {
	limits HistoryLimits
	ids    []ID
	at     []protocol.Time
	floors []floor // in any order
}

func (h *naiveHistory) floor(origin protocol.NodeID) *floor {
	for i := range h.floors {
		if h.floors[i].origin == origin {
			return &h.floors[i]
		}
	}
	return nil
}

func (h *naiveHistory) seen(id ID, now protocol.Time) bool {
	f := h.floor(id.Origin)
	return slices.Contains(h.ids, id) || f != nil && !h.stale(f, now) && id.Number <= f.number
}

// stale tells whether a floor was raised too long ago to count.
func (h *naiveHistory) stale(f *floor, now protocol.Time) bool {
	return now.Sub(f.at) > floorAges*h.limits.Age
}

func (h *naiveHistory) drop(now protocol.Time) {
	id := h.ids[0]
	h.ids, h.at = h.ids[1:], h.at[1:]
	if f := h.floor(id.Origin); f != nil {
		if h.stale(f, now) {
			f.number = 0
		}
		f.number, f.at = max(f.number, id.Number), now
		return
	}
	if len(h.floors) == h.limits.Origins {
		out := slices.MinFunc(h.floors, func(a, b floor) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return int(a.origin) - int(b.origin)
		})
		h.floors = slices.DeleteFunc(h.floors, func(f floor) bool { return f == out })
	}
	h.floors = append(h.floors, floor{id.Origin, id.Number, now})
}

func (h *naiveHistory) expire(now protocol.Time) {
	for len(h.ids) > 0 && now.Sub(h.at[0]) > h.limits.Age {
		h.drop(now)
	}
}

func (h *naiveHistory) add(id ID, now protocol.Time) bool {
	h.expire(now)
	if h.seen(id, now) {
		return false
	}
	if len(h.ids) == h.limits.Count {
		h.drop(now)
	}
	h.ids, h.at = append(h.ids, id), append(h.at, now)
	return true
}

func TestHistoryIsItsNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := HistoryLimits{
			Count:   rapid.IntRange(1, 40).Draw(t, "count"),
			Age:     time.Duration(rapid.IntRange(1, 100).Draw(t, "age")),
			Origins: rapid.IntRange(1, 6).Draw(t, "origins"),
		}
		var h History
		h.seen.first = nearWrap(t)
		twin := naiveHistory{limits: limits}
		var c clock
		added := map[ID]protocol.Time{} // when an ID was new
		next := uint64(61)
		t.Repeat(map[string]func(*rapid.T){
			"burst": func(t *rapid.T) { // more than are looked at one by one
				for range rapid.IntRange(1, 30).Draw(t, "burst") {
					id := ID{Origin: protocol.NodeID(rapid.IntRange(1, 5).Draw(t, "origin")), Number: next}
					next++
					if !h.Add(id, c.now, &limits) || !twin.add(id, c.now) {
						t.Fatalf("Add(%v) at %d: not new", id, c.now)
					}
					added[id] = c.now
				}
			},
			"add": func(t *rapid.T) {
				c.tick(t)
				id := drawID(t)
				got, want := h.Add(id, c.now, &limits), twin.add(id, c.now)
				if got != want {
					t.Fatalf("Add(%v) at %d: got %v, want %v", id, c.now, got, want)
				}
				// Of all origins there are, none is forgotten before its time.
				if at, was := added[id]; got && was && limits.Origins >= 5 && c.now.Sub(at) <= floorAges*limits.Age {
					t.Fatalf("%v was new at %d and again at %d", id, at, c.now)
				}
				if got {
					added[id] = c.now
				}
			},
			"expire": func(t *rapid.T) {
				c.tick(t)
				h.Expire(c.now, &limits)
				twin.expire(c.now)
			},
			"": func(t *rapid.T) {
				for _, id := range append(slices.Clone(twin.ids), drawID(t)) {
					if got := h.Seen(id, c.now, &limits); got != twin.seen(id, c.now) {
						t.Fatalf("Seen(%v): got %v", id, got)
					}
				}
				for i, id := range twin.ids {
					if it := h.seen.find(id); it == nil || it != h.seen.at(uint32(i)) {
						t.Fatalf("%v, the %d. that came, was found at another place", id, i)
					}
				}
				if h.Len() != len(twin.ids) || h.Origins() != len(twin.floors) {
					t.Fatalf("keeps %d ids and %d origins, want %d and %d", h.Len(), h.Origins(), len(twin.ids), len(twin.floors))
				}
				if h.Len() > limits.Count || h.Origins() > limits.Origins {
					t.Fatalf("keeps %d ids and %d origins, more than %+v", h.Len(), h.Origins(), limits)
				}
			},
		})
	})
}

// naiveCache is what a Cache does, in the plainest way.
type naiveCache struct {
	limits CacheLimits
	kept   []Message
	at     []protocol.Time
}

func (c *naiveCache) bytes() (sum int) {
	for _, m := range c.kept {
		sum += len(m.Payload)
	}
	return sum
}

func (c *naiveCache) find(id ID) int {
	return slices.IndexFunc(c.kept, func(m Message) bool { return m.ID == id })
}

func (c *naiveCache) expire(now protocol.Time) {
	for len(c.kept) > 0 && now.Sub(c.at[0]) > c.limits.Age {
		c.kept, c.at = c.kept[1:], c.at[1:]
	}
}

func (c *naiveCache) put(m Message, now protocol.Time) {
	c.expire(now)
	if c.find(m.ID) >= 0 || len(m.Payload) > c.limits.Bytes {
		return
	}
	c.kept, c.at = append(c.kept, m), append(c.at, now)
	for len(c.kept) > c.limits.Count || c.bytes() > c.limits.Bytes {
		c.kept, c.at = c.kept[1:], c.at[1:]
	}
}

func TestCacheIsItsNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := CacheLimits{
			Count: rapid.IntRange(1, 40).Draw(t, "count"),
			Bytes: rapid.IntRange(0, 200).Draw(t, "bytes"),
			Age:   time.Duration(rapid.IntRange(1, 100).Draw(t, "age")),
		}
		var cache Cache
		cache.kept.first = nearWrap(t)
		twin := naiveCache{limits: limits}
		var c clock
		next := uint64(61)
		t.Repeat(map[string]func(*rapid.T){
			"burst": func(t *rapid.T) { // more than are looked at one by one
				for range rapid.IntRange(1, 30).Draw(t, "burst") {
					m := Message{ID: ID{Origin: 1, Number: next}, Payload: make([]byte, rapid.IntRange(0, 9).Draw(t, "size"))}
					next++
					cache.Put(m, c.now, &limits)
					twin.put(m, c.now)
				}
			},
			"put": func(t *rapid.T) {
				c.tick(t)
				m := Message{
					ID: drawID(t), Hops: rapid.Uint32().Draw(t, "hops"), From: protocol.NodeID(rapid.Uint64().Draw(t, "from")),
					Payload: make([]byte, rapid.IntRange(0, 30).Draw(t, "size")),
				}
				cache.Put(m, c.now, &limits)
				twin.put(m, c.now)
			},
			"expire": func(t *rapid.T) {
				c.tick(t)
				cache.Expire(c.now, &limits)
				twin.expire(c.now)
			},
			"reparent": func(t *rapid.T) {
				id, from := drawID(t), protocol.NodeID(rapid.Uint64().Draw(t, "from"))
				cache.Reparent(id, from)
				if i := twin.find(id); i >= 0 {
					twin.kept[i].From = from
				}
			},
			"latest": func(t *rapid.T) {
				most := rapid.IntRange(0, 40).Draw(t, "most")
				since := c.now.Add(-time.Duration(rapid.IntRange(0, 50).Draw(t, "since")))
				var got []Message
				cache.Latest(most, since, func(m Message) { got = append(got, m) })
				first := len(twin.kept)
				for first > 0 && len(twin.kept)-first < most && twin.at[first-1] >= since {
					first--
				}
				if !slices.EqualFunc(got, twin.kept[first:], same) {
					t.Fatalf("Latest(%d, %d) at %d: got %v, want %v", most, since, c.now, got, twin.kept[first:])
				}
			},
			"": func(t *rapid.T) {
				ids := []ID{drawID(t)}
				for _, m := range twin.kept {
					ids = append(ids, m.ID)
				}
				for _, id := range ids {
					got, ok := cache.Get(id)
					if i := twin.find(id); ok != (i >= 0) || ok && !same(got, twin.kept[i]) {
						t.Fatalf("Get(%v): got %+v, %v", id, got, ok)
					}
				}
				if cache.Len() != len(twin.kept) || cache.Bytes() != twin.bytes() {
					t.Fatalf("keeps %d messages of %d bytes, want %d of %d", cache.Len(), cache.Bytes(), len(twin.kept), twin.bytes())
				}
				if cache.Len() > limits.Count || cache.Bytes() > limits.Bytes {
					t.Fatalf("keeps %d messages of %d bytes, more than %+v", cache.Len(), cache.Bytes(), limits)
				}
			},
		})
	})
}

func same(a, b Message) bool {
	return a.ID == b.ID && a.Hops == b.Hops && a.From == b.From && len(a.Payload) == len(b.Payload)
}

// A message that everybody has forgotten does not come back.
func TestHistoryTakesTheForgottenForSeen(t *testing.T) {
	limits := HistoryLimits{Count: 2, Age: time.Minute, Origins: 1}
	var h History
	for number := range uint64(5) {
		if !h.Add(ID{Origin: 1, Number: number}, 0, &limits) {
			t.Errorf("number %d: not new", number)
		}
	}
	for number := range uint64(5) {
		if !h.Seen(ID{Origin: 1, Number: number}, 0, &limits) {
			t.Errorf("number %d: not seen", number)
		}
	}
}

func TestNumbersGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var n Numbers
		last := uint64(0)
		for i := range rapid.IntRange(1, 20).Draw(t, "messages") {
			next := n.Next(protocol.Time(rapid.Int64Range(-100, 1000).Draw(t, "now")))
			if next <= last {
				t.Fatalf("message %d has number %d after %d", i, next, last)
			}
			last = next
		}
	})
}
