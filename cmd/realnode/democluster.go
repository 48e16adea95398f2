package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

// cluster are processes of this program on loopback. They end when their
// standard input does, and so when this process does, however it ends.
type cluster struct {
	dir      string
	lock     *os.File // nodes have it too; may be nil
	members  []*member
	seen     chan sighting
	watchers sync.WaitGroup
	fail     context.CancelCauseFunc // ends the demo
}

// member is one process.
type member struct {
	name, dir, id, address string

	command *exec.Cmd
	stdin   io.Closer
	client  *admin.Client
	gone    chan struct{} // closed when the process has ended
	meant   atomic.Bool   // that it ends
	watched chan struct{} // closed when its events are coming in
}

// startAll starts the nodes, the others when the first can be reached.
func (c *cluster) startAll(ctx context.Context, count int, wireguard bool) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	args := []string{"run", "--quiet", "--until-eof", "--listen", "127.0.0.1:0", "--transport", "plain"}
	if wireguard {
		secret := filepath.Join(c.dir, "cluster.secret")
		if err := writeSecret(secret); err != nil {
			return err
		}
		args = append(args[:len(args)-1], "wireguard", "--secret", secret)
	}
	for i := range count {
		if i == 1 {
			if err := c.untilUp(ctx, c.members[0]); err != nil {
				return err
			}
			args = append(args, "--join", c.members[0].address)
		}
		m, err := c.start(program, fmt.Sprintf("n%d", i+1), args)
		if err != nil {
			return err
		}
		c.members = append(c.members, m)
	}
	for _, m := range c.members[1:] {
		if err := c.untilUp(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) start(program, name string, args []string) (*member, error) {
	dir := filepath.Join(c.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a node's directory: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("make a node's log: %w", err)
	}
	defer log.Close()
	socket := filepath.Join(dir, socketName)
	m := &member{name: name, dir: dir, gone: make(chan struct{}), watched: make(chan struct{}), client: admin.NewClient(unixPrefix+socket, "")}
	m.command = exec.Command(program, append(args, "--data", dir, "--admin", unixPrefix+socket)...)
	m.command.Args[0] = os.Args[0]
	m.command.Stderr = log
	if c.lock != nil {
		m.command.ExtraFiles = []*os.File{c.lock}
	}
	if m.stdin, err = m.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := m.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		err := m.command.Wait()
		if !m.meant.Swap(true) {
			c.fail(fmt.Errorf("%s ended by itself: %w; it said:\n%s", name, orNoError(err), lastLines(log.Name())))
		}
		close(m.gone)
	}()
	return m, nil
}

var errNone = errors.New("without an error")

func orNoError(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

// lastLines is the end of a log.
func lastLines(path string) string {
	const most = 2000
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-most):])
}

// pollEvery is how often a node is asked whether it has come so far.
const pollEvery = 20 * time.Millisecond

// until asks until the answer is yes.
func until(ctx context.Context, holds func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// untilUp waits until a node answers, and begins to watch it.
func (c *cluster) untilUp(ctx context.Context, m *member) error {
	ctx2, cancel := context.WithTimeoutCause(ctx, meetPatience, fmt.Errorf("%s does not answer; it said:\n%s", m.name, lastLines(filepath.Join(m.dir, "log"))))
	defer cancel()
	var s admin.Status
	err := until(ctx2, func() bool {
		var err error
		s, err = m.client.Status(ctx2)
		return err == nil
	})
	if err != nil {
		return err
	}
	m.id, m.address = s.ID, s.Listen
	c.watchers.Go(func() { c.watch(ctx, m, s.Started) })
	return nil
}

// watch passes on what happens at a node. The first probe tells that it is
// watched, for nothing else does.
func (c *cluster) watch(ctx context.Context, m *member, started time.Time) {
	var once sync.Once
	names := []string{"swim.probe", "swim.suspect", "swim.confirm_dead", "plumtree.broadcast", "plumtree.deliver"}
	err := m.client.Events(ctx, names, func(e admin.Event) error {
		once.Do(func() { close(m.watched) })
		if e.Name == "swim.probe" {
			return nil
		}
		select {
		case c.seen <- sighting{m, e, started.Add(time.Duration(e.TimeNS))}:
		case <-ctx.Done():
		}
		return ctx.Err()
	})
	if !m.meant.Load() && ctx.Err() == nil {
		c.fail(fmt.Errorf("watch %s: %w", m.name, err))
	}
}

// next is the next thing that happened at some node.
func (c *cluster) next(ctx context.Context) (sighting, error) {
	select {
	case s := <-c.seen:
		return s, nil
	case <-ctx.Done():
		return sighting{}, context.Cause(ctx)
	}
}

// untilAllKnow waits until every node counts all as members.
func (c *cluster) untilAllKnow(ctx context.Context) error {
	for _, m := range c.members {
		err := until(ctx, func() bool {
			s, err := m.client.Status(ctx)
			return err == nil && s.Members == len(c.members) && s.Links > 0
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) untilAllWatched(ctx context.Context) error {
	for _, m := range c.members {
		select {
		case <-m.watched:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// kill ends a process at once.
func (m *member) kill() error {
	m.meant.Store(true)
	err := m.command.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-m.gone
	return err
}

// goodbyePatience is how long the nodes may take to leave.
const goodbyePatience = 5 * time.Second

// endAll has all processes leave, or ends them at once, and waits for that.
func (c *cluster) endAll(politely bool) {
	late := time.After(goodbyePatience)
	for _, m := range c.members {
		m.meant.Store(true)
		_ = m.stdin.Close() // which tells it to leave
	}
	for _, m := range c.members {
		if politely {
			select {
			case <-m.gone:
			case <-late:
				politely = false
			}
		}
		_ = m.kill()
		m.client.Close()
	}
}
