package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// nodeFlags say which node a command talks to.
type nodeFlags struct {
	admin, token, data string
	json               bool
	timeout            time.Duration
}

func (f *nodeFlags) add(c *cobra.Command) { f.addFor(c, 10*time.Second) }

// addFor adds the flags to a command that waits as long if it is not told otherwise.
func (f *nodeFlags) addFor(c *cobra.Command, patience time.Duration) {
	c.Flags().StringVar(&f.admin, "admin", "", "admin interface of the node: `unix://PATH` or host:port")
	c.Flags().StringVar(&f.data, "data", "", "data `directory` of the node, which holds its socket")
	c.Flags().StringVar(&f.token, "token-file", "", "`file` with the token, for an interface on TCP")
	c.Flags().DurationVar(&f.timeout, "timeout", patience, "how long to wait for the node")
}

func (f *nodeFlags) addJSON(c *cobra.Command) {
	f.add(c)
	c.Flags().BoolVar(&f.json, "json", false, "print JSON and nothing else")
}

// socketName is the admin socket in a data directory.
const socketName = "admin.sock"

// client connects to the node that is meant: the one that is named, or the only
// one that runs below the usual directory.
func (f *nodeFlags) client() (*admin.Client, error) {
	listen := f.admin
	if listen == "" {
		dir := f.data
		if dir == "" {
			var err error
			if dir, err = onlyNode(); err != nil {
				return nil, err
			}
		}
		listen = unixPrefix + filepath.Join(dir, socketName)
	}
	if path, ok := strings.CutPrefix(listen, unixPrefix); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, usagef("no node runs here: %v", err)
		}
	} else if _, _, err := net.SplitHostPort(listen); err != nil {
		return nil, usagef("--admin %q: want unix://PATH or host:port", listen)
	}
	token := ""
	if f.token != "" {
		b, err := os.ReadFile(f.token)
		if err != nil {
			return nil, usageError{fmt.Errorf("read the token: %w", err)}
		}
		token = strings.TrimSpace(string(b))
	}
	return admin.NewClient(listen, token), nil
}

// onlyNode is the data directory of the one node that runs below dataRoot.
func onlyNode() (string, error) {
	sockets, err := filepath.Glob(filepath.Join(dataRoot, "*", socketName))
	if err != nil {
		return "", err
	}
	// A node that was killed leaves its socket behind.
	sockets = slices.DeleteFunc(sockets, func(path string) bool {
		c, err := net.DialTimeout("unix", path, time.Second)
		if err != nil {
			return errors.Is(err, syscall.ECONNREFUSED)
		}
		_ = c.Close()
		return false
	})
	switch len(sockets) {
	case 1:
		return filepath.Dir(sockets[0]), nil
	case 0:
		return "", usagef("which node? None runs below %s here; say --data DIR or --admin ADDRESS", dataRoot)
	}
	dirs := make([]string, len(sockets))
	for i, s := range sockets {
		dirs[i] = filepath.Dir(s)
	}
	return "", usagef("which node? Say --data with one of %s", strings.Join(dirs, ", "))
}

// ask makes a command that asks a node something and shows the answer.
func ask[T any](a *app, use, short, example string, get func(ctx context.Context, c *admin.Client) (T, error), show func(w io.Writer, v T)) *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use: use, Short: short, Example: example, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
			defer cancel()
			v, err := get(ctx, client)
			if err != nil {
				return err
			}
			if f.json {
				enc := json.NewEncoder(a.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(v)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			show(w, v)
			return w.Flush()
		},
	}
	f.addJSON(c)
	return c
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("got %q, want no arguments", args)
	}
	return nil
}

func newStatusCommand(a *app) *cobra.Command {
	return ask(
		a, "status", "Say who a node is and how it is", "  realnode status --data starling-data/127.0.0.1-7001",
		func(ctx context.Context, c *admin.Client) (admin.Status, error) { return c.Status(ctx) },
		func(w io.Writer, s admin.Status) {
			fmt.Fprintf(w, "node\t%s\nlistens\t%s, %s\nstack\t%s\nrunning\t%s, process %d, version %s\n",
				s.ID, s.Listen, s.Transport, strings.Join(s.Stack, ", "), time.Duration(s.UptimeS*float64(time.Second)).Round(time.Second), s.PID, s.Version)
			fmt.Fprintf(w, "members\t%d\nlinks\t%d\n", s.Members, s.Links)
			if m := s.Map; m != nil {
				fmt.Fprintf(w, "keys\t%d, root %.16s\ndeletions remembered\t%d\n", m.Keys, m.Root, m.Tombstones)
			}
			fmt.Fprintf(w, "ready\t%v\n", s.Ready)
			names := make([]string, 0, len(s.Wrong))
			for name := range s.Wrong {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				fmt.Fprintf(w, "not well\t%s: %s\n", name, s.Wrong[name])
			}
		},
	)
}

func newMembersCommand(a *app) *cobra.Command {
	return ask(
		a, "members", "List what a node believes of the others", "  realnode members --json | jq '.[] | select(.status == \"dead\")'",
		func(ctx context.Context, c *admin.Client) ([]admin.Member, error) { return c.Members(ctx) },
		func(w io.Writer, members []admin.Member) {
			fmt.Fprintln(w, "NODE\tADDRESS\tSTATUS\tINCARNATION")
			for _, m := range members {
				self := ""
				if m.Self {
					self = " (this node)"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d%s\n", m.ID, m.Address, m.Status, m.Incarnation, self)
			}
		},
	)
}

func newViewCommand(a *app) *cobra.Command {
	return ask(
		a, "view", "List a node's links in the overlay", "  realnode view",
		func(ctx context.Context, c *admin.Client) (admin.View, error) { return c.View(ctx) },
		func(w io.Writer, v admin.View) {
			fmt.Fprintf(w, "LINK (%s)\tADDRESS\tBROADCASTS OF THIS NODE\n", v.Protocol)
			for _, l := range v.Active {
				push := "announced"
				if slices.Contains(v.Eager, l.ID) {
					push = "pushed"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", l.ID, l.Address, push)
			}
			fmt.Fprintf(w, "in reserve\t%d\t\n", len(v.Passive))
		},
	)
}

func newBroadcastCommand(a *app) *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use: "broadcast TEXT", Short: "Send a text to all nodes",
		Long:    "Send a text to all nodes. With - the text is read from standard input, as it is.",
		Example: "  realnode broadcast \"hello, everybody\"\n  date | realnode broadcast -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("got %d arguments, want one: the text, in quotes if it has spaces, or -", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			payload := []byte(args[0])
			if args[0] == "-" {
				var err error
				if payload, err = io.ReadAll(a.stdin); err != nil {
					return fmt.Errorf("read standard input: %w", err)
				}
			}
			client, err := f.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
			defer cancel()
			return client.Broadcast(ctx, payload)
		},
	}
	f.add(c)
	return c
}

func newLeaveCommand(a *app) *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use: "leave", Short: "Have a node say goodbye and stop", Args: noArgs,
		Long: "Have a node say goodbye and stop. SIGTERM does the same. The command returns when the process has ended.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
			defer cancel()
			return leaveAndWait(ctx, client)
		},
	}
	f.addFor(c, 30*time.Second)
	return c
}

// leaveAndWait returns when the node's process has ended.
func leaveAndWait(ctx context.Context, client *admin.Client) error {
	s, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if err := client.Leave(ctx); err != nil {
		return err
	}
	// The stream of events is the last of all that ends; it is refused if the
	// node was quicker.
	_ = client.Events(ctx, []string{"none"}, func(admin.Event) error { return nil })
	process, err := os.FindProcess(s.PID)
	if err != nil {
		return nil
	}
	// There is nothing to wait on: it is nobody's child here. What still has the
	// number after a while is another process, seen from a container.
	patience := time.After(exitPatience)
	for ctx.Err() == nil && process.Signal(syscall.Signal(0)) == nil {
		select {
		case <-ctx.Done():
		case <-patience:
			return nil
		case <-time.After(5 * time.Millisecond):
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("process %d is still leaving: %w", s.PID, ctx.Err())
	}
	return nil
}

// exitPatience is how long a process may take that has closed everything.
const exitPatience = 3 * time.Second

func newWatchCommand(a *app) *cobra.Command {
	var f nodeFlags
	c := &cobra.Command{
		Use: "watch [NAME...]", Short: "Show what happens at a node, as it happens",
		Long: `Show what the protocols of a node emit, as it happens. With names, only the
events whose name begins with one of them.`,
		Example: "  realnode watch swim.suspect swim.confirm_dead\n  realnode watch --json plumtree. | jq .name",
		RunE: func(cmd *cobra.Command, names []string) error {
			client, err := f.client()
			if err != nil {
				return err
			}
			defer client.Close()
			out := bufio.NewWriter(a.stdout)
			enc := json.NewEncoder(out)
			return client.Events(cmd.Context(), names, func(e admin.Event) error {
				if f.json {
					if err := enc.Encode(e); err != nil {
						return err
					}
					return out.Flush()
				}
				printEvent(out, e)
				return out.Flush()
			})
		},
	}
	f.addJSON(c)
	return c
}

func printEvent(w io.Writer, e admin.Event) {
	fmt.Fprintf(w, "%12.3f s  %-24s", time.Duration(e.TimeNS).Seconds(), e.Name)
	if e.Peer != "" {
		fmt.Fprintf(w, "  %s", e.Peer)
	}
	names := make([]string, 0, len(e.Text))
	for name := range e.Text {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "  %s=%s", name, e.Text[name])
	}
	if e.Payload != "" {
		fmt.Fprintf(w, "  %q", e.Payload)
	}
	fmt.Fprintln(w)
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "realnode", version())
			return err
		},
	}
}

// version is what the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return v
}

// unknownCommand tells whether cobra refused the command line.
func unknownCommand(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "unknown command") || strings.HasPrefix(text, "required flag")
}
