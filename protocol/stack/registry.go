// Package stack builds a node out of named protocols.
//
// Which protocols a node runs is data: a scenario says stack = ["swim",
// "plumtree"], bottom first. A [Registry] knows the protocols by name, a
// [Stack] is a chosen list of them with their configurations, and
// [Stack.Build] makes one node's state machine, which routes messages, timers
// and commands to the protocol whose number they carry.
package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/starling-sim/starling/protocol"
)

// Registry is a set of protocols, found by name. It is immutable.
type Registry struct {
	specs []protocol.Spec
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// NewRegistry returns a registry of the given protocols, or an error if two of
// them claim one name, number or kind.
func NewRegistry(specs ...protocol.Spec) (*Registry, error) {
	numbers := map[uint8]string{0: "the world"}
	names := map[string]bool{}
	for _, s := range specs {
		switch {
		case !validName.MatchString(s.Name):
			return nil, fmt.Errorf("register protocol: name %q, want lower case letters, digits and underscores", s.Name)
		case names[s.Name]:
			return nil, fmt.Errorf("register protocol %q: the name is taken", s.Name)
		case numbers[s.Number] != "":
			return nil, fmt.Errorf("register protocol %q: number %d belongs to %s", s.Name, s.Number, numbers[s.Number])
		case s.NewConfig == nil || s.NewBuilder == nil:
			return nil, fmt.Errorf("register protocol %q: NewConfig and NewBuilder must be set", s.Name)
		}
		names[s.Name], numbers[s.Number] = true, s.Name
		if err := checkKinds(s); err != nil {
			return nil, fmt.Errorf("register protocol %q: %w", s.Name, err)
		}
	}
	return &Registry{specs: slices.Clone(specs)}, nil
}

func checkKinds(s protocol.Spec) error {
	check := func(what string, seen map[uint16]bool, kind uint16, name string) error {
		switch {
		case uint8(kind>>8) != s.Number:
			return fmt.Errorf("%s %s has kind %#04x, want high byte %#02x", what, name, kind, s.Number)
		case seen[kind]:
			return fmt.Errorf("%s %s has kind %#04x, which is taken", what, name, kind)
		case !strings.HasPrefix(name, s.Name+"."):
			return fmt.Errorf("%s %s: want a name that begins with %q", what, name, s.Name+".")
		}
		seen[kind] = true
		return nil
	}
	messages, timers, events, commands := map[uint16]bool{}, map[uint16]bool{}, map[uint16]bool{}, map[uint16]bool{}
	for _, m := range s.Messages {
		if m.Decode == nil {
			return fmt.Errorf("message %s has no decoder", m.Name)
		}
		if err := check("message", messages, uint16(m.Kind), m.Name); err != nil {
			return err
		}
	}
	for _, t := range s.Timers {
		if err := check("timer", timers, uint16(t.Kind), t.Name); err != nil {
			return err
		}
	}
	for _, e := range s.Events {
		if err := check("event", events, uint16(e.Kind), e.Name); err != nil {
			return err
		}
	}
	for _, c := range s.Commands {
		if err := check("command", commands, uint16(c.Kind), c.Name); err != nil {
			return err
		}
	}
	return nil
}

// Names returns the protocols' names in the order of registration.
func (r *Registry) Names() []string {
	names := make([]string, len(r.specs))
	for i, s := range r.specs {
		names[i] = s.Name
	}
	return names
}

// Lookup returns the protocol of a name.
func (r *Registry) Lookup(name string) (protocol.Spec, bool) {
	for _, s := range r.specs {
		if s.Name == name {
			return s, true
		}
	}
	return protocol.Spec{}, false
}
