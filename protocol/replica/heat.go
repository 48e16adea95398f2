package replica

import (
	"math/bits"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// heat knows which keys are written often. Each write counts one, and half of
// that a half-life later; between, the weight falls along a straight line, which
// is never more than 6.1 % above the curve. At a steady rate a key's count is
// rate × half-life / ln 2, and that is what makes it hot or cold.
//
// It knows the last keys that were written, tracked_keys at least and twice as
// many at most, in two generations: when the younger is full, the older is
// forgotten.
type heat struct {
	half       time.Duration
	hot, cold  uint64 // counts, in 2^-16 of a write
	limit      int
	young, old map[string]warmth
}

type warmth struct {
	at    protocol.Time
	count uint64 // in 2^-16 of a write
	hot   bool
}

const one = 1 << 16

func newHeat(c *Config) heat {
	steady := func(interval time.Duration) uint64 {
		// 94548 is 2^16 / ln 2.
		high, low := bits.Mul64(uint64(c.HalfLife), 94548)
		if high >= uint64(interval) {
			return 1 << 62
		}
		v, _ := bits.Div64(high, low, uint64(interval))
		return min(v, 1<<62)
	}
	return heat{
		half: c.HalfLife.Std(), limit: c.TrackedKeys,
		hot: steady(c.HotRate.Interval()), cold: steady(c.ColdRate.Interval()),
	}
}

// decayed is what a count has become after a time.
func (h *heat) decayed(count uint64, passed time.Duration) uint64 {
	if passed <= 0 {
		return count
	}
	halves := uint64(passed / h.half)
	if halves >= 64 {
		return 0
	}
	rest := uint64(passed % h.half)
	count >>= halves
	high, low := bits.Mul64(count, rest)
	lost, _ := bits.Div64(high, low, 2*uint64(h.half)) // rest < half, so high is less
	return count - lost
}

// touch counts writes of a key and reports whether the key is hot.
func (h *heat) touch(env protocol.Env, key []byte, writes uint64) bool {
	w, ok := h.young[string(key)]
	if !ok {
		w = h.old[string(key)]
	}
	now := env.Now()
	count := h.decayed(w.count, now.Sub(w.at))
	was := w.hot
	if w.hot && count < h.cold {
		w.hot = false
	}
	count = min(count+writes*one, 1<<62)
	if count >= h.hot {
		w.hot = true
	}
	w.count, w.at = count, now
	if w.hot != was {
		kind := EventCold
		if w.hot {
			kind = EventHot
		}
		env.Emit(protocol.Event{Kind: kind, Args: [3]uint64{keyHash(key)}})
	}
	if !ok && len(h.young) >= h.limit {
		h.young, h.old = nil, h.young
	}
	if h.young == nil {
		h.young = make(map[string]warmth)
	}
	h.young[string(key)] = w
	return w.hot
}
