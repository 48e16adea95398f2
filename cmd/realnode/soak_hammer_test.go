//go:build linux && soak

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hammered counts what a node's admin interface answered.
type hammered struct{ requests, refused, failed atomic.Int64 }

// hammer uses and abuses a node's admin interface for a time: requests, good and
// bad ones, subscribers who read, who read slowly and who do not read,
// connections that say nothing, and such that talk nonsense.
func hammer(ctx context.Context, p *process, seed uint64, long time.Duration, h *hammered) {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	var all sync.WaitGroup
	for i := range 6 {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() { requests(ctx, p, rng, h) })
	}
	for i := range 60 {
		all.Go(func() { subscribe(ctx, p, i%3) })
	}
	for i := range 30 {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		all.Go(func() { nonsense(ctx, p, rng) })
	}
	all.Wait()
}

// requests sends one request after the other. None of them is /v1/leave.
func requests(ctx context.Context, p *process, rng *rand.Rand, h *hammered) {
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
	}}
	defer tr.CloseIdleConnections()
	type request struct {
		method, path string
		body         []byte
	}
	for ctx.Err() == nil {
		junk := make([]byte, rng.IntN(4096))
		for i := range junk {
			junk[i] = byte(rng.Uint32())
		}
		all := []request{
			{"GET", "/v1/status", nil},
			{"GET", "/v1/members", nil},
			{"GET", "/v1/view", nil},
			{"GET", "/metrics", nil},
			{"GET", "/readyz", nil},
			{"GET", "/livez", nil},
			{"GET", "/debug/pprof/goroutine?debug=2", nil},
			{"GET", "/debug/pprof/goroutine?debug=x&seconds=-5", nil},
			{"POST", "/v1/broadcast", junk},
			{"POST", "/v1/broadcast", make([]byte, 2<<20)}, // too long
			{"POST", "/v1/command", junk},
			{"POST", "/v1/command", []byte(`{"name":"plumtree.broadcast"}`)},
			{"POST", "/v1/lab/rules", []byte(`{"kind":"partition"}`)},
			{"DELETE", "/v1/lab/rules/18446744073709551616", nil},
			{"GET", "/v1/lab/counters", nil},
			{"PUT", "/v1/members", junk},
			{"GET", fmt.Sprintf("/v1/%x", junk[:min(len(junk), 200)]), nil},
			{"GET", "/../../etc/passwd", nil},
			{"GET", "/v1/events?name=" + fmt.Sprintf("%x", junk), nil},
		}
		r := all[rng.IntN(len(all))]
		long := 2 * time.Second
		if strings.HasPrefix(r.path, "/v1/events") {
			long = 20 * time.Millisecond // it would last until then
		}
		patience, cancel := context.WithTimeout(ctx, long)
		req, err := http.NewRequestWithContext(patience, r.method, "http://localhost"+r.path, bytes.NewReader(r.body))
		if err == nil {
			h.requests.Add(1)
			if resp, err := tr.RoundTrip(req); err == nil {
				switch {
				case resp.StatusCode == http.StatusInternalServerError:
					h.failed.Add(1)
				case resp.StatusCode >= 400:
					h.refused.Add(1)
				}
				_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
				_ = resp.Body.Close()
			}
		}
		cancel()
		time.Sleep(time.Duration(rng.IntN(5)) * time.Millisecond) // or the test takes the processor from the nodes
	}
}

// subscribe reads all events, or one byte now and then, or nothing.
func subscribe(ctx context.Context, p *process, how int) {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
	if err != nil {
		return
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return
	}
	switch how {
	case 0:
		defer context.AfterFunc(ctx, func() { _ = c.Close() })()
		_, _ = io.Copy(io.Discard, c)
	case 1:
		for ctx.Err() == nil {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = c.Read(make([]byte, 1))
			time.Sleep(100 * time.Millisecond)
		}
	default:
		<-ctx.Done()
	}
}

// nonsense opens connections and says nothing, half of a request, or anything.
func nonsense(ctx context.Context, p *process, rng *rand.Rand) {
	for ctx.Err() == nil {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
		if err != nil {
			return
		}
		switch rng.IntN(3) {
		case 0:
		case 1:
			_, _ = io.WriteString(c, "POST /v1/broadcast HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf")
		case 2:
			junk := make([]byte, 1+rng.IntN(64<<10))
			for i := range junk {
				junk[i] = byte(rng.Uint32())
			}
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write(junk)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(rng.IntN(2000)) * time.Millisecond):
		}
		_ = c.Close()
	}
}
