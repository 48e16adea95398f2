package observe

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func mustAsk(t *testing.T, h http.Handler) (int, State) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	var s State
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("%v, in %q", err, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("got content type %q", got)
	}
	return w.Code, s
}

func TestANodeThatHasNotJoinedIsLiveButNotReady(t *testing.T) {
	obs := mustObserver(t, Options{})
	health := &Health{}
	health.Readiness("joined", obs.Joined)
	health.Liveness("store", Failed(func() error { return nil }))

	if code, s := mustAsk(t, health.LiveHandler()); code != http.StatusOK || len(s.Checks) != 1 || !s.Checks["store"].OK {
		t.Errorf("liveness: got %d %+v", code, s)
	}
	code, s := mustAsk(t, health.ReadyHandler())
	if code != http.StatusServiceUnavailable || s.Status != "failing" || s.Checks["joined"].Error != errAlone.Error() || !s.Checks["store"].OK {
		t.Errorf("readiness: got %d %+v", code, s)
	}

	obs.Observe(record(t, 0, "swim.alive", other, 1, 0))
	if code, s := mustAsk(t, health.ReadyHandler()); code != http.StatusOK || !s.OK() {
		t.Errorf("readiness after joining: got %d %+v", code, s)
	}
	obs.Observe(record(t, 0, "swim.confirm_dead", other, 1, 0, 0))
	if code, _ := mustAsk(t, health.ReadyHandler()); code != http.StatusServiceUnavailable {
		t.Errorf("readiness alone: got %d", code)
	}
}

func TestTheFirstNodeIsReadyAlone(t *testing.T) {
	obs := mustObserver(t, Options{First: func() bool { return true }})
	if err := obs.Joined(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAFailedStoreIsNeitherLiveNorReady(t *testing.T) {
	metrics := mustMetrics(t)
	health := &Health{}
	if err := health.Register(metrics); err != nil {
		t.Fatal(err)
	}
	if got := mustFigure(t, metrics, "starling_ready"); got != 1 {
		t.Errorf("without checks: got ready %v, want 1", got)
	}
	health.Liveness("store", Failed(func() error { return errors.New("the disk is full") }))
	for _, h := range []http.Handler{health.LiveHandler(), health.ReadyHandler()} {
		if code, s := mustAsk(t, h); code != http.StatusServiceUnavailable || s.Checks["store"].Error != "the disk is full" {
			t.Errorf("got %d %+v", code, s)
		}
	}
	if got := mustFigure(t, metrics, "starling_ready"); got != 0 {
		t.Errorf("got ready %v, want 0", got)
	}
	if got := mustFigure(t, metrics, "starling_health_check_passing", "check", "store"); got != 0 {
		t.Errorf("got check %v, want 0", got)
	}
	health.Liveness("store", Failed(func() error { return nil })) // in its place
	if code, s := mustAsk(t, health.LiveHandler()); code != http.StatusOK || len(s.Checks) != 1 {
		t.Errorf("got %d %+v", code, s)
	}
}

func TestACheckThatHangsFailsAloneAndInTime(t *testing.T) {
	health := &Health{}
	health.Liveness("loop", func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	health.Liveness("store", Failed(func() error { return nil }))
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a request that was given up; the time-out acts alike
	s := health.Live(ctx)
	if s.OK() || s.Checks["loop"].OK || !s.Checks["store"].OK {
		t.Errorf("got %+v", s)
	}
}

func TestHealthIsOnlyRead(t *testing.T) {
	w := httptest.NewRecorder()
	(&Health{}).LiveHandler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("got %d", w.Code)
	}
	w = httptest.NewRecorder()
	(&Health{}).LiveHandler().ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestAHeartbeatThatStopped(t *testing.T) {
	b := NewHeartbeat(time.Hour)
	b.Beat()
	if err := b.Check(context.Background()); err != nil {
		t.Error(err)
	}
	b.begin = b.begin.Add(-2 * time.Hour) // as if it had been so long
	if err := b.Check(context.Background()); err == nil {
		t.Error("got no error after two hours without a beat")
	}
	b.Beat()
	if err := b.Check(context.Background()); err != nil {
		t.Error(err)
	}
}
