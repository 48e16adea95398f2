package broadcast

import (
	"slices"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// HistoryLimits bound a History.
type HistoryLimits struct {
	// Count is the largest number of IDs.
	Count int
	// Age is how long an ID is kept.
	Age time.Duration
	// Origins is the largest number of origins of which is known up to where
	// IDs were dropped.
	Origins int
}

// History remembers which messages were seen. It is bounded by the limits that
// its methods are given, which must be the same in every call.
type History struct {
	seen memory[struct{}]
	// floors are, by origin in ascending order, the highest numbers that were
	// dropped.
	floors []floor
}

type floor struct {
	origin protocol.NodeID
	number uint64
	at     protocol.Time // when it was raised
}

// floorAges is for how many ages a floor counts after it was raised: a message may
// be kept by one node after the other, each for an age.
const floorAges = 16

// Seen tells whether a message was seen, or is too old to tell.
func (h *History) Seen(id ID, now protocol.Time, limits *HistoryLimits) bool {
	if h.seen.find(id) != nil {
		return true
	}
	i, ok := h.floor(id.Origin)
	return ok && id.Number <= h.floors[i].number && now.Sub(h.floors[i].at) <= floorAges*limits.Age
}

// Add takes note of a message and tells whether it is new.
func (h *History) Add(id ID, now protocol.Time, limits *HistoryLimits) bool {
	h.Expire(now, limits)
	if h.Seen(id, now, limits) {
		return false
	}
	for int(h.seen.n) >= limits.Count {
		h.drop(now, limits)
	}
	h.seen.push(item[struct{}]{id: id, at: now})
	return true
}

// Expire drops what is too old.
func (h *History) Expire(now protocol.Time, limits *HistoryLimits) {
	for h.seen.expired(now, limits.Age) {
		h.drop(now, limits)
	}
}

// Len is the number of IDs that are kept.
func (h *History) Len() int { return int(h.seen.n) }

// Origins is the number of origins of which is known up to where IDs were
// dropped.
func (h *History) Origins() int { return len(h.floors) }

func (h *History) floor(origin protocol.NodeID) (int, bool) {
	return slices.BinarySearchFunc(h.floors, origin, func(f floor, origin protocol.NodeID) int {
		switch {
		case f.origin < origin:
			return -1
		case f.origin > origin:
			return 1
		}
		return 0
	})
}

// drop drops the oldest ID.
func (h *History) drop(now protocol.Time, limits *HistoryLimits) {
	id := h.seen.oldest().id
	h.seen.pop()
	i, ok := h.floor(id.Origin)
	if ok {
		f := &h.floors[i]
		if now.Sub(f.at) > floorAges*limits.Age {
			f.number = 0 // it had expired
		}
		f.number, f.at = max(f.number, id.Number), now
		return
	}
	if len(h.floors) >= limits.Origins {
		oldest := 0
		for k := range h.floors {
			if h.floors[k].at < h.floors[oldest].at {
				oldest = k
			}
		}
		h.floors = slices.Delete(h.floors, oldest, oldest+1)
		i, _ = h.floor(id.Origin)
	}
	h.floors = slices.Insert(h.floors, i, floor{id.Origin, id.Number, now})
}
