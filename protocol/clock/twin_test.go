package clock_test

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
)

// events is the naive twin of everything here: the set of events that are
// known, each by name.
type events map[clock.Dot]bool

func (e events) within(f events) bool {
	for d := range e {
		if !f[d] {
			return false
		}
	}
	return true
}

func (e events) compare(f events) clock.Order {
	return order(e.within(f), f.within(e))
}

func order(less, greater bool) clock.Order {
	switch {
	case less && greater:
		return clock.Equal
	case less:
		return clock.Before
	case greater:
		return clock.After
	default:
		return clock.Concurrent
	}
}

func (e events) union(f events) events {
	out := maps.Clone(e)
	maps.Copy(out, f)
	return out
}

// without returns e without the events of an actor.
func (e events) without(retired func(clock.Actor) bool) events {
	out := events{}
	for d := range e {
		if !retired(d.Actor) {
			out[d] = true
		}
	}
	return out
}

// A handful of actors, of which two are one node, and few events of each, so
// that everything meets everything.
const maxCounter = 9

var actors = []clock.Actor{{Node: 1}, {Node: 1, Incarnation: 300}, {Node: 2}, {Node: 1 << 63}}

func drawActor(t *rapid.T) clock.Actor { return rapid.SampledFrom(actors).Draw(t, "actor") }

func drawDot(t *rapid.T) clock.Dot {
	return clock.Dot{Actor: drawActor(t), Counter: rapid.Uint64Range(1, maxCounter).Draw(t, "counter")}
}

func drawDots(t *rapid.T) []clock.Dot {
	return rapid.SliceOfN(rapid.Custom(drawDot), 0, 12).Draw(t, "dots")
}

// a codec is a value with its encoding.
type encoder interface {
	Size() int
	Append(b []byte) []byte
}

// mustRoundTrip checks that v has the size it says, decodes to something of the
// same bytes, and that no shorter, longer or otherwise changed input decodes to
// anything that has other bytes.
func mustRoundTrip[T encoder](t *rapid.T, v T, decode func([]byte) (T, error)) {
	t.Helper()
	b := v.Append(nil)
	if len(b) != v.Size() {
		t.Fatalf("%v: got %d bytes, Size says %d", v, len(b), v.Size())
	}
	got, err := decode(b)
	if err != nil || !bytes.Equal(got.Append(nil), b) {
		t.Fatalf("%v: decoded % x to %v, %v", v, b, got, err)
	}
	if len(b) > 0 {
		if _, err := decode(b[:len(b)-1]); !errors.Is(err, protocol.ErrMalformed) {
			t.Fatalf("%v cut by a byte: got %v, want ErrMalformed", v, err)
		}
		i := rapid.IntRange(0, len(b)-1).Draw(t, "changed byte")
		b[i] = rapid.Byte().Draw(t, "to")
	}
	mustBeCanonical(t, b, decode)
}

// mustBeCanonical checks that b is refused or is what its value encodes to.
func mustBeCanonical[T encoder](t interface {
	Helper()
	Fatalf(format string, args ...any)
}, b []byte, decode func([]byte) (T, error),
) {
	t.Helper()
	v, err := decode(b)
	switch {
	case err != nil && !errors.Is(err, protocol.ErrMalformed):
		t.Fatalf("% x: got %v, want ErrMalformed", b, err)
	case err == nil && !bytes.Equal(v.Append(nil), b):
		t.Fatalf("accepted % x, which encodes to % x", b, v.Append(nil))
	case err == nil && v.Size() != len(b):
		t.Fatalf("% x: got size %d", b, v.Size())
	}
}

func decodeTimestamp(b []byte) (clock.Timestamp, error) {
	r := readerOf(b)
	ts := clock.ReadTimestamp(&r)
	return ts, r.Finish()
}

func TestTimestampCodecAndOrder(t *testing.T) {
	drawTimestamp := func(t *rapid.T) clock.Timestamp {
		return clock.Timestamp{
			Wall:    rapid.Int64Min(0).Draw(t, "wall"),
			Logical: rapid.Uint32().Draw(t, "logical"),
			Node:    protocol.NodeID(rapid.Uint64Min(1).Draw(t, "node")),
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawTimestamp(t), drawTimestamp(t)
		if !a.Valid() || a.IsZero() || a.Compare(b) != -b.Compare(a) || (a == b) != (a.Compare(b) == 0) || a.Compare(clock.Timestamp{}) <= 0 {
			t.Fatalf("%s and %s: got order %d", a, b, a.Compare(b))
		}
		mustRoundTrip(t, a, decodeTimestamp)
	})
	b := clock.Timestamp{Wall: -1, Node: 1}.Append(nil)
	if _, err := decodeTimestamp(b); !errors.Is(err, protocol.ErrMalformed) {
		t.Errorf("negative wall time: got %v, want ErrMalformed", err)
	}
	if (clock.Timestamp{Wall: math.MinInt64, Node: 1}).Valid() || (clock.Timestamp{Wall: 1}).Valid() {
		t.Error("a clock does not issue negative times, nor nobody's")
	}
}
