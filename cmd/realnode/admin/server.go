package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is what a Server needs.
type Config struct {
	// Listen is unix:///path/of/a/socket, or host:port at a loopback address.
	Listen string
	// Token is asked for on TCP; it must not be empty there.
	Token string
	Node  Node
	Lab   Lab // nil unless in lab mode
	Extra Extra
	// MaxPayload bounds the body of a broadcast, in bytes.
	MaxPayload int64
	Logger     *slog.Logger
}

// Server is the interface of one node.
type Server struct {
	cfg      Config
	token    [sha256.Size]byte
	listener net.Listener
	http     *http.Server
	// streams ends when event streams are to end: they would hold up a
	// shutdown for ever.
	streams context.Context
	end     context.CancelFunc
}

const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second
	maxHeader      = 16 << 10
	maxBody        = 1 << 20
)

// New listens. Serve answers.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, token: sha256.Sum256([]byte(cfg.Token))}
	var err error
	if s.listener, err = listen(cfg); err != nil {
		return nil, fmt.Errorf("admin interface: %w", err)
	}
	s.streams, s.end = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s.authorized(s.routes()), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
		IdleTimeout: 2 * requestTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func listen(cfg Config) (net.Listener, error) {
	if path, ok := strings.CutPrefix(cfg.Listen, "unix://"); ok {
		return listenUnix(path)
	}
	addr, err := netip.ParseAddrPort(strings.Replace(cfg.Listen, "localhost:", "127.0.0.1:", 1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("listen on %q: want unix:///path or a loopback address with a port, such as 127.0.0.1:7980", cfg.Listen)
	case !addr.Addr().IsLoopback():
		return nil, fmt.Errorf("listen on %s: want a loopback address: what is said here is not encrypted", addr)
	case cfg.Token == "":
		return nil, fmt.Errorf("listen on %s: want a token: everybody on this machine can connect; or a unix socket", addr)
	}
	return net.Listen("tcp", addr.String())
}

// listenUnix replaces a socket that a process left behind when it was killed.
func listenUnix(path string) (net.Listener, error) {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("listen on %s: another process answers there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the socket of an earlier process: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// Address is where the interface listens, as Listen names it, with the port that
// was chosen if it was 0.
func (s *Server) Address() string {
	if s.listener.Addr().Network() == "unix" {
		return s.cfg.Listen
	}
	return s.listener.Addr().String()
}

// Serve answers until ctx is done, and then for a second more to those who wait
// for an answer.
func (s *Server) Serve(ctx context.Context) error {
	defer s.end()
	stopped := context.AfterFunc(ctx, func() {
		s.end()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if s.http.Shutdown(grace) != nil {
			_ = s.http.Close()
		}
	})
	defer stopped()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin interface: %w", err)
	}
	return nil
}

// authorized lets through who has the token. Health is everybody's business.
func (s *Server) authorized(next http.Handler) http.Handler {
	if strings.HasPrefix(s.cfg.Listen, "unix://") {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		given := sha256.Sum256([]byte(token))
		open := r.URL.Path == "/livez" || r.URL.Path == "/readyz"
		if !open && (!ok || subtle.ConstantTimeCompare(given[:], s.token[:]) != 1) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="starling"`)
			fail(w, http.StatusUnauthorized, errors.New("want the node's token: Authorization: Bearer TOKEN"))
			return
		}
		// A page in a browser of this machine can be made to send requests to
		// loopback by anybody's site.
		if host, _, err := net.SplitHostPort(r.Host); err == nil && !loopbackName(host) {
			fail(w, http.StatusMisdirectedRequest, fmt.Errorf("host %q: want a loopback address", host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopbackName(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	n := s.cfg.Node
	m.HandleFunc("GET /v1/status", answer(func(r *http.Request) (any, error) { return n.Status(r.Context()) }))
	m.HandleFunc("GET /v1/members", answer(func(r *http.Request) (any, error) { return n.Members(r.Context()) }))
	m.HandleFunc("GET /v1/view", answer(func(r *http.Request) (any, error) { return n.View(r.Context()) }))
	m.HandleFunc("GET /v1/events", s.events)
	m.HandleFunc("POST /v1/broadcast", answer(func(r *http.Request) (any, error) {
		payload, err := body(r, s.cfg.MaxPayload)
		if err != nil {
			return nil, err
		}
		return struct{}{}, n.Broadcast(r.Context(), payload)
	}))
	m.HandleFunc("POST /v1/leave", answer(func(r *http.Request) (any, error) { return struct{}{}, n.Leave(r.Context()) }))
	s.labRoutes(m)
	for path, h := range map[string]http.Handler{
		"GET /metrics": s.cfg.Extra.Metrics, "GET /livez": s.cfg.Extra.Live, "GET /readyz": s.cfg.Extra.Ready,
	} {
		if h != nil {
			m.Handle(path, h)
		}
	}
	if s.cfg.Extra.Profile {
		m.HandleFunc("GET /debug/pprof/", pprof.Index)
		m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		m.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		m.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	}
	return m
}

func (s *Server) labRoutes(m *http.ServeMux) {
	lab := func(do func(l Lab, r *http.Request) (any, error)) http.HandlerFunc {
		return answer(func(r *http.Request) (any, error) {
			if s.cfg.Lab == nil {
				return nil, fmt.Errorf("faults are injected in lab mode only ([lab] enabled = true): %w", ErrNotSupported)
			}
			return do(s.cfg.Lab, r)
		})
	}
	m.HandleFunc("POST /v1/command", lab(func(l Lab, r *http.Request) (any, error) {
		var c Command
		if err := decode(r, 2*s.cfg.MaxPayload, &c); err != nil {
			return nil, err
		}
		return struct{}{}, l.Command(r.Context(), c)
	}))
	m.HandleFunc("POST /v1/lab/rules", lab(func(l Lab, r *http.Request) (any, error) {
		rule, err := body(r, maxBody)
		if err != nil {
			return nil, err
		}
		id, err := l.Apply(r.Context(), rule)
		return map[string]uint64{"id": id}, err
	}))
	m.HandleFunc("DELETE /v1/lab/rules/{id}", lab(func(l Lab, r *http.Request) (any, error) {
		id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
		if err != nil {
			return nil, badRequest{fmt.Errorf("rule %q: want a number", r.PathValue("id"))}
		}
		return struct{}{}, l.Remove(r.Context(), id)
	}))
	m.HandleFunc("GET /v1/lab/counters", lab(func(l Lab, r *http.Request) (any, error) { return l.Counters(r.Context()) }))
}

// badRequest is an error that the asker made.
type badRequest struct{ error }

func (b badRequest) Unwrap() error { return b.error }

// tooLarge is a body that is refused for its size.
type tooLarge struct{ most int64 }

func (t tooLarge) Error() string { return fmt.Sprintf("body: want at most %d bytes", t.most) }

// answer makes a handler of a function that returns what to answer.
func answer(do func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		var bad badRequest
		var large tooLarge
		switch {
		case err == nil:
			w.Header().Set("Content-Type", "application/json")
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			_ = enc.Encode(v) // who has gone does not miss it
		case errors.As(err, &bad):
			fail(w, http.StatusBadRequest, err)
		case errors.As(err, &large):
			fail(w, http.StatusRequestEntityTooLarge, err)
		case errors.Is(err, ErrNotSupported):
			fail(w, http.StatusNotImplemented, err)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
			fail(w, http.StatusServiceUnavailable, fmt.Errorf("the node did not answer in time: %w", err))
		default:
			fail(w, http.StatusInternalServerError, err)
		}
	}
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
		return nil, badRequest{fmt.Errorf("read body: %w", err)}
	case int64(len(b)) > most:
		return nil, tooLarge{most}
	}
	return b, nil
}

func decode(r *http.Request, most int64, out any) error {
	b, err := body(r, most)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		return badRequest{fmt.Errorf("body: %w", err)}
	}
	return nil
}
