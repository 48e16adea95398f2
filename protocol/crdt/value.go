package crdt

import (
	"errors"
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/wire"
)

// MaxValue bounds a register's value, and what an operation may make a set's
// encoded size, in bytes.
const MaxValue = 1 << 20

// Kind is the number of a data type. Where two types meet under one key,
// readers see the greater.
type Kind uint8

// The kinds. The richer type is the greater: a register written by mistake does
// not hide a set.
const (
	KindRegister  Kind = 1
	KindGCounter  Kind = 2
	KindPNCounter Kind = 3
	KindORSet     Kind = 4
)

// kinds is how many there are.
const kinds = 4

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case KindRegister:
		return "lww-register"
	case KindGCounter:
		return "g-counter"
	case KindPNCounter:
		return "pn-counter"
	case KindORSet:
		return "or-set"
	default:
		return fmt.Sprintf("kind %d", uint8(k))
	}
}

// Stamp names an operation: the event that it is, and when it happened. The
// timestamp is of the node of the dot's actor. Counters and sets use the dot
// only.
type Stamp struct {
	Dot  clock.Dot
	Time clock.Timestamp
}

// Value is a replicated data type: [*Register], [*GCounter], [*PNCounter] or
// [*ORSet]. Values are immutable.
type Value interface {
	// Kind tells the type.
	Kind() Kind
	// Live reports whether there is something to read: a register with a
	// value, a counter with an increment, a set with an element. A value that
	// is not live is a new one or what is left of a deleted one.
	Live() bool
	// Merge returns the join of both. It returns the receiver itself if other
	// adds nothing, else other itself if the receiver adds nothing. The error
	// is a [*KindError] if other is of another type.
	Merge(other Value) (Value, error)
	// DeltaSince returns what a replica lacks that has merged every event of
	// the value that v names.
	DeltaSince(v clock.VersionVector) Value
	// Version returns the newest event of each actor that the value has
	// seen.
	Version() clock.VersionVector
	// CoveredBy reports whether v names every event that the value has seen.
	CoveredBy(v clock.VersionVector) bool
	// Clear deletes everything that the value holds. If it holds nothing, next
	// is the value itself, delta is empty, and no event happened.
	Clear(s Stamp) (next, delta Value, err error)
	// Size is the exact number of bytes that Append adds.
	Size() int
	// Append appends the canonical encoding: equal values have equal bytes.
	Append(b []byte) []byte

	// empty reports whether the value has seen no event.
	empty() bool
	// forget returns the value without what v names and held, a value of the
	// same kind or nil, does not hold: for who has merged what v names, that
	// was deleted. The context stays.
	forget(v clock.VersionVector, held Value) Value
}

// New returns the empty value of a kind. The error is an
// [*UnknownKindError].
func New(k Kind) (Value, error) {
	switch k {
	case KindRegister:
		return &Register{}, nil
	case KindGCounter:
		return &GCounter{}, nil
	case KindPNCounter:
		return &PNCounter{}, nil
	case KindORSet:
		return &ORSet{}, nil
	default:
		return nil, &UnknownKindError{k}
	}
}

// Decode decodes exactly what Append wrote of a value of kind k. The error
// wraps protocol.ErrMalformed; it is an [*UnknownKindError] for a kind that there
// is not, and also wraps ErrTooLarge for a register beyond MaxValue. The value
// does not refer to b.
func Decode(k Kind, b []byte) (Value, error) {
	r := wire.NewReader(b)
	v, err := readValue(k, &r)
	if err == nil {
		err = r.Finish()
	}
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	return v, nil
}

func readValue(k Kind, r *wire.Reader) (Value, error) {
	switch k {
	case KindRegister:
		return readRegister(r)
	case KindGCounter:
		return &GCounter{readCounter(r, false)}, nil
	case KindPNCounter:
		return &PNCounter{readCounter(r, true)}, nil
	case KindORSet:
		return readORSet(r), nil
	default:
		return nil, &UnknownKindError{k}
	}
}

// Errors of operations. A caller that issues dots and timestamps as it should,
// and does not merge what lies about its own, meets only ErrTooLarge.
var (
	// ErrStamp: the dot is not valid, or the timestamp is not of its node.
	ErrStamp = errors.New("invalid stamp")
	// ErrStale: the value has seen the dot or a later one of its actor, or (a
	// register) a later timestamp.
	ErrStale = errors.New("stale stamp")
	// ErrTooLarge: the value would exceed MaxValue, or a tally 2^63 - 1.
	ErrTooLarge = errors.New("value too large")
)

// KindError says that values of two types were to be merged.
type KindError struct{ Got, Want Kind }

func (e *KindError) Error() string {
	return fmt.Sprintf("merge values: got %s, want %s", e.Got, e.Want)
}

// UnknownKindError says that a value is of a type that this program does not
// know. It wraps protocol.ErrMalformed.
type UnknownKindError struct{ Kind Kind }

func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("got unknown data type %d, want 1 to %d", uint8(e.Kind), kinds)
}

// Unwrap returns protocol.ErrMalformed.
func (e *UnknownKindError) Unwrap() error { return protocol.ErrMalformed }

// fresh checks that d can be the next event of its actor in c, and returns the
// run of counters that it claims.
func fresh(c clock.DotContext, d clock.Dot) (clock.Run, error) {
	if !d.Valid() {
		return clock.Run{}, fmt.Errorf("got dot %s: %w", d, ErrStamp)
	}
	seen := c.Max(d.Actor)
	if d.Counter <= seen {
		return clock.Run{}, fmt.Errorf("got dot %s, want a counter above %d: %w", d, seen, ErrStale)
	}
	return clock.Run{Actor: d.Actor, From: seen + 1, To: d.Counter}, nil
}

// history returns the run of all that the actor of d did up to d: what an event
// claims that leaves nothing standing of what its actor did before.
func history(d clock.Dot) clock.Run { return clock.Run{Actor: d.Actor, From: 1, To: d.Counter} }

// claim returns the context of a run and of dots.
func claim(r clock.Run, dots []clock.Dot) clock.DotContext {
	runs := make([]clock.Run, 1, 1+len(dots))
	runs[0] = r
	for _, d := range dots {
		runs = append(runs, clock.Run{Actor: d.Actor, From: d.Counter, To: d.Counter})
	}
	// All of them are valid.
	c, _ := clock.NewDotContext(runs...)
	return c
}

// withheld returns the context of a delta that leaves out what v knows: c
// without the live dots, in ascending order, that v knows.
func withheld(c clock.DotContext, live []clock.Dot, v clock.VersionVector) clock.DotContext {
	known := make([]clock.Dot, 0, len(live))
	for _, d := range live {
		if v.Contains(d) {
			known = append(known, d)
		}
	}
	return c.Without(known)
}
