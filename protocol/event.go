package protocol

// Event is something that happened at a node, as a plain value. What its parts
// mean stands in the [EventSpec] of its kind.
type Event struct {
	Kind EventKind
	// Peer is the node the event is about, zero if about no other.
	Peer NodeID
	Args [3]uint64
}

// EventKind is a protocol number (high byte) and the protocol's own number of a
// kind of event.
type EventKind uint16

// Protocol returns the number of the protocol the kind belongs to.
func (k EventKind) Protocol() uint8 { return uint8(k >> 8) }

// What the world itself reports, as protocol number 0. These are the ground
// truth that measures hold a protocol's own events against. Every one is
// reported at the node it happened to.
const (
	// EventNodeStarted: a node joins for the first time.
	EventNodeStarted EventKind = 0x0001 + iota
	// EventNodeCrashed: the process is gone, without a word; unsynced writes
	// are lost.
	EventNodeCrashed
	// EventNodeRestarted: a node that crashed or left starts again, under the
	// same identity and with the disk it had.
	EventNodeRestarted
	// EventNodeLeaving: the node was told to leave and says goodbye.
	EventNodeLeaving
	// EventNodeLeft: the process of a leaving node has ended.
	EventNodeLeft
	// EventNodePaused: the process stops answering. Args[0] is the pause
	// model (see package sim).
	EventNodePaused
	// EventNodeResumed: a paused process runs again.
	EventNodeResumed
	// EventNetworkChanged: a network fault began or ended. Args[0] is its
	// index in the timeline, Args[1] is 1 for begin and 0 for end. Reported
	// at no node.
	EventNetworkChanged
	// EventCommand: the application told the node to do something. Args[0] is
	// the CommandKind, Args[1] the index of the workload, Args[2] is 1 if the
	// protocol refused it.
	EventCommand
	// EventStoreFailed: a disk operation failed.
	EventStoreFailed
)

// WorldEvents describes the events of protocol number 0.
func WorldEvents() []EventSpec {
	return []EventSpec{
		{Kind: EventNodeStarted, Name: "world.started", Doc: "a node joins for the first time"},
		{Kind: EventNodeCrashed, Name: "world.crashed", Doc: "a process is gone without a word"},
		{Kind: EventNodeRestarted, Name: "world.restarted", Doc: "a node starts again with the disk it had"},
		{Kind: EventNodeLeaving, Name: "world.leaving", Doc: "a node was told to leave"},
		{Kind: EventNodeLeft, Name: "world.left", Doc: "the process of a leaving node ended"},
		{Kind: EventNodePaused, Name: "world.paused", Doc: "a process stops answering", Args: []string{"model"}},
		{Kind: EventNodeResumed, Name: "world.resumed", Doc: "a paused process runs again"},
		{Kind: EventNetworkChanged, Name: "world.network", Doc: "a network fault begins or ends", Args: []string{"fault", "begins"}},
		{Kind: EventCommand, Name: "world.command", Doc: "an application told the node to do something", Args: []string{"command", "workload", "refused"}},
		{Kind: EventStoreFailed, Name: "world.store_failed", Doc: "a disk operation failed"},
	}
}

// Record is an event with its place in the world's total order.
type Record struct {
	// Time is virtual (or, in a real run, wall) time in nanoseconds since the
	// start of the run: the world's clock, not the node's.
	Time int64
	// Node is where it happened, zero for events of the network.
	Node NodeID
	// Index is the node's index in the scenario, 0-based.
	Index uint32
	Event Event
}

// Observer is told what happens, in the world's total order, one record at a
// time.
type Observer interface {
	Observe(r Record)
}
