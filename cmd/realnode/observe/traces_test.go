package observe

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/starling-sim/starling/protocol"
)

// kept is an exporter that keeps its spans when it is shut down.
type kept struct{ spans []sdktrace.ReadOnlySpan }

func (k *kept) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.spans = append(k.spans, spans...)
	return nil
}
func (k *kept) Shutdown(context.Context) error { return nil }

// mustTrace returns the spans that records make.
func mustTrace(t *testing.T, o TraceOptions, records ...protocol.Record) tracetest.SpanStubs {
	t.Helper()
	exporter := &kept{}
	obs := mustObserver(t, Options{Traces: newTraces(exporter, o)})
	for _, r := range records {
		obs.Observe(r)
	}
	mustClose(t, obs)
	return tracetest.SpanStubsFromReadOnlySpans(exporter.spans)
}

func mustSpan(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	for _, s := range spans {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no span %s among %d", name, len(spans))
	return tracetest.SpanStub{}
}

func attributeOf(s tracetest.SpanStub, key string) string {
	for _, kv := range s.Attributes {
		if kv.Key == attribute.Key(key) {
			return kv.Value.String()
		}
	}
	return ""
}

func TestAJoinLastsUntilTheFirstMember(t *testing.T) {
	spans := mustTrace(
		t, TraceOptions{},
		record(t, time.Second, "world.started", 0),
		record(t, 3*time.Second, "swim.alive", other, 1, 0),
		record(t, 4*time.Second, "swim.alive", third, 1, 0),
	)
	join := mustSpan(t, spans, "join")
	if took := join.EndTime.Sub(join.StartTime); took != 2*time.Second || len(spans) != 1 {
		t.Errorf("got %d spans, one of %v, want one of 2 s", len(spans), took)
	}
	if len(join.Events) != 1 || join.Events[0].Name != "swim.alive" {
		t.Errorf("got events %+v", join.Events)
	}
}

func TestAJoinThatFailed(t *testing.T) {
	spans := mustTrace(
		t, TraceOptions{},
		record(t, time.Second, "world.started", 0),
		record(t, 2*time.Second, "world.left", 0),
	)
	if got := mustSpan(t, spans, "join").Status.Code; got != codes.Error {
		t.Errorf("got status %v", got)
	}
}

func TestAProbeLastsItsRoundTrip(t *testing.T) {
	spans := mustTrace(t, TraceOptions{Share: 1}, record(t, time.Second, "swim.probe", other, 2, uint64(40*time.Millisecond)))
	probe := mustSpan(t, spans, "swim.probe")
	if took := probe.EndTime.Sub(probe.StartTime); took != 40*time.Millisecond {
		t.Errorf("got %v, want 40 ms", took)
	}
	if attributeOf(probe, "starling.outcome") != "indirect" || attributeOf(probe, "starling.peer") != other.String() || attributeOf(probe, "starling.node") != self.String() {
		t.Errorf("got %v", probe.Attributes)
	}
}

func TestAFailedProbeLeadsToASuspicionThatEndsInDeath(t *testing.T) {
	spans := mustTrace(
		t, TraceOptions{Share: 1},
		record(t, 1*time.Second, "swim.probe", other, 0, 0),
		record(t, 1*time.Second, "swim.suspect", other, 1, uint64(self)),
		record(t, 2*time.Second, "swim.suspect", third, 1, uint64(other)),
		record(t, 3*time.Second, "swim.alive", third, 2, 2),
		record(t, 6*time.Second, "swim.confirm_dead", other, 1, 1, uint64(self)),
	)
	probe := mustSpan(t, spans, "swim.probe")
	if probe.Status.Code != codes.Error {
		t.Errorf("probe: got status %v", probe.Status)
	}
	byPeer := map[string]tracetest.SpanStub{}
	for _, s := range spans {
		if s.Name == "swim.suspicion" {
			byPeer[attributeOf(s, "starling.peer")] = s
		}
	}
	dead, refuted := byPeer[other.String()], byPeer[third.String()]
	if took := dead.EndTime.Sub(dead.StartTime); took != 5*time.Second || dead.Status.Code != codes.Error {
		t.Errorf("got %v, %v, want five seconds to the death", took, dead.Status)
	}
	if len(dead.Links) != 1 || dead.Links[0].SpanContext.SpanID() != probe.SpanContext.SpanID() {
		t.Errorf("got links %v, want one to the probe", dead.Links)
	}
	if took := refuted.EndTime.Sub(refuted.StartTime); took != time.Second || refuted.Status.Code == codes.Error || len(refuted.Links) != 0 {
		t.Errorf("got %v, %v, %v, want a second and no error", took, refuted.Status, refuted.Links)
	}
}

func TestABroadcastIsOneTraceAtAllNodes(t *testing.T) {
	const key = 0xfeedface
	at := func(node protocol.NodeID, r protocol.Record) protocol.Record {
		r.Node = node
		return r
	}
	// Each node has its own Traces, as in real life.
	origin := mustTrace(t, TraceOptions{Share: 1}, at(self, record(t, 0, "plumtree.broadcast", 0, key, 100)))
	first := mustTrace(t, TraceOptions{Share: 1}, at(other, record(t, 0, "plumtree.deliver", self, key, 1)))
	second := mustTrace(t, TraceOptions{Share: 1}, at(third, record(t, 0, "plumtree.deliver", other, key, 2)))

	root, hop1, hop2 := mustSpan(t, origin, "broadcast"), mustSpan(t, first, "deliver"), mustSpan(t, second, "deliver")
	if root.Parent.IsValid() {
		t.Errorf("the broadcast has a parent: %v", root.Parent)
	}
	for _, c := range []struct{ child, parent tracetest.SpanStub }{{hop1, root}, {hop2, hop1}} {
		if c.child.Parent.SpanID() != c.parent.SpanContext.SpanID() || c.child.SpanContext.TraceID() != c.parent.SpanContext.TraceID() {
			t.Errorf("%v is not the child of %v", c.child.SpanContext, c.parent.SpanContext)
		}
	}
	if attributeOf(root, "starling.message") != "00000000feedface" || attributeOf(root, "starling.bytes") != "100" {
		t.Errorf("broadcast: got %v", root.Attributes)
	}
	if attributeOf(hop2, "starling.hops") != "2" || attributeOf(hop2, "starling.peer") != other.String() || attributeOf(hop2, "starling.protocol") != "plumtree" {
		t.Errorf("delivery: got %v", hop2.Attributes)
	}
}

func TestAllNodesChooseTheSameBroadcasts(t *testing.T) {
	const messages = 400
	var sent, got []protocol.Record
	for key := range uint64(messages) {
		sent = append(sent, record(t, 0, "flood.broadcast", 0, key, 1))
		got = append(got, record(t, 0, "flood.deliver", other, key, 1))
	}
	traces := func(spans tracetest.SpanStubs) map[string]bool {
		set := map[string]bool{}
		for _, s := range spans {
			set[s.SpanContext.TraceID().String()] = true
		}
		return set
	}
	origin, receiver := traces(mustTrace(t, TraceOptions{Share: 0.25}, sent...)), traces(mustTrace(t, TraceOptions{Share: 0.25}, got...))
	if len(origin) < messages/8 || len(origin) > messages/2 {
		t.Errorf("got %d traces of %d messages, want about a quarter", len(origin), messages)
	}
	if len(origin) != len(receiver) {
		t.Errorf("got %d traces at the origin and %d at a receiver", len(origin), len(receiver))
	}
	for id := range origin {
		if !receiver[id] {
			t.Errorf("the receiver lacks trace %s", id)
		}
	}
}

func TestOpenSpansAreBounded(t *testing.T) {
	exporter := &kept{}
	obs := mustObserver(t, Options{Traces: newTraces(exporter, TraceOptions{MaxOpen: 3})})
	for peer := range protocol.NodeID(10) {
		obs.Observe(record(t, time.Second, "swim.suspect", peer+1, 1, 0))
	}
	mustClose(t, obs)
	if len(exporter.spans) != 3 || obs.Dropped()["trace"] != 7 {
		t.Errorf("got %d spans and %d dropped, want 3 and 7", len(exporter.spans), obs.Dropped()["trace"])
	}
}

func TestSpansReachAReceiver(t *testing.T) {
	requests := make(chan *collector.ExportTraceServiceRequest, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer x" {
			http.Error(w, "unexpected request", http.StatusBadRequest)
			return
		}
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unzipped
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		request := &collector.ExportTraceServiceRequest{}
		if err := proto.Unmarshal(b, request); err != nil {
			t.Error(err)
		}
		requests <- request
	}))
	defer server.Close()
	traces, err := NewTraces(context.Background(), TraceOptions{
		Endpoint: server.URL, Headers: map[string]string{"Authorization": "Bearer x"}, Node: self, Version: "v1", Share: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	obs := mustObserver(t, Options{Traces: traces})
	obs.Observe(record(t, 0, "plumtree.deliver", other, 7, 3))
	mustClose(t, obs)

	resource := (<-requests).GetResourceSpans()[0]
	if span := resource.GetScopeSpans()[0].GetSpans()[0]; span.GetName() != "deliver" {
		t.Errorf("got %v", span)
	}
	if !strings.Contains(resource.GetResource().String(), self.String()) {
		t.Errorf("got resource %v, want the node's identity in it", resource.GetResource())
	}
}

// A receiver that is overloaded asks to be tried again in half a minute; a node that
// stops has not so much time.
func TestCloseDoesNotWaitForAReceiver(t *testing.T) {
	asked := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		asked <- struct{}{}
	}))
	defer server.Close()
	traces, err := NewTraces(context.Background(), TraceOptions{Endpoint: server.URL, Share: 1})
	if err != nil {
		t.Fatal(err)
	}
	obs := mustObserver(t, Options{Traces: traces})
	obs.Observe(record(t, 0, "plumtree.deliver", other, 7, 3))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	if err := obs.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	// That nothing of it is left is what TestMain checks.
}

func TestAReceiverThatIsAwayIsCountedAndToldOnce(t *testing.T) {
	var log bytes.Buffer
	traces := newTraces(away{}, TraceOptions{Share: 1, Log: slog.NewTextHandler(&log, nil)})
	obs := mustObserver(t, Options{Traces: traces})
	for range 3 {
		obs.Observe(record(t, 0, "plumtree.deliver", other, 7, 3))
	}
	mustClose(t, obs)
	if dropped := obs.Dropped()["trace"]; dropped != 3 {
		t.Errorf("got %d dropped, want 3", dropped)
	}
	if got := strings.Count(log.String(), "spans could not be delivered"); got != 1 {
		t.Errorf("told %d times: %s", got, log.String())
	}
}

type away struct{}

func (away) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return errors.New("away") }
func (away) Shutdown(context.Context) error                             { return nil }

func TestTracesAreOffWithoutAnEndpoint(t *testing.T) {
	traces, err := NewTraces(context.Background(), TraceOptions{})
	if traces != nil || err != nil {
		t.Errorf("got %v, %v", traces, err)
	}
	for _, o := range []TraceOptions{
		{Endpoint: "127.0.0.1:4318"},
		{Endpoint: "ftp://host"},
		{Endpoint: "http://"},
		{Endpoint: "http://host:4318", Share: 1.5},
	} {
		if _, err := NewTraces(context.Background(), o); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}
