package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/crdt"
	"github.com/starling-sim/starling/protocol/plumtree"
)

// running is a node's process from the moment when all of it is there.
type running struct {
	*app
	*parts
	level slog.LevelVar
	args  []string
	flags runFlags
	admin string // where the interface listens, empty if it is off

	hup       chan os.Signal // SIGHUP
	leaveOnce sync.Once
	left      chan struct{} // closed when the node is to leave
	over      chan struct{} // closed when nothing is left but who watches
}

// servers are what runs beside the node.
type servers struct {
	ctx    context.Context
	stop   context.CancelFunc
	wait   sync.WaitGroup
	failed chan error // the first failure
}

func (s *servers) start(f func(context.Context) error) {
	s.wait.Go(func() {
		if err := f(s.ctx); err != nil {
			select {
			case s.failed <- err:
			default: // one is enough to end the process
			}
		}
	})
}

// run returns when the node has left, or something failed. The admin interface
// ends last: who waits there for the end does not do so for too short.
func (r *running) run(ctx context.Context) error {
	s := &servers{failed: make(chan error, 1)}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	err := r.serve(ctx, s)
	err = errors.Join(err, r.close())
	close(r.over)
	s.stop()
	s.wait.Wait()
	return err
}

// serve returns when the node has ended and no messages come or go any more.
func (r *running) serve(ctx context.Context, s *servers) error {
	if err := r.transport.Start(); err != nil {
		return err
	}
	if err := r.startServers(s); err != nil {
		return errors.Join(err, r.transport.Close())
	}
	running, cutShort := context.WithCancel(s.ctx)
	defer cutShort()
	ended := make(chan error, 1)
	if r.world == nil { // a world knows itself when it began
		r.lead.Store(int64(time.Since(r.began)))
	}
	go func() { ended <- r.live(running) }()
	r.hearBroadcasts(running)
	s.start(r.beat)
	s.start(r.reloads)
	if r.world == nil { // in one, who is found when is part of the scenario
		s.start(func(ctx context.Context) error { return r.seeds.watch(ctx, r.present) })
	}
	r.greet(running)

	var cause error
	asked, leave := ctx.Done(), r.left
	var late <-chan time.Time
	for {
		select {
		case err := <-ended:
			if running.Err() != nil && errors.Is(err, running.Err()) {
				r.log.Warn("the goodbye was cut short", "after", r.cfg.Node.LeaveTimeout)
				err = nil
			}
			return errors.Join(cause, err, r.transport.Close())
		case <-asked:
			asked = nil
			r.askToLeave()
		case cause = <-s.failed:
			r.log.Error("a part of the node has failed", "error", cause)
			r.askToLeave()
		case <-leave:
			leave = nil
			r.log.Info("leaving", "node", r.id)
			late = time.After(r.cfg.Node.LeaveTimeout.Std())
			s.start(func(context.Context) error {
				_ = r.node.Leave(running) // its end is heard of above
				return nil
			})
		case <-late:
			late = nil
			cutShort()
		}
	}
}

func nothing([]protocol.Protocol) {}

// maxPayload bounds a broadcast, as package plumtree does.
const maxPayload = plumtree.MaxPayload

func (r *running) inspector() inspector { return inspector{r.parts, r.askToLeave, r.over} }

func (r *running) askToLeave() { r.leaveOnce.Do(func() { close(r.left) }) }

// beat tells the liveness check that the loop turns.
func (r *running) beat(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.node.Done():
			return nil
		case <-tick.C:
			if r.node.Inspect(ctx, nothing) == nil {
				r.heartbeat.Beat()
			}
		}
	}
}

// startServers starts the admin interface and the open one for metrics.
func (r *running) startServers(s *servers) error {
	extra := admin.Extra{Live: r.health.LiveHandler(), Ready: r.health.ReadyHandler(), Profile: r.cfg.Observe.Pprof}
	if r.cfg.Observe.Metrics {
		extra.Metrics = r.metrics.Handler()
	}
	if at := r.cfg.AdminListen(); at != "" {
		c := admin.Config{
			Listen: at, Node: r.inspector(), Extra: extra, MaxPayload: maxPayload, MaxValue: crdt.MaxValue, Logger: r.log,
		}
		if r.cfg.Lab.Enabled {
			c.Lab = labMode{r.parts}
		}
		if path := r.cfg.Path(r.cfg.Admin.TokenFile); path != "" {
			b, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("read the admin token: %w", err)
			}
			c.Token = strings.TrimSpace(string(b))
		}
		server, err := admin.New(c)
		if err != nil {
			return err
		}
		r.admin = server.Address()
		s.start(server.Serve)
	}
	if r.cfg.Observe.Listen != "" {
		return r.startOpenServer(extra, s)
	}
	return nil
}

// openConnections bounds the connections to the open server; more wait.
const openConnections = 1024

// startOpenServer offers metrics and health to whoever reaches its address.
func (r *running) startOpenServer(extra admin.Extra, s *servers) error {
	l, err := net.Listen("tcp", r.cfg.Observe.Listen)
	if err != nil {
		return fmt.Errorf("observe.listen: %w", err)
	}
	// Scrapers and probes are few; whoever else connects must not take all files.
	l = netutil.LimitListener(l, openConnections)
	mux := http.NewServeMux()
	mux.Handle("GET /livez", extra.Live)
	mux.Handle("GET /readyz", extra.Ready)
	if extra.Metrics != nil {
		mux.Handle("GET /metrics", extra.Metrics)
	}
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}
	r.log.Info("metrics and health", "listen", l.Addr())
	s.start(func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { _ = server.Close() })()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("observe.listen: %w", err)
		}
		return nil
	})
	return nil
}
