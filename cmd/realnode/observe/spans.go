package observe

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/starling-sim/starling/protocol"
)

// Names of spans.
const (
	spanJoin      = "join"
	spanProbe     = "swim.probe"
	spanSuspicion = "swim.suspicion"
	spanBroadcast = "broadcast"
	spanDeliver   = "deliver"
)

// probeOutcomes names the values of the argument outcome of swim.probe.
var probeOutcomes = []string{"failed", "direct", "indirect", "stream"}

// event makes spans of an event, or ends some.
func (t *Traces) event(k *kind, e Event) {
	switch k.Role {
	case protocol.RoleBroadcast:
		t.broadcast(k, e)
		return
	case protocol.RoleDeliver:
		t.deliver(k, e)
		return
	case protocol.RoleLinkUp:
		t.end(openKey{name: spanJoin}, k, e)
		return
	}
	switch k.Name {
	case "world.started", "world.restarted":
		t.begin(openKey{name: spanJoin}, e, trace.SpanContext{})
	case "world.left", "world.crashed":
		t.fail(openKey{name: spanJoin}, e, "ended before it had joined")
	case "swim.probe":
		t.probe(e)
	case "swim.suspect":
		var cause trace.SpanContext
		if e.Peer == t.failedPeer {
			cause = t.failedProbe
		}
		t.begin(openKey{spanSuspicion, e.Peer}, e, cause)
	case "swim.alive":
		t.end(openKey{name: spanJoin}, k, e)
		t.end(openKey{spanSuspicion, e.Peer}, k, e)
	case "swim.left":
		t.end(openKey{spanSuspicion, e.Peer}, k, e)
	case "swim.confirm_dead":
		t.fail(openKey{spanSuspicion, e.Peer}, e, "declared dead")
	}
}

// begin opens a span, linked to its cause if it has one. One that is open
// already stays so.
func (t *Traces) begin(key openKey, e Event, cause trace.SpanContext) {
	if _, there := t.open[key]; there {
		return
	}
	if len(t.open) >= t.maxOpen {
		t.dropped.Add(1)
		return
	}
	options := []trace.SpanStartOption{trace.WithTimestamp(e.Time), trace.WithAttributes(attributes(e)...)}
	if cause.IsSampled() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: cause}))
	}
	_, t.open[key] = t.tracer.Start(context.Background(), key.name, options...)
}

// end ends a span, if it is open, with what happened.
func (t *Traces) end(key openKey, k *kind, e Event) {
	span, there := t.open[key]
	if !there {
		return
	}
	delete(t.open, key)
	span.AddEvent(k.Name, trace.WithTimestamp(e.Time), trace.WithAttributes(attributes(e)...))
	span.End(trace.WithTimestamp(e.Time))
}

// fail ends a span, if it is open, as one of something that went wrong.
func (t *Traces) fail(key openKey, e Event, why string) {
	span, there := t.open[key]
	if !there {
		return
	}
	delete(t.open, key)
	span.SetStatus(codes.Error, why)
	span.AddEvent(e.Name, trace.WithTimestamp(e.Time), trace.WithAttributes(attributes(e)...))
	span.End(trace.WithTimestamp(e.Time))
}

// probe makes the span of a probe that ended. How long one took that failed is
// not told; its span has no length.
func (t *Traces) probe(e Event) {
	outcome, _ := e.Arg("outcome")
	took, _ := e.Arg("round_trip_ns")
	begin := e.Time
	if took < uint64(time.Hour) {
		begin = begin.Add(-time.Duration(took))
	}
	_, span := t.tracer.Start(context.Background(), spanProbe, trace.WithTimestamp(begin),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes(Event{Node: e.Node, Peer: e.Peer})...))
	if outcome < uint64(len(probeOutcomes)) {
		span.SetAttributes(attribute.String("starling.outcome", probeOutcomes[outcome]))
	}
	if outcome == 0 {
		span.SetStatus(codes.Error, "no answer")
		t.failedProbe, t.failedPeer = span.SpanContext(), e.Peer
	}
	span.End(trace.WithTimestamp(e.Time))
}

// broadcast makes the span at a message's origin: the root of its trace.
func (t *Traces) broadcast(k *kind, e Event) {
	key := e.Args[0].Value
	ctx := withIdentity(context.Background(), identity{traceOf(key), spanOf(key, e.Node)})
	_, span := t.tracer.Start(ctx, spanBroadcast, trace.WithTimestamp(e.Time), trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(messageAttributes(k, e, "starling.bytes")...))
	span.End(trace.WithTimestamp(e.Time))
}

// deliver makes the span of a delivery, whose parent is that at the node that
// sent the message.
func (t *Traces) deliver(k *kind, e Event) {
	key := e.Args[0].Value
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceOf(key), SpanID: spanOf(key, e.Peer), TraceFlags: trace.FlagsSampled, Remote: true,
	}))
	ctx = withIdentity(ctx, identity{traceOf(key), spanOf(key, e.Node)})
	_, span := t.tracer.Start(ctx, spanDeliver, trace.WithTimestamp(e.Time), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(messageAttributes(k, e, "starling.hops")...))
	span.End(trace.WithTimestamp(e.Time))
}

// attributes are who an event is about and its arguments.
func attributes(e Event) []attribute.KeyValue {
	list := []attribute.KeyValue{attribute.String("starling.node", e.Node.String())}
	if e.Peer != 0 {
		list = append(list, attribute.String("starling.peer", e.Peer.String()))
	}
	for _, a := range e.Args {
		if a.hexadecimal() {
			list = append(list, attribute.String("starling."+a.Name, a.String()))
		} else {
			list = append(list, attribute.Int64("starling."+a.Name, int64(a.Value)))
		}
	}
	return list
}

// messageAttributes are those of a broadcast's event, whose arguments the role
// fixes: the message's key, and a number of the given name.
func messageAttributes(k *kind, e Event, number string) []attribute.KeyValue {
	return append(attributes(Event{Node: e.Node, Peer: e.Peer}),
		attribute.String("starling.protocol", k.protocol),
		attribute.String("starling.message", protocol.NodeID(e.Args[0].Value).String()),
		attribute.Int64(number, int64(e.Args[1].Value)),
	)
}

// identity names a span that other nodes must be able to name as well.
type identity struct {
	trace trace.TraceID
	span  trace.SpanID
}

type identityKey struct{}

func withIdentity(ctx context.Context, id identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// traceOf returns the trace of a message.
func traceOf(key uint64) (id trace.TraceID) {
	binary.BigEndian.PutUint64(id[:8], protocol.Mix(^key)|1) // never all zeros, which means none
	binary.BigEndian.PutUint64(id[8:], protocol.Mix(key))
	return id
}

// spanOf returns the span of a message at a node.
func spanOf(key uint64, node protocol.NodeID) (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], max(1, protocol.Mix(key^protocol.Mix(uint64(node)))))
	return id
}

// identities is an sdktrace.IDGenerator: what the context says, otherwise at
// random.
type identities struct{}

// NewIDs is sdktrace.IDGenerator's.
func (identities) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if id, ok := ctx.Value(identityKey{}).(identity); ok {
		return id.trace, id.span
	}
	key := rand.Uint64()
	return traceOf(key), spanOf(key, 0)
}

// NewSpanID is sdktrace.IDGenerator's.
func (identities) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if id, ok := ctx.Value(identityKey{}).(identity); ok {
		return id.span
	}
	return spanOf(rand.Uint64(), 0)
}

// sampler takes a share of probes and broadcasts, and all of what is rare. It
// goes by the trace's identity alone, so that all nodes take the same
// broadcasts, and not by what a parent decided.
type sampler struct{ share, all sdktrace.Sampler }

func newSampler(share float64) sampler {
	return sampler{share: sdktrace.TraceIDRatioBased(share), all: sdktrace.AlwaysSample()}
}

// ShouldSample is sdktrace.Sampler's.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if p.Name == spanJoin || p.Name == spanSuspicion {
		return s.all.ShouldSample(p)
	}
	return s.share.ShouldSample(p)
}

// Description is sdktrace.Sampler's.
func (s sampler) Description() string { return "joins, suspicions and " + s.share.Description() }
