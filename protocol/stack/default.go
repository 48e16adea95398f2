package stack

import (
	"fmt"

	"github.com/starling-sim/starling/protocol/swim"
)

// Default returns the registry of this repository's protocols.
func Default() (*Registry, error) {
	r, err := NewRegistry(
		swim.Spec(),
	)
	if err != nil {
		return nil, fmt.Errorf("register the default protocols: %w", err)
	}
	return r, nil
}
