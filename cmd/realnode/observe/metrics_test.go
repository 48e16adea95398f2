package observe

import (
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/swim"
)

// mustFigure returns the value of a counter or a gauge, or the number of
// observations in a histogram. Labels are names and values in turn.
func mustFigure(t testing.TB, m *Metrics, name string, labels ...string) float64 {
	t.Helper()
	for _, f := range mustGather(t, m) {
		if f.GetName() != name {
			continue
		}
		for _, metric := range f.GetMetric() {
			var has []string
			for _, l := range metric.GetLabel() {
				has = append(has, l.GetName()+"="+l.GetValue())
			}
			matches := true
			for i := 0; i < len(labels); i += 2 {
				matches = matches && slices.Contains(has, labels[i]+"="+labels[i+1])
			}
			if matches {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return math.NaN()
}

func mustGather(t testing.TB, m *Metrics) []*dto.MetricFamily {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// fullMetrics are metrics of which none is absent.
func fullMetrics(t *testing.T) *Metrics {
	m := mustMetrics(t)
	mustObserver(t, Options{Metrics: m})
	health := &Health{}
	health.Liveness("loop", NewHeartbeat(time.Minute).Check)
	if err := health.Register(m); err != nil {
		t.Fatal(err)
	}
	for _, metric := range All() {
		if !metric.Asked {
			continue
		}
		var err error
		if len(metric.Labels) == 1 {
			err = m.ByLabel(metric.Name, func() map[string]uint64 { return map[string]uint64{"example": 1} })
		} else {
			err = m.Value(metric.Name, func() float64 { return 1 })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestTheTableIsWhatTheRegistryHas(t *testing.T) {
	got := map[string]*dto.MetricFamily{}
	for _, f := range mustGather(t, fullMetrics(t)) {
		if !standard(f.GetName()) {
			got[f.GetName()] = f
		}
	}
	for _, want := range All() {
		f := got[want.Name]
		delete(got, want.Name)
		if f == nil {
			t.Errorf("%s is in the table only", want.Name)
			continue
		}
		if strings.ToLower(f.GetType().String()) != string(want.Type) {
			t.Errorf("%s: got type %v, want %v", want.Name, f.GetType(), want.Type)
		}
		if f.GetHelp() != want.Help || want.Help == "" {
			t.Errorf("%s: got help %q, want %q", want.Name, f.GetHelp(), want.Help)
		}
		for _, metric := range f.GetMetric() {
			var names []string
			for _, l := range metric.GetLabel() {
				names = append(names, l.GetName())
			}
			wantNames := slices.Sorted(slices.Values(want.Labels))
			if !slices.Equal(names, wantNames) {
				t.Errorf("%s: got labels %v, want %v", want.Name, names, wantNames)
			}
		}
	}
	for name := range got {
		t.Errorf("%s is not in the table", name)
	}
}

// standard tells whether a metric is the Go runtime's or the process's.
func standard(name string) bool {
	return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
}

func TestNamesFollowTheConventionsOfPrometheus(t *testing.T) {
	families := slices.DeleteFunc(mustGather(t, fullMetrics(t)), func(f *dto.MetricFamily) bool { return standard(f.GetName()) })
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestEventsAreCounted(t *testing.T) {
	m := mustMetrics(t)
	obs := mustObserver(t, Options{Metrics: m})
	for _, r := range []protocol.Record{
		record(t, 0, "swim.alive", other, 1, 0),
		record(t, 0, "swim.alive", third, 1, 0),
		record(t, 0, "swim.suspect", third, 1, uint64(other)),
		record(t, 0, "swim.probe", other, swim.ProbeDirect, 3_000_000),
		record(t, 0, "swim.probe", third, swim.ProbeFailed, 0),
		record(t, 0, "hyparview.neighbor_up", other, 1),
		record(t, 0, "plumtree.deliver", other, 99, 4),
		record(t, 0, "plumtree.duplicate", third, 99, 5),
		record(t, 0, "world.store_failed", 0),
		{Node: self, Event: protocol.Event{Kind: 0xfe01}},
	} {
		obs.Observe(r)
	}
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{2, "starling_events_total", []string{"protocol", "swim", "event", "alive"}},
		{1, "starling_events_total", []string{"protocol", "unknown"}},
		{0, "starling_events_total", []string{"protocol", "plumtree", "event", "graft"}},
		{1, "starling_members", []string{"status", "alive"}},
		{1, "starling_members", []string{"status", "suspect"}},
		{0, "starling_members", []string{"status", "dead"}},
		{1, "starling_overlay_links", []string{"protocol", "hyparview"}},
		{1, "starling_probe_round_trip_seconds", nil},
		{1, "starling_broadcast_delivery_hops", []string{"protocol", "plumtree"}},
		{1, "starling_store_errors_total", nil},
		{0, "starling_observation_dropped_total", []string{"sink", "queue"}},
	} {
		if got := mustFigure(t, m, c.name, c.labels...); got != c.want {
			t.Errorf("%s%v: got %v, want %v", c.name, c.labels, got, c.want)
		}
	}
}

func TestMessagesAreCountedByTransport(t *testing.T) {
	m := mustMetrics(t)
	ping := swim.Spec().Messages[0].Kind
	m.Sent(ping, Datagram, 40)
	m.Sent(ping, Datagram, 60)
	m.Received(ping, Stream, 7)
	m.Received(0xfe01, Datagram, 7) // of nobody
	m.Sent(ping, transports, 1)
	for _, c := range []struct {
		name, transport string
		want            float64
	}{
		{"starling_messages_sent_total", "datagram", 2},
		{"starling_messages_sent_bytes_total", "datagram", 100},
		{"starling_messages_sent_total", "stream", 0},
		{"starling_messages_received_total", "stream", 1},
		{"starling_messages_received_bytes_total", "stream", 7},
		{"starling_messages_received_total", "datagram", 0},
	} {
		if got := mustFigure(t, m, c.name, "protocol", "swim", "message", "ping", "transport", c.transport); got != c.want {
			t.Errorf("%s, %s: got %v, want %v", c.name, c.transport, got, c.want)
		}
	}
}

func TestFiguresOfSeveralAreAdded(t *testing.T) {
	m := mustMetrics(t)
	for range 2 {
		if err := m.ByLabel("starling_datagrams_dropped_total", func() map[string]uint64 {
			return map[string]uint64{"malformed": 3, "too_long": 0}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Value("starling_timers_pending", func() float64 { return 12 }); err != nil {
		t.Fatal(err)
	}
	if got := mustFigure(t, m, "starling_datagrams_dropped_total", "reason", "malformed"); got != 6 {
		t.Errorf("got %v, want 6", got)
	}
	if got := mustFigure(t, m, "starling_timers_pending"); got != 12 {
		t.Errorf("got %v, want 12", got)
	}
}

func TestFiguresForTheWrongMetricAreRefused(t *testing.T) {
	m := mustMetrics(t)
	byLabel := func() map[string]uint64 { return nil }
	for _, name := range []string{"starling_sheep_total", "starling_events_total", "starling_timers_pending"} {
		if err := m.ByLabel(name, byLabel); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if err := m.Value("starling_members", func() float64 { return 0 }); err == nil {
		t.Error("a value for a metric with a label: got no error")
	}
}

func TestTheHandlerServesText(t *testing.T) {
	m := mustMetrics(t)
	m.LoopLag(3 * time.Millisecond)
	m.LoopLag(-time.Second) // a timer is never early; a clock may be
	m.StoreError()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body := w.Body.String()
	for _, want := range []string{
		`starling_build_info{go_version="` + runtime.Version() + `",version="v1.2.3"} 1`,
		"# HELP starling_loop_lag_seconds ",
		`starling_loop_lag_seconds_bucket{le="0.0032"} 2`,
		"starling_store_errors_total 1",
		"go_goroutines ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("want %q in\n%.3000s", want, body)
		}
	}
	if w.Code != http.StatusOK {
		t.Errorf("got status %d", w.Code)
	}
}
