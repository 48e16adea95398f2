package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/cmd/realnode/observe"
	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/cmd/realnode/tunnel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/membertable"
)

// inspector is what the admin interface sees of a process.
type inspector struct {
	*parts
	leave func()          // begins the end of the process
	over  <-chan struct{} // closed when all but the interface has ended
}

var _ admin.Node = inspector{}

// Layers are looked at by what they can, as protocols look at each other.
type (
	hasTable     interface{ Table() membertable.Table }
	hasNeighbors interface{ Neighbors() []protocol.NodeID }
	hasPassive   interface{ Passive() []protocol.NodeID }
	hasEager     interface {
		Eager(origin protocol.NodeID) []protocol.NodeID
	}
	delivers interface {
		OnDeliver(f func(env protocol.Env, m broadcast.Message))
	}
)

// find returns the first layer that is a T, bottom first, and its name.
func find[T any](specs []protocol.Spec, layers []protocol.Protocol) (found T, name string, ok bool) {
	for i, l := range layers {
		if t, is := l.(T); is {
			return t, specs[i].Name, true
		}
	}
	return found, "", false
}

// Status implements admin.Node.
func (n inspector) Status(ctx context.Context) (admin.Status, error) {
	s := admin.Status{
		ID: n.id.String(), Name: n.cfg.Node.Name, Version: version(), Stack: n.cfg.Stack,
		Transport: n.cfg.Transport.Kind, Listen: n.listen.String(),
		Contact: base64.StdEncoding.EncodeToString(n.network.Contact(n.id)),
		Started: n.began, UptimeS: time.Since(n.began).Seconds(), PID: os.Getpid(), Lab: n.cfg.Lab.Enabled,
	}
	err := n.node.Inspect(ctx, func(layers []protocol.Protocol) {
		if t, _, ok := find[hasTable](n.specs, layers); ok {
			s.Members = t.Table().CountIn(membertable.SetOf(membertable.Alive, membertable.Suspect))
		}
		if o, _, ok := find[hasNeighbors](n.specs, layers); ok {
			s.Links = len(o.Neighbors())
		}
		s.Map = n.mapOf(layers)
	})
	state := n.health.Ready(ctx)
	s.Ready = state.OK()
	for name, check := range state.Checks {
		if !check.OK {
			if s.Wrong == nil {
				s.Wrong = map[string]string{}
			}
			s.Wrong[name] = check.Error
		}
	}
	return s, err
}

// Members implements admin.Node.
func (n inspector) Members(ctx context.Context) ([]admin.Member, error) {
	var table membertable.Table
	var has bool
	err := n.node.Inspect(ctx, func(layers []protocol.Protocol) {
		var t hasTable
		if t, _, has = find[hasTable](n.specs, layers); has {
			table = t.Table() // immutable
		}
	})
	if err == nil && !has {
		err = fmt.Errorf("no protocol of the stack keeps a list of members: %w", admin.ErrNotSupported)
	}
	if err != nil {
		return nil, err
	}
	members := []admin.Member{}
	for m := range table.All() {
		members = append(members, admin.Member{
			ID: m.ID.String(), Status: m.Status.String(), Incarnation: m.Incarnation,
			Address: n.address(m.ID, []byte(m.Contact)), Metadata: m.Metadata, Self: m.ID == n.id,
		})
	}
	return members, nil
}

// address is where a contact says that a node is.
func (n inspector) address(id protocol.NodeID, contact []byte) string {
	if len(contact) == 0 {
		contact = n.network.Contact(id)
	}
	if n.tunnel == nil {
		return plainAddress(contact)
	}
	c, err := tunnel.DecodeContact(contact)
	if err != nil {
		return ""
	}
	return c.Endpoint.String()
}

// plainAddress is a contact of plain transport as text. Anybody can have written
// it: what is no address is nothing.
func plainAddress(contact []byte) string {
	at, err := transport.ParsePlainContact(contact)
	if err != nil {
		return ""
	}
	return at.String()
}

// View implements admin.Node.
func (n inspector) View(ctx context.Context) (admin.View, error) {
	v := admin.View{Active: []admin.Link{}}
	has := false
	err := n.node.Inspect(ctx, func(layers []protocol.Protocol) {
		var o hasNeighbors
		if o, v.Protocol, has = find[hasNeighbors](n.specs, layers); !has {
			return
		}
		for _, id := range o.Neighbors() {
			v.Active = append(v.Active, admin.Link{ID: id.String(), Address: n.address(id, nil)})
		}
		if p, ok := o.(hasPassive); ok {
			for _, id := range p.Passive() {
				v.Passive = append(v.Passive, id.String())
			}
		}
		if e, _, ok := find[hasEager](n.specs, layers); ok {
			for _, id := range e.Eager(n.id) {
				v.Eager = append(v.Eager, id.String())
			}
		}
	})
	if err == nil && !has {
		err = fmt.Errorf("no protocol of the stack is an overlay: %w", admin.ErrNotSupported)
	}
	return v, err
}

// Broadcast implements admin.Node.
func (n inspector) Broadcast(ctx context.Context, payload []byte) error {
	for i := len(n.specs) - 1; i >= 0; i-- {
		for _, c := range n.specs[i].Commands {
			if c.Name == n.specs[i].Name+".broadcast" {
				return n.node.Command(ctx, protocol.Command{Kind: c.Kind, Value: payload})
			}
		}
	}
	return fmt.Errorf("no protocol of the stack broadcasts: %w", admin.ErrNotSupported)
}

// Leave implements admin.Node.
func (n inspector) Leave(context.Context) error {
	n.leave()
	return nil
}

// Events implements admin.Node.
func (n inspector) Events(ctx context.Context) (<-chan admin.Event, error) {
	from := n.observer.Subscribe(ctx)
	to := make(chan admin.Event, 64)
	go func() {
		defer close(to)
		for e := range from {
			out := n.event(e)
			out.Payload = n.payload(ctx, e)
			select {
			case to <- out:
			case <-ctx.Done():
				return
			}
		}
		// The stream ends when the process does, not with the last event.
		select {
		case <-n.over:
		case <-ctx.Done():
		}
	}()
	return to, nil
}

func (n inspector) event(e observe.Event) admin.Event {
	out := admin.Event{
		TimeNS: n.runTime(e.Time).Nanoseconds(), Node: e.Node.String(), Name: e.Name,
	}
	if e.Peer != 0 {
		out.Peer = e.Peer.String()
	}
	if r, err := n.observer.Catalog().Record(n.began, e); err == nil {
		out.Kind, out.Args = uint16(r.Event.Kind), r.Event.Args
	}
	for _, a := range e.Args {
		if out.Text == nil {
			out.Text = map[string]string{}
		}
		out.Text[a.Name] = a.String()
	}
	return out
}

// runTime is the time since the run began that the process is part of, or since
// the process did.
func (n inspector) runTime(t time.Time) time.Duration {
	if n.world != nil {
		return n.world.RunTime(t.Sub(n.began.Round(0)))
	}
	return t.Sub(n.began)
}

// onDeliver has f called with each broadcast that arrives. It returns an error if
// no protocol of the stack delivers any.
func (p *parts) onDeliver(ctx context.Context, f func(m broadcast.Message)) error {
	has := false
	err := p.node.Inspect(ctx, func(layers []protocol.Protocol) {
		var d delivers
		if d, _, has = find[delivers](p.specs, layers); has {
			d.OnDeliver(func(_ protocol.Env, m broadcast.Message) { f(m) })
		}
	})
	if err == nil && !has {
		err = errors.New("no protocol of the stack delivers broadcasts")
	}
	return err
}
