package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// touched is a fake that tells whether anybody reached it.
type touched struct {
	*fake
	calls int
	last  admin.Change
}

func (n *touched) Status(ctx context.Context) (admin.Status, error) {
	n.calls++
	return n.fake.Status(ctx)
}

func (n *touched) Members(ctx context.Context) ([]admin.Member, error) {
	n.calls++
	return n.fake.Members(ctx)
}

func (n *touched) View(ctx context.Context) (admin.View, error) {
	n.calls++
	return n.fake.View(ctx)
}

func (n *touched) Broadcast(ctx context.Context, b []byte) error {
	n.calls++
	return n.fake.Broadcast(ctx, b)
}

func (n *touched) Leave(ctx context.Context) error { n.calls++; return n.fake.Leave(ctx) }

func (n *touched) Events(ctx context.Context) (<-chan admin.Event, error) {
	n.calls++
	return n.fake.Events(ctx)
}

func (n *touched) Command(ctx context.Context, c admin.Command) error {
	n.calls++
	return n.fake.Command(ctx, c)
}

func (n *touched) Apply(ctx context.Context, rule json.RawMessage) (uint64, error) {
	n.calls++
	return n.fake.Apply(ctx, rule)
}

func (n *touched) Remove(ctx context.Context, id uint64) error {
	n.calls++
	return n.fake.Remove(ctx, id)
}

func (n *touched) Counters(ctx context.Context) (map[string]uint64, error) {
	n.calls++
	return n.fake.Counters(ctx)
}

func (n *touched) Key(ctx context.Context, key []byte) (admin.Value, error) {
	n.calls++
	return n.fake.Key(ctx, key)
}

func (n *touched) Keys(ctx context.Context, q admin.KeyQuery) (admin.KeyPage, error) {
	n.calls++
	return n.fake.Keys(ctx, q)
}

func (n *touched) ChangeKey(ctx context.Context, key []byte, c admin.Change) (admin.Changed, error) {
	n.calls, n.last = n.calls+1, c
	return n.fake.ChangeKey(ctx, key, c)
}

// recorder is a ResponseRecorder that has deadlines, as connections do.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetReadDeadline(time.Time) error  { return nil }
func (recorder) SetWriteDeadline(time.Time) error { return nil }

// FuzzRequests has the interface in lab mode hammered with requests, on a socket
// and on TCP: what is wrong with them is said in the one form of errors and is
// never the node's fault, and without the token nobody gets as far as the node.
func FuzzRequests(f *testing.F) {
	const bearer = "Bearer s3cret"
	f.Add("GET", "/v1/status", bearer, "localhost:1", []byte{}, true)
	f.Add("GET", "/v1/members", "Bearer wrong", "localhost", []byte{}, true)
	f.Add("GET", "/v1/view", bearer, "[::1]:80", []byte{}, true)
	f.Add("GET", "/v1/events?name=swim.&name=%zz", bearer, "evil.example:80", []byte{}, true)
	f.Add("GET", "/v1/status", bearer, "evil.example", []byte{}, true)
	f.Add("GET", "/v1/events?name=swim.", "", "", []byte{}, false)
	f.Add("POST", "/v1/broadcast", bearer, "127.0.0.1:9", []byte("hello"), true)
	f.Add("POST", "/v1/broadcast", "", "", make([]byte, 1001), false)
	f.Add("POST", "/v1/leave", "", "", []byte{}, false)
	f.Add("POST", "/v1/command", "", "", []byte(`{"name":"plumtree.broadcast","value":"aGk=","args":[1,2],"workload":1}`), false)
	f.Add("POST", "/v1/command", "", "", []byte(`{"name":"plumtree.broadcast"} {}`), false)
	f.Add("POST", "/v1/lab/rules", "", "", []byte(`{"cut":true}`), false)
	f.Add("DELETE", "/v1/lab/rules/7", "", "", []byte{}, false)
	f.Add("DELETE", "/v1/lab/rules/18446744073709551616", "", "", []byte{}, false)
	f.Add("GET", "/v1/lab/counters", "", "", []byte{}, false)
	f.Add("GET", "/livez", "", "", []byte{}, true)
	f.Add("GET", "/../v1//status", "", "", []byte{}, false)
	f.Add("PUT", "/v1/nothing", "", "", []byte{}, false)
	f.Add("GET", "/v1/keys?prefix=a%2F&after=a%ff&limit=10", "", "", []byte{}, false)
	f.Add("GET", "/v1/keys?limit=0&prefix=%zz", "", "", []byte{}, false)
	f.Add("GET", "/v1/keys/a%2F%00", bearer, "localhost", []byte{}, true)
	f.Add("PUT", "/v1/keys/%2E%2E", "", "", []byte("\xff"), false)
	f.Add("PUT", "/v1/keys/a", "", "", make([]byte, 2001), false)
	f.Add("DELETE", "/v1/keys/here", "Bearer ", "localhost", []byte{}, true)
	f.Add("POST", "/v1/keys/a/increment?by=-9223372036854775808", "", "", []byte{}, false)
	f.Add("POST", "/v1/keys/a/add", "", "", []byte("b"), false)
	f.Add("POST", "/v1/keys/here/remove", "", "", []byte("b"), false)
	well := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	f.Fuzz(func(t *testing.T, method, target, authorization, host string, body []byte, tcp bool) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // the server of package http says so
		}
		n := &touched{fake: &fake{said: make(chan []byte, 1), events: make(chan admin.Event, 1), rules: map[uint64]string{7: ""}, keys: map[string][]byte{"here": {0xff}}}}
		n.events <- admin.Event{Name: "swim.alive"}
		close(n.events)
		cfg := admin.Config{
			Listen: "unix:///fuzz", Node: n, Lab: n, MaxPayload: 1000, MaxValue: 2000, Logger: slog.New(slog.DiscardHandler),
			Extra: admin.Extra{Metrics: well, Live: well, Ready: well},
		}
		if tcp {
			cfg.Listen, cfg.Token = "127.0.0.1:0", "s3cret"
		}
		r := &http.Request{
			Method: method, URL: u, Host: host, Header: http.Header{"Authorization": {authorization}},
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), RequestURI: target,
		}
		w := recorder{httptest.NewRecorder()}
		admin.Handler(cfg).ServeHTTP(w, r)

		health := u.Path == "/livez" || u.Path == "/readyz"
		switch {
		case tcp && authorization != bearer && !health && (w.Code != http.StatusUnauthorized || n.calls > 0):
			t.Errorf("%s %q with %q: got status %d and %d calls without the token", method, target, authorization, w.Code, n.calls)
		case tcp && n.calls > 0 && !loopback(host):
			t.Errorf("%s %q: called the node for host %q", method, target, host)
		case n.calls > 1:
			t.Errorf("%s %q: called the node %d times", method, target, n.calls)
		case w.Code < 200 || w.Code == http.StatusInternalServerError || w.Code > 501:
			t.Errorf("%s %q: got status %d: %s", method, target, w.Code, w.Body)
		case w.Code == http.StatusOK && u.Path == "/v1/command" && !json.Valid(body):
			t.Errorf("took the command %q", body)
		case len(n.last.Value) > 2000 || n.last.Op != "" && len(n.last.Value) > 0 && !bytes.Equal(n.last.Value, body):
			t.Errorf("%s %q: wrote %d bytes of a body of %d", method, target, len(n.last.Value), len(body))
		case len(n.said) > 0 && !bytes.Equal(<-n.said, body):
			t.Errorf("said something else than %q", body)
		}
		if w.Code >= 400 {
			var said struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Error == "" {
				t.Errorf("%s %q: status %d with %q, which is no error (%v)", method, target, w.Code, w.Body, err)
			}
		}
	})
}

// port is the end of a host that names one.
var port = regexp.MustCompile(`:[0-9]*$`)

// loopback tells whether what a browser calls the host of a page is this machine.
func loopback(host string) bool {
	if name := port.ReplaceAllString(host, ""); name == "localhost" {
		return true
	} else if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return addr.IsLoopback()
	}
	return false
}

// says is a node that answers everything with the same.
type says struct {
	status int
	body   []byte
}

func (s says) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Status: strings.TrimSpace(fmt.Sprintf("%d %s", s.status, http.StatusText(s.status))), Body: io.NopCloser(bytes.NewReader(s.body)), Header: http.Header{},
	}, nil
}

// FuzzEvents: a client reads the events of a node that it does not know. Those
// that it takes are the same when they are told again.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("event: swim.alive\ndata: {\"time_ns\":5,\"node\":\"00000000000000aa\",\"kind\":257,\"name\":\"swim.alive\",\"peer\":\"00000000000000bb\",\"args\":[1,2,18446744073709551615]}\n\n"))
	f.Add([]byte(": still here\n\ndata: {\"name\":\"a\",\"text\":{\"b\":\"c\"},\"payload\":\"\\u0007\"}\r\n\r\ndata: {}"))
	f.Add([]byte("data: [\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		read := func(stream []byte) (told []byte, err error) {
			err = admin.ClientOver(says{http.StatusOK, stream}).Events(t.Context(), nil, func(e admin.Event) error {
				b, err := json.Marshal(e)
				told = append(append(append(told, "data: "...), b...), "\n\n"...)
				return err
			})
			return told, err
		}
		told, err := read(stream)
		if err == nil || errors.Is(err, admin.ErrEnded) && bytes.Count(told, []byte("\n\n")) > bytes.Count(stream, []byte("data: ")) {
			t.Errorf("got %v and %q", err, told)
		}
		if again, err := read(told); !bytes.Equal(again, told) || !errors.Is(err, admin.ErrEnded) {
			t.Errorf("told again: got %q (%v), want %q", again, err, told)
		}
	})
}

// FuzzAnswers: so are its other answers. One that is no success is an error that
// says something.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"id":"00000000000000aa","members":3,"wrong":{"disk":"full"},"started":"2026-01-02T03:04:05Z"}`), uint16(200))
	f.Add([]byte(`[{"id":"00000000000000bb","status":"alive","incarnation":4294967295}]`), uint16(200))
	f.Add([]byte(`{"error":"no"}`), uint16(501))
	f.Add([]byte(`{"error":"no such key: \"x\""}`), uint16(404))
	f.Add([]byte(`{"key":{"base64":"eA==","text":"x"},"kind":"set","elements":[{"base64":"/w=="}],"count":-5,"value":null}`), uint16(200))
	f.Add([]byte(`{"keys":[{"base64":"eA=="}],"next":"x"}`), uint16(200))
	f.Add([]byte(`{"error":5}`), uint16(500))
	f.Fuzz(func(t *testing.T, body []byte, status uint16) {
		c := admin.ClientOver(says{int(status), body})
		ctx := t.Context()
		_, err1 := c.Status(ctx)
		_, err2 := c.Members(ctx)
		_, err3 := c.View(ctx)
		_, err4 := c.Apply(ctx, []byte(`{}`))
		_, err5 := c.Counters(ctx)
		err6 := c.Leave(ctx)
		_, err7 := c.Key(ctx, []byte("x"))
		_, err8 := c.Keys(ctx, admin.KeyQuery{})
		_, err9 := c.ChangeKey(ctx, []byte("x"), admin.Change{Op: admin.Delete})
		for _, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8, err9} {
			switch {
			case status/100 == 2 && err6 != nil:
				t.Errorf("status %d: got %v, want no error", status, err6)
			case status/100 != 2 && (err == nil || strings.TrimPrefix(err.Error(), "node at nowhere: ") == ""):
				t.Errorf("status %d: got %v, want an error that says something", status, err)
			case status == http.StatusNotFound && !errors.Is(err, admin.ErrNoKey):
				t.Errorf("got %v, want that it is not there", err)
			case status == http.StatusNotImplemented && !errors.Is(err, admin.ErrNotSupported):
				t.Errorf("got %v, want it not supported", err)
			}
		}
	})
}
