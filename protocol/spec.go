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
}

// CommandSpec describes a kind of command.
type CommandSpec struct {
	Kind CommandKind
	// Name is "protocol.command", for instance "swim.set_metadata".
	Name string
	Doc  string
}
