package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Key returns what a key holds. The error wraps ErrNoKey if it is not there.
func (c *Client) Key(ctx context.Context, key []byte) (v Value, err error) {
	return v, c.call(ctx, http.MethodGet, keyPath(key), nil, &v)
}

// Keys returns a page of the list of keys. A Limit of 0 leaves the size to the
// node.
func (c *Client) Keys(ctx context.Context, q KeyQuery) (p KeyPage, err error) {
	values := url.Values{}
	if len(q.Prefix) > 0 {
		values.Set("prefix", string(q.Prefix))
	}
	if len(q.After) > 0 {
		values.Set("after", string(q.After))
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	return p, c.call(ctx, http.MethodGet, "/v1/keys?"+values.Encode(), nil, &p)
}

// ChangeKey writes. The error wraps ErrNoKey if a key that is not there was to be
// deleted, or an element to be removed from it.
func (c *Client) ChangeKey(ctx context.Context, key []byte, change Change) (out Changed, err error) {
	method, path := http.MethodPost, keyPath(key)
	switch change.Op {
	case Put:
		method = http.MethodPut
	case Delete:
		method = http.MethodDelete
	case Increment:
		path += "/increment?by=" + strconv.FormatInt(change.By, 10)
	default:
		path += "/" + string(change.Op)
	}
	return out, c.call(ctx, method, path, change.Value, &out)
}

// keyPath is the path of a key. Dots are encoded as well: a path of dots means
// another one.
func keyPath(key []byte) string {
	return "/v1/keys/" + strings.ReplaceAll(url.PathEscape(string(key)), ".", "%2E")
}
