package sim

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
)

// World is a virtual world. It is not safe for concurrent use.
type World struct {
	cfg Config
	net *netmodel.Model

	nodes     []node
	cold      []*cold  // nil for ordinary nodes
	seeds     []uint32 // number of the node's list of seeds
	seedLists seedLists
	contacts  []byte
	up        int // processes that run: nodes that are up or leaving
	ups       upCount

	salt, orderSeed uint64
	lookahead       int64 // ns that messages to other nodes take at least
	streamTimeout   int64
	streamIdle      int64
	maxDatagram     int   // bytes of a message's body
	datagramHeader  int32 // bytes that a datagram costs beyond it
	arrival         uint32
	inboxLimit      int
	encodes         bool
	large           bool // its nodes do not fit the second-level cache
	observed        bool // there is an observer or a tracer

	shards     []*shard
	shardScale uint64 // shards / nodes, in 2^-32
	auto       autoWorkers

	now      int64
	sweepAt  int64 // when idle connections are looked for next
	controls controlQueue
	control  Control
	acts     uint64 // records that control events made
	rands    map[string]*protocol.Rand
	err      error
	closed   bool
}

// largeWorld is the number of nodes from which reading ahead pays
// (BenchmarkGossip): with their protocols they take 1 MiB or more.
const largeWorld = 1 << 13

// New returns a world at time 0 in which no node runs yet.
func New(cfg Config) (*World, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if n := cfg.Network.Nodes(); n < cfg.Nodes {
		return nil, fmt.Errorf("new world: the network model is for %d nodes, want at least %d", n, cfg.Nodes)
	}
	w := &World{
		cfg:            cfg,
		net:            cfg.Network,
		nodes:          make([]node, cfg.Nodes),
		cold:           make([]*cold, cfg.Nodes),
		seeds:          make([]uint32, cfg.Nodes),
		seedLists:      newSeedLists(),
		ups:            newUpCount(cfg.Nodes),
		contacts:       makeContacts(cfg.Nodes),
		salt:           idSalt(cfg.Seed),
		orderSeed:      protocol.Derive(cfg.Seed, "order", 0),
		lookahead:      cfg.Network.MinDelay(),
		streamTimeout:  int64(cfg.StreamTimeout),
		maxDatagram:    cfg.Network.MTU() - protocol.FrameOverhead,
		datagramHeader: int32(cfg.Network.Header() + protocol.FrameOverhead),
		arrival:        uint32(evDeliver),
		inboxLimit:     cfg.InboxLimit,
		encodes:        cfg.Wire == WireEncode,
		observed:       cfg.Observer != nil || cfg.Tracer != nil,
		rands:          map[string]*protocol.Rand{},
	}
	if w.streamTimeout == 0 {
		w.streamTimeout = int64(DefaultStreamTimeout)
	}
	switch {
	case cfg.StreamIdle == 0:
		w.streamIdle = int64(DefaultStreamIdle)
	case cfg.StreamIdle < 0:
		w.streamIdle = endOfTime
	default:
		w.streamIdle = int64(cfg.StreamIdle)
	}
	w.sweepAt = w.streamIdle
	if w.inboxLimit == 0 {
		w.inboxLimit = DefaultInboxLimit
	}
	if w.net.HasDownlink() {
		w.arrival = uint32(evArrive)
	}
	w.large = len(w.nodes) >= largeWorld
	w.control.w = w
	w.shards = []*shard{w.newShard(0)}
	if cfg.Workers > 1 {
		w.divide(cfg.Workers)
	}
	return w, nil
}

func (w *World) newShard(number int) *shard {
	sh := &shard{w: w, number: number, q: newQueue(), direct: true}
	sh.ctx.w, sh.ctx.sh = w, sh
	return sh
}

// shardOf returns the shard of a node.
func (w *World) shardOf(i uint32) *shard {
	if len(w.shards) == 1 {
		return w.shards[0]
	}
	return w.shards[uint64(i)*w.shardScale>>32]
}

// Nodes is the number of nodes.
func (w *World) Nodes() int { return len(w.nodes) }

// Now is the virtual time.
func (w *World) Now() time.Duration { return time.Duration(w.now) }

// Workers is the number of goroutines that carry out events now.
func (w *World) Workers() int { return len(w.shards) }

// Pending is the number of events that wait: timers, messages on their way.
func (w *World) Pending() int {
	n := 0
	for _, sh := range w.shards {
		n += sh.q.size()
		for i := range sh.out {
			n += len(sh.out[i].parcels) + len(sh.out[i].segments)
		}
	}
	return n
}

// TraceHash returns the trace hash of what happened so far, as 64 hexadecimal
// digits.
func (w *World) TraceHash() string { return traceHash(w.Epochs()) }

// Epochs returns the digests of all epochs in which something happened so far,
// in order: TraceHash chains them.
func (w *World) Epochs() []EpochDigest {
	sums := make([]*traceSum, len(w.shards))
	for i, sh := range w.shards {
		sums[i] = &sh.sum
	}
	return epochDigests(sums)
}

// At schedules a control event: do is called before all other events of time t,
// and after the control events of that time that were scheduled earlier. A time
// that has passed means now.
func (w *World) At(t time.Duration, do func(*Control)) {
	w.controls.push(max(int64(t), w.now), do)
}

// Every schedules a control event at first, first+interval, and so on. It
// panics if interval is not positive.
func (w *World) Every(first, interval time.Duration, do func(*Control)) {
	if interval <= 0 {
		panic(fmt.Sprintf("sim: Every with interval %v", interval))
	}
	var again func(*Control)
	again = func(c *Control) {
		c.After(interval, again)
		do(c)
	}
	w.At(first, again)
}

// Run carries out everything before until, and the control events at until
// itself. It may be called again to go on. It returns the context's error if it
// was interrupted, between two events, and can then go on later; any other
// error is final: a protocol panicked, or broke the contract.
func (w *World) Run(ctx context.Context, until time.Duration) error {
	if w.err != nil {
		return w.err
	}
	end := int64(until)
	if end < w.now {
		return fmt.Errorf("run until %v: the world is at %v already", until, w.Now())
	}
	if end > endOfTime {
		return fmt.Errorf("run until %v: want at most %v", until, time.Duration(endOfTime))
	}
	crew := newCrew(w)
	defer func() { crew.dismiss() }()
	for {
		// Few events between control events never make up a slice.
		if err := ctx.Err(); err != nil {
			return err
		}
		border := end
		if t, ok := w.controls.first(); ok {
			border = min(border, t)
		}
		border = min(border, w.sweepAt)
		if err := w.advance(ctx, &crew, border); err != nil {
			return err
		}
		w.now = border
		if border == w.sweepAt {
			w.sweepStreams()
		}
		if t, ok := w.controls.first(); ok && t <= border {
			if w.err = w.act(w.controls.pop()); w.err != nil {
				return w.err
			}
			continue
		}
		if border == end {
			return nil
		}
	}
}

// sliceEvents is the number of events between two looks at the context.
const sliceEvents = 4096

// advance carries out all events before border.
func (w *World) advance(ctx context.Context, crew **crew, border int64) error {
	for len(w.shards) == 1 {
		sh := w.shards[0]
		from := sh.ctx.at
		done := sh.runSafely(border, sliceEvents)
		if sh.err != nil {
			w.err = sh.err
			return w.err
		}
		if done {
			return nil
		}
		w.now = max(w.now, sh.ctx.at)
		if err := ctx.Err(); err != nil {
			return err
		}
		if n := w.auto.choose(w, sh.ctx.at-from); n > 1 {
			w.divide(n)
			*crew = newCrew(w)
		}
	}
	return w.advanceWindows(ctx, *crew, border)
}

// runSafely is run, with a panic of a protocol turned into an error.
func (sh *shard) runSafely(limit int64, budget int) (done bool) {
	defer func() {
		if r := recover(); r != nil {
			sh.fail(sh.ctx.panicked(r))
		}
	}()
	return sh.run(limit, budget)
}

func (c *env) panicked(r any) error {
	trace := make([]byte, 4096)
	trace = trace[:runtime.Stack(trace, false)]
	return fmt.Errorf("at %v, node %d (%v): panic: %v\n%s", time.Duration(c.at), c.idx, c.w.id(c.idx), r, trace)
}

// act carries out a control event.
func (w *World) act(do func(*Control)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			trace := make([]byte, 4096)
			trace = trace[:runtime.Stack(trace, false)]
			err = fmt.Errorf("control event at %v: panic: %v\n%s", w.Now(), r, trace)
		}
	}()
	do(&w.control)
	return w.firstError()
}

// autoWorkers chooses the number of workers where the user does not.
type autoWorkers struct{ busy int }

const (
	// With fewer events in a window, one worker is faster than several. On two
	// cores, windows of 200, 2,000 and 20,000 events run 0.8, 0.9 and 1.2
	// times as fast with two workers if handlers do nothing, and 0.9, 1.4 and
	// 1.8 times if they compute for half a microsecond (BenchmarkWorkers).
	busyWindow = 4000
	// So many busy slices in a row are needed: a burst does not count.
	busySlices = 64
	// More are not worth their barriers.
	mostAutoWorkers = 8
)

// choose returns how many workers there should be, given the virtual time that
// the last slice of events took.
func (a *autoWorkers) choose(w *World, elapsed int64) int {
	if w.cfg.Workers != 0 || w.lookahead <= 0 {
		return 1
	}
	if sliceEvents*w.lookahead < busyWindow*elapsed {
		a.busy = 0
		return 1
	}
	a.busy++
	if a.busy < busySlices {
		return 1
	}
	a.busy = math.MinInt32
	//starling:exempt goroutine the number of workers does not change what happens
	return min(runtime.GOMAXPROCS(0), mostAutoWorkers)
}

// divide divides the nodes among n shards. There must be one shard only.
func (w *World) divide(n int) {
	n = min(n, len(w.nodes))
	if n <= 1 || w.lookahead <= 0 {
		return
	}
	first := w.shards[0]
	old := *first
	first.q, first.parcels, first.segments, first.pairs = newQueue(), slab[payload]{}, slab[segment]{}, pairArena{}
	first.waits = waits{}
	for i := 1; i < n; i++ {
		w.shards = append(w.shards, w.newShard(i))
	}
	w.shardScale = uint64(n) << 32 / uint64(len(w.nodes))
	for _, sh := range w.shards {
		sh.out, sh.in = make([]outbox, n), make([]outbox, n)
		sh.q.current = old.q.current
	}
	for i := range w.nodes {
		if n := &w.nodes[i]; n.pairLog > 0 {
			old.pairs.carry(n, &w.shardOf(uint32(i)).pairs)
		}
		if cold := w.cold[i]; cold != nil {
			sh := w.shardOf(uint32(i))
			cold.streams.carry(&old.waits, &sh.waits)
			if cold.hold != nil {
				cold.hold.backlog.each(func(e *event) { sh.adopt(&old, e) })
			}
		}
	}
	for {
		e, ok := old.q.pop(math.MaxInt64)
		if !ok {
			return
		}
		sh := w.shardOf(e.dst)
		sh.adopt(&old, &e)
		sh.q.push(e)
	}
}

// adopt takes over from another shard what an event refers to.
func (sh *shard) adopt(from *shard, e *event) {
	switch e.kind() {
	case evDeliver, evArrive, evUpcall:
		e.arg = uint64(sh.parcels.put(from.parcels.take(uint32(e.arg))))
	case evSegment:
		e.arg = uint64(sh.segments.put(from.segments.take(uint32(e.arg))))
	}
}
