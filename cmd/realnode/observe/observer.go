package observe

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Defaults of [Options].
const (
	// DefaultQueue is how many records wait for the Observer's goroutine: some
	// seconds of a busy node, about 64 bytes each.
	DefaultQueue = 4096
	// DefaultSubscriberQueue is how many events wait for one subscriber.
	DefaultSubscriberQueue = 1024
)

// Options say what an Observer serves.
type Options struct {
	// Specs are the protocols of the node's stack.
	Specs []protocol.Spec
	// Start is when the records' clock stood at zero.
	Start time.Time
	// Metrics counts the events; nil for none.
	Metrics *Metrics
	// Traces makes spans of them; nil for none. The Observer shuts it down.
	Traces *Traces
	// Log is given them; nil for none. It may block without harm.
	Log slog.Handler
	// First tells whether the node was told of nobody else to start from, so that it
	// has joined as soon as it runs; nil: it was. It is called from several
	// goroutines at once.
	First func() bool
	// Queue and SubscriberQueue bound what waits, in records and in events for
	// each subscriber; zero for the defaults.
	Queue, SubscriberQueue int
}

// Observer takes the events of one node apart to all who want them. All methods
// but Observe are safe for concurrent use.
type Observer struct {
	catalog *Catalog
	start   time.Time
	metrics *Metrics
	views   *views
	first   func() bool

	queue   chan protocol.Record
	missed  atomic.Uint64 // records for which the queue had no room
	stop    chan struct{}
	stopped atomic.Bool
	done    chan struct{}

	// Only the Observer's goroutine uses these.
	traces     *Traces
	logs       *logs
	toldMissed uint64

	mu              sync.Mutex
	subscribers     map[*subscriber]struct{} // nil once closed
	subscriberQueue int
	slow            atomic.Uint64 // events for which a subscriber had no room
}

var _ protocol.Observer = (*Observer)(nil)

// New returns an Observer, which runs until [Observer.Close].
func New(o Options) (*Observer, error) {
	catalog, err := NewCatalog(o.Specs)
	if err != nil {
		return nil, fmt.Errorf("observe: %w", err)
	}
	obs := &Observer{
		catalog: catalog, start: o.Start, metrics: o.Metrics, traces: o.Traces, first: o.First,
		views:           newViews(catalog),
		queue:           make(chan protocol.Record, positive(o.Queue, DefaultQueue)),
		stop:            make(chan struct{}),
		done:            make(chan struct{}),
		subscribers:     map[*subscriber]struct{}{},
		subscriberQueue: positive(o.SubscriberQueue, DefaultSubscriberQueue),
	}
	if o.Metrics != nil {
		if err := obs.register(o.Metrics); err != nil {
			return nil, fmt.Errorf("observe: %w", err)
		}
	}
	if o.Log != nil {
		obs.logs = newLogs(o.Log, cap(obs.queue))
	}
	go obs.run()
	return obs, nil
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// register gives the metrics what the Observer knows.
func (o *Observer) register(m *Metrics) error {
	if err := m.ByLabel("starling_members", o.views.membersByStatus); err != nil {
		return err
	}
	if err := m.ByLabel("starling_overlay_links", o.views.linksByProtocol); err != nil {
		return err
	}
	for name, figure := range map[string]func(*contents) uint64{
		"starling_replica_keys": keyCount, "starling_replica_tombstones": tombstoneCount, "starling_replica_root": rootNumber,
	} {
		if err := m.ByLabel(name, func() map[string]uint64 { return o.views.byContents(figure) }); err != nil {
			return err
		}
	}
	if err := m.ByLabel("starling_observation_dropped_total", o.Dropped); err != nil {
		return err
	}
	return m.Value("starling_observation_subscribers", func() float64 { return float64(o.Subscribers()) })
}

// Observe takes a record. It never waits: counting apart, the work is done
// elsewhere, and a record for which there is no room is dropped and counted.
// As every protocol.Observer it is called by one goroutine at a time.
func (o *Observer) Observe(r protocol.Record) {
	if o.stopped.Load() {
		return
	}
	if o.metrics != nil {
		o.metrics.event(r.Event)
	}
	o.views.apply(r)
	select {
	case o.queue <- r:
	default:
		o.missed.Add(1)
	}
}

// Joined returns nil if there is somebody else in the node's membership or its
// overlay, or if the node is the first, and otherwise an error that says so. It
// is a [Check].
func (o *Observer) Joined(context.Context) error {
	if o.first != nil && o.first() {
		return nil
	}
	return o.views.joined()
}

// Dropped returns how many events were dropped since the start: "queue" before
// they were looked at, "subscriber", "log" and "trace" on their way there.
func (o *Observer) Dropped() map[string]uint64 {
	m := map[string]uint64{"queue": o.missed.Load(), "subscriber": o.slow.Load()}
	if o.logs != nil {
		m["log"] = o.logs.dropped.Load()
	}
	if o.traces != nil {
		m["trace"] = o.traces.dropped.Load()
	}
	return m
}

// Catalog returns the events that the Observer knows.
func (o *Observer) Catalog() *Catalog { return o.catalog }

// Close takes no more records, passes on those that wait, ends all
// subscriptions and shuts traces down. It returns an error if the context ends
// before that.
func (o *Observer) Close(ctx context.Context) error {
	if !o.stopped.Swap(true) {
		close(o.stop)
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		return fmt.Errorf("close observer: pass on what waits: %w", ctx.Err())
	}
	if o.logs != nil {
		select {
		case <-o.logs.done:
		case <-ctx.Done():
			return fmt.Errorf("close observer: write the log: %w", ctx.Err())
		}
	}
	if o.traces != nil {
		return o.traces.Shutdown(ctx)
	}
	return nil
}

func (o *Observer) run() {
	defer close(o.done)
	defer o.endSubscriptions()
	if o.logs != nil {
		defer o.logs.close()
	}
	for {
		select {
		case r := <-o.queue:
			o.pass(r)
		case <-o.stop:
			o.drain()
			return
		}
	}
}

// drain passes on what was in the queue when the Observer was stopped.
func (o *Observer) drain() {
	for {
		select {
		case r := <-o.queue:
			o.pass(r)
		default:
			return
		}
	}
}

// pass hands a record to all who want it.
func (o *Observer) pass(r protocol.Record) {
	k := o.catalog.kinds[r.Event.Kind]
	e := o.catalog.Event(o.start, r)
	if o.traces != nil && k != nil {
		o.traces.event(k, e)
	}
	if o.logs != nil {
		o.logs.event(k, e)
	}
	o.publish(e)
}
