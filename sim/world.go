package sim

import (
	"context"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// World is a virtual world. It is not safe for concurrent use.
type World struct{}

// New returns a world at time 0 in which no node runs yet.
func New(cfg Config) (*World, error) { return nil, errSkeleton }

// At schedules a control event.
func (w *World) At(t time.Duration, do func(*Control)) {}

// Every schedules a control event at first, first+interval, and so on.
func (w *World) Every(first, interval time.Duration, do func(*Control)) {}

// Run carries out everything before until, and the control events at until itself.
func (w *World) Run(ctx context.Context, until time.Duration) error { return errSkeleton }

// Now is the virtual time.
func (w *World) Now() time.Duration { return 0 }

// Nodes is the number of nodes.
func (w *World) Nodes() int { return 0 }

// ID returns the identity of node i.
func (w *World) ID(i int) protocol.NodeID { return 0 }

// Index returns the index of a node.
func (w *World) Index(id protocol.NodeID) (int, bool) { return 0, false }

// TraceHash returns the trace hash of what happened so far, 64 hexadecimal digits.
func (w *World) TraceHash() string { return "" }

// Counters returns what happened so far.
func (w *World) Counters() Counters { return Counters{} }

// NodeCounters returns what node i sent so far.
func (w *World) NodeCounters(i int) NodeCounters { return NodeCounters{} }
