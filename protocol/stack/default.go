package stack

import (
	"fmt"

	"github.com/starling-sim/starling/protocol/cyclon"
	"github.com/starling-sim/starling/protocol/flood"
	"github.com/starling-sim/starling/protocol/gossip"
	"github.com/starling-sim/starling/protocol/hyparview"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/replica"
	"github.com/starling-sim/starling/protocol/swim"
)

// Default returns the registry of this repository's protocols.
func Default() (*Registry, error) {
	r, err := NewRegistry(
		swim.Spec(),
		hyparview.Spec(),
		flood.Spec(),
		gossip.Spec(),
		cyclon.Spec(),
		plumtree.Spec(),
		replica.Spec(),
	)
	if err != nil {
		return nil, fmt.Errorf("register the default protocols: %w", err)
	}
	return r, nil
}
