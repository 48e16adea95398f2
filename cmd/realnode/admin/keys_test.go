package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

func (f *fake) Key(_ context.Context, key []byte) (admin.Value, error) {
	if f.keys == nil {
		return admin.Value{}, fmt.Errorf("no map: %w", admin.ErrNotSupported)
	}
	v, ok := f.keys[string(key)]
	if !ok {
		return admin.Value{}, fmt.Errorf("%w: %q", admin.ErrNoKey, key)
	}
	count, value := int64(-7), admin.Bytes(v)
	switch string(key) {
	case "count":
		return admin.Value{Key: key, Kind: admin.Counter, Count: &count}, nil
	case "set":
		return admin.Value{Key: key, Kind: admin.Set, Elements: []admin.Bytes{value}}, nil
	}
	return admin.Value{Key: key, Kind: admin.Register, Value: &value}, nil
}

func (f *fake) Keys(_ context.Context, q admin.KeyQuery) (admin.KeyPage, error) {
	page := admin.KeyPage{Keys: []admin.Bytes{}}
	for _, key := range slices.Sorted(maps.Keys(f.keys)) {
		if strings.HasPrefix(key, string(q.Prefix)) && (key > string(q.After) || len(q.After) == 0) && len(page.Keys) < q.Limit {
			page.Keys = append(page.Keys, admin.Bytes(key))
		}
	}
	return page, nil
}

// ChangeKey remembers what it was told under the key.
func (f *fake) ChangeKey(_ context.Context, key []byte, c admin.Change) (admin.Changed, error) {
	_, ok := f.keys[string(key)]
	switch {
	case f.keys == nil:
		return admin.Changed{}, fmt.Errorf("no map: %w", admin.ErrNotSupported)
	case c.Op == admin.Delete && !ok:
		return admin.Changed{}, fmt.Errorf("%w: %q", admin.ErrNoKey, key)
	case c.Op == admin.Delete:
		delete(f.keys, string(key))
	case c.Op == admin.Put:
		f.keys[string(key)] = c.Value
	default:
		f.keys[string(key)] = fmt.Appendf(nil, "%s %d %q", c.Op, c.By, c.Value)
	}
	return admin.Changed{Key: key}, nil
}

// Whatever a key is, a client and a node mean the same one, and its value is the
// same at both.
func TestKeysAndValuesAreAnyBytes(t *testing.T) {
	f, c, _ := serve(t, func(c *admin.Config) { c.MaxValue = 1 << 20; c.Node.(*fake).keys = map[string][]byte{} })
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		clear(f.keys)
		key := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 1, 20),
			rapid.SliceOfN(rapid.SampledFrom([]byte("./%?#+ \\\x00\xff")), 1, 5),
		).Draw(t, "key")
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		if _, err := c.Key(ctx, key); !errors.Is(err, admin.ErrNoKey) {
			t.Fatalf("got %v, want that it is not there", err)
		}
		done, err := c.ChangeKey(ctx, key, admin.Change{Op: admin.Put, Value: value})
		if err != nil || !bytes.Equal(done.Key, key) {
			t.Fatalf("put: got %q, %v", done.Key, err)
		}
		if got, ok := f.keys[string(key)]; !ok || !bytes.Equal(got, value) {
			t.Fatalf("the node has %q, want %q under %q", f.keys, value, key)
		}
		v, err := c.Key(ctx, key)
		if err != nil || v.Kind != admin.Register || !bytes.Equal(*v.Value, value) || !bytes.Equal(v.Key, key) {
			t.Fatalf("get: got %+v, %v", v, err)
		}
		page, err := c.Keys(ctx, admin.KeyQuery{Prefix: key[:1]})
		if err != nil || len(page.Keys) != 1 || !bytes.Equal(page.Keys[0], key) {
			t.Fatalf("list: got %q, %v", page.Keys, err)
		}
		if _, err := c.ChangeKey(ctx, key, admin.Change{Op: admin.Delete}); err != nil || len(f.keys) > 0 {
			t.Fatalf("delete: got %v, and the node has %q", err, f.keys)
		}
	})
}

func TestChangesAreToldApart(t *testing.T) {
	f, c, _ := serve(t, func(c *admin.Config) { c.MaxValue = 100; c.Node.(*fake).keys = map[string][]byte{} })
	for _, x := range []struct {
		change admin.Change
		want   string
	}{
		{admin.Change{Op: admin.Increment, By: -1 << 63}, `increment -9223372036854775808 ""`},
		{admin.Change{Op: admin.Add, Value: []byte("a")}, `add 0 "a"`},
		{admin.Change{Op: admin.Remove, Value: []byte("b")}, `remove 0 "b"`},
	} {
		if _, err := c.ChangeKey(t.Context(), []byte("k"), x.change); err != nil || string(f.keys["k"]) != x.want {
			t.Errorf("%s: got %s, %v; want %s", x.change.Op, f.keys["k"], err, x.want)
		}
	}
	for op, want := range map[admin.Op]string{admin.Put: "at most 100 bytes", admin.Add: "at most 100 bytes", "burn": `got "burn", want increment, add or remove`} {
		if _, err := c.ChangeKey(t.Context(), []byte("k"), admin.Change{Op: op, Value: make([]byte, 101)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", op, err, want)
		}
	}
	if _, err := c.ChangeKey(t.Context(), []byte("gone"), admin.Change{Op: admin.Delete}); !errors.Is(err, admin.ErrNoKey) || !strings.Contains(err.Error(), `"gone"`) {
		t.Errorf("delete what is not there: got %v", err)
	}
	f.keys = nil
	for what, err := range map[string]error{
		"get": second(c.Key(t.Context(), []byte("k"))), "put": second(c.ChangeKey(t.Context(), []byte("k"), admin.Change{Op: admin.Put})),
	} {
		if !errors.Is(err, admin.ErrNotSupported) {
			t.Errorf("%s without a map: got %v", what, err)
		}
	}
}

func TestKeysByHand(t *testing.T) {
	n := &fake{keys: map[string][]byte{"a/b": []byte("x\xff"), "text": []byte("so\n"), "count": nil, "set": []byte("e")}}
	h := admin.Handler(admin.Config{Listen: "unix:///keys", Node: n, MaxValue: 100, Logger: slog.New(slog.DiscardHandler)})
	for _, c := range []struct {
		method, path, accept string
		status               int
		kind, body           string
	}{
		{"GET", "/v1/keys/a%2Fb", "", 200, "application/json", `{"key":{"base64":"YS9i","text":"a/b"},"kind":"register","value":{"base64":"eP8="}}`},
		{"GET", "/v1/keys/text", "*/*", 200, "application/json", `{"key":{"base64":"dGV4dA==","text":"text"},"kind":"register","value":{"base64":"c28K","text":"so\n"}}`},
		{"GET", "/v1/keys/a%2fb", "application/octet-stream", 200, "application/octet-stream", "x\xff"},
		{"GET", "/v1/keys/a%2fb", "text/html, application/octet-stream;q=0.9, */*", 200, "application/octet-stream", "x\xff"},
		{"GET", "/v1/keys/count", "application/octet-stream", 200, "application/octet-stream", "-7"},
		{"GET", "/v1/keys/count", "application/json, application/octet-stream", 200, "application/json", `{"key":{"base64":"Y291bnQ=","text":"count"},"kind":"counter","count":-7}`},
		{"GET", "/v1/keys/set", "application/octet-stream", 406, "application/json", `{"error":"a set has no bytes of its own: ask for application/json"}`},
		{"GET", "/v1/keys/gone", "application/octet-stream", 404, "application/json", `{"error":"no such key: \"gone\""}`},
		{"GET", "/v1/keys/a/b", "", 400, "application/json", `{"error":"GET \"/v1/keys/a/b\": want /v1/keys/{key}, in which a slash is %2F, or POST of /increment, /add or /remove of one"}`},
		{"GET", "/v1/keys?prefix=c&limit=1", "", 200, "application/json", `{"keys":[{"base64":"Y291bnQ=","text":"count"}]}`},
		{"GET", "/v1/keys?limit=10001", "", 400, "application/json", `{"error":"limit: got \"10001\", want 1 to 10000"}`},
		{"GET", "/v1/keys?prefix=%zz", "", 400, "application/json", `{"error":"invalid URL escape \"%zz\""}`},
		{"POST", "/v1/keys/n/increment?by=0", "", 400, "application/json", `{"error":"by: got \"0\", want a number of 64 bits that is not 0"}`},
		{"POST", "/v1/keys/n/increment?by=9223372036854775808", "", 400, "application/json", `{"error":"by: got \"9223372036854775808\", want a number of 64 bits that is not 0"}`},
		{"POST", "/v1/keys/n/increment", "", 200, "application/json", `{"key":{"base64":"bg==","text":"n"}}`},
		{"POST", "/v1/keys/n", "", 400, "application/json", `{"error":"POST \"/v1/keys/n\": want /v1/keys/{key}, in which a slash is %2F, or POST of /increment, /add or /remove of one"}`},
		{"GET", "/v1/keys/", "", 400, "application/json", `{"error":"there is no key in the path"}`},
		{"GET", "/v1/keys/a/", "", 400, "application/json", `{"error":"the path ends in a slash, which is %2F in a key"}`},
		{"DELETE", "/v1/keys/gone", "", 404, "application/json", `{"error":"no such key: \"gone\""}`},
		{"PATCH", "/v1/keys/n", "", 405, "application/json", `{"error":"PATCH \"/v1/keys/n\": method not allowed"}`},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		h.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Header().Get("Content-Type") == "application/json" {
			body = strings.Join(strings.Fields(body), "")
			c.body = strings.Join(strings.Fields(c.body), "")
		}
		if w.Code != c.status || body != c.body || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s %s for %q: got %d, %s, %q", c.method, c.path, c.accept, w.Code, w.Header().Get("Content-Type"), body)
		}
	}
	if got := string(n.keys["n"]); got != `increment 1 ""` {
		t.Errorf("increment by nothing: got %s", got)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/v1/keys/n", io.LimitReader(zeros{}, 101)))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a value too large: got %d, %s", w.Code, w.Body)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
