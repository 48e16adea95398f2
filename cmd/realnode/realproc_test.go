//go:build linux && (soak || netns)

package main_test

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
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// buildRealnode builds the command, unless the variable REALNODE names one.
func buildRealnode(t *testing.T, dir string) string {
	t.Helper()
	if path := os.Getenv("REALNODE"); path != "" {
		return path
	}
	path := filepath.Join(dir, "realnode")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// launcher starts processes that the kernel kills when the test's process ends,
// however it ends. That promise is bound to the thread that starts them.
type launcher struct{ calls chan func() }

func newLauncher(t *testing.T) *launcher {
	l := &launcher{make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range l.calls {
			f()
		}
	}()
	t.Cleanup(func() { close(l.calls) }) // runs last: registered first
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	result := make(chan error)
	l.calls <- func() { result <- cmd.Start() }
	return <-result
}

// process is a realnode that can be started again and again.
type process struct {
	launcher *launcher
	command  []string
	dir      string // its data, with the admin socket
	log      string

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil if it does not run
	exited chan struct{} // closed when it does not any more
	meant  bool          // it was told to end
	// deaths are ends that nobody wanted.
	deaths []string
}

// start runs the command. A process that ends by itself is remembered.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: Ctrl-C is the test's affair.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := p.launcher.start(cmd); err != nil {
		return fmt.Errorf("start %v: %w", p.command, err)
	}
	exited := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.exited, p.meant = cmd, exited, false
	p.mu.Unlock()
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		if !p.meant {
			p.deaths = append(p.deaths, fmt.Sprintf("%s: process %d ended by itself: %v", p.log, cmd.Process.Pid, err))
		}
		p.cmd = nil
		p.mu.Unlock()
		close(exited)
	}()
	return nil
}

// end sends a signal that ends the process and waits until it has. It is no
// error if there is none.
func (p *process) end(sig syscall.Signal, patience time.Duration) error {
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	if cmd == nil {
		p.mu.Unlock()
		return nil
	}
	p.meant = true
	p.mu.Unlock()
	_ = cmd.Process.Signal(sig)
	select {
	case <-exited:
		if sig == syscall.SIGTERM && !cmd.ProcessState.Success() {
			return fmt.Errorf("%s: after SIGTERM: %v", p.log, cmd.ProcessState)
		}
		return nil
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-exited
		return fmt.Errorf("%s: still there %v after %v", p.log, patience, sig)
	}
}

func (p *process) kill() { _ = p.end(syscall.SIGKILL, time.Minute) }

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *process) signal(sig syscall.Signal) {
	if pid := p.pid(); pid != 0 {
		_ = syscall.Kill(pid, sig)
	}
}

func (p *process) socket() string { return filepath.Join(p.dir, "admin.sock") }

// withClient calls the node, on a connection that is closed afterwards.
func (p *process) withClient(ctx context.Context, f func(ctx context.Context, c *admin.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c := admin.NewClient("unix://"+p.socket(), "")
	defer c.Close()
	return f(ctx, c)
}

func (p *process) status(ctx context.Context) (s admin.Status, err error) {
	return s, p.withClient(ctx, func(ctx context.Context, c *admin.Client) error { s, err = c.Status(ctx); return err })
}

func (p *process) members(ctx context.Context) (m []admin.Member, err error) {
	return m, p.withClient(ctx, func(ctx context.Context, c *admin.Client) error { m, err = c.Members(ctx); return err })
}

func (p *process) broadcast(ctx context.Context, payload []byte) error {
	return p.withClient(ctx, func(ctx context.Context, c *admin.Client) error { return c.Broadcast(ctx, payload) })
}

// get fetches a page of the admin interface.
func (p *process) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
	}}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return b, err
}

// metric returns the sum of a metric's series whose text has all the parts.
func metric(page []byte, name string, parts ...string) float64 {
	sum := 0.0
	for line := range bytes.Lines(page) {
		series, value, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
		bare, _, _ := strings.Cut(series, "{")
		if !ok || bare != name || slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(series, p) }) {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			sum += v
		}
	}
	return sum
}

// beliefs are what a node says of others, by identity: alive, suspect, dead, left.
func (p *process) beliefs(ctx context.Context) (map[string]string, error) {
	members, err := p.members(ctx)
	b := make(map[string]string, len(members))
	for _, m := range members {
		b[m.ID] = m.Status
	}
	return b, err
}

// count is how many identities are believed to be in a state.
func count(beliefs map[string]string, ids []string, status string) int {
	n := 0
	for _, id := range ids {
		if beliefs[id] == status {
			n++
		}
	}
	return n
}

var errPatience = errors.New("patience is at an end")

// until asks every so often whether something holds, and returns how long it
// took. What does not hold yet is the error, in the end.
func until(ctx context.Context, patience time.Duration, holds func() error) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := holds()
		if err == nil {
			return time.Since(began), nil
		}
		select {
		case <-ctx.Done():
			return time.Since(began), fmt.Errorf("%w after %v: %w", errPatience, patience, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// everybody holds when each process lists all identities as being in a state.
func everybody(ctx context.Context, processes []*process, ids []string, status string) error {
	for _, p := range processes {
		b, err := p.beliefs(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(p.dir), err)
		}
		if got := count(b, ids, status); got != len(ids) {
			return fmt.Errorf("%s lists %d of %d as %s", filepath.Base(p.dir), got, len(ids), status)
		}
	}
	return nil
}

// reaches broadcasts a text at one process and returns how long it took until
// all others had delivered it.
func reaches(ctx context.Context, from *process, processes []*process, patience time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type heard struct {
		at      *process
		message uint64
	}
	hears := make(chan heard, 1024)
	for _, p := range processes {
		ready := make(chan struct{})
		name := "plumtree.deliver"
		if p == from {
			name = "plumtree.broadcast"
		}
		go p.listen(ctx, name, ready, func(message uint64) {
			select {
			case hears <- heard{p, message}:
			case <-ctx.Done():
			}
		})
		select {
		case <-ready:
		case <-ctx.Done():
			return 0, fmt.Errorf("subscribe to %s: %w", p.dir, ctx.Err())
		}
	}
	began := time.Now()
	if err := from.broadcast(ctx, []byte("does this reach all?")); err != nil {
		return 0, err
	}
	// Deliveries may be heard of before the broadcast itself.
	got := map[uint64]map[*process]bool{}
	var wanted uint64
	known := false
	for {
		select {
		case h := <-hears:
			if h.at == from {
				wanted, known = h.message, true
			}
			if got[h.message] == nil {
				got[h.message] = map[*process]bool{}
			}
			got[h.message][h.at] = true
			if known && len(got[wanted]) == len(processes) {
				return time.Since(began), nil
			}
		case <-ctx.Done():
			return 0, fmt.Errorf("a broadcast of %s reached %d of %d within %v", filepath.Base(from.dir), len(got[wanted]), len(processes), patience)
		}
	}
}

// listen calls hear with the message of each event of a name, until ctx ends.
// ready is closed when the subscription stands.
func (p *process) listen(ctx context.Context, name string, ready chan<- struct{}, hear func(message uint64)) {
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", p.socket())
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/events?name="+name, nil)
	if err != nil {
		return
	}
	resp, err := tr.RoundTrip(req) // returns when the node has subscribed us
	if err != nil {
		return
	}
	defer resp.Body.Close()
	close(ready)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		var e admin.Event
		if ok && json.Unmarshal(data, &e) == nil && e.Name == name {
			hear(e.Args[0])
		}
	}
}
