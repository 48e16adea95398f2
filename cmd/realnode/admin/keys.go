package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Keys is the replicated map of a node's stack. Errors wrap ErrNotSupported if the
// stack has none.
type Keys interface {
	// Key returns what a key holds; the error wraps ErrNoKey if it is not there.
	Key(ctx context.Context, key []byte) (Value, error)
	// Keys returns some of the keys, in byte order.
	Keys(ctx context.Context, q KeyQuery) (KeyPage, error)
	// ChangeKey returns when the change is on the node's disk. The error wraps
	// ErrNoKey if a key that is not there was to be deleted, or an element to be
	// removed from it.
	ChangeKey(ctx context.Context, key []byte, c Change) (Changed, error)
}

// ErrNoKey is wrapped by what cannot be done because a key is not there.
var ErrNoKey = errors.New("no such key")

// Kinds of values.
const (
	Register = "register" // bytes, of which the last write wins
	Counter  = "counter"
	Set      = "set"
)

// Value is what a key holds.
type Value struct {
	Key  Bytes  `json:"key"`
	Kind string `json:"kind"`
	// Of Value, Count and Elements there is the one that fits the kind.
	Value    *Bytes  `json:"value,omitempty"`
	Count    *int64  `json:"count,omitempty"`
	Elements []Bytes `json:"elements,omitempty"` // in byte order
	// Conflict: several nodes wrote values of different kinds at once, of which
	// this is one. The next write replaces them all.
	Conflict bool `json:"conflict,omitempty"`
}

// Bytes are any bytes. In JSON they are base64 and, where they can be read,
// text as well.
type Bytes []byte

type bytesJSON struct {
	Base64 []byte `json:"base64"`
	Text   string `json:"text,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (b Bytes) MarshalJSON() ([]byte, error) {
	out := bytesJSON{Base64: b}
	if b == nil {
		out.Base64 = []byte{}
	}
	if text := string(b); Printable(text) {
		out.Text = text
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler. The text says nothing new.
func (b *Bytes) UnmarshalJSON(text []byte) error {
	var in bytesJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*b = in.Base64
	return nil
}

// Printable tells whether a text can be shown as it is: it is UTF-8 without
// control characters other than the ends of lines and tabs.
func Printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\t'
	})
}

// KeyQuery says which keys to list.
type KeyQuery struct {
	Prefix []byte
	After  []byte // only those behind this one; empty: from the first
	Limit  int    // 1 to MaxKeys
}

// MaxKeys is how many keys a page has at most, and usualKeys if nobody says.
const (
	MaxKeys   = 10_000
	usualKeys = 1000
)

// KeyPage is a part of a list of keys.
type KeyPage struct {
	Keys []Bytes `json:"keys"`
	// Next is what to give as "after" for those behind, percent-encoded; empty
	// if there are none.
	Next string `json:"next,omitempty"`
}

// Op is what to do with a key.
type Op string

// What can be done with a key.
const (
	Put       Op = "put"       // write Value in the place of all that it holds
	Delete    Op = "delete"    // whatever it holds
	Increment Op = "increment" // add By to its counter
	Add       Op = "add"       // Value to its set
	Remove    Op = "remove"    // Value from its set
)

// Change is a write.
type Change struct {
	Op    Op
	Value []byte
	By    int64
}

// Changed is what came of a write.
type Changed struct {
	Key   Bytes  `json:"key"`
	Count *int64 `json:"count,omitempty"` // of a counter, now
}

func (s *Server) keyRoutes(m *http.ServeMux) {
	n := s.cfg.Node
	m.HandleFunc("GET /v1/keys", s.answer(func(r *http.Request) (any, error) {
		q, err := keyQuery(r.URL.RawQuery)
		if err != nil {
			return nil, Invalid(err)
		}
		return n.Keys(r.Context(), q)
	}))
	// Everything below, for a key may be a slash, which no wildcard of one part
	// of a path is.
	one := func(method string, do func(r *http.Request, key []byte, op Op) (any, error)) {
		m.HandleFunc(method+" /v1/keys/{rest...}", s.answer(func(r *http.Request) (any, error) {
			key, op, err := keyAndOp(r.URL.EscapedPath())
			if err != nil {
				return nil, Invalid(err)
			}
			if (op == "") != (method != http.MethodPost) {
				return nil, Invalid(fmt.Errorf("%s %.100q: want /v1/keys/{key}, in which a slash is %%2F, or POST of /increment, /add or /remove of one", method, r.URL.Path))
			}
			return do(r, key, op)
		}))
	}
	one(http.MethodGet, func(r *http.Request, key []byte, _ Op) (any, error) {
		v, err := n.Key(r.Context(), key)
		if err != nil || !wantsRaw(r) {
			return v, err
		}
		return v.raw()
	})
	one(http.MethodPut, func(r *http.Request, key []byte, _ Op) (any, error) {
		return s.changeValue(r, key, Put)
	})
	one(http.MethodDelete, func(r *http.Request, key []byte, _ Op) (any, error) {
		return n.ChangeKey(r.Context(), key, Change{Op: Delete})
	})
	one(http.MethodPost, func(r *http.Request, key []byte, op Op) (any, error) {
		switch op {
		case Add, Remove:
			return s.changeValue(r, key, op)
		case Increment:
			by, err := increment(r.URL.RawQuery)
			if err != nil {
				return nil, Invalid(err)
			}
			return n.ChangeKey(r.Context(), key, Change{Op: Increment, By: by})
		}
		return nil, Invalid(fmt.Errorf("got %.20q, want increment, add or remove", op))
	})
}

// changeValue carries out a change to which the body belongs.
func (s *Server) changeValue(r *http.Request, key []byte, op Op) (any, error) {
	value, err := body(r, s.cfg.MaxValue)
	if err != nil {
		return nil, err
	}
	return s.cfg.Node.ChangeKey(r.Context(), key, Change{Op: op, Value: value})
}

// keyAndOp takes a path /v1/keys/KEY or /v1/keys/KEY/OP apart, which has not been
// decoded.
func keyAndOp(path string) (key []byte, op Op, err error) {
	first, rest, more := strings.Cut(strings.TrimPrefix(path, "/v1/keys/"), "/")
	text, err := url.PathUnescape(first)
	switch {
	case err != nil:
		return nil, "", err
	case text == "":
		return nil, "", errors.New("there is no key in the path")
	case more && rest == "":
		return nil, "", errors.New("the path ends in a slash, which is %2F in a key")
	}
	return []byte(text), Op(rest), nil
}

func keyQuery(raw string) (KeyQuery, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return KeyQuery{}, err
	}
	q := KeyQuery{Prefix: []byte(values.Get("prefix")), After: []byte(values.Get("after")), Limit: usualKeys}
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > MaxKeys {
			return KeyQuery{}, fmt.Errorf("limit: got %.20q, want 1 to %d", text, MaxKeys)
		}
	}
	return q, nil
}

func increment(raw string) (int64, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return 0, err
	}
	text := values.Get("by")
	if text == "" {
		return 1, nil
	}
	by, err := strconv.ParseInt(text, 10, 64)
	if err != nil || by == 0 {
		return 0, fmt.Errorf("by: got %.20q, want a number of 64 bits that is not 0", text)
	}
	return by, nil
}

const octets = "application/octet-stream"

// wantsRaw tells whether somebody asks for a value itself, and not for JSON: who
// takes both gets what is named first.
func wantsRaw(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		switch kind, _, _ := mime.ParseMediaType(part); kind {
		case octets:
			return true
		case "application/json", "application/*", "*/*":
			return false
		}
	}
	return false
}

// raw is an answer that is not JSON.
type raw []byte

func (v Value) raw() (raw, error) {
	switch {
	case v.Value != nil:
		return raw(*v.Value), nil
	case v.Count != nil:
		return strconv.AppendInt(nil, *v.Count, 10), nil
	}
	return nil, notAcceptable{fmt.Errorf("a %s has no bytes of its own: ask for application/json", v.Kind)}
}

// notAcceptable is an error of a form in which something cannot be said.
type notAcceptable struct{ error }
