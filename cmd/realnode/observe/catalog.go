package observe

import (
	"fmt"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Catalog knows the events of a stack, and those of the world, by kind and by
// name. It is immutable.
type Catalog struct {
	kinds map[protocol.EventKind]*kind
	names map[string]*kind
}

// kind is what is known of a kind of event.
type kind struct {
	protocol.EventSpec
	protocol, short string // the name's two parts
}

// NewCatalog returns the catalog of the protocols' events and of the world's.
// Two events of one kind or name are an error.
func NewCatalog(specs []protocol.Spec) (*Catalog, error) {
	c := &Catalog{kinds: map[protocol.EventKind]*kind{}, names: map[string]*kind{}}
	events := protocol.WorldEvents()
	for _, s := range specs {
		events = append(events, s.Events...)
	}
	for _, e := range events {
		owner, short, ok := strings.Cut(e.Name, ".")
		switch {
		case !ok:
			return nil, fmt.Errorf("catalog of events: got name %q, want protocol.event", e.Name)
		case c.kinds[e.Kind] != nil:
			return nil, fmt.Errorf("catalog of events: %s and %s have the kind %#04x", c.kinds[e.Kind].Name, e.Name, uint16(e.Kind))
		case c.names[e.Name] != nil:
			return nil, fmt.Errorf("catalog of events: %s is there twice", e.Name)
		case len(e.Args) > len(protocol.Event{}.Args):
			return nil, fmt.Errorf("catalog of events: %s has %d arguments, want at most %d", e.Name, len(e.Args), len(protocol.Event{}.Args))
		case aboutMessage(e.Role) && len(e.Args) < 2:
			return nil, fmt.Errorf("catalog of events: %s names %d arguments, want the two of its role", e.Name, len(e.Args))
		}
		k := &kind{EventSpec: e, protocol: owner, short: short}
		c.kinds[e.Kind], c.names[e.Name] = k, k
	}
	return c, nil
}

// aboutMessage tells whether a role gives an event's first two arguments their
// meaning.
func aboutMessage(r protocol.EventRole) bool {
	return r == protocol.RoleBroadcast || r == protocol.RoleDeliver || r == protocol.RoleDuplicate
}

// Event returns a record as an event. Start is when the record's clock stood at
// zero. An event that no specification describes is named after its kind, and
// has no arguments.
func (c *Catalog) Event(start time.Time, r protocol.Record) Event {
	e := Event{
		Time: start.Round(0).Add(time.Duration(r.Time)), // without the monotonic reading, which goes no further than this process
		Node: r.Node,
		Peer: r.Event.Peer,
	}
	k := c.kinds[r.Event.Kind]
	if k == nil {
		e.Name = fmt.Sprintf("unknown.%#04x", uint16(r.Event.Kind))
		return e
	}
	e.Name = k.Name
	if len(k.Args) > 0 {
		e.Args = make([]Arg, len(k.Args))
		for i, name := range k.Args {
			e.Args[i] = Arg{Name: name, Value: r.Event.Args[i]}
		}
	}
	return e
}

// Record is the inverse of Event: what a reader of a node's events needs to feed
// a measure. The record's Index is zero; who knows the nodes fills it in. An
// event of a name that the catalog has not is an error, NameMissed too.
func (c *Catalog) Record(start time.Time, e Event) (protocol.Record, error) {
	k := c.names[e.Name]
	if k == nil {
		return protocol.Record{}, fmt.Errorf("record of event: unknown name %q", e.Name)
	}
	r := protocol.Record{
		Time:  int64(e.Time.Sub(start.Round(0))),
		Node:  e.Node,
		Event: protocol.Event{Kind: k.Kind, Peer: e.Peer},
	}
	for i, name := range k.Args {
		v, ok := e.Arg(name)
		if !ok {
			return protocol.Record{}, fmt.Errorf("record of event: %s lacks the argument %q", e.Name, name)
		}
		r.Event.Args[i] = v
	}
	return r, nil
}
