package admin

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
)

// Handler is what a server of a configuration answers with.
func Handler(cfg Config) http.Handler {
	s := &Server{cfg: cfg}
	s.streams, s.end = context.WithCancel(context.Background())
	return s.authorized(s.routes())
}

// Exchange has a handler answer a request; ok is false if there is no such
// request.
func Exchange(h http.Handler, method, path string, body []byte) (status int, ok bool) {
	r, err := http.NewRequest(method, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return 0, false
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, true
}
