package node

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// initialKey tells, in the store, that it was filled: initialBegun, then
// initialDone. Without it a node that was killed meanwhile would take the part for
// the whole.
const (
	initialKey   = "node/initial"
	initialBegun = 0
	initialDone  = 1
)

// Fill writes what a node finds on its disk before it first starts
// ([protocol.Spec].Initial) to a store that is empty, and nothing to one that is
// not. It goes on where a process was killed in the middle. What was written has
// been synced when it returns. The seed is the scenario's.
func Fill(s protocol.Store, initial protocol.Initial, seed uint64, id protocol.NodeID) error {
	if initial.Shared == nil && initial.Own == nil {
		return nil
	}
	due, err := unfilled(s)
	if err != nil {
		return fmt.Errorf("look whether the store is empty: %w", err)
	}
	if !due {
		return nil
	}
	if err := markInitial(s, initialBegun); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	if initial.Shared != nil {
		if err := initial.Shared(s); err != nil {
			return fmt.Errorf("fill the store with what all nodes have: %w", err)
		}
	}
	if initial.Own != nil {
		if err := initial.Own(s, seed, id); err != nil {
			return fmt.Errorf("fill the store with what node %v has: %w", id, err)
		}
	}
	// The log keeps the order: if this is there, so is all before.
	if err := markInitial(s, initialDone); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	return nil
}

// unfilled tells whether a store is to be filled.
func unfilled(s protocol.Store) (bool, error) {
	empty := true
	if err := s.Scan(nil, nil, func(_, _ []byte) bool { empty = false; return false }); err != nil || empty {
		return empty, err
	}
	mark, ok, err := s.Get([]byte(initialKey))
	return ok && len(mark) == 1 && mark[0] == initialBegun, err
}

func markInitial(s protocol.Store, mark byte) error {
	var b protocol.Batch
	b.Set([]byte(initialKey), []byte{mark})
	if err := s.Apply(&b); err != nil {
		return err
	}
	return s.Sync()
}
