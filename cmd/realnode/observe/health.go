package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Check returns why something is not well, nil if it is. It must return when the
// context ends, and is safe for concurrent use.
type Check func(ctx context.Context) error

// checkTimeout bounds all checks of one request together. An orchestrator asks
// every few seconds and waits for one.
const checkTimeout = time.Second

// Health is a set of named checks. It is safe for concurrent use. Without a
// check a node is well.
type Health struct {
	mu     sync.Mutex
	checks []namedCheck
}

type namedCheck struct {
	name string
	run  Check
	live bool
}

// Liveness adds a check of what only a new process heals: a node that fails it
// is neither live nor ready.
func (h *Health) Liveness(name string, c Check) { h.add(namedCheck{name, c, true}) }

// Readiness adds a check of what may pass by itself: a node that fails it is
// live but takes no part in the cluster's work yet, or for now.
func (h *Health) Readiness(name string, c Check) { h.add(namedCheck{name, c, false}) }

// add puts a check in the place of one of the same name.
func (h *Health) add(c namedCheck) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// A new slice, as others may be reading the old one.
	h.checks = slices.DeleteFunc(slices.Clone(h.checks), func(old namedCheck) bool { return old.name == c.name })
	h.checks = append(h.checks, c)
}

// State is the outcome of checks, and the body of the handlers' answers.
type State struct {
	// Status is "ok", or "failing" if any check fails.
	Status string `json:"status"`
	// Checks has an entry for every check.
	Checks map[string]CheckState `json:"checks"`
}

// CheckState is the outcome of one check.
type CheckState struct {
	OK bool `json:"ok"`
	// Error says what is wrong.
	Error string `json:"error,omitempty"`
}

// OK tells whether no check fails.
func (s State) OK() bool { return s.Status == "ok" }

// Live runs the checks of liveness.
func (h *Health) Live(ctx context.Context) State { return h.run(ctx, true) }

// Ready runs all checks.
func (h *Health) Ready(ctx context.Context) State { return h.run(ctx, false) }

func (h *Health) run(ctx context.Context, liveOnly bool) State {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	h.mu.Lock()
	checks := h.checks
	h.mu.Unlock()

	// All at once: one that waits for the context must not use up the time of
	// the others.
	outcomes := make([]error, len(checks))
	var running sync.WaitGroup
	for i, c := range checks {
		if c.live || !liveOnly {
			running.Go(func() { outcomes[i] = c.run(ctx) })
		}
	}
	running.Wait()

	s := State{Status: "ok", Checks: map[string]CheckState{}}
	for i, c := range checks {
		switch {
		case !c.live && liveOnly:
		case outcomes[i] != nil:
			s.Status = "failing"
			s.Checks[c.name] = CheckState{Error: outcomes[i].Error()}
		default:
			s.Checks[c.name] = CheckState{OK: true}
		}
	}
	return s
}

// LiveHandler answers whether the process should go on: 200 or 503, with a
// [State] as JSON.
func (h *Health) LiveHandler() http.Handler { return handler(h.Live) }

// ReadyHandler answers whether the node takes part: 200 or 503, with a [State]
// as JSON.
func (h *Health) ReadyHandler() http.Handler { return handler(h.Ready) }

func handler(run func(context.Context) State) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "want GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		state := run(r.Context())
		body, err := json.Marshal(state)
		if err != nil {
			http.Error(w, "write the state: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !state.OK() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if r.Method == http.MethodGet {
			_, _ = w.Write(append(body, '\n')) // the reader went away: nothing to do
		}
	})
}

// Register gives the checks' outcomes to the metrics.
func (h *Health) Register(m *Metrics) error {
	figures := func() map[string]uint64 {
		byCheck := map[string]uint64{}
		for name, c := range h.Ready(context.Background()).Checks {
			byCheck[name] = figure(c.OK)
		}
		return byCheck
	}
	if err := m.ByLabel("starling_health_check_passing", figures); err != nil {
		return fmt.Errorf("register health: %w", err)
	}
	ready := func() float64 { return float64(figure(h.Ready(context.Background()).OK())) }
	if err := m.Value("starling_ready", ready); err != nil {
		return fmt.Errorf("register health: %w", err)
	}
	return nil
}

func figure(ok bool) uint64 {
	if ok {
		return 1
	}
	return 0
}

// Heartbeat is a check that something goes on: a loop that beats at every turn.
type Heartbeat struct {
	last    atomic.Int64 // since begin, in nanoseconds
	begin   time.Time
	patient time.Duration
}

// NewHeartbeat returns a heartbeat that just beat. Its check fails if the last
// beat is longer ago than patience.
func NewHeartbeat(patience time.Duration) *Heartbeat {
	return &Heartbeat{begin: time.Now(), patient: patience}
}

// Beat says that it goes on.
func (b *Heartbeat) Beat() { b.last.Store(int64(time.Since(b.begin))) }

// Check is a [Check].
func (b *Heartbeat) Check(context.Context) error {
	if since := time.Since(b.begin) - time.Duration(b.last.Load()); since > b.patient {
		return fmt.Errorf("no sign of life for %v, want one every %v", since.Round(time.Millisecond), b.patient)
	}
	return nil
}

// Failed returns a check that fails with what err returns: the error of a store
// or a transport that has given up.
func Failed(err func() error) Check {
	return func(context.Context) error { return err() }
}
