package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Event is a record in the form in which people and programs outside read it.
type Event struct {
	// Time is the node's wall clock.
	Time time.Time
	// Node is where it happened.
	Node protocol.NodeID
	// Name is "protocol.event", as in the protocol's specification.
	Name string
	// Peer is the node that the event is about, zero if about no other.
	Peer protocol.NodeID
	// Args are the arguments that the specification names, in its order.
	Args []Arg
}

// Arg is an argument of an event.
type Arg struct {
	Name  string
	Value uint64
}

// NameMissed is the name of an event that no protocol emits: a subscriber could
// not keep up and misses as many events as the argument "count" says.
const NameMissed = "observe.missed"

// Arg returns the argument of a name, and whether there is one.
func (e Event) Arg(name string) (uint64, bool) {
	for _, a := range e.Args {
		if a.Name == name {
			return a.Value, true
		}
	}
	return 0, false
}

// maxExact is the largest integer below which JSON readers that know only
// floating point read all integers exactly (RFC 8259, section 6).
const maxExact = 1<<53 - 1

// hexadecimal tells whether an argument is a name and not a quantity: the
// identity of a node or a message, or a hash.
func (a Arg) hexadecimal() bool {
	switch a.Name {
	case "accuser", "message", "key", "xxh3":
		return true
	}
	return a.Value > maxExact
}

// String returns the argument's value as JSON has it, but without quotes.
func (a Arg) String() string {
	if a.hexadecimal() {
		return protocol.NodeID(a.Value).String()
	}
	return strconv.FormatUint(a.Value, 10)
}

// eventHead is an event's JSON but for its arguments, which have an order.
type eventHead struct {
	Time time.Time       `json:"time"`
	Node string          `json:"node"`
	Name string          `json:"name"`
	Peer string          `json:"peer,omitempty"`
	Args json.RawMessage `json:"args,omitempty"`
}

// MarshalJSON writes an object with time (RFC 3339), node, name, peer (left out
// if there is none) and args, an object. Identities and hashes, and all numbers
// of more than 53 bits, are strings of 16 hexadecimal digits.
func (e Event) MarshalJSON() ([]byte, error) {
	head := eventHead{Time: e.Time.UTC(), Node: e.Node.String(), Name: e.Name}
	if e.Peer != 0 {
		head.Peer = e.Peer.String()
	}
	if len(e.Args) > 0 {
		head.Args = append(head.Args, '{')
		for i, a := range e.Args {
			if i > 0 {
				head.Args = append(head.Args, ',')
			}
			name, err := json.Marshal(a.Name)
			if err != nil {
				return nil, fmt.Errorf("marshal event %s: argument %q: %w", e.Name, a.Name, err)
			}
			head.Args = append(append(head.Args, name...), ':')
			if a.hexadecimal() {
				head.Args = append(append(append(head.Args, '"'), a.String()...), '"')
			} else {
				head.Args = append(head.Args, a.String()...)
			}
		}
		head.Args = append(head.Args, '}')
	}
	return json.Marshal(head)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Event) UnmarshalJSON(b []byte) error {
	var head eventHead
	if err := json.Unmarshal(b, &head); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	got := Event{Time: head.Time, Name: head.Name}
	var err error
	if got.Node, err = protocol.ParseNodeID(head.Node); err != nil {
		return fmt.Errorf("read event %q: node: %w", head.Name, err)
	}
	if head.Peer != "" {
		if got.Peer, err = protocol.ParseNodeID(head.Peer); err != nil {
			return fmt.Errorf("read event %q: peer: %w", head.Name, err)
		}
	}
	if got.Args, err = readArgs(head.Args); err != nil {
		return fmt.Errorf("read event %q: %w", head.Name, err)
	}
	*e = got
	return nil
}

// readArgs reads an object of numbers and of hexadecimal strings, keeping its
// order.
func readArgs(b []byte) ([]Arg, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("got arguments %.40s, want an object", b)
	}
	var args []Arg
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("arguments: %w", err)
		}
		value, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("argument %v: %w", name, err)
		}
		a := Arg{Name: fmt.Sprint(name)}
		switch v := value.(type) {
		case json.Number:
			a.Value, err = strconv.ParseUint(v.String(), 10, 64)
		case string:
			var id protocol.NodeID
			id, err = protocol.ParseNodeID(v)
			a.Value = uint64(id)
		default:
			err = fmt.Errorf("got %v, want a number or a string", value)
		}
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", a.Name, err)
		}
		args = append(args, a)
	}
	return args, nil
}
