package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Client talks to a node's interface.
type Client struct {
	http  *http.Client
	base  string
	token string
	where string
}

// NewClient returns a client of the interface that listens there: an address as
// in Config.Listen.
func NewClient(listen, token string) *Client {
	c := &Client{http: &http.Client{}, base: "http://" + listen, token: token, where: listen}
	if path, ok := strings.CutPrefix(listen, "unix://"); ok {
		c.base = "http://localhost"
		c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}
	} else {
		c.http.Transport = &http.Transport{} // no proxy lies between a machine and itself
	}
	return c
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status returns who the node is and how it is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Members returns what the node's membership protocol believes.
func (c *Client) Members(ctx context.Context) (m []Member, err error) {
	return m, c.call(ctx, http.MethodGet, "/v1/members", nil, &m)
}

// View returns the node's links.
func (c *Client) View(ctx context.Context) (v View, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/view", nil, &v)
}

// Broadcast sends a payload to everybody.
func (c *Client) Broadcast(ctx context.Context, payload []byte) error {
	return c.call(ctx, http.MethodPost, "/v1/broadcast", payload, nil)
}

// Leave has the node say goodbye and stop.
func (c *Client) Leave(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/v1/leave", nil, nil)
}

// Command has a protocol do something (lab mode).
func (c *Client) Command(ctx context.Context, command Command) error {
	b, err := json.Marshal(command)
	if err != nil {
		return fmt.Errorf("encode command: %w", err)
	}
	return c.call(ctx, http.MethodPost, "/v1/command", b, nil)
}

// Apply begins a network rule (lab mode).
func (c *Client) Apply(ctx context.Context, rule json.RawMessage) (uint64, error) {
	var out struct{ ID uint64 }
	return out.ID, c.call(ctx, http.MethodPost, "/v1/lab/rules", rule, &out)
}

// Remove ends it.
func (c *Client) Remove(ctx context.Context, id uint64) error {
	return c.call(ctx, http.MethodDelete, "/v1/lab/rules/"+strconv.FormatUint(id, 10), nil, nil)
}

// Counters are the node's traffic (lab mode).
func (c *Client) Counters(ctx context.Context) (m map[string]uint64, err error) {
	return m, c.call(ctx, http.MethodGet, "/v1/lab/counters", nil, &m)
}

// Events calls visit for each event whose name begins with one of the prefixes,
// all of them if there are none, until ctx is done, visit returns an error, or
// the node ends, which is an error too.
func (c *Client) Events(ctx context.Context, prefixes []string, visit func(Event) error) error {
	query := url.Values{"name": prefixes}
	resp, err := c.send(ctx, http.MethodGet, "/v1/events?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := refusal(resp); err != nil {
		return err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxBody)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("events of %s: %w", c.where, err)
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("events of %s: %w", c.where, err)
	}
	return fmt.Errorf("events of %s: %w", c.where, ErrEnded)
}

// maxAnswer bounds an answer, in bytes. A member takes less than 2 KiB.
const maxAnswer = 256 << 20

// ErrEnded means that the node ended a stream of events.
var ErrEnded = errors.New("the node has ended")

func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("node at %s: %w", c.where, err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("node at %s: %w", c.where, err)
	}
	return resp, nil
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, out any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := refusal(resp); err != nil {
		return fmt.Errorf("node at %s: %w", c.where, err)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("node at %s: read the answer to %s %s: %w", c.where, method, path, err)
	}
	return nil
}

// refusal is the error that an answer is.
func refusal(resp *http.Response) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(b, &said) != nil || said.Error == "" {
		said.Error = resp.Status
	}
	if resp.StatusCode == http.StatusNotFound {
		return absent{errors.New(said.Error)}
	}
	if resp.StatusCode == http.StatusNotImplemented {
		return fmt.Errorf("%s (%w)", said.Error, ErrNotSupported)
	}
	return errors.New(said.Error)
}

// absent is an error of something that is not there.
type absent struct{ error }

func (absent) Unwrap() error { return ErrNoKey }
