package sim

import (
	"errors"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

var errSkeleton = errors.New("sim: not built yet")

// State is what has become of a node.
type State uint8

const (
	// Absent: it has not joined yet.
	Absent State = iota
	// Up: its process runs (paused or not).
	Up
	// Leaving: its process runs and says goodbye.
	Leaving
	// Crashed: its process ended without a word.
	Crashed
	// Left: its process ended after a goodbye.
	Left
)

// CrashKind says what crashes.
type CrashKind uint8

const (
	// CrashProcess: the process ends; its host breaks its streams, so peers
	// with a stream hear of it after one one-way delay.
	CrashProcess CrashKind = iota
	// CrashHost: the host falls silent; peers with a stream find out when what
	// they send times out.
	CrashHost
)

// PauseModel says what a paused process still does.
type PauseModel uint8

const (
	// PauseFrozen: nothing (as under SIGSTOP).
	PauseFrozen PauseModel = iota
	// PauseBlockedIO: timers run; receiving and sending wait for the end.
	PauseBlockedIO
	// PauseSlow: each timer and message costs a service time.
	PauseSlow
)

// Pause describes a pause.
type Pause struct {
	Model PauseModel
	// Service is the time that each event costs a slow node.
	Service time.Duration
}

// DiskFault describes what is wrong with a disk. The zero value is a healthy disk.
type DiskFault struct {
	// ErrorRate is the probability, in 2^-64, with which an operation fails.
	ErrorRate uint64
	// Full makes every Apply fail that writes something.
	Full bool
	// Delay is what every Apply and Sync takes.
	Delay time.Duration
}

// Control is what a control event acts through. It is valid during the call.
type Control struct{ w *World }

// Now is the virtual time.
func (c *Control) Now() time.Duration { return 0 }

// World returns the world.
func (c *Control) World() *World { return c.w }

// At schedules a further control event; a time that has passed means now.
func (c *Control) At(t time.Duration, do func(*Control)) {}

// After schedules a further control event.
func (c *Control) After(d time.Duration, do func(*Control)) {}

// Rand is the world's stream of random numbers for one purpose. It goes on where the last use left it.
func (c *Control) Rand(purpose string) *protocol.Rand { return nil }

// Network is the network model. Who changes it reports that with NetworkChanged.
func (c *Control) Network() *netmodel.Model { return nil }

// NetworkChanged records that a network fault began or ended.
func (c *Control) NetworkChanged(fault int, begins bool) {}

// State tells what has become of node i.
func (c *Control) State(i int) State { return 0 }

// Paused tells whether node i is paused.
func (c *Control) Paused(i int) bool { return false }

// Protocol is node i's state machine, nil if it does not run; to look at, not to touch.
func (c *Control) Protocol(i int) protocol.Protocol { return nil }

// Counters and NodeCounters read the world's counters.
func (c *Control) Counters() Counters { return Counters{} }

// Join starts node i for the first time.
func (c *Control) Join(i int, seeds []int) error { return errSkeleton }

// Leave makes node i say goodbye and end.
func (c *Control) Leave(i int) error { return errSkeleton }

// Crash ends node i without a word.
func (c *Control) Crash(i int, kind CrashKind) error { return errSkeleton }

// Restart starts a node that crashed or left, with the disk it had.
func (c *Control) Restart(i int, seeds []int) error { return errSkeleton }

// Pause pauses node i.
func (c *Control) Pause(i int, p Pause) error { return errSkeleton }

// Resume ends the pause of node i.
func (c *Control) Resume(i int) error { return errSkeleton }

// Command has node i's protocol carry out cmd on behalf of a workload.
func (c *Control) Command(i int, cmd protocol.Command, workload int) error { return errSkeleton }

// StepClock moves node i's clock.
func (c *Control) StepClock(i int, by time.Duration) error { return errSkeleton }

// SetDrift makes node i's clock gain ppb nanoseconds a second from now on.
func (c *Control) SetDrift(i int, ppb int64) error { return errSkeleton }

// SetDisk makes node i's disk behave as f from now on.
func (c *Control) SetDisk(i int, f DiskFault) error { return errSkeleton }
