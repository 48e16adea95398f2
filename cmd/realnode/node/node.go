package node

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/stack"
)

// How much of a kind a turn of the loop does at most.
const (
	timersATurn   = 256
	requestsATurn = 4
	messagesATurn = 64
	// bytesATurn bounds what the messages of a turn may come to, for they are
	// out of the inbox's bounds.
	bytesATurn = 1 << 20
)

// ErrStopped is returned for what can no longer be done because the node does
// not run any more.
var ErrStopped = errors.New("the node has stopped")

// PanicError is what Run returns after a panic.
type PanicError struct {
	Value any
	Stack []byte
}

// Error returns the value; the stack is in the log.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in the node's loop: %v", e.Value) }

// Node is a node. Its methods may be called from any goroutine but the loop's
// own.
type Node struct {
	cfg         Config
	proto       protocol.Protocol
	layers      []protocol.Protocol
	decoders    protocol.Decoders
	maxDatagram int

	inbox    *inbox
	requests chan request
	seeds    atomic.Pointer[[]protocol.Peer] // a list that is never written to
	started  atomic.Bool
	done     chan struct{} // closed at the end of Run
	count    counters

	// The rest is the loop's.
	timers  timers
	taken   []item
	rand    protocol.Rand
	scratch []byte

	// The node's time is base plus what the clock has gained since began. stale
	// says that current is to be read anew.
	base, current  protocol.Time
	began, reading time.Duration
	stale          bool
	alarm          Alarm
	alarmAt        protocol.Time // 0 if it is not set
	markAt         protocol.Time

	leaving bool
	leaveAt protocol.Time

	storeFailing bool
	holding      bool
	held         []protocol.Record
}

// New returns a node that does not run yet. It may be given to its transport
// already: what arrives waits in the inbox.
func New(c Config) (*Node, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("make node %v: %w", c.ID, err)
	}
	if c.Seed == 0 {
		var b [8]byte
		cryptorand.Read(b[:]) // does not fail
		c.Seed = binary.LittleEndian.Uint64(b[:])
	}
	proto, err := c.Stack.Build()
	if err != nil {
		return nil, fmt.Errorf("make node %v: %w", c.ID, err)
	}
	n := &Node{
		cfg: c, proto: proto, layers: stack.Layers(proto), decoders: c.Stack.Decoders(),
		maxDatagram: c.Transport.MaxDatagram() - protocol.FrameOverhead,
		inbox:       newInbox(&c.Inbox),
		requests:    make(chan request),
		done:        make(chan struct{}),
		taken:       make([]item, 0, messagesATurn),
		rand:        protocol.NewRand(c.Seed),
	}
	if err := n.SetSeeds(c.Seeds); err != nil {
		return nil, fmt.Errorf("make node %v: %w", c.ID, err)
	}
	n.count.init(c.Stack)
	return n, nil
}

// Run starts the protocols and runs them until the node has left, which is no
// error, until ctx is done, which ends it without a goodbye and returns the
// context's error, or until something panics ([PanicError]). It can be called
// once.
func (n *Node) Run(ctx context.Context) (err error) {
	if n.started.Swap(true) {
		return fmt.Errorf("run node %v: it was run before", n.cfg.ID)
	}
	n.count.running.Store(true)
	defer func() {
		if p := recover(); p != nil {
			trace := debug.Stack()
			n.cfg.Logger.Error("the node's loop panicked", "panic", p, "stack", string(trace))
			err = &PanicError{Value: p, Stack: trace}
		}
		if err != nil {
			err = fmt.Errorf("run node %v: %w", n.cfg.ID, err)
		}
	}()
	// Apart from the above, so that it is done before anybody hears of the end,
	// whatever the end is.
	defer func() {
		n.count.running.Store(false)
		close(n.done)
		n.inbox.close()
	}()
	n.alarm = n.cfg.Clock.NewAlarm()
	defer n.alarm.Stop()
	n.start()
	return n.loop(ctx)
}

// start is the beginning of the protocols' life.
func (n *Node) start() {
	n.holding = true // a store that fails is no news of a node that has not started
	n.begin()
	n.holding = false
	kind := protocol.EventNodeStarted
	if n.cfg.Restarted {
		kind = protocol.EventNodeRestarted
	}
	n.report(protocol.Event{Kind: kind})
	n.release()
	n.proto.Start(env{n})
}

func (n *Node) loop(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n.count.turns.Add(1)
		n.stale = true
		n.fireTimers()
		if n.leaving && n.now() >= n.leaveAt {
			n.left()
			return nil
		}
		if n.answerRequests() {
			n.stale = true
			n.fireTimers() // that may have taken a while
		}
		n.receiveMessages()
		n.count.timers.Store(int64(n.timers.len()))
		n.wait(ctx)
	}
}

// fireTimers fires the timers that are due by now.
func (n *Node) fireTimers() {
	now := n.now()
	if now >= n.markAt {
		n.writeMark(now.Add(markAhead))
	}
	for fired := 0; fired < timersATurn && n.timers.len() > 0 && n.timers.first().due <= now; fired++ {
		t := n.timers.pop()
		if fired == 0 && n.cfg.Lag != nil {
			n.cfg.Lag(now.Sub(t.due))
		}
		n.stale = true
		n.count.fired.Add(1)
		n.proto.Timer(env{n}, t.timer)
	}
}

// answerRequests does what callers wait for. It returns whether anybody did.
func (n *Node) answerRequests() bool {
	for i := range requestsATurn {
		select {
		case r := <-n.requests:
			n.answer(r)
		default:
			return i > 0
		}
	}
	return true
}

func (n *Node) answer(r request) {
	n.stale = true
	r.do()
	close(r.done)
}

// receiveMessages hands a batch from the inbox to the protocols.
func (n *Node) receiveMessages() {
	n.taken = n.inbox.take(n.taken[:0], bytesATurn)
	for i := range n.taken {
		n.stale = true
		it := n.taken[i]
		n.taken[i] = item{}
		if it.how == broken {
			n.count.breaks.Add(1)
			if h, ok := n.proto.(protocol.StreamBreakHandler); ok {
				h.StreamBroken(env{n}, it.from)
			}
			continue
		}
		n.count.received(it.msg.Kind(), it.size)
		n.proto.Receive(env{n}, it.from, it.msg)
	}
}

// wait returns when there is something to do.
func (n *Node) wait(ctx context.Context) {
	if !n.inbox.empty() {
		return
	}
	next := n.markAt
	if n.timers.len() > 0 {
		next = min(next, n.timers.first().due)
	}
	if n.leaving {
		next = min(next, n.leaveAt)
	}
	n.stale = true
	now := n.now()
	if next <= now {
		return
	}
	if n.alarmAt != next {
		n.alarm.Set(next.Sub(now))
		n.alarmAt = next
	}
	select {
	case <-n.alarm.C():
		n.alarmAt = 0
	case <-n.inbox.wake:
	case r := <-n.requests:
		n.fireTimers() // first, whatever woke the loop
		n.answer(r)
	case <-ctx.Done():
	}
}

// now returns the node's time, read at most once in each call of a protocol,
// unless that waited for the disk.
func (n *Node) now() protocol.Time {
	if n.stale {
		n.stale = false
		reading := n.cfg.Clock.Now()
		if reading < n.reading {
			// No clock should do that; time stands still for a moment.
			n.began -= n.reading - reading
		}
		n.reading = reading
		n.current = n.base.Add(reading - n.began)
	}
	return n.current
}
