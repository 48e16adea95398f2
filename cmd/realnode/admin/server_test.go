package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// fake is a node and its lab.
type fake struct {
	said   chan []byte
	events chan admin.Event
	rules  map[uint64]string
	keys   map[string][]byte // registers; nil: the stack has no map
}

func (*fake) Status(context.Context) (admin.Status, error) {
	return admin.Status{ID: "00000000000000aa", Members: 3}, nil
}

func (*fake) Members(context.Context) ([]admin.Member, error) {
	return []admin.Member{{ID: "00000000000000bb", Status: "alive"}}, nil
}

func (*fake) View(context.Context) (admin.View, error) {
	return admin.View{}, fmt.Errorf("no overlay in the stack: %w", admin.ErrNotSupported)
}

func (f *fake) Broadcast(_ context.Context, payload []byte) error {
	f.said <- payload
	return nil
}
func (*fake) Leave(context.Context) error { return nil }

func (f *fake) Events(context.Context) (<-chan admin.Event, error) { return f.events, nil }

func (*fake) Command(_ context.Context, c admin.Command) error {
	if c.Name != "plumtree.broadcast" {
		return admin.Invalid(fmt.Errorf("unknown command %q", c.Name))
	}
	return nil
}

func (f *fake) Apply(_ context.Context, rule json.RawMessage) (uint64, error) {
	f.rules[7] = string(rule)
	return 7, nil
}

func (f *fake) Remove(_ context.Context, id uint64) error {
	if _, ok := f.rules[id]; !ok {
		return admin.Invalid(errors.New("no such rule"))
	}
	delete(f.rules, id)
	return nil
}

func (*fake) Counters(context.Context) (map[string]uint64, error) {
	return map[string]uint64{"sent": 5}, nil
}

// serve starts an interface and returns a client of it.
func serve(t *testing.T, change func(c *admin.Config)) (*fake, *admin.Client, string) {
	t.Helper()
	f := &fake{said: make(chan []byte, 10), events: make(chan admin.Event, 10), rules: map[uint64]string{}}
	c := admin.Config{
		Listen: "unix://" + filepath.Join(t.TempDir(), "admin"), Node: f, MaxPayload: 1000,
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	s, err := admin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	client := admin.NewClient(s.Address(), c.Token)
	t.Cleanup(func() {
		client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return f, client, s.Address()
}

func onTCP(c *admin.Config) { c.Listen, c.Token = "127.0.0.1:0", "s3cret" }

func TestClientAndServer(t *testing.T) {
	for name, change := range map[string]func(*admin.Config){"unix": nil, "tcp": onTCP} {
		t.Run(name, func(t *testing.T) {
			f, c, _ := serve(t, change)
			ctx := t.Context()
			if s, err := c.Status(ctx); err != nil || s.Members != 3 {
				t.Errorf("status: got %+v, %v", s, err)
			}
			if m, err := c.Members(ctx); err != nil || len(m) != 1 || m[0].Status != "alive" {
				t.Errorf("members: got %+v, %v", m, err)
			}
			if _, err := c.View(ctx); !errors.Is(err, admin.ErrNotSupported) || !strings.Contains(err.Error(), "no overlay") {
				t.Errorf("view: got %v, want it not supported", err)
			}
			if err := c.Broadcast(ctx, []byte("hello")); err != nil {
				t.Error(err)
			}
			if got := string(<-f.said); got != "hello" {
				t.Errorf("broadcast %q", got)
			}
			if err := c.Broadcast(ctx, make([]byte, 1001)); err == nil || !strings.Contains(err.Error(), "at most 1000 bytes") {
				t.Errorf("too large a payload: got %v", err)
			}
			if err := c.Leave(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFaultsAreForLabMode(t *testing.T) {
	_, c, _ := serve(t, nil)
	for what, err := range map[string]error{
		"command": c.Command(t.Context(), admin.Command{Name: "plumtree.broadcast"}),
		"rule":    second(c.Apply(t.Context(), []byte(`{}`))),
	} {
		if !errors.Is(err, admin.ErrNotSupported) {
			t.Errorf("%s outside lab mode: got %v", what, err)
		}
	}
	f, c, _ := serve(t, func(c *admin.Config) { c.Lab = c.Node.(*fake) })
	if err := c.Command(t.Context(), admin.Command{Name: "plumtree.broadcast"}); err != nil {
		t.Error(err)
	}
	id, err := c.Apply(t.Context(), []byte(`{"cut":true}`))
	if err != nil || id != 7 || f.rules[7] != `{"cut":true}` {
		t.Errorf("apply: got %d, %v; rules %v", id, err, f.rules)
	}
	if err := c.Remove(t.Context(), 7); err != nil {
		t.Error(err)
	}
	if err := c.Remove(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "no such rule") {
		t.Errorf("remove again: got %v", err)
	}
	if m, err := c.Counters(t.Context()); err != nil || m["sent"] != 5 {
		t.Errorf("counters: got %v, %v", m, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWithoutTheTokenNothingIsSaid(t *testing.T) {
	_, _, at := serve(t, onTCP)
	get := func(path, token, host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", token)
		}
		if host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	for _, c := range []struct {
		token, host string
		want        int
	}{
		{"", "", 401},
		{"s3cret", "", 401},
		{"Bearer wrong", "", 401},
		{"Bearer ", "", 401},
		{"Bearer s3cret", "", 200},
		{"Bearer s3cret", "evil.example:80", 421},
		{"Bearer s3cret", "evil.example", 421},
		{"Bearer s3cret", "localhost:1", 200},
		{"Bearer s3cret", "localhost", 200},
		{"Bearer s3cret", "[::1]", 200},
	} {
		got, body := get("/v1/status", c.token, c.host)
		if got != c.want {
			t.Errorf("token %q, host %q: got %d, want %d", c.token, c.host, got, c.want)
		}
		if got != 200 && strings.Contains(body, "00aa") {
			t.Errorf("told %s to one without the token", body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestEventsAreStreamed(t *testing.T) {
	f, c, _ := serve(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, name := range []string{"swim.alive", "plumtree.deliver", "swim.suspect"} {
		f.events <- admin.Event{Name: name, Node: "00000000000000aa", Args: [3]uint64{1, 2, 1 << 63}}
	}
	enough := errors.New("enough")
	var got []string
	err := c.Events(ctx, []string{"swim."}, func(e admin.Event) error {
		if e.Args[2] != 1<<63 {
			t.Errorf("arguments %v", e.Args)
		}
		if got = append(got, e.Name); len(got) == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || strings.Join(got, " ") != "swim.alive swim.suspect" {
		t.Errorf("got %v, %v", got, err)
	}
}

// An event does not wait for the next one that is wanted.
func TestEventsArriveAtOnce(t *testing.T) {
	f, c, _ := serve(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	f.events <- admin.Event{Name: "swim.suspect"}
	for range 5 {
		f.events <- admin.Event{Name: "plumtree.deliver"}
	}
	enough := errors.New("enough")
	if err := c.Events(ctx, []string{"swim."}, func(admin.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v, want the event", err)
	}
}

// A client that watches a node where little happens is not cut off.
func TestQuietStreamsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{events: make(chan admin.Event, 1)}
		here, there := net.Pipe()
		server := &http.Server{Handler: admin.Handler(admin.Config{Listen: "unix://pipe", Node: f, Logger: slog.New(slog.DiscardHandler)})}
		l := &oneConnection{conn: there, closed: make(chan struct{})}
		go func() { _ = server.Serve(l) }()
		heard := make(chan string, 10)
		go func() {
			defer close(heard)
			_, _ = io.WriteString(here, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
			lines := bufio.NewScanner(here)
			for lines.Scan() {
				if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
					heard <- name
				}
			}
		}()
		for _, name := range []string{"a", "b"} {
			f.events <- admin.Event{Name: name}
			if got := <-heard; got != name {
				t.Errorf("got event %q, want %q", got, name)
			}
			time.Sleep(5 * time.Minute)
		}
		_ = here.Close()
		_ = server.Close()
		<-heard
	})
}

// oneConnection is a listener that accepts one connection.
type oneConnection struct {
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *oneConnection) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConnection) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConnection) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// A client that watches does not keep the process from ending.
func TestStreamsEndWithTheServer(t *testing.T) {
	f := &fake{events: make(chan admin.Event, 1)}
	s, err := admin.New(admin.Config{
		Listen: "unix://" + filepath.Join(t.TempDir(), "admin"), Node: f, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	c := admin.NewClient(s.Address(), "")
	defer c.Close()
	f.events <- admin.Event{Name: "a"}
	watched := make(chan error, 1)
	go func() {
		watched <- c.Events(t.Context(), nil, func(admin.Event) error {
			cancel()
			return nil
		})
	}()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := <-watched; !errors.Is(err, admin.ErrEnded) {
		t.Errorf("watching: got %v, want that the node has ended", err)
	}
}

func TestListenRefuses(t *testing.T) {
	taken, _, at := serve(t, nil)
	_ = taken
	for listen, want := range map[string]string{
		"0.0.0.0:7980":   "loopback",
		"127.0.0.1:0":    "token",
		"somewhere":      "want unix:///path",
		at:               "another process",
		"unix:///no/dir": "no such file",
	} {
		_, err := admin.New(admin.Config{Listen: listen})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("listen on %q: got %v, want it to say %q", listen, err, want)
		}
	}
}
