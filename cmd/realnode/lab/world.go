package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// World is what a process has to know of the run that it is part of. An
// orchestrator writes it to a file for each.
type World struct {
	// Network describes the network; all processes of a run have the same.
	Network Network `json:"network"`
	// Nodes are the identities by index in the model.
	Nodes []protocol.NodeID `json:"nodes"`
	// Self is this process's index. Life is 0 for its first life, 1 after it
	// was started again, and so on.
	Self int `json:"self"`
	Life int `json:"life"`
	// Seed is the scenario's, of which the node's chance is derived.
	Seed uint64 `json:"seed"`
	// Epoch is when the run began, in nanoseconds of the machine's wall clock
	// since 1970. Of a world that is Held it is not known yet.
	Epoch int64 `json:"epoch"`
	// Held: the process is to be ready and then to wait with its protocols for
	// whoever started it ([World.Hold]).
	Held bool `json:"held"`
	// StreamTimeout is network.stream_timeout, in nanoseconds.
	StreamTimeout time.Duration `json:"stream_timeout"`
	// StreamIdle is network.stream_idle, below 0 for ever.
	StreamIdle time.Duration `json:"stream_idle"`

	epoch atomic.Int64 // 0 while it is not known
	born  atomic.Int64 // when the process's protocols began, since the epoch
}

// ReadWorld reads and checks a world's file.
func ReadWorld(path string) (*World, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read world: %w", err)
	}
	defer f.Close()
	w, err := DecodeWorld(f)
	if err != nil {
		return nil, fmt.Errorf("read world %s: %w", path, err)
	}
	return w, nil
}

// DecodeWorld reads and checks what [World.Write] wrote.
func DecodeWorld(r io.Reader) (*World, error) {
	var w World
	if err := decodeStrictly(r, &w); err != nil {
		return nil, err
	}
	switch {
	case w.Network.Nodes != len(w.Nodes):
		return nil, fmt.Errorf("got a network of %d and a list of %d nodes, want as many", w.Network.Nodes, len(w.Nodes))
	case w.Self < 0 || w.Self >= len(w.Nodes):
		return nil, fmt.Errorf("got self %d, want 0 to %d", w.Self, len(w.Nodes)-1)
	case w.Life < 0:
		return nil, fmt.Errorf("got life %d, want 0 or more", w.Life)
	}
	w.epoch.Store(w.Epoch)
	return &w, nil
}

// Write writes the world to a file.
func (w *World) Write(path string) error {
	b, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("write world: %w", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("write world: %w", err)
	}
	return nil
}

// Now is the time since the run began, 0 as long as it has not.
func (w *World) Now() time.Duration {
	epoch := w.epoch.Load()
	if epoch == 0 {
		return 0
	}
	return max(0, time.Duration(time.Now().UnixNano()-epoch))
}

// Born notes that the process's protocols begin now. RunTime is the time since
// the run began at a time since then.
func (w *World) Born() { w.born.Store(int64(w.Now())) }

// RunTime is the time since the run began, given that since the process's
// protocols did.
func (w *World) RunTime(since time.Duration) time.Duration {
	return time.Duration(w.born.Load()) + since
}

// Index returns a function that finds nodes by their identity.
func (w *World) Index() func(protocol.NodeID) (int, bool) {
	index := make(map[protocol.NodeID]int, len(w.Nodes))
	for i, id := range w.Nodes {
		index[id] = i
	}
	return func(id protocol.NodeID) (int, bool) {
		i, ok := index[id]
		return i, ok
	}
}

// Model builds the network model.
func (w *World) Model() (*netmodel.Model, error) { return netmodel.New(netmodel.Config(w.Network)) }

// NodeSeed is the seed of the node's random numbers, as a simulated world
// derives it.
func (w *World) NodeSeed() uint64 {
	seed := protocol.Derive(w.Seed, "node", uint64(w.Self))
	if w.Life > 0 {
		seed = protocol.Derive(seed, "life", uint64(w.Life))
	}
	return seed
}

// lifeK is by how much a process that was started again counts on: more than a
// node sends to one other in a life.
const lifeK = 1 << 24

// FirstK is Config.FirstK of the process's life.
func (w *World) FirstK() uint32 { return uint32(w.Life) * lifeK }
