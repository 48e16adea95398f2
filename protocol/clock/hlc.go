package clock

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// ErrAhead is what an [AheadError] wraps.
var ErrAhead = errors.New("timestamp too far ahead")

// AheadError says that a remote timestamp was refused because its wall time is
// further ahead of this node's own clock than the bound allows.
type AheadError struct {
	Remote Timestamp
	// Local is this node's own clock, not the hybrid one.
	Local protocol.Time
	Bound time.Duration
}

func (e *AheadError) Error() string {
	return fmt.Sprintf("update hybrid logical clock: got %s at local time %d, want at most %s ahead: %v", e.Remote, int64(e.Local), e.Bound, ErrAhead)
}

// Unwrap returns ErrAhead.
func (e *AheadError) Unwrap() error { return ErrAhead }

// HLC is one node's hybrid logical clock. Its timestamps grow strictly,
// whatever the physical clock does. It is the one mutable type of this package.
//
// Physical times of different nodes must count from one epoch, up to their
// skew. Where they do not, the clock still orders causally, but the bound
// refuses peers.
type HLC struct {
	last     Timestamp
	maxAhead time.Duration
	refused  uint64
}

// NewHLC returns node's clock, at l = 0. It refuses remote timestamps more than
// maxAhead beyond its own physical clock; without a bound, one clock that runs
// years ahead would win every conflict for years. A maxAhead below zero means no
// bound.
func NewHLC(node protocol.NodeID, maxAhead time.Duration) *HLC {
	return &HLC{last: Timestamp{Node: node}, maxAhead: maxAhead}
}

// Now returns the timestamp of a local event (or of sending a message) at
// physical time now.
func (h *HLC) Now(now protocol.Time) Timestamp {
	if int64(now) > h.last.Wall {
		h.last.Wall, h.last.Logical = int64(now), 0
	} else {
		h.tick()
	}
	return h.last
}

// Update returns the timestamp of receiving a message stamped remote at
// physical time now: after remote, and after everything the clock issued
// before. The error is an [*AheadError], is counted, and leaves the clock as it
// was: the caller drops what carried the timestamp.
func (h *HLC) Update(now protocol.Time, remote Timestamp) (Timestamp, error) {
	if h.maxAhead >= 0 && remote.Wall > saturatingAdd(int64(now), int64(h.maxAhead)) {
		h.refused++
		return Timestamp{}, &AheadError{Remote: remote, Local: now, Bound: h.maxAhead}
	}
	switch wall := max(h.last.Wall, remote.Wall, int64(now)); {
	case wall == h.last.Wall && wall == remote.Wall:
		h.last.Logical = max(h.last.Logical, remote.Logical)
		h.tick()
	case wall == h.last.Wall:
		h.tick()
	case wall == remote.Wall:
		h.last.Wall, h.last.Logical = wall, remote.Logical
		h.tick()
	default:
		h.last.Wall, h.last.Logical = wall, 0
	}
	return h.last, nil
}

// Restore moves the clock to at least t, which this node issued or accepted
// before it restarted.
func (h *HLC) Restore(t Timestamp) {
	t.Node = h.last.Node
	if t.Compare(h.last) > 0 {
		h.last = t
	}
}

// Last returns the last timestamp issued; its wall and logical time are zero if
// there is none.
func (h *HLC) Last() Timestamp { return h.last }

// Refused returns how many remote timestamps were refused.
func (h *HLC) Refused() uint64 { return h.refused }

// tick counts one more event at the same wall time. Beyond 2^32 of them, the
// wall time moves by a nanosecond.
func (h *HLC) tick() {
	switch {
	case h.last.Logical < math.MaxUint32:
		h.last.Logical++
	case h.last.Wall < math.MaxInt64:
		h.last.Wall++
		h.last.Logical = 0
	}
}

func saturatingAdd(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
