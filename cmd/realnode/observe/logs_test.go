package observe

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestEveryEventHasALevelOfItsOwn(t *testing.T) {
	names := levels()
	for name := range mustCatalog(t).names {
		if _, ok := names[name]; !ok {
			t.Errorf("%s has no level", name)
		}
		delete(names, name)
	}
	for name := range names {
		t.Errorf("there is no event %s", name)
	}
}

// mustLog returns the lines that an observer of a level logs.
func mustLog(t *testing.T, level slog.Level, observe func(*Observer)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	obs := mustObserver(t, Options{Log: slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level})})
	observe(obs)
	mustClose(t, obs)
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fields)
	}
	return lines
}

func TestADeathIsLoggedAsAWarning(t *testing.T) {
	lines := mustLog(t, slog.LevelInfo, func(obs *Observer) {
		obs.Observe(record(t, 0, "swim.probe", other, 0, 0))
		obs.Observe(record(t, time.Second, "swim.confirm_dead", other, 3, 1, uint64(third)))
	})
	if len(lines) != 1 {
		t.Fatalf("got %v, want a line for the death and none for the probe", lines)
	}
	for field, want := range map[string]any{
		"time": "2026-01-02T03:04:06Z", "level": "WARN", "msg": "a member became dead in this node's view",
		"event": "swim.confirm_dead", "node": self.String(), "peer": other.String(),
		"incarnation": 3.0, "own_timeout": 1.0, "accuser": third.String(),
	} {
		if got := lines[0][field]; got != want {
			t.Errorf("%s: got %v, want %v", field, got, want)
		}
	}
}

func TestManyEventsOfOneNameAreNotAllLogged(t *testing.T) {
	lines := mustLog(t, slog.LevelDebug, func(obs *Observer) {
		for range 100 {
			obs.Observe(record(t, time.Second, "swim.suspect", other, 1, 0))
		}
		obs.Observe(record(t, time.Second, "swim.confirm_dead", other, 1, 0, 0)) // another name
		obs.Observe(record(t, 2*time.Second, "swim.suspect", other, 1, 0))
	})
	if len(lines) != logBurst+2 {
		t.Fatalf("got %d lines, want %d", len(lines), logBurst+2)
	}
	if last := lines[len(lines)-1]; last["suppressed"] != float64(100-logBurst) {
		t.Errorf("got %v, want %d suppressed", last, 100-logBurst)
	}
	if death := lines[len(lines)-2]; death["event"] != "swim.confirm_dead" || death["suppressed"] != nil {
		t.Errorf("got %v", death)
	}
}
