package stack

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Stack is a list of protocols, bottom first, with their configurations.
type Stack struct {
	specs    []protocol.Spec
	builders []protocol.Builder
	initials []protocol.Initial
	routes   routes
}

// routes gives, by protocol number, the index of its layer plus one.
type routes [256]uint8

// New returns the stack of the named protocols. Configs holds, by name, values
// that the protocol's NewConfig returned; a protocol that is not in it runs
// with its defaults. It trial-builds one node, so that a stack whose parts do
// not fit is refused here.
func (r *Registry) New(names []string, configs map[string]any) (*Stack, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("build stack: no protocol named, want some of %s", strings.Join(r.Names(), ", "))
	}
	st := &Stack{}
	seen := map[string]bool{}
	for _, name := range names {
		spec, ok := r.Lookup(name)
		if !ok {
			return nil, fmt.Errorf("build stack: unknown protocol %q, want some of %s", name, strings.Join(r.Names(), ", "))
		}
		if seen[name] {
			return nil, fmt.Errorf("build stack: protocol %q is named twice", name)
		}
		seen[name] = true
		config, ok := configs[name]
		if !ok {
			config = spec.NewConfig()
		}
		if spec.Check != nil {
			if err := spec.Check(config); err != nil {
				return nil, fmt.Errorf("configure %s: %w", name, err)
			}
		}
		st.specs = append(st.specs, spec)
		st.routes[spec.Number] = uint8(len(st.specs))
		st.builders = append(st.builders, spec.NewBuilder(config))
		if spec.Initial != nil {
			st.initials = append(st.initials, spec.Initial(config))
		}
	}
	if _, err := st.Build(); err != nil {
		return nil, err
	}
	return st, nil
}

// Specs returns the protocols of the stack, bottom first.
func (st *Stack) Specs() []protocol.Spec { return st.specs }

// Initial returns what nodes find on their disks before they first start, all
// protocols together. Its functions are nil if there is nothing.
func (st *Stack) Initial() protocol.Initial {
	var out protocol.Initial
	for _, one := range st.initials {
		if before := out.Shared; before == nil {
			out.Shared = one.Shared
		} else if one.Shared != nil {
			out.Shared = func(s protocol.Store) error { return errors.Join(before(s), one.Shared(s)) }
		}
		if before := out.Own; before == nil {
			out.Own = one.Own
		} else if one.Own != nil {
			out.Own = func(s protocol.Store, seed uint64, id protocol.NodeID) error {
				return errors.Join(before(s, seed, id), one.Own(s, seed, id))
			}
		}
	}
	return out
}

// Decoders returns the decoders of all messages of the stack.
func (st *Stack) Decoders() protocol.Decoders {
	d := protocol.Decoders{}
	for _, s := range st.specs {
		for _, m := range s.Messages {
			d[m.Kind] = m.Decode
		}
	}
	return d
}

// Build returns the state machine of one node. A stack of one protocol is that
// protocol itself.
func (st *Stack) Build() (protocol.Protocol, error) {
	layers := make([]protocol.Protocol, 0, len(st.builders))
	for i, build := range st.builders {
		p, err := build(layers)
		if err != nil {
			return nil, fmt.Errorf("build stack: %s: %w", st.specs[i].Name, err)
		}
		layers = append(layers, p)
	}
	if len(layers) == 1 {
		return layers[0], nil
	}
	return &node{layers: layers, routes: &st.routes}, nil
}

// node is a state machine made of several, which routes by protocol number.
type node struct {
	layers []protocol.Protocol
	routes *routes // shared by all nodes of the stack
}

// Layers returns the protocols of a node that a Stack built, bottom first.
func Layers(p protocol.Protocol) []protocol.Protocol {
	if n, ok := p.(*node); ok {
		return n.layers
	}
	return []protocol.Protocol{p}
}

func (n *node) layer(number uint8) protocol.Protocol {
	if i := n.routes[number]; i > 0 {
		return n.layers[i-1]
	}
	return nil
}

// Start starts the lowest protocol first: those above find it running.
func (n *node) Start(env protocol.Env) {
	for _, p := range n.layers {
		p.Start(env)
	}
}

func (n *node) Receive(env protocol.Env, from protocol.NodeID, m protocol.Message) {
	if p := n.layer(m.Kind().Protocol()); p != nil {
		p.Receive(env, from, m)
	}
}

func (n *node) Timer(env protocol.Env, t protocol.Timer) {
	if p := n.layer(t.Kind.Protocol()); p != nil {
		p.Timer(env, t)
	}
}

func (n *node) StreamBroken(env protocol.Env, peer protocol.NodeID) {
	for _, p := range n.layers {
		if h, ok := p.(protocol.StreamBreakHandler); ok {
			h.StreamBroken(env, peer)
		}
	}
}

// Leave says goodbye from the top down and takes as long as the slowest.
func (n *node) Leave(env protocol.Env) time.Duration {
	var longest time.Duration
	for i := len(n.layers) - 1; i >= 0; i-- {
		if l, ok := n.layers[i].(protocol.Leaver); ok {
			longest = max(longest, l.Leave(env))
		}
	}
	return longest
}

func (n *node) Command(env protocol.Env, c protocol.Command) error {
	h, ok := n.layer(c.Kind.Protocol()).(protocol.CommandHandler)
	if !ok {
		return fmt.Errorf("command %#04x: no protocol of this node takes it", uint16(c.Kind))
	}
	return h.Command(env, c)
}
