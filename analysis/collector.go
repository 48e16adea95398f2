package analysis

import (
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Config tells a Collector about the run it is going to observe.
type Config struct {
	// Nodes is the number of nodes, those included that join later.
	Nodes int
	// NodeID returns the identity of the node with index i.
	NodeID func(i int) protocol.NodeID
	// Index is the inverse of NodeID. Nil makes the collector keep a table.
	Index func(id protocol.NodeID) (int, bool)
	// Events and Commands are the specs of all protocols in the stack; the
	// events of the world are known.
	Events   []protocol.EventSpec
	Commands []protocol.CommandSpec

	// SampleInterval is the distance of the points of time series; 0 means
	// one second.
	SampleInterval time.Duration
	// WarmUp is excluded: what happens before it shapes the state (who knows
	// whom) but is not counted, and members that crash before it are not
	// measured.
	WarmUp time.Duration

	// NetworkFault describes the fault with this index in the timeline when
	// it begins. Nil means that no member is anomalous on account of its
	// links and that no fault cuts members off from each other.
	NetworkFault func(fault int) NetworkFault
	// ViewLimit is the number of nodes up to which the collector tracks who
	// has whom in its view, at up to Nodes^2 / 8 bytes. 0 means 32,768.
	ViewLimit int
}

// NetworkFault is what a network fault does to members.
type NetworkFault struct {
	// Anomalous are the members whose own links are impaired, by index.
	// Death declarations about them are not false positives.
	Anomalous []int
	// Cut reports whether the fault keeps messages from passing between two
	// members in at least one direction. Nil if the fault cuts nobody off.
	Cut func(a, b int) bool
}
