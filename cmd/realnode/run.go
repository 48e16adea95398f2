package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/broadcast"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/protocol/stack"
)

// dataRoot is where nodes that are started without a configuration keep their data.
const dataRoot = "starling-data"

type runFlags struct {
	listen, advertise, data, transport, admin string
	join, set                                 []string
	insecure, quiet                           bool
}

func newRunCommand(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [CONFIG]",
		Short: "Run a node until it is told to leave",
		Long: `Run a node until it is told to leave: by SIGTERM, by Ctrl-C or by "realnode leave".
SIGHUP reads the configuration again, as far as that is safe while the node runs.

Without a configuration file the defaults hold, with the flags on top. On a
terminal, what is typed is broadcast, and what others broadcast is shown.`,
		Example: `  realnode run --listen 127.0.0.1:7001
  realnode run --listen 127.0.0.1:7002 --join 127.0.0.1:7001
  realnode run /etc/starling/node.toml
  realnode run node.toml --set node.log_level=debug`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("got %d arguments, want at most one: a configuration file", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), args, f)
		},
	}
	c.Flags().StringVar(&f.listen, "listen", "", "address and port for UDP and TCP (transport.listen)")
	c.Flags().StringVar(&f.advertise, "advertise", "", "address that others are told (transport.advertise)")
	c.Flags().StringArrayVar(&f.join, "join", nil, "a node to start from: host:port or a ticket (node.seeds); repeatable")
	c.Flags().StringVar(&f.data, "data", "", "directory for what the node keeps (node.data_dir; without a configuration "+dataRoot+"/ADDRESS)")
	c.Flags().StringVar(&f.transport, "transport", "", "plain or wireguard (transport.kind)")
	c.Flags().StringVar(&f.admin, "admin", "", "admin interface: unix:///path, host:port on loopback, or off (admin.listen)")
	c.Flags().BoolVar(&f.insecure, "insecure", false, "let plain transport listen where other hosts reach it")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "do not read what is typed, do not show broadcasts")
	c.Flags().StringArrayVar(&f.set, "set", nil, "override a key of the configuration, `key=value`; repeatable")
	return c
}

// load reads the configuration that a command line means.
func (f *runFlags) load(args []string) (*config.Config, error) {
	registry, err := stack.Default()
	if err != nil {
		return nil, err
	}
	env := config.Environment{Registry: registry, Variables: os.Environ()}
	add := func(key, value string) {
		if value != "" {
			env.Set = append(env.Set, config.Assignment{Key: key, Value: value})
		}
	}
	add("transport.listen", f.listen)
	add("transport.advertise", f.advertise)
	add("transport.kind", f.transport)
	add("admin.listen", f.admin)
	if f.insecure {
		add("transport.insecure", "true")
	}
	if len(f.join) > 0 {
		quoted := make([]string, len(f.join))
		for i, seed := range f.join {
			quoted[i] = fmt.Sprintf("%q", seed)
		}
		add("node.seeds", "["+strings.Join(quoted, ", ")+"]")
	}
	data := f.data
	if data == "" && len(args) == 0 && f.listen != "" {
		data = filepath.Join(dataRoot, strings.NewReplacer(":", "-", "[", "", "]", "").Replace(f.listen))
	}
	add("node.data_dir", data)
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usagef("--set %q: want key=value", s)
		}
		env.Set = append(env.Set, config.Assignment{Key: key, Value: value})
	}
	var cfg *config.Config
	if len(args) == 1 {
		cfg, err = config.Load(args[0], env)
	} else {
		cfg, err = config.Parse("", nil, env)
	}
	var wrong *config.Error
	if errors.As(err, &wrong) || errors.Is(err, os.ErrNotExist) {
		return nil, usageError{err}
	}
	return cfg, err
}

// logger writes the node's log as the configuration wants it. The level can be
// changed later.
func logger(cfg *config.Config, w io.Writer, level *slog.LevelVar) *slog.Logger {
	setLevel(level, cfg)
	o := &slog.HandlerOptions{Level: level}
	if cfg.Node.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

func setLevel(level *slog.LevelVar, cfg *config.Config) {
	_ = level.UnmarshalText([]byte(cfg.Node.LogLevel)) // the configuration is checked
}

func (a *app) run(ctx context.Context, args []string, f runFlags) error {
	cfg, err := f.load(args)
	if err != nil {
		return err
	}
	if err := cfg.CheckFiles(); err != nil {
		return usageError{err}
	}
	if cfg.Node.MaxMemory > 0 {
		debug.SetMemoryLimit(int64(cfg.Node.MaxMemory))
	}
	if dir := cfg.Path(cfg.Node.DataDir); dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
	}
	var level slog.LevelVar
	log := logger(cfg, a.stderr, &level)
	p, err := assemble(ctx, cfg, log)
	if err != nil {
		return err
	}
	r := &running{app: a, parts: p, level: &level, args: args, flags: f, quiet: f.quiet}
	return errors.Join(r.run(ctx), p.close())
}

// running is a node's process from the moment when all of it is there.
type running struct {
	*app
	*parts
	level *slog.LevelVar
	args  []string
	flags runFlags
	quiet bool

	leaveOnce sync.Once
	left      chan struct{}
}

// run returns when the node has left, or something failed.
func (r *running) run(ctx context.Context) error {
	r.left = make(chan struct{})
	if err := r.transport.Start(); err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var servers sync.WaitGroup
	failed := make(chan error, 3)
	serve := func(f func(context.Context) error) {
		servers.Go(func() {
			if err := f(serving); err != nil {
				failed <- err
			}
		})
	}
	defer func() {
		stop()
		servers.Wait()
	}()
	if err := r.startServers(serve); err != nil {
		return errors.Join(err, r.transport.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- r.node.Run(serving) }()
	serve(r.beat)
	serve(r.reloads)
	r.greet(serving)

	leave := r.left
	var err error
	for {
		select {
		case err = <-ended:
			return errors.Join(err, r.transport.Close())
		case <-ctx.Done():
			ctx = context.WithoutCancel(ctx)
			r.askToLeave()
		case <-leave:
			leave = nil
			serve(r.leave)
		case err = <-failed:
			r.log.Error("a part of the node has failed", "error", err)
			r.askToLeave()
		}
	}
}

func nothing([]protocol.Protocol) {}

// maxPayload bounds a broadcast, as package plumtree does.
const maxPayload = plumtree.MaxPayload

func (r *running) askToLeave() { r.leaveOnce.Do(func() { close(r.left) }) }

// leave says goodbye, which ends the node.
func (r *running) leave(ctx context.Context) error {
	r.log.Info("leaving")
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Node.LeaveTimeout.Std())
	defer cancel()
	if err := r.node.Leave(ctx); err != nil {
		return fmt.Errorf("the goodbye was cut short: %w", err)
	}
	return nil
}

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
func (r *running) startServers(serve func(func(context.Context) error)) error {
	extra := admin.Extra{Live: r.health.LiveHandler(), Ready: r.health.ReadyHandler(), Profile: r.cfg.Observe.Pprof}
	if r.cfg.Observe.Metrics {
		extra.Metrics = r.metrics.Handler()
	}
	if at := r.cfg.AdminListen(); at != "" {
		c := admin.Config{
			Listen: at, Node: inspector{r.parts, r.askToLeave}, Extra: extra, MaxPayload: maxPayload, Logger: r.log,
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
		s, err := admin.New(c)
		if err != nil {
			return err
		}
		r.log.Info("admin interface", "listen", s.Address())
		serve(s.Serve)
	}
	if r.cfg.Observe.Listen != "" {
		return r.startOpenServer(extra, serve)
	}
	return nil
}

// startOpenServer offers metrics and health to whoever reaches its address.
func (r *running) startOpenServer(extra admin.Extra, serve func(func(context.Context) error)) error {
	l, err := net.Listen("tcp", r.cfg.Observe.Listen)
	if err != nil {
		return fmt.Errorf("observe.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /livez", extra.Live)
	mux.Handle("GET /readyz", extra.Ready)
	if extra.Metrics != nil {
		mux.Handle("GET /metrics", extra.Metrics)
	}
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}
	serve(func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { _ = s.Close() })()
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("observe.listen: %w", err)
		}
		return nil
	})
	return nil
}

// reloads reads the configuration again at SIGHUP.
func (r *running) reloads(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			r.reload()
		}
	}
}

func (r *running) reload() {
	fresh, err := r.flags.load(r.args)
	if err != nil {
		r.log.Error("the configuration was not read again", "error", err)
		return
	}
	for _, c := range config.Diff(r.cfg, fresh) {
		switch {
		case c.Key == "node.log_level":
			setLevel(r.level, fresh)
			r.log.Info("configuration changed", "key", c.Key)
		default:
			r.log.Warn("configuration changed; it takes effect at the next start", "key", c.Key)
		}
	}
	r.cfg.Node.LogLevel = fresh.Node.LogLevel
}

// greet says who this node is and, on a terminal, connects it with the people
// in front of it.
func (r *running) greet(ctx context.Context) {
	r.log.Info("running", "node", r.id, "listen", r.listen, "transport", r.cfg.Transport.Kind, "stack", strings.Join(r.cfg.Stack, ","))
	in, ok := r.stdin.(*os.File)
	if r.quiet || !ok || !term.IsTerminal(int(in.Fd())) {
		return
	}
	fmt.Fprintf(r.stdout, "This is node %s at %s. What you type is broadcast; Ctrl-C leaves.\n", r.id, r.listen)
	r.converse(ctx)
}

// converse broadcasts the lines of standard input and shows the broadcasts of
// others.
func (r *running) converse(ctx context.Context) {
	said := make(chan string, 64)
	err := r.onDeliver(ctx, func(m broadcast.Message) {
		select {
		case said <- fmt.Sprintf("%s: %s", m.ID.Origin, printable(m.Payload)):
		default: // who types has not kept up
		}
	})
	if err != nil {
		r.log.Warn("broadcasts are not shown", "error", err)
	}
	go func() {
		for {
			select {
			case text := <-said:
				fmt.Fprintln(r.stdout, text)
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { // ends with the process: reading a terminal cannot be interrupted
		n := inspector{r.parts, r.askToLeave}
		lines := bufio.NewScanner(r.stdin)
		for lines.Scan() {
			if lines.Text() == "" {
				continue
			}
			if err := n.Broadcast(ctx, []byte(lines.Text())); err != nil {
				fmt.Fprintln(r.stderr, "not sent:", err)
			}
		}
	}()
}

// printable is a payload as one line of a terminal, which must not obey it.
func printable(payload []byte) string {
	const most = 500
	text := string(payload[:min(len(payload), most)])
	if !utf8.ValidString(text) {
		return fmt.Sprintf("%d bytes", len(payload))
	}
	quoted := fmt.Sprintf("%q", text)
	if len(payload) > most {
		return quoted + "..."
	}
	if plain := quoted[1 : len(quoted)-1]; plain == text {
		return text
	}
	return quoted
}
