package real

import (
	"fmt"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/protocol"
)

// missed is the name of what a node reports when a reader of its events is too
// slow (package observe).
const missed = "observe.missed"

// record turns what a node reports into a record.
func record(e admin.Event, index uint32) (protocol.Record, error) {
	r := protocol.Record{
		Time: max(0, e.TimeNS), Index: index, Event: protocol.Event{Kind: protocol.EventKind(e.Kind), Args: e.Args},
	}
	var err error
	if r.Node, err = protocol.ParseNodeID(e.Node); err != nil {
		return r, fmt.Errorf("event %s: node: %w", e.Name, err)
	}
	if e.Peer != "" {
		if r.Event.Peer, err = protocol.ParseNodeID(e.Peer); err != nil {
			return r, fmt.Errorf("event %s: peer: %w", e.Name, err)
		}
	}
	if e.Kind == 0 {
		return r, fmt.Errorf("event %s: it has no kind", e.Name)
	}
	return r, nil
}
