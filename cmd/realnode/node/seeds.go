package node

import (
	"fmt"
	"slices"

	"github.com/starling-sim/starling/protocol"
)

// SetSeeds replaces the nodes that this one was told to start from. Protocols see
// the new list the next time they look at it: those that look for company do so
// by themselves, at their own intervals. It may be called at any time, before Run
// too, and does not wait for the loop. The list is copied: the one that protocols
// were given stays as it is.
func (n *Node) SetSeeds(seeds []protocol.Peer) error {
	for _, p := range seeds {
		if p.ID == 0 || len(p.Contact) > protocol.MaxContact {
			return fmt.Errorf("seed %v: want an identity and a contact of at most %d bytes, got %d", p.ID, protocol.MaxContact, len(p.Contact))
		}
	}
	seeds = slices.Clone(seeds)
	n.seeds.Store(&seeds)
	return nil
}
