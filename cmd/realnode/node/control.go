package node

import (
	"context"
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// request is something that the loop does for a caller who waits.
type request struct {
	do   func()
	done chan struct{}
}

// Do has the loop call f, and returns when f has returned. Layers are the stack's
// protocols, bottom first; they and env are valid during the call only. The error
// is the context's if the loop did not get to it in time, or [ErrStopped].
func (n *Node) Do(ctx context.Context, f func(env protocol.Env, layers []protocol.Protocol)) error {
	r := request{do: func() { f(env{n}, n.layers) }, done: make(chan struct{})}
	select {
	case n.requests <- r:
	case <-n.done:
		return ErrStopped
	case <-ctx.Done():
		return fmt.Errorf("waiting for the node's loop: %w", ctx.Err())
	}
	// From here on f is running or about to: to return before it does would
	// have it write to what its caller believes its own.
	select {
	case <-r.done:
		return nil
	case <-n.done:
	}
	select {
	case <-r.done:
		return nil
	default:
		return ErrStopped
	}
}

// Inspect is Do for who only looks.
func (n *Node) Inspect(ctx context.Context, f func(layers []protocol.Protocol)) error {
	return n.Do(ctx, func(_ protocol.Env, layers []protocol.Protocol) { f(layers) })
}

// Command has the protocol that c belongs to carry it out. The error is why that
// refused, or as of [Node.Do]. The slices in c must not be changed afterwards.
func (n *Node) Command(ctx context.Context, c protocol.Command) error {
	return n.WorkloadCommand(ctx, c, 0)
}

// WorkloadCommand is Command on behalf of a scenario's workload, whose index goes
// into the record ([protocol.EventCommand]).
func (n *Node) WorkloadCommand(ctx context.Context, c protocol.Command, workload uint64) error {
	var refused error
	if err := n.Do(ctx, func(protocol.Env, []protocol.Protocol) { refused = n.command(c, workload) }); err != nil {
		return fmt.Errorf("command %#04x: %w", uint16(c.Kind), err)
	}
	return refused
}

func (n *Node) command(c protocol.Command, workload uint64) error {
	// The record of the command comes before those of what it brings about, but
	// whether it was refused is known after it only.
	r := n.record(protocol.Event{Kind: protocol.EventCommand, Args: [3]uint64{uint64(c.Kind), workload}})
	n.holding = true
	refused := n.carryOut(c)
	n.holding = false
	if refused != nil {
		r.Event.Args[2] = 1
	}
	if n.cfg.Observer != nil {
		n.cfg.Observer.Observe(r)
	}
	n.release()
	return refused
}

func (n *Node) carryOut(c protocol.Command) error {
	h, ok := n.proto.(protocol.CommandHandler)
	if !ok {
		return fmt.Errorf("command %#04x: no protocol of this node takes it", uint16(c.Kind))
	}
	return h.Command(env{n}, c)
}

// Leave has the protocols say goodbye and waits until Run is over, which takes as
// long as the slowest goodbye; the node runs on meanwhile. To leave again is to
// wait for the same end. The error is the context's, if that is done before; the
// node leaves all the same.
func (n *Node) Leave(ctx context.Context) error {
	err := n.Do(ctx, func(protocol.Env, []protocol.Protocol) { n.leave() })
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	select {
	case <-n.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("leave: saying goodbye: %w", ctx.Err())
	}
}

func (n *Node) leave() {
	if n.leaving {
		return
	}
	n.leaving = true
	n.count.leaving.Store(true)
	n.report(protocol.Event{Kind: protocol.EventNodeLeaving})
	var takes time.Duration
	if l, ok := n.proto.(protocol.Leaver); ok {
		takes = l.Leave(env{n})
	}
	n.leaveAt = later(n.now(), max(takes, 0))
}

// left is the end of a node that left.
func (n *Node) left() {
	n.report(protocol.Event{Kind: protocol.EventNodeLeft})
	n.stale = true
	n.writeMark(n.now() + 1) // no need to keep as far away as after a crash
}

// Done is closed when Run is over.
func (n *Node) Done() <-chan struct{} { return n.done }
