package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// WireMode says in what shape messages travel.
type WireMode uint8

const (
	// WireValues passes messages as Go values and charges the network their
	// exact encoded size.
	WireValues WireMode = iota
	// WireEncode puts every message through its bytes and back. A codec that
	// loses something, a size that is not exact and a protocol that keeps its
	// hand on what it sent show as an error of Run or another trace hash.
	WireEncode
)

func (m WireMode) String() string {
	switch m {
	case WireValues:
		return "values"
	case WireEncode:
		return "encode"
	}
	return fmt.Sprintf("WireMode(%d)", uint8(m))
}

// Config is what a World is made of.
type Config struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// Nodes is the number of nodes that may ever take part, 1 to MaxNodes.
	// None of them runs before it joins.
	Nodes int
	// Network carries the messages. A model belongs to one world.
	Network *netmodel.Model
	// Build returns a fresh state machine for one node.
	Build func() (protocol.Protocol, error)
	// Decoders finds the decoders of all messages; needed in WireEncode and if
	// the network damages messages.
	Decoders protocol.Decoders
	Wire     WireMode
	// Workers is the number of goroutines that carry events out, 0 to let the
	// world choose: one, until a window holds enough events for more to pay.
	// It does not change what happens.
	Workers int

	// Observer, if not nil, is told of every emitted event and every world
	// event, in the world's total order, on the goroutine that called Run.
	Observer protocol.Observer
	// Tracer, if not nil, is told of everything that happens, in the same way.
	Tracer Tracer

	// StreamTimeout is how long a stream goes on trying without progress
	// before it breaks. 0 means DefaultStreamTimeout.
	StreamTimeout time.Duration
	// StreamIdle is how long a connection stays open unused: the contract has no
	// way to close one, and who has many does not keep all for ever. 0 means
	// DefaultStreamIdle; below 0 connections stay open,
	// and it is at least a second otherwise.
	StreamIdle time.Duration
	// InboxLimit is the number of datagrams that wait at most at a node that
	// is paused or slow; more are dropped. 0 means DefaultInboxLimit.
	InboxLimit int
	// UnsyncedSurvival is the largest share, in percent, of the writes that
	// were applied but not synced that survives a crash: the number that
	// does is drawn uniformly from none to that share, oldest first.
	UnsyncedSurvival int
	// Disks are where nodes write; nil keeps disks in memory. A world that has
	// them has to be closed (World.Close).
	Disks Disks
	// Image returns what is on node i's disk at the beginning; nil if the disks
	// of all nodes are empty. It may be called from several goroutines at a
	// time.
	Image func(i int) *Image
}

const (
	// MaxNodes bounds Config.Nodes.
	MaxNodes = 1 << 30
	// MaxWorkers bounds Config.Workers.
	MaxWorkers = 64
	// DefaultStreamTimeout is the time-out of a TCP connection attempt in
	// memberlist's LAN profile (TCPTimeout).
	DefaultStreamTimeout = 10 * time.Second
	// DefaultStreamIdle is in the range that proxies and connection managers use.
	DefaultStreamIdle = time.Minute
	// DefaultInboxLimit is what Linux' default receive buffer (212,992 bytes,
	// net.core.rmem_default) holds of small datagrams, which it charges with
	// 768 bytes each.
	DefaultInboxLimit = 277
)

func (c *Config) check() error {
	switch {
	case c.Nodes < 1 || c.Nodes > MaxNodes:
		return fmt.Errorf("new world: got %d nodes, want 1 to %d", c.Nodes, MaxNodes)
	case c.Network == nil:
		return errors.New("new world: no network model")
	case c.Build == nil:
		return errors.New("new world: no function that builds a node")
	case c.Wire > WireEncode:
		return fmt.Errorf("new world: got wire mode %d, want WireValues or WireEncode", c.Wire)
	case c.Wire == WireEncode && c.Decoders == nil:
		return errors.New("new world: WireEncode needs Decoders")
	case c.Workers < 0 || c.Workers > MaxWorkers:
		return fmt.Errorf("new world: got %d workers, want 0 to %d", c.Workers, MaxWorkers)
	case c.StreamTimeout < 0:
		return fmt.Errorf("new world: got stream time-out %v, want 0 or more", c.StreamTimeout)
	case c.StreamIdle > 0 && c.StreamIdle < time.Second: // they are looked for that often
		return fmt.Errorf("new world: got an idle time of streams of %v, want at least 1s, 0 for the default or less for ever", c.StreamIdle)
	case c.InboxLimit < 0:
		return fmt.Errorf("new world: got inbox limit %d, want 0 or more", c.InboxLimit)
	case c.UnsyncedSurvival < 0 || c.UnsyncedSurvival > 100:
		return fmt.Errorf("new world: got unsynced survival %d %%, want 0 to 100", c.UnsyncedSurvival)
	}
	return nil
}
