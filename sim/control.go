package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// ErrFrozen is wrapped by the error of an act that needs the process of a node
// that is paused and frozen.
var ErrFrozen = errors.New("it is frozen")

// State is what has become of a node.
type State uint8

const (
	// Absent: it has not joined yet.
	Absent State = iota
	// Up: its process runs (paused or not).
	Up
	// Leaving: its process runs and says goodbye.
	Leaving
	// Crashed: its process ended without a word.
	Crashed
	// Left: its process ended after a goodbye.
	Left
)

var stateNames = [...]string{"absent", "up", "leaving", "crashed", "left"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Control is what a control event acts through. It is valid during the call.
type Control struct{ w *World }

// Now is the virtual time.
func (c *Control) Now() time.Duration { return c.w.Now() }

// World returns the world, to look at.
func (c *Control) World() *World { return c.w }

// At schedules a further control event; a time that has passed means now.
func (c *Control) At(t time.Duration, do func(*Control)) { c.w.At(t, do) }

// After schedules a further control event, d from now.
func (c *Control) After(d time.Duration, do func(*Control)) { c.w.At(c.w.Now()+d, do) }

// Rand is the world's stream of random numbers for one purpose. It goes on
// where its last use left it; streams of other purposes do not influence it.
func (c *Control) Rand(purpose string) *protocol.Rand {
	r, ok := c.w.rands[purpose]
	if !ok {
		seeded := protocol.NewRand(protocol.Derive(c.w.cfg.Seed, "control "+purpose, 0))
		r = &seeded
		c.w.rands[purpose] = r
	}
	return r
}

// Network is the network model. Who changes it says so with NetworkChanged.
func (c *Control) Network() *netmodel.Model { return c.w.net }

// NetworkChanged records that a network fault began or ended; fault is its
// index in the timeline.
func (c *Control) NetworkChanged(fault int, begins bool) {
	e := protocol.Event{Kind: protocol.EventNetworkChanged, Args: [3]uint64{uint64(fault)}}
	if begins {
		e.Args[1] = 1
	}
	w, sh := c.w, c.w.shards[0]
	w.acts++
	sh.sum.record(w.now, w.acts, 0, uint64(TraceEvent)<<16|uint64(e.Kind), fold(e.Args[0]^mix0, e.Args[1]^mix5), 0)
	if w.cfg.Observer != nil {
		sh.observe(w.acts, protocol.Record{Time: w.now, Event: e})
	}
	if w.cfg.Tracer != nil {
		sh.trace(TraceRecord{Time: w.now, Key: w.acts, What: TraceEvent, Node: NoNode, From: NoNode, Event: e})
	}
}

// State tells what has become of node i.
func (c *Control) State(i int) State { return c.w.nodes[i].state }

// Paused tells whether node i is paused.
func (c *Control) Paused(i int) bool {
	return c.w.cold[i] != nil && c.w.cold[i].hold != nil && c.w.cold[i].hold.paused
}

// Protocol is node i's state machine, nil if its process does not run. It is
// for looking at: between events, an invariant may be checked on it.
func (c *Control) Protocol(i int) protocol.Protocol { return c.w.nodes[i].proto }

// Counters returns what happened so far.
func (c *Control) Counters() Counters { return c.w.Counters() }

// NodeCounters returns what node i sent so far.
func (c *Control) NodeCounters(i int) NodeCounters { return c.w.NodeCounters(i) }

// enter points the context of node i's shard at the node, for one act.
func (c *Control) enter(what string, i int, allowed ...State) (*env, error) {
	w := c.w
	if i < 0 || i >= len(w.nodes) {
		return nil, fmt.Errorf("%s node %d: want 0 to %d", what, i, len(w.nodes)-1)
	}
	ok := len(allowed) == 0
	for _, s := range allowed {
		ok = ok || w.nodes[i].state == s
	}
	if !ok {
		return nil, fmt.Errorf("%s node %d: it is %v, want %v", what, i, w.nodes[i].state, allowed)
	}
	ctx := &w.shardOf(uint32(i)).ctx
	w.acts++
	ctx.enter(uint32(i), w.now, w.acts)
	if cold := w.cold[i]; cold != nil && cold.hold != nil {
		// What it is busy with comes first.
		ctx.now = max(ctx.now, cold.hold.busyUntil)
	}
	return ctx, nil
}

// Join starts node i for the first time. Seeds are the nodes it is told to
// start from; it may be one of them.
func (c *Control) Join(i int, seeds []int) error {
	return c.start("join", i, seeds, protocol.EventNodeStarted, Absent)
}

// JoinAll is Join for many nodes that are told the same seeds, in order; it
// stops at the first error. It looks at the seeds once, and not once for each.
func (c *Control) JoinAll(nodes, seeds []int) error {
	if len(nodes) == 0 {
		return nil
	}
	if err := c.checkSeeds("join", nodes[0], seeds); err != nil {
		return err
	}
	list := c.w.seedLists.add(c.w, seeds)
	for _, i := range nodes {
		if err := c.startOn("join", i, list, protocol.EventNodeStarted, Absent); err != nil {
			return err
		}
	}
	return nil
}

// Restart starts a node that crashed or left, under its identity and with the
// disk it had.
func (c *Control) Restart(i int, seeds []int) error {
	return c.start("restart", i, seeds, protocol.EventNodeRestarted, Crashed, Left)
}

func (c *Control) start(what string, i int, seeds []int, kind protocol.EventKind, from ...State) error {
	if err := c.checkSeeds(what, i, seeds); err != nil {
		return err
	}
	return c.startOn(what, i, c.w.seedLists.add(c.w, seeds), kind, from...)
}

func (c *Control) checkSeeds(what string, i int, seeds []int) error {
	for _, s := range seeds {
		if s < 0 || s >= len(c.w.nodes) {
			return fmt.Errorf("%s node %d: got seed %d, want 0 to %d", what, i, s, len(c.w.nodes)-1)
		}
	}
	return nil
}

// startOn starts a node that is told the seeds of a list.
func (c *Control) startOn(what string, i int, list uint32, kind protocol.EventKind, from ...State) error {
	ctx, err := c.enter(what, i, from...)
	if err != nil {
		return err
	}
	p, err := c.w.cfg.Build()
	if err != nil {
		return fmt.Errorf("%s node %d: %w", what, i, err)
	}
	if p == nil {
		return fmt.Errorf("%s node %d: got no protocol from Config.Build, want one", what, i)
	}
	w, n := c.w, ctx.n
	lives := uint32(0)
	if n.state != Absent {
		w.cold[i].lives++
		lives = w.cold[i].lives
	}
	w.seedLists.exchange(w.seeds[i], list)
	w.seeds[i] = list
	n.proto = p
	n.rand = w.nodeRand(uint32(i), lives)
	n.seq++ // so that no two lives are born with the same number
	n.born = n.seq
	w.setState(uint32(i), Up)
	n.silent = false
	n.flags |= flagUp
	w.up++
	ctx.report(protocol.Event{Kind: kind})
	p.Start(ctx)
	return nil
}

// CrashKind says what crashes.
type CrashKind uint8

const (
	// CrashProcess: the process ends; its host lives and breaks its streams,
	// so that peers hear of it after one one-way delay.
	CrashProcess CrashKind = iota
	// CrashHost: the host falls silent; who has a stream to it finds out when
	// what is sent times out.
	CrashHost
)

// Crash ends node i's process without a word. Writes that were not synced are
// lost (but see Config.UnsyncedSurvival).
func (c *Control) Crash(i int, kind CrashKind) error {
	if kind > CrashHost {
		return fmt.Errorf("crash node %d: got kind %d, want CrashProcess or CrashHost", i, kind)
	}
	ctx, err := c.enter("crash", i, Up, Leaving)
	if err != nil {
		return err
	}
	ctx.report(protocol.Event{Kind: protocol.EventNodeCrashed})
	ctx.end(Crashed, kind == CrashHost)
	return nil
}

// end ends the process of the context's node.
func (c *env) end(state State, silent bool) {
	cold := c.w.coldOf(c.idx)
	c.endStreams(!silent)
	c.dropHeld()
	if cold.disk != nil {
		if state == Crashed {
			_, err := cold.disk.crash()
			broken("crash", err)
		} else {
			broken("close", cold.disk.close())
		}
	}
	c.n.proto = nil
	c.w.setState(c.idx, state)
	c.n.silent = silent
	c.n.flags &= flagClock
	c.w.up--
}

// Leave makes node i say goodbye, if its protocol can ([protocol.Leaver]), and
// ends its process when the goodbye is done. What it wrote stays on its disk.
// A frozen node cannot be asked to leave; one that is frozen when its goodbye
// is done ends when it is resumed.
func (c *Control) Leave(i int) error {
	if c.frozen(i) {
		return fmt.Errorf("leave node %d: %w", i, ErrFrozen)
	}
	ctx, err := c.enter("leave", i, Up)
	if err != nil {
		return err
	}
	n := ctx.n
	c.w.setState(uint32(i), Leaving)
	ctx.report(protocol.Event{Kind: protocol.EventNodeLeaving})
	var takes time.Duration
	if l, ok := n.proto.(protocol.Leaver); ok {
		takes = l.Leave(ctx)
	}
	born := n.born
	c.After(max(takes, 0), func(c *Control) { c.left(i, born) })
	return nil
}

func (c *Control) left(i int, born uint32) {
	n := &c.w.nodes[i]
	if n.state != Leaving || n.born != born {
		return
	}
	if c.frozen(i) {
		c.w.cold[i].hold.ending = true
		return
	}
	if ctx, err := c.enter("leave", i, Leaving); err == nil {
		ctx.report(protocol.Event{Kind: protocol.EventNodeLeft})
		ctx.end(Left, false)
	}
}

func (c *Control) frozen(i int) bool {
	return i >= 0 && i < len(c.w.cold) && c.Paused(i) && c.w.cold[i].hold.model == PauseFrozen
}

// PauseModel says what a paused process still does. Its host goes on in every
// model: it receives for it, up to Config.InboxLimit datagrams, and keeps its
// streams.
type PauseModel uint8

const (
	// PauseFrozen: nothing (as under SIGSTOP). At the end of the pause every
	// timer that was due fires, and then it deals with everything that came.
	PauseFrozen PauseModel = iota
	// PauseBlockedIO: timers run; what arrives, and what it sends, waits for
	// the end. This is how the agents of the Lifeguard paper (Dadgar,
	// Phillips, Currey 2017, section V-D) were made anomalous.
	PauseBlockedIO
	// PauseSlow: each timer and message costs a service time, at the end of
	// which it takes effect. They are served one after the other: the timers
	// that are due, the messages that wait, and again.
	PauseSlow
)

// Pause describes a pause.
type Pause struct {
	Model PauseModel
	// Service is the time that each event costs a PauseSlow node.
	Service time.Duration
}

// Pause pauses node i.
func (c *Control) Pause(i int, p Pause) error {
	switch {
	case p.Model > PauseSlow:
		return fmt.Errorf("pause node %d: got model %d, want PauseFrozen, PauseBlockedIO or PauseSlow", i, p.Model)
	case p.Model == PauseSlow && p.Service <= 0:
		return fmt.Errorf("pause node %d: got service time %v, want more than 0", i, p.Service)
	}
	ctx, err := c.enter("pause", i, Up, Leaving)
	if err != nil {
		return err
	}
	if c.Paused(i) {
		return fmt.Errorf("pause node %d: it is paused already", i)
	}
	ctx.report(protocol.Event{Kind: protocol.EventNodePaused, Args: [3]uint64{uint64(p.Model)}})
	ctx.pause(p)
	return nil
}

// Resume ends the pause of node i.
func (c *Control) Resume(i int) error {
	ctx, err := c.enter("resume", i, Up, Leaving)
	if err != nil {
		return err
	}
	if !c.Paused(i) {
		return fmt.Errorf("resume node %d: it is not paused", i)
	}
	ctx.report(protocol.Event{Kind: protocol.EventNodeResumed})
	ending := c.w.cold[i].hold.ending
	if ending {
		ctx.report(protocol.Event{Kind: protocol.EventNodeLeft})
		ctx.end(Left, false)
		return nil
	}
	ctx.resume()
	return nil
}

// Command has node i's protocol carry out cmd on behalf of a workload. It
// returns why the protocol refused; that is recorded too. A frozen node's
// application is frozen with it.
func (c *Control) Command(i int, cmd protocol.Command, workload int) error {
	if c.frozen(i) {
		return fmt.Errorf("command node %d: %w", i, ErrFrozen)
	}
	ctx, err := c.enter("command", i, Up, Leaving)
	if err != nil {
		return err
	}
	// The record of the command comes before those of what it brings about,
	// but whether it was refused is known after it only.
	sh := ctx.sh
	sh.direct = false
	ctx.emitted = 1
	refused := ctx.command(cmd)
	sh.direct = true
	e := protocol.Event{Kind: protocol.EventCommand, Args: [3]uint64{uint64(cmd.Kind), uint64(workload)}}
	if refused != nil {
		e.Args[2] = 1
	}
	ctx.emitted = 0
	ctx.report(e)
	for i := range sh.records {
		sh.observe(0, sh.records[i].Record)
	}
	for i := range sh.traces {
		sh.trace(sh.traces[i])
	}
	sh.records, sh.traces = sh.records[:0], sh.traces[:0]
	return refused
}

func (c *env) command(cmd protocol.Command) error {
	h, ok := c.n.proto.(protocol.CommandHandler)
	if !ok {
		return fmt.Errorf("command %#04x: node %d takes no commands", uint16(cmd.Kind), c.idx)
	}
	return h.Command(c, cmd)
}

// StepClock moves node i's clock. Timers that run already are not moved: they
// run on the monotonic clock of the host.
func (c *Control) StepClock(i int, by time.Duration) error {
	return c.setClock("step the clock of", i, func(k *clock) { k.base += int64(by) })
}

// SetDrift makes node i's clock gain ppb nanoseconds a second (lose, if
// negative) from now on. Timers that run already keep their time.
func (c *Control) SetDrift(i int, ppb int64) error {
	if ppb < -maxDrift || ppb > maxDrift {
		return fmt.Errorf("set drift of node %d: got %d ppb, want %d to %d", i, ppb, -maxDrift, maxDrift)
	}
	return c.setClock("set drift of", i, func(k *clock) { k.ppb = ppb })
}

func (c *Control) setClock(what string, i int, change func(*clock)) error {
	ctx, err := c.enter(what, i)
	if err != nil {
		return err
	}
	cold := c.w.coldOf(uint32(i))
	if cold.clock == nil {
		cold.clock = &clock{}
	}
	k := cold.clock
	now := c.w.now
	k.set(now, k.read(now), k.ppb)
	change(k)
	ctx.n.flags |= flagClock
	ctx.note(noteClock, uint64(k.base), uint64(k.ppb))
	return nil
}

// SetDisk makes node i's disk behave as f from now on.
func (c *Control) SetDisk(i int, f DiskFault) error {
	if f.Delay < 0 {
		return fmt.Errorf("set disk of node %d: got delay %v, want 0 or more", i, f.Delay)
	}
	ctx, err := c.enter("set disk of", i)
	if err != nil {
		return err
	}
	ctx.disk().fault = f
	full := uint64(0)
	if f.Full {
		full = 1
	}
	ctx.note(noteDisk, f.ErrorRate, uint64(f.Delay)<<1|full)
	return nil
}

// Kinds of faults that no event of the contract stands for. They are part of
// the trace hash all the same.
const (
	noteClock = 1 + iota
	noteDisk
)

func (c *env) note(kind, a, b uint64) {
	c.sh.sum.record(c.at, c.key, 0, 0xff<<16|kind, a, b+uint64(c.idx)*mix1)
}

// controlQueue is a heap of control events by time, then by the order in which
// they were scheduled.
type controlQueue struct {
	heap []scheduled
	next uint64
}

type scheduled struct {
	time   int64
	serial uint64
	do     func(*Control)
}

func (s *scheduled) before(o *scheduled) bool {
	return s.time < o.time || (s.time == o.time && s.serial < o.serial)
}

func (q *controlQueue) first() (t int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].time, true
}

func (q *controlQueue) push(at int64, do func(*Control)) {
	q.heap = append(q.heap, scheduled{at, q.next, do})
	q.next++
	h := q.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *controlQueue) pop() func(*Control) {
	h := q.heap
	do := h[0].do
	n := len(h) - 1
	h[0], h[n] = h[n], scheduled{}
	h = h[:n]
	q.heap = h
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			return do
		}
		if r := down + 1; r < n && h[r].before(&h[down]) {
			down = r
		}
		if !h[down].before(&h[i]) {
			return do
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}
