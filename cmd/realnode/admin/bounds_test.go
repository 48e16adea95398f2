package admin_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// slow is a node that takes its time to say how it is.
type slow struct {
	*fake
	held chan struct{}
}

func (s slow) Status(ctx context.Context) (admin.Status, error) {
	select {
	case <-s.held:
		return s.fake.Status(ctx)
	case <-ctx.Done():
		return admin.Status{}, ctx.Err()
	}
}

// full checks that an interface takes as many requests of a path as it should and
// no more, that it says why and is still asked for its health, and that there is
// room again when one of them has ended.
func full(t *testing.T, path string, most int, want string) {
	synctest.Test(t, func(t *testing.T) {
		n := slow{&fake{events: make(chan admin.Event)}, make(chan struct{})}
		h := admin.Handler(admin.Config{
			Listen: "unix:///bounds", Node: n, Logger: slog.New(slog.DiscardHandler),
			Extra: admin.Extra{Live: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})},
		})
		ask := func(ctx context.Context, path string) recorder {
			w := recorder{httptest.NewRecorder()}
			h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
			return w
		}
		ctx, cancel := context.WithCancel(t.Context())
		first, end := context.WithCancel(ctx)
		go ask(first, path)
		for range most - 1 {
			go ask(ctx, path)
		}
		synctest.Wait()
		refused := ask(ctx, path)
		if refused.Code != http.StatusServiceUnavailable || !strings.Contains(refused.Body.String(), want) || refused.Header().Get("Retry-After") == "" {
			t.Errorf("beyond %d: got status %d, %q, want 503 that says %q", most, refused.Code, refused.Body, want)
		}
		if w := ask(ctx, "/livez"); w.Code != http.StatusOK {
			t.Errorf("health: got status %d, want 200", w.Code)
		}
		end()
		synctest.Wait()
		again := make(chan recorder, 1)
		go func() { again <- ask(ctx, path) }()
		synctest.Wait()
		select {
		case w := <-again:
			t.Errorf("when one has ended: got status %d, %q at once", w.Code, w.Body)
		default:
		}
		cancel()
		synctest.Wait()
		if w := <-again; w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), want) {
			t.Errorf("when one has ended: got %q", w.Body)
		}
	})
}

func TestRequestsAreBounded(t *testing.T) {
	full(t, "/v1/status", admin.MaxRequests, "busy with 64 requests")
}

func TestStreamsAreBounded(t *testing.T) {
	full(t, "/v1/events", admin.MaxStreams, "128 others watch")
}

// Who watches takes nothing from those who ask, and the other way round.
func TestStreamsAndRequestsAreBoundedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := admin.Handler(admin.Config{
			Listen: "unix:///bounds", Node: &fake{events: make(chan admin.Event)}, Logger: slog.New(slog.DiscardHandler),
		})
		for range admin.MaxStreams {
			go h.ServeHTTP(recorder{httptest.NewRecorder()}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/events", nil))
		}
		synctest.Wait()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/status", nil))
		if w.Code != http.StatusOK {
			t.Errorf("got status %d, %q", w.Code, w.Body)
		}
	})
}

// All that is refused is refused in one form.
func TestErrorsHaveOneForm(t *testing.T) {
	h := admin.Handler(admin.Config{Listen: "unix:///errors", Node: &fake{}, Logger: slog.New(slog.DiscardHandler)})
	for _, c := range []struct {
		method, path string
		status       int
		body, allow  string
	}{
		{"GET", "/v1/nothing", 404, `{"error":"GET \"/v1/nothing\": not found"}`, ""},
		{"PUT", "/v1/status", 405, `{"error":"PUT \"/v1/status\": method not allowed"}`, "GET, HEAD"},
		{"GET", "/metrics", 404, `{"error":"GET \"/metrics\": not found"}`, ""},
		{"DELETE", "/v1/lab/rules/x", 501, `{"error":"faults are injected in lab mode only ([lab] enabled = true): not supported"}`, ""},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.body || w.Header().Get("Allow") != c.allow ||
			w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: got %d, %s, %v", c.method, c.path, w.Code, w.Body, w.Header())
		}
	}
}

// Who asks and does not read the answer keeps no place.
func TestAnswersAreNotWaitedWithForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		server := &http.Server{Handler: admin.Handler(admin.Config{
			Listen: "unix://pipe", Node: &fake{}, Logger: slog.New(slog.DiscardHandler),
		})}
		go func() { _ = server.Serve(&oneConnection{conn: there, closed: make(chan struct{})}) }()
		if _, err := io.WriteString(here, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if b, err := io.ReadAll(here); err != nil || len(b) > 0 {
			t.Errorf("got %q, %v, want a connection that was closed", b, err)
		}
		_ = server.Close()
	})
}
