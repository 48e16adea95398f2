package protocol

// Spec describes a protocol to whatever runs it, configures it or prints what
// it did.
type Spec struct {
	// Name is the protocol's name in a scenario's stack: lower case, [a-z0-9_].
	Name string
	// Number is the high byte of all of the protocol's kinds.
	Number uint8
	// Doc says in one line what the protocol is.
	Doc string

	// NewConfig returns a pointer to a configuration struct with every default
	// filled in. Its fields carry toml tags and types that read their units
	// (package quantity).
	NewConfig func() any
	// Check returns what is wrong with a configuration that NewConfig made
	// and a user changed; its error names the toml key.
	Check func(config any) error
	// NewBuilder is called once per world with a checked configuration.
	// What the builder's nodes share (pools of immutable data) hangs on it;
	// the nodes of one world may run on several threads, so it must be safe
	// for concurrent use and must not change behaviour.
	NewBuilder func(config any) Builder
	// Initial says what nodes find on their disks at their first start; nil for
	// nothing.
	Initial func(config any) Initial

	Messages []MessageSpec
	Timers   []TimerSpec
	Events   []EventSpec
	Commands []CommandSpec
}

// Initial is what nodes find on their disks before they first start: a data set
// that an experiment begins with. A nil function writes nothing.
type Initial struct {
	// Shared writes what all nodes have. A world calls it once for all of them.
	Shared func(s Store) error
	// Own adds what one node has besides, on a disk that holds what is shared.
	Own func(s Store, seed uint64, id NodeID) error
}

// Builder builds one node's instance of a protocol. Lower are the protocols
// below it in the same node, bottom first; it finds there what it builds on
// (a peer sampler, say) by the interface it needs, and returns an error if it
// is not there.
type Builder func(lower []Protocol) (Protocol, error)

// MessageSpec describes a kind of message.
type MessageSpec struct {
	Kind MessageKind
	// Name is "protocol.message", as in the paper.
	Name string
	// Decode reads a body; its errors wrap ErrMalformed.
	Decode func(body []byte) (Message, error)
	// Payload: the message carries what an application broadcasts. All other
	// messages are control traffic.
	Payload bool
}

// TimerSpec describes a kind of timer.
type TimerSpec struct {
	Kind TimerKind
	Name string
}

// EventSpec describes a kind of event.
type EventSpec struct {
	Kind EventKind
	// Name is "protocol.event", for instance "swim.suspect".
	Name string
	Doc  string
	// Args names the arguments in use, with their unit where they have one.
	Args []string
	// Role is what measures take the event for, whatever the protocol.
	Role EventRole
}

// EventRole is a meaning that events of several protocols share, so that one
// measure serves them all. It fixes what the event's parts are.
type EventRole uint8

const (
	// RoleNone: the event means what its protocol says, and nothing else.
	RoleNone EventRole = iota
	// RoleBroadcast: this node's application broadcast a message; it counts as
	// delivered here. Args[0] is the message's key, the same at every node and
	// no other message's; Args[1] the size of the payload in bytes.
	RoleBroadcast
	// RoleDeliver: a message that somebody else broadcast reached this node's
	// application, from Peer. Args[0] is the message's key, Args[1] the number
	// of hops that it travelled, 1 if from its origin.
	RoleDeliver
	// RoleDuplicate: the payload of a message that this node had already came
	// again, from Peer. Args as of RoleDeliver.
	RoleDuplicate
	// RoleLinkUp: Peer entered the view that this node's overlay gives to
	// protocols above: a link from this node to Peer.
	RoleLinkUp
	// RoleLinkDown: Peer is no longer in it. Views of a process that ended
	// are empty without a word.
	RoleLinkDown
	// RoleWrite: this node's application wrote a key of the replicated state,
	// or deleted it, and was told that this is done (acknowledged). Args[0] is
	// the key's hash, Args[1] the version, the same at every node and no other
	// write's, Args[2] the sum of the Write flags.
	RoleWrite
	// RoleApply: the version of a key that somebody else wrote took effect at
	// this node, which had it from Peer. Args[0] and Args[1] as of RoleWrite,
	// Args[2] is ApplyPushed or ApplyPulled. A version that was overwritten
	// before it came is not applied.
	RoleApply
	// RoleRead: this node's application read a key. Args[0] is the key's hash,
	// Args[1] the version that it saw, 0 if there was none or it is deleted.
	RoleRead
	// RoleRoot: what a replica holds, reported now and then if it changed.
	// Args[0] is a fingerprint of the contents, the same at two nodes if and
	// only if they hold the same (but for chance of 2^-64), Args[1] the number of
	// keys, Args[2] the number of deleted keys that are remembered.
	RoleRoot
	// RoleSessionBegin: this node begins an anti-entropy session with Peer.
	RoleSessionBegin
	// RoleSessionEnd: that session is complete: both hold what either held.
	// Args[0] is the number of round trips, Args[1] the bytes of its messages
	// both ways, Args[2] the number of keys that changed at either.
	RoleSessionEnd
)

// Flags of a RoleWrite.
const (
	// WriteDeletes: the key was deleted.
	WriteDeletes uint64 = 1 << iota
	// WritePushed: the write is sent out at once; others are left to
	// anti-entropy.
	WritePushed
)

// How a version came, by a RoleApply.
const (
	ApplyPushed uint64 = iota
	ApplyPulled
)

// CommandSpec describes a kind of command.
type CommandSpec struct {
	Kind CommandKind
	// Name is "protocol.command", for instance "swim.set_metadata".
	Name string
	Doc  string
	// Key: the command is about the key that it carries ([Command].Key) and
	// means nothing without one. All other commands carry none.
	Key bool
}
