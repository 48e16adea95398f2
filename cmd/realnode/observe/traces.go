package observe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/starling-sim/starling/protocol"
)

// TraceOptions say where spans go.
type TraceOptions struct {
	// Endpoint is the URL of an OTLP/HTTP receiver, "http://127.0.0.1:4318" say;
	// without a path it gets the usual /v1/traces. Empty: no traces.
	Endpoint string
	// Headers are sent with every request, for receivers that ask for a token.
	Headers map[string]string
	// Node and Version describe this node to the receiver.
	Node    protocol.NodeID
	Version string
	// Share of probes and broadcasts of which spans are made, from 0 to 1; joins
	// and suspicions always have one. All nodes choose the same broadcasts.
	Share float64
	// MaxOpen bounds the spans that have begun and not ended; zero for
	// DefaultMaxOpen.
	MaxOpen int
	// Log is told, at most once a minute, that spans cannot be delivered; nil
	// for nobody.
	Log slog.Handler
}

// DefaultMaxOpen is as many suspicions at once as a large cluster has on a bad
// day.
const DefaultMaxOpen = 1024

// exportTimeout bounds one request to the receiver.
const exportTimeout = 5 * time.Second

// Traces turns events into spans and sends them in batches. It belongs to one
// [Observer], which makes all calls.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	stop     func() // gives up deliveries
	idle     func() // closes connections that are kept for later

	open    map[openKey]trace.Span
	maxOpen int
	closing sync.Mutex    // guards open when there are no more events
	dropped atomic.Uint64 // spans

	failedProbe trace.SpanContext // the last probe that failed
	failedPeer  protocol.NodeID
}

// openKey says what an open span is about.
type openKey struct {
	name string
	peer protocol.NodeID
}

// NewTraces returns what sends spans to the endpoint, nil if there is none. It
// does not connect: a receiver may come later.
func NewTraces(ctx context.Context, o TraceOptions) (*Traces, error) {
	if o.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil:
		return nil, fmt.Errorf("trace endpoint: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("trace endpoint: got %q, want http://host:port or https://host:port", o.Endpoint)
	case !(o.Share >= 0 && o.Share <= 1):
		return nil, fmt.Errorf("share of traces: got %v, want 0 to 1", o.Share)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	client := &http.Client{Timeout: exportTimeout, Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		IdleConnTimeout:     time.Minute,
		MaxIdleConnsPerHost: 1,
	}}
	exporter, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(u.String()),
		otlptracehttp.WithHeaders(o.Headers),
		otlptracehttp.WithHTTPClient(client),
	)
	if err != nil {
		return nil, fmt.Errorf("make trace exporter: %w", err)
	}
	t := newTraces(exporter, o)
	t.idle = client.CloseIdleConnections
	return t, nil
}

// newTraces returns Traces that send to an exporter.
func newTraces(exporter sdktrace.SpanExporter, o TraceOptions) *Traces {
	t := &Traces{open: map[openKey]trace.Span{}, maxOpen: positive(o.MaxOpen, DefaultMaxOpen), idle: func() {}}
	watched := &watchedExporter{SpanExporter: exporter, dropped: &t.dropped, limit: rate.NewLimiter(rate.Every(time.Minute), 1)}
	watched.stopped, t.stop = context.WithCancel(context.Background())
	if o.Log != nil {
		watched.log = slog.New(o.Log)
	}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(watched), // drops spans when its queue is full
		sdktrace.WithIDGenerator(identities{}),
		sdktrace.WithSampler(newSampler(o.Share)),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "starling"),
			attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Node.String()),
		)),
	)
	t.tracer = t.provider.Tracer("github.com/starling-sim/starling/cmd/realnode/observe")
	return t
}

// Shutdown ends open spans and sends what waits. If that takes longer than the
// context allows, the rest is dropped and the error is the context's.
func (t *Traces) Shutdown(ctx context.Context) error {
	t.closing.Lock()
	for key, span := range t.open {
		span.AddEvent("node stopped")
		span.End()
		delete(t.open, key)
	}
	t.closing.Unlock()
	defer t.idle()
	defer t.stop()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// watchedExporter counts what could not be delivered, and says so without going
// through the process-wide error handler of OpenTelemetry.
type watchedExporter struct {
	sdktrace.SpanExporter
	dropped *atomic.Uint64
	limit   *rate.Limiter
	log     *slog.Logger
	stopped context.Context // when it ends, deliveries are given up
}

// ExportSpans is sdktrace.SpanExporter's.
func (w *watchedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	// The SDK waits for a delivery, retries included, even when it is told to
	// shut down at once.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.stopped, cancel)()
	err := w.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	w.dropped.Add(uint64(len(spans)))
	if w.log != nil && w.limit.Allow() {
		w.log.WarnContext(ctx, "spans could not be delivered", "spans", len(spans), "err", err)
	}
	return nil
}
