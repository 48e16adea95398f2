package analysis

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Config tells a Collector about the run it is going to observe.
type Config struct {
	// Nodes is the number of nodes, those included that join later.
	Nodes int
	// NodeID returns the identity of the node with index i.
	NodeID func(i int) protocol.NodeID
	// Index is the inverse of NodeID. Nil makes the collector keep a table.
	Index func(id protocol.NodeID) (int, bool)
	// Events and Commands are the specs of all protocols in the stack; the
	// events of the world are known.
	Events   []protocol.EventSpec
	Commands []protocol.CommandSpec

	// SampleInterval is the distance of the points of time series; 0 means
	// one second.
	SampleInterval time.Duration
	// WarmUp is excluded: what happens before it shapes the state (who knows
	// whom) but is not counted, and members that crash before it are not
	// measured.
	WarmUp time.Duration
	// BroadcastWindow is the time after its broadcast in which a message is
	// watched; 0 means 30 seconds.
	BroadcastWindow time.Duration

	// Converged is the number of nodes, the first by index, that know one
	// another from the start without an event that says so.
	Converged int

	// NetworkFault describes the fault with this index in the timeline when
	// it begins. Nil means that no member is anomalous on account of its
	// links and that no fault cuts members off from each other.
	NetworkFault func(fault int) NetworkFault
	// ReplicaLimit bounds the memory by which versions of keys are followed:
	// for each replica and key that it took 4 bytes are kept, for each write
	// as much as for 20 of those and a bit for each replica, for each key as
	// much as for 25. Above it
	// half of the keys, by their hashes, are no longer followed. 0 means
	// 134,217,728, half a gibibyte.
	ReplicaLimit int
	// ViewLimit is the number of nodes up to which the collector tracks who
	// has whom in its view, at up to Nodes^2 / 8 bytes; beyond it the
	// metrics about views are not measured. 0 means 32,768.
	ViewLimit int
}

// NetworkFault is what a network fault does to members.
type NetworkFault struct {
	// Anomalous are the members whose own links are impaired, by index.
	// Death declarations about them are not false positives.
	Anomalous []int
	// Cut reports whether the fault keeps messages from passing between two
	// members in at least one direction. Nil if the fault cuts nobody off.
	Cut func(a, b int) bool
}

const (
	defaultSampleInterval = time.Second
	defaultViewLimit      = 32_768
)

// Collector measures a run online. It is a protocol.Observer: it takes the
// world's records in their total order, and the engine's counters now and
// then. It must not be used by two goroutines at once.
type Collector struct {
	cfg   Config
	index func(protocol.NodeID) (int, bool)
	kinds [256][]*kind

	now, next int64
	err       error
	record    protocol.Record // the one being handled; here, so that it need not be allocated

	truth   *truth
	swim    *swimMeasures // nil if no swim runs
	casts   *broadcasts   // nil if nothing broadcasts
	overlay *overlay      // nil if there is none
	replica *replicas     // nil if nothing is replicated
	traffic traffic
	series  seriesSet
}

// kind is what the collector does about one kind of event.
type kind struct {
	name   string
	count  uint64
	handle func(r *protocol.Record, subject int)
}

// NewCollector returns a collector for one run.
func NewCollector(cfg Config) (*Collector, error) {
	if cfg.Nodes < 1 || cfg.NodeID == nil {
		return nil, fmt.Errorf("new collector: got %d nodes, want at least 1 and their identities", cfg.Nodes)
	}
	if cfg.Converged < 0 || cfg.Converged > cfg.Nodes {
		return nil, fmt.Errorf("new collector: got %d nodes that know one another, want 0 to %d", cfg.Converged, cfg.Nodes)
	}
	if cfg.SampleInterval < 0 || cfg.WarmUp < 0 || cfg.BroadcastWindow < 0 {
		return nil, fmt.Errorf("new collector: got sample interval %s, warm-up %s and broadcast window %s, want none negative",
			cfg.SampleInterval, cfg.WarmUp, cfg.BroadcastWindow)
	}
	if cfg.BroadcastWindow == 0 {
		cfg.BroadcastWindow = defaultBroadcastWindow
	}
	if cfg.SampleInterval == 0 {
		cfg.SampleInterval = defaultSampleInterval
	}
	if cfg.ReplicaLimit == 0 {
		cfg.ReplicaLimit = defaultReplicaLimit
	}
	if cfg.ViewLimit == 0 {
		cfg.ViewLimit = defaultViewLimit
	}
	c := &Collector{cfg: cfg, index: cfg.Index, series: seriesSet{}}
	if c.index == nil {
		c.index = indexTable(cfg)
	}
	c.truth = newTruth(c)
	for _, spec := range append(protocol.WorldEvents(), cfg.Events...) {
		if err := c.addKind(spec); err != nil {
			return nil, fmt.Errorf("new collector: %w", err)
		}
	}
	c.truth.register()
	if c.kind("swim.confirm_dead") != nil {
		c.swim = newSwimMeasures(c)
		c.swim.register()
	}
	c.casts = newBroadcastsOf(c, cfg.Events)
	c.overlay = newOverlayOf(c, cfg.Events)
	c.replica = newReplicasOf(c, cfg.Events)
	return c, nil
}

func indexTable(cfg Config) func(protocol.NodeID) (int, bool) {
	table := make(map[protocol.NodeID]int, cfg.Nodes)
	for i := range cfg.Nodes {
		table[cfg.NodeID(i)] = i
	}
	return func(id protocol.NodeID) (int, bool) {
		i, ok := table[id]
		return i, ok
	}
}

func (c *Collector) addKind(spec protocol.EventSpec) error {
	if c.kind(spec.Name) != nil {
		return fmt.Errorf("event %q is described twice", spec.Name)
	}
	row := &c.kinds[spec.Kind.Protocol()]
	number := int(uint8(spec.Kind))
	for len(*row) <= number {
		*row = append(*row, nil)
	}
	if was := (*row)[number]; was != nil {
		return fmt.Errorf("events %q and %q have the same kind %#04x", was.name, spec.Name, uint16(spec.Kind))
	}
	(*row)[number] = &kind{name: spec.Name}
	return nil
}

func (c *Collector) kind(name string) *kind {
	for _, row := range c.kinds {
		for _, k := range row {
			if k != nil && k.name == name {
				return k
			}
		}
	}
	return nil
}

// on registers what to do about an event; an event that no spec describes is
// one that this stack cannot emit.
func (c *Collector) on(name string, handle func(r *protocol.Record, subject int)) {
	if k := c.kind(name); k != nil {
		k.handle = handle
	}
}

// also registers what to do about an event beside what is done already.
func (c *Collector) also(name string, handle func(r *protocol.Record, subject int)) {
	k := c.kind(name)
	if first := k.handle; first != nil {
		k.handle = func(r *protocol.Record, subject int) {
			first(r, subject)
			handle(r, subject)
		}
		return
	}
	k.handle = handle
}

// Observe takes the next record of the world's total order. What is wrong with
// it is reported by Finish.
func (c *Collector) Observe(r protocol.Record) {
	if c.err != nil {
		return
	}
	row, number := c.kinds[r.Event.Kind.Protocol()], int(uint8(r.Event.Kind))
	if number >= len(row) || row[number] == nil {
		c.err = fmt.Errorf("observe: event of kind %#04x is described by no spec", uint16(r.Event.Kind))
		return
	}
	if r.Time < c.now || int64(r.Index) >= int64(c.cfg.Nodes) {
		c.err = fmt.Errorf("observe: %s at %d ns at node %d: want a time of at least %d ns and a node below %d",
			row[number].name, r.Time, r.Index, c.now, c.cfg.Nodes)
		return
	}
	c.advance(r.Time)
	k := row[number]
	if c.counting() {
		k.count++
	}
	if k.handle == nil {
		return
	}
	subject := -1
	if r.Event.Peer != 0 {
		// A damaged message can introduce a member that does not exist; no
		// measure is about it.
		if i, ok := c.index(r.Event.Peer); ok {
			subject = i
		}
	}
	c.record = r
	k.handle(&c.record, subject)
}

// Sample takes the engine's counters at virtual time t. Series of traffic get a
// point at every call; state gets one at every SampleInterval by itself. The
// first sample at or after the end of the warm-up must carry the per-node
// counters, unless there is no warm-up.
func (c *Collector) Sample(t time.Duration, n Counters) {
	if c.err != nil {
		return
	}
	if int64(t) < c.now {
		c.err = fmt.Errorf("sample: got time %s, want at least %s", t, time.Duration(c.now))
		return
	}
	c.advance(int64(t))
	c.traffic.sample(c, n)
}

// Finish ends the measurement at virtual time t. The collector is of no use
// afterwards. The error says what was wrong with what it was told.
func (c *Collector) Finish(t time.Duration, n Counters) (Result, error) {
	c.Sample(t, n)
	if c.err != nil {
		return Result{}, fmt.Errorf("finish measures: %w", c.err)
	}
	out := &results{metrics: map[string]float64{}, series: c.series}
	for _, row := range c.kinds {
		for _, k := range row {
			if k != nil {
				out.metrics["events."+k.name] = float64(k.count)
			}
		}
	}
	c.truth.finish(out)
	c.traffic.finish(c, out, n)
	if c.swim != nil {
		c.swim.finish(out)
	}
	if c.casts != nil {
		c.casts.finish(out)
	}
	if c.overlay != nil {
		c.overlay.finish(out)
	}
	if c.replica != nil {
		c.replica.finish(out)
	}
	return out.result(), nil
}

// counting reports whether the warm-up is over.
func (c *Collector) counting() bool { return c.now >= int64(c.cfg.WarmUp) }

// advance takes the samples that are due up to t and moves time there. A
// sample shows what had happened before its time.
func (c *Collector) advance(t int64) {
	for c.next <= t {
		c.passTo(c.next)
		c.truth.sample(c)
		if c.swim != nil {
			c.swim.sample()
		}
		if c.overlay != nil {
			c.overlay.sample()
		}
		if c.replica != nil {
			c.replica.sample()
		}
		c.next += int64(c.cfg.SampleInterval)
	}
	c.passTo(t)
}

// passTo lets time pass and adds it to what is averaged over time, from the
// end of the warm-up on.
func (c *Collector) passTo(t int64) {
	counting := max(0, t-max(c.now, int64(c.cfg.WarmUp)))
	c.truth.pass(t-c.now, counting)
	if c.swim != nil {
		c.swim.health.pass(counting)
	}
	if c.casts != nil {
		c.casts.expire(t)
	}
	c.now = t
}

// measuredSeconds is the time since the end of the warm-up.
func (c *Collector) measuredSeconds() float64 {
	return seconds(max(0, c.now-int64(c.cfg.WarmUp)))
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
