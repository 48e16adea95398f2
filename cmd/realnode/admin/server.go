package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/netutil"
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
	// MaxValue bounds what is written under a key, in bytes.
	MaxValue int64
	Logger   *slog.Logger
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
	// answering and watched have room for one token for each request and each
	// stream that there may be.
	answering, watched chan struct{}
}

const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second
	maxHeader      = 16 << 10
	maxBody        = 1 << 20
	// maxConnections bounds the connections, idle ones included; more wait until
	// one is closed.
	maxConnections = 512
	// maxRequests bounds the requests that are answered at a time, and maxStreams
	// the event streams: more are refused.
	maxRequests = 64
	maxStreams  = 128
)

// New listens. Serve answers.
func New(cfg Config) (*Server, error) {
	l, err := listen(cfg)
	if err != nil {
		return nil, fmt.Errorf("admin interface: %w", err)
	}
	s := newServer(cfg)
	s.listener = netutil.LimitListener(l, maxConnections)
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
		IdleTimeout: 2 * requestTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func newServer(cfg Config) *Server {
	s := &Server{
		cfg: cfg, token: sha256.Sum256([]byte(cfg.Token)),
		answering: make(chan struct{}, maxRequests), watched: make(chan struct{}, maxStreams),
	}
	s.streams, s.end = context.WithCancel(context.Background())
	return s
}

func (s *Server) handler() http.Handler { return impatient(s.authorized(known(s.routes()))) }

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
			w.Header().Set("Connection", "close") // a stranger does not keep one
			fail(w, http.StatusUnauthorized, errors.New("want the node's token: Authorization: Bearer TOKEN"))
			return
		}
		// A page in a browser of this machine can be made to send requests to
		// loopback by anybody's site.
		if !loopbackName(r.Host) {
			fail(w, http.StatusMisdirectedRequest, fmt.Errorf("host %q: want a loopback address", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackName tells whether a request's host, with a port or without, is this
// machine.
func loopbackName(host string) bool {
	host = (&url.URL{Host: host}).Hostname() // which tells ports and brackets
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	n := s.cfg.Node
	m.HandleFunc("GET /v1/status", s.answer(func(r *http.Request) (any, error) { return n.Status(r.Context()) }))
	m.HandleFunc("GET /v1/members", s.answer(func(r *http.Request) (any, error) { return n.Members(r.Context()) }))
	m.HandleFunc("GET /v1/view", s.answer(func(r *http.Request) (any, error) { return n.View(r.Context()) }))
	m.HandleFunc("GET /v1/events", s.events)
	m.HandleFunc("POST /v1/broadcast", s.answer(func(r *http.Request) (any, error) {
		payload, err := body(r, s.cfg.MaxPayload)
		if err != nil {
			return nil, err
		}
		return struct{}{}, n.Broadcast(r.Context(), payload)
	}))
	m.HandleFunc("POST /v1/leave", s.answer(func(r *http.Request) (any, error) { return struct{}{}, n.Leave(r.Context()) }))
	s.keyRoutes(m)
	s.labRoutes(m)
	if h := s.cfg.Extra.Metrics; h != nil {
		m.HandleFunc("GET /metrics", s.bounded(h.ServeHTTP))
	}
	// However busy the interface is, it says whether the node is well.
	for path, h := range map[string]http.Handler{"GET /livez": s.cfg.Extra.Live, "GET /readyz": s.cfg.Extra.Ready} {
		if h != nil {
			m.Handle(path, h)
		}
	}
	if s.cfg.Extra.Profile {
		m.HandleFunc("GET /debug/pprof/", s.bounded(pprof.Index))
		m.HandleFunc("GET /debug/pprof/profile", s.bounded(pprof.Profile))
		m.HandleFunc("GET /debug/pprof/trace", s.bounded(pprof.Trace))
		m.HandleFunc("GET /debug/pprof/cmdline", s.bounded(pprof.Cmdline))
		m.HandleFunc("GET /debug/pprof/symbol", s.bounded(pprof.Symbol))
	}
	return m
}

func (s *Server) labRoutes(m *http.ServeMux) {
	lab := func(do func(l Lab, r *http.Request) (any, error)) http.HandlerFunc {
		return s.answer(func(r *http.Request) (any, error) {
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
			return nil, Invalid(fmt.Errorf("rule %q: want a number", r.PathValue("id")))
		}
		return struct{}{}, l.Remove(r.Context(), id)
	}))
	m.HandleFunc("GET /v1/lab/counters", lab(func(l Lab, r *http.Request) (any, error) { return l.Counters(r.Context()) }))
}
