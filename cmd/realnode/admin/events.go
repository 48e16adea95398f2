package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// quietFor is after how long without an event a comment is sent, by which either
// side finds that the other has gone.
const quietFor = 15 * time.Second

// events streams what protocols emit as server-sent events. ?name=swim. keeps
// those whose name begins so; it may be given several times.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !take(s.watched) {
		busy(w, fmt.Errorf("%d others watch events, which is the most", maxStreams))
		return
	}
	defer give(s.watched)
	events, err := s.cfg.Node.Events(ctx)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, err)
		return
	}
	rc := http.NewResponseController(w)
	// A stream lasts longer than a request may.
	if err := errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{})); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if rc.Flush() != nil {
		return
	}
	prefixes := r.URL.Query()["name"]
	quiet := time.NewTicker(quietFor)
	defer quiet.Stop()
	written := false // and not flushed
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.streams.Done():
			return
		case <-quiet.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil || rc.Flush() != nil {
				return
			}
		case e, ok := <-events:
			if !ok {
				return
			}
			if wanted(&e, prefixes) {
				data, err := json.Marshal(&e)
				if err != nil {
					return
				}
				if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.Name, data); err != nil {
					return
				}
				written = true
			}
			// Also after an event that is not wanted: one that is may wait.
			if written && len(events) == 0 {
				if rc.Flush() != nil {
					return
				}
				written = false
			}
		}
	}
}

func wanted(e *Event, prefixes []string) bool {
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Name, p) })
}
