package observe

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/starling-sim/starling/protocol"
)

// Metrics are a node's metrics, in a registry of their own. All methods are safe
// for concurrent use and none of them waits.
type Metrics struct {
	registry *prometheus.Registry
	asked    *asked

	events  map[protocol.EventKind]prometheus.Counter
	unknown prometheus.Counter // of events that no specification describes
	hops    map[protocol.EventKind]prometheus.Observer

	messages map[protocol.MessageKind]*[transports]traffic

	probe       protocol.EventKind // zero: no protocol probes
	roundTrip   prometheus.Histogram
	loopLag     prometheus.Histogram
	storeErrors prometheus.Counter
}

// Transport is a way that messages take.
type Transport uint8

// The transports.
const (
	Datagram Transport = iota
	Stream
	transports
)

// String returns the transport's label.
func (t Transport) String() string {
	if t == Stream {
		return "stream"
	}
	return "datagram"
}

// traffic counts a kind of message on a transport.
type traffic struct{ sent, sentBytes, received, receivedBytes prometheus.Counter }

// NewMetrics returns the metrics of a node that runs the given protocols.
// Version is the program's.
func NewMetrics(specs []protocol.Spec, version string) (*Metrics, error) {
	catalog, err := NewCatalog(specs)
	if err != nil {
		return nil, fmt.Errorf("make metrics: %w", err)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		asked:    newAsked(),
		events:   map[protocol.EventKind]prometheus.Counter{},
		hops:     map[protocol.EventKind]prometheus.Observer{},
		messages: map[protocol.MessageKind]*[transports]traffic{},
	}
	var failed error
	register := func(c prometheus.Collector) {
		if err := m.registry.Register(c); err != nil && failed == nil {
			failed = fmt.Errorf("make metrics: %w", err)
		}
	}
	register(collectors.NewGoCollector())
	register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	register(m.asked)

	info := prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(metricBuildInfo)), labels(metricBuildInfo))
	info.WithLabelValues(version, runtime.Version()).Set(1)
	register(info)
	register(m.makeEvents(catalog))
	for _, c := range m.makeMessages(specs) {
		register(c)
	}
	register(m.makeHops(catalog))

	// From a loopback's 50 us to a probe's time-out on bad lines.
	m.roundTrip = histogram(metricRoundTrip, prometheus.ExponentialBuckets(50e-6, 2, 17))
	register(m.roundTrip)
	if k := catalog.names["swim.probe"]; k != nil {
		m.probe = k.Kind
	}
	// From a timer's usual lateness to a process that stood still.
	m.loopLag = histogram(metricLoopLag, prometheus.ExponentialBuckets(100e-6, 2, 17))
	register(m.loopLag)
	m.storeErrors = prometheus.NewCounter(prometheus.CounterOpts(opts(metricStoreErrors)))
	register(m.storeErrors)
	return m, failed
}

func opts(name string) prometheus.Opts {
	m, _ := find(name)
	return prometheus.Opts{Name: m.Name, Help: m.Help}
}

func labels(name string) []string {
	m, _ := find(name)
	return m.Labels
}

func counters(name string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name)), labels(name))
}

func histogramOpts(name string, buckets []float64) prometheus.HistogramOpts {
	o := opts(name)
	return prometheus.HistogramOpts{Name: o.Name, Help: o.Help, Buckets: buckets}
}

func histogram(name string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(histogramOpts(name, buckets))
}

func (m *Metrics) makeEvents(c *Catalog) prometheus.Collector {
	events := counters(metricEvents)
	for number, k := range c.kinds {
		m.events[number] = events.WithLabelValues(k.protocol, k.short)
	}
	m.unknown = events.WithLabelValues("unknown", "unknown")
	return events
}

func (m *Metrics) makeMessages(specs []protocol.Spec) []prometheus.Collector {
	sent, sentBytes := counters(metricSent), counters(metricSentBytes)
	received, receivedBytes := counters(metricReceived), counters(metricReceivedBytes)
	for _, s := range specs {
		for _, message := range s.Messages {
			owner, short, _ := strings.Cut(message.Name, ".")
			both := &[transports]traffic{}
			for t := range transports {
				both[t] = traffic{
					sent:          sent.WithLabelValues(owner, short, t.String()),
					sentBytes:     sentBytes.WithLabelValues(owner, short, t.String()),
					received:      received.WithLabelValues(owner, short, t.String()),
					receivedBytes: receivedBytes.WithLabelValues(owner, short, t.String()),
				}
			}
			m.messages[message.Kind] = both
		}
	}
	return []prometheus.Collector{sent, sentBytes, received, receivedBytes}
}

func (m *Metrics) makeHops(c *Catalog) prometheus.Collector {
	// One by one as far as a tree or a flood goes, then coarsely.
	hops := prometheus.NewHistogramVec(histogramOpts(metricHops, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 24, 32}), labels(metricHops))
	for number, k := range c.kinds {
		if k.Role == protocol.RoleDeliver {
			m.hops[number] = hops.WithLabelValues(k.protocol)
		}
	}
	return hops
}

// event counts an event; it is called on the node's loop.
func (m *Metrics) event(e protocol.Event) {
	count, ok := m.events[e.Kind]
	if !ok {
		m.unknown.Inc()
		return
	}
	count.Inc()
	if hops, ok := m.hops[e.Kind]; ok {
		hops.Observe(float64(e.Args[1]))
	}
	switch {
	case e.Kind == protocol.EventStoreFailed:
		m.storeErrors.Inc()
	case e.Kind == m.probe && e.Args[0] != 0:
		m.roundTrip.Observe(time.Duration(e.Args[1]).Seconds())
	}
}

// Sent counts a message that was given to the network. Bytes are those of its
// frame. Kinds of protocols that the node does not run are not counted.
func (m *Metrics) Sent(kind protocol.MessageKind, t Transport, bytes int) {
	if both := m.messages[kind]; both != nil && t < transports {
		both[t].sent.Inc()
		both[t].sentBytes.Add(float64(max(0, bytes)))
	}
}

// Received counts a message that came and was decoded. Bytes are those of its
// frame. Kinds of protocols that the node does not run are not counted: the
// transport drops them, with a reason.
func (m *Metrics) Received(kind protocol.MessageKind, t Transport, bytes int) {
	if both := m.messages[kind]; both != nil && t < transports {
		both[t].received.Inc()
		both[t].receivedBytes.Add(float64(max(0, bytes)))
	}
}

// LoopLag takes how much later than due the node's loop fired a timer.
func (m *Metrics) LoopLag(d time.Duration) { m.loopLag.Observe(max(0, d).Seconds()) }

// StoreError counts a failure of the store that no event tells of.
func (m *Metrics) StoreError() { m.storeErrors.Inc() }

// ByLabel says whom to ask for the figures of a metric that is asked for and has
// one label: a function that returns them by the label's value. It is called
// whenever somebody reads the metrics, so it must be quick and safe for
// concurrent use; the figures of a counter must not fall. Figures of several
// functions for one metric and value are added.
func (m *Metrics) ByLabel(name string, figures func() map[string]uint64) error {
	return m.asked.add(name, 1, figures)
}

// Value says whom to ask for the figure of a metric without labels; see ByLabel.
func (m *Metrics) Value(name string, figure func() float64) error {
	return m.asked.add(name, 0, figure)
}

// Gatherer returns the registry, for readers other than a scraper.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Handler serves the metrics in the formats that Prometheus scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, // scrapers are few
		Timeout:             10 * time.Second,
	})
}
