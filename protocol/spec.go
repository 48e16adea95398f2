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

	Messages []MessageSpec
	Timers   []TimerSpec
	Events   []EventSpec
	Commands []CommandSpec
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
)

// CommandSpec describes a kind of command.
type CommandSpec struct {
	Kind CommandKind
	// Name is "protocol.command", for instance "swim.set_metadata".
	Name string
	Doc  string
}
