// Package protocol is the contract between a protocol and the world that runs it.
//
// A protocol is a single-threaded state machine driven by three things: it
// starts, a message arrives, a timer fires. It acts through the [Env] that is
// handed to it with each of them, and through nothing else: it opens no socket,
// starts no goroutine, reads no clock and draws no global randomness. Whatever
// keeps to this contract runs unchanged in the virtual world (package sim) and
// in a real process on real UDP (cmd/realnode).
//
// # What a protocol package provides
//
// A state machine that implements [Protocol], messages that implement
// [Message], and one [Spec] that names them: the world, the scenario language
// and the tools learn everything they need from the Spec. Optional abilities
// are small interfaces that a world looks for: [StreamBreakHandler],
// [Leaver], [CommandHandler].
//
// # Kinds
//
// Messages, timers, events and commands each carry a 16-bit kind: the high
// byte is the protocol's number ([Spec].Number), the low byte is the
// protocol's own. A node that is built out of several protocols routes by the
// high byte. Number 0 belongs to the world ([EventNodeStarted] and its
// siblings), 1 to 127 to the protocols of this repository, 128 to 255 to
// everybody else's.
//
// # Ownership
//
// A message is frozen from the moment it is sent: the same Go value may reach
// several receivers, so neither the sender nor a receiver writes to it again.
// Byte slices handed out by an Env are read-only. Running a scenario with
// wire = "encode" puts every message through its bytes and back, which shows
// who did not keep to this.
//
// This package imports nothing of the project.
package protocol
