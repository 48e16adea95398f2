package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// badRequest is an error that the asker made.
type badRequest struct{ error }

func (b badRequest) Unwrap() error { return b.error }

// Invalid marks an error of a Node or Lab as the asker's mistake.
func Invalid(err error) error { return badRequest{err} }

// tooLarge is a body that is refused for its size.
type tooLarge struct{ most int64 }

func (t tooLarge) Error() string { return fmt.Sprintf("body: want at most %d bytes", t.most) }

// answer makes a handler of a function that returns what to answer.
func (s *Server) answer(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return s.bounded(func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		var bad badRequest
		var large tooLarge
		var form notAcceptable
		switch {
		case err == nil:
			if b, ok := v.(raw); ok {
				w.Header().Set("Content-Type", octets)
				w.Header().Set("X-Content-Type-Options", "nosniff")
				_, _ = w.Write(b)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			_ = enc.Encode(v) // who has gone does not miss it
		case errors.As(err, &bad):
			fail(w, http.StatusBadRequest, err)
		case errors.As(err, &large):
			fail(w, http.StatusRequestEntityTooLarge, err)
		case errors.As(err, &form):
			fail(w, http.StatusNotAcceptable, err)
		case errors.Is(err, ErrNoKey):
			fail(w, http.StatusNotFound, err)
		case errors.Is(err, ErrNotSupported):
			fail(w, http.StatusNotImplemented, err)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			fail(w, http.StatusServiceUnavailable, fmt.Errorf("the node did not answer in time: %w", err))
		default:
			fail(w, http.StatusInternalServerError, err)
		}
	})
}

func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// body reads a request's body of at most most bytes.
func body(r *http.Request, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return nil, Invalid(fmt.Errorf("read body: %w", err))
	case int64(len(b)) > most:
		return nil, tooLarge{most}
	}
	return b, nil
}

// decode reads a body that is one JSON value.
func decode(r *http.Request, most int64, out any) error {
	b, err := body(r, most)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err = d.Decode(out)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("got something after the value")
		}
	}
	if err != nil {
		return Invalid(fmt.Errorf("body: %w", err))
	}
	return nil
}

// known answers for what no route is for, in the form of all errors.
func known(m *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := m.Handler(r)
		if pattern != "" {
			m.ServeHTTP(w, r)
			return
		}
		v := &verdict{header: w.Header(), status: http.StatusOK}
		h.ServeHTTP(v, r)
		fail(w, v.status, fmt.Errorf("%s %.100q: %s", r.Method, r.URL.Path, strings.ToLower(http.StatusText(v.status))))
	})
}

// verdict keeps an answer's head and drops its body.
type verdict struct {
	header http.Header
	status int
}

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) Write(b []byte) (int, error) { return len(b), nil }
func (v *verdict) WriteHeader(status int)      { v.status = status }

// bounded refuses what comes while maxRequests others are answered.
func (s *Server) bounded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !take(s.answering) {
			busy(w, fmt.Errorf("busy with %d requests, which is the most", maxRequests))
			return
		}
		defer give(s.answering)
		next(w, r)
	}
}

// impatient does not wait for ever for who asks and does not read the answer.
func impatient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(hurried{w}, r) })
}

// hurried gives each write a time-out.
type hurried struct{ http.ResponseWriter }

func (h hurried) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h hurried) Write(b []byte) (int, error) {
	// A writer without deadlines is no connection, and nobody keeps it waiting.
	_ = http.NewResponseController(h.ResponseWriter).SetWriteDeadline(time.Now().Add(requestTimeout))
	return h.ResponseWriter.Write(b)
}

func take(room chan struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	default:
		return false
	}
}

func give(room chan struct{}) { <-room }

func busy(w http.ResponseWriter, why error) {
	w.Header().Set("Retry-After", "1")
	fail(w, http.StatusServiceUnavailable, why)
}
