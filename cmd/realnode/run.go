package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/cmd/realnode/config"
	"github.com/starling-sim/starling/protocol/stack"
)

// dataRoot is where nodes that are started without a configuration keep their data.
const dataRoot = "starling-data"

type runFlags struct {
	listen, advertise, data, transport, secret, admin string
	join, set                                         []string
	insecure, quiet, untilEOF                         bool
}

func newRunCommand(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [CONFIG]",
		Short: "Run a node until it is told to leave",
		Long: `Run a node until it is told to leave: by SIGTERM, by Ctrl-C or by "realnode leave".
A second signal ends it at once. SIGHUP reads the configuration again: what can be
changed in a running node takes effect ("realnode check --help" lists the keys), and
what has to wait for the next start is named.

Without a configuration file the defaults hold, with the flags on top. On a
terminal, what is typed is broadcast, and what others broadcast is shown.

On loopback the transport is plain: it believes everybody, who are all on this
machine. Where other hosts reach the node, or with --secret or a ticket, it is
wireguard.`,
		Example: `  realnode run --listen 127.0.0.1:7001
  realnode run --listen 127.0.0.1:7002 --join 127.0.0.1:7001
  realnode run --listen 0.0.0.0:7946 --secret cluster.secret --join seed.example:7946
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
	c.Flags().StringVar(&f.listen, "listen", "", "`address:port` for UDP and TCP (transport.listen)")
	c.Flags().StringVar(&f.advertise, "advertise", "", "`address` that others are told (transport.advertise)")
	c.Flags().StringArrayVar(&f.join, "join", nil, "a `node` to start from: host:port or a ticket (node.seeds); repeatable")
	c.Flags().StringVar(&f.data, "data", "", "`directory` for what the node keeps (node.data_dir; without a configuration "+dataRoot+"/ADDRESS)")
	c.Flags().StringVar(&f.transport, "transport", "", "plain or wireguard (transport.kind)")
	c.Flags().StringVar(&f.secret, "secret", "", "`file` with the cluster's secret (wireguard.cluster_secret_file)")
	c.Flags().StringVar(&f.admin, "admin", "", "admin interface: unix://PATH, host:port on loopback, or off (admin.listen)")
	c.Flags().BoolVar(&f.insecure, "insecure", false, "let plain transport listen where other hosts reach it")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "do not read what is typed, do not show broadcasts")
	c.Flags().BoolVar(&f.untilEOF, "until-eof", false, "leave when standard input ends, for programs that start nodes")
	f.addSet(c)
	return c
}

func (f *runFlags) addSet(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "set", nil, "override a key of the configuration, `key=value`; repeatable")
}

// load reads the configuration that a command line means. Without a file a node
// keeps its data below dataRoot, unless its port is not known yet, and one that
// finds keys there was in a tunnel and stays in it.
func (f *runFlags) load(args []string) (*config.Config, error) {
	if len(args) > 0 {
		return f.loadWith(args, f.data)
	}
	data := f.data
	// What was said may be wrong only in that there is no directory.
	cfg, err := f.loadWith(nil, cmp.Or(data, dataRoot))
	if err != nil {
		return nil, err
	}
	if data == "" && !strings.HasSuffix(cfg.Transport.Listen, ":0") {
		data = filepath.Join(dataRoot, strings.NewReplacer(":", "-", "[", "", "]", "").Replace(cfg.Transport.Listen))
	}
	if cfg, err = f.loadWith(nil, data); err != nil || cfg.Transport.Kind != "plain" || f.saysTransport() {
		return cfg, err
	}
	if _, err := os.Stat(filepath.Join(data, "node.key")); data == "" || err != nil {
		return cfg, nil
	}
	tunneled := *f
	tunneled.transport = "wireguard"
	return tunneled.loadWith(nil, data)
}

// saysTransport tells whether somebody chose the transport.
func (f *runFlags) saysTransport() bool {
	return f.transport != "" || os.Getenv("STARLING_TRANSPORT_KIND") != "" ||
		slices.ContainsFunc(f.set, func(s string) bool { return strings.HasPrefix(s, "transport.kind=") })
}

func (f *runFlags) loadWith(args []string, data string) (*config.Config, error) {
	registry, err := stack.Default()
	if err != nil {
		return nil, err
	}
	env := config.Environment{Registry: registry, Variables: os.Environ()}
	for _, s := range f.assignments(args, data) {
		env.Set = append(env.Set, s.Assignment)
	}
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
	if errors.As(err, &wrong) {
		f.nameFlags(wrong, args, data)
	}
	if wrong != nil || errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err}
	}
	return cfg, err
}

// assignment is a key that a flag of its own sets.
type assignment struct {
	config.Assignment
	flag string
}

// assignments are the keys that flags set. Paths in flags are relative to where
// the command runs, and not to the configuration.
func (f *runFlags) assignments(args []string, data string) []assignment {
	var all []assignment
	add := func(key, value, flag string) {
		if value != "" {
			all = append(all, assignment{config.Assignment{Key: key, Value: value}, flag})
		}
	}
	here := func(path string) string {
		if len(args) == 0 || path == "" {
			return path
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return path
		}
		return abs
	}
	admin := f.admin
	if path, ok := strings.CutPrefix(admin, unixPrefix); ok {
		admin = unixPrefix + here(path)
	}
	add("transport.listen", f.listen, "--listen")
	add("transport.advertise", f.advertise, "--advertise")
	add("transport.kind", f.transport, "--transport")
	add("admin.listen", admin, "--admin")
	add("wireguard.cluster_secret_file", here(f.secret), "--secret")
	if f.insecure {
		add("transport.insecure", "true", "--insecure")
	}
	if len(f.join) > 0 {
		quoted := make([]string, len(f.join))
		for i, seed := range f.join {
			quoted[i] = fmt.Sprintf("%q", seed)
		}
		add("node.seeds", "["+strings.Join(quoted, ", ")+"]", "--join")
	}
	add("node.data_dir", here(data), "--data")
	return all
}

const unixPrefix = "unix://"

// nameFlags has problems name the flag that a value came from.
func (f *runFlags) nameFlags(wrong *config.Error, args []string, data string) {
	for i := range wrong.Problems {
		p := &wrong.Problems[i]
		key, _, _ := strings.Cut(p.Key, "[")
		for _, a := range f.assignments(args, data) {
			if p.File == "--set" && a.Key == key {
				p.File = a.flag
			}
		}
		if p.File == "" {
			p.Line = 0 // there is no file to show a line of
		}
	}
}

// checkFiles looks at the files that a configuration names.
func (f *runFlags) checkFiles(cfg *config.Config, args []string) error {
	err := cfg.CheckFiles(contents(cfg, time.Now()))
	var wrong *config.Error
	if errors.As(err, &wrong) {
		f.nameFlags(wrong, args, cfg.Node.DataDir)
		return usageError{err}
	}
	return err
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
	if err := f.checkFiles(cfg, args); err != nil {
		return err
	}
	if cfg.Node.MaxMemory > 0 {
		debug.SetMemoryLimit(int64(cfg.Node.MaxMemory))
	}
	r := &running{
		app: a, args: args, flags: f,
		hup: make(chan os.Signal, 1), left: make(chan struct{}), over: make(chan struct{}),
	}
	// From now on, for it would end a node that is still on its way up.
	signal.Notify(r.hup, syscall.SIGHUP)
	defer signal.Stop(r.hup)
	if r.parts, err = assemble(ctx, cfg, logger(cfg, a.stderr, &r.level)); err != nil {
		return err
	}
	return r.run(ctx)
}
