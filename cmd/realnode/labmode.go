package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/cmd/realnode/transport"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// openLab reads the world that the process is part of, if it is.
func (p *parts) openLab() error {
	if p.cfg.Lab.World == "" {
		return nil
	}
	w, err := lab.ReadWorld(p.cfg.Path(p.cfg.Lab.World))
	if err != nil {
		return err
	}
	p.world = w
	return nil
}

// live runs the node's protocols. Those of a world that is held wait for whoever
// started the process, and end with it.
func (r *running) live(ctx context.Context) error {
	if r.world != nil {
		if r.world.Held {
			var err error
			if ctx, err = r.world.Hold(ctx, r.stdin); err != nil {
				return err
			}
		}
		r.world.Born()
	}
	return r.node.Run(ctx)
}

// enter gives the node what it has in a virtual world: its random numbers, a clock
// that begins with the run, and its seeds as they were given, in that order and
// itself among them if it is one.
func (p *parts) enter(c *node.Config) error {
	w := p.world
	c.Index, c.Seed, c.Restarted = uint32(w.Self), w.NodeSeed(), w.Life > 0
	c.Clock = runClock{node.SystemClock(), w}
	c.Seeds = nil
	for _, text := range p.cfg.Node.Seeds {
		s, err := plainSeed(context.Background(), text) // an address: nothing is waited for
		if err != nil {
			return err
		}
		c.Seeds = append(c.Seeds, s)
		// Who is told of a node in a virtual world can also reach it.
		if err := p.network.Introduce(s.ID, s.Contact); err != nil {
			return fmt.Errorf("seed %q: %w", text, err)
		}
	}
	return nil
}

// runClock is the system's clock, but for the wall clock, which shows the time
// since the run began.
type runClock struct {
	node.Clock
	world *lab.World
}

func (c runClock) Wall() time.Time { return time.Unix(0, int64(c.world.Now())) }

// newShim puts the world's network above the transport.
func (p *parts) newShim(t *transport.Transport, up *upward) (*lab.Shim, error) {
	model, err := p.world.Model()
	if err != nil {
		return nil, err
	}
	return lab.New(lab.Config{
		Self: p.world.Self, Index: p.world.Index(), Model: model, Lower: below{t}, Now: p.world.Now,
		Deliver:       func(from protocol.NodeID, frame []byte) { up.hand(from, frame, false) },
		Broken:        up.tellBroken,
		StreamTimeout: p.world.StreamTimeout, StreamIdle: p.world.StreamIdle,
		FirstK: p.world.FirstK(),
	})
}

// labMode is what the admin interface does in lab mode.
type labMode struct{ *parts }

var _ admin.Lab = labMode{}

// Command has a protocol do something, by the command's name.
func (l labMode) Command(ctx context.Context, c admin.Command) error {
	var names []string
	for _, spec := range l.specs {
		for _, command := range spec.Commands {
			if command.Name == c.Name {
				return l.node.WorkloadCommand(ctx, protocol.Command{Kind: command.Kind, Key: c.Key, Value: c.Value, Args: c.Args}, c.Workload)
			}
			names = append(names, command.Name)
		}
	}
	return admin.Invalid(fmt.Errorf("unknown command %q (valid: %s)", c.Name, strings.Join(names, ", ")))
}

// Apply begins a network rule.
func (l labMode) Apply(_ context.Context, rule json.RawMessage) (uint64, error) {
	if l.shim == nil {
		return 0, errNoWorld
	}
	r, err := lab.DecodeRule(bytes.NewReader(rule))
	if err != nil {
		return 0, admin.Invalid(err)
	}
	id, err := l.shim.Apply(r)
	if err != nil {
		return 0, admin.Invalid(err)
	}
	return uint64(id), nil
}

// Remove ends a network rule.
func (l labMode) Remove(_ context.Context, id uint64) error {
	if l.shim == nil {
		return errNoWorld
	}
	if err := l.shim.Remove(netmodel.RuleID(id)); err != nil {
		return admin.Invalid(err)
	}
	return nil
}

var errNoWorld = fmt.Errorf("the node has no network of its own ([lab] world): %w", admin.ErrNotSupported)

// Counters are the traffic so far, by name.
func (l labMode) Counters(context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	s := l.node.Stats()
	for _, k := range s.Kinds {
		for what, n := range map[string]uint64{"in": k.In, "in_bytes": k.InBytes, "out": k.Out, "out_bytes": k.OutBytes} {
			if n > 0 {
				out["kind."+k.Name+"."+what] = n
			}
		}
	}
	out["timers"], out["streams_broken"], out["refused"] = s.TimersFired, s.StreamsBroken, s.Refused
	out["subscribers"] = uint64(l.observer.Subscribers())
	out["observation_dropped"] = l.observer.Dropped()["queue"] + l.observer.Dropped()["subscriber"]
	for why, n := range s.Dropped {
		if n > 0 {
			out["dropped."+node.Drop(why).String()] = n
		}
	}
	t := l.traffic.Snapshot()
	out["datagrams_out"], out["datagram_bytes_out"] = t.DatagramsOut, t.DatagramBytesOut
	out["stream_frames_out"], out["stream_bytes_out"] = t.StreamFramesOut, t.StreamBytesOut
	if l.shim != nil {
		st := l.shim.Stats()
		out["shim.datagrams"], out["shim.stream_messages"] = st.Datagrams, st.StreamMessages
		out["shim.duplicated"], out["shim.corrupted"] = st.Duplicated, st.Corrupted
		out["shim.late_ns"], out["shim.most_late_ns"] = uint64(st.Late), uint64(st.MostLate)
		for _, spec := range l.specs {
			for _, m := range spec.Messages {
				if t, ok := st.Sent[m.Kind]; ok {
					out["shim.sent."+m.Name], out["shim.sent_bytes."+m.Name] = t.Messages, t.Bytes
				}
			}
		}
		for why, n := range st.Lost {
			out["shim.lost."+string(why)] = n
		}
	}
	return out, nil
}
