// Package determinism finds, by file and line, what could make two runs of one
// scenario and seed differ: the order of a map, the wall clock, a goroutine, a
// shared source of randomness, floating point, an address in memory, a variable
// of the package that a run changes.
//
// # Rules
//
//	maprange     ranging over a map, and what does so inside: maps.Keys and its
//	             siblings, reflect's MapRange, sync.Map.Range. Collecting keys
//	             into a slice that is sorted before anything else looks at it, and
//	             setting another map's entry of the same key, are recognised and
//	             allowed.
//	goroutine    go statements; sync.WaitGroup, sync.Cond, sync.Pool, sync.Map,
//	             sync/atomic; what package runtime says of the machine.
//	             Mutexes are allowed: what they protect must not depend on who
//	             came first, and that no analyser can see.
//	channel      select, send, receive, making, closing and ranging over channels.
//	wallclock    time.Now and whatever else reads or waits for the clock, context
//	             time-outs included; the machine's time zone.
//	random       math/rand, math/rand/v2, crypto/rand, hash/maphash.
//	environment  environment variables, process and host names; sockets,
//	             processes, system calls.
//	float        floating point arithmetic, conversion from floating point to an
//	             integer, functions of package math on floating point. Constants
//	             are exact and allowed.
//	pointer      addresses as numbers or text: %p, formatting a value that prints
//	             an address, uintptr of an unsafe.Pointer, reflect's Pointer.
//	global       writing to a package-level variable, or taking its address.
//
// Which rules hold in which package is data: see [ScopeOf]. Tests are free.
//
// # Exemptions
//
// A line that is right in spite of a rule says why, on the line itself or on
// the one above it:
//
//	//starling:exempt float printed only, never read back
//
// A whole file does so with a comment of its own line, outside of any
// declaration:
//
//	//starling:exempt-file goroutine,channel what they do in a window cannot be seen before it closes
//
// An exemption without a reason, for a rule that does not exist, or one that
// nothing needs any more, is reported in turn.
package determinism
