package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
)

const (
	// startPatience is how long a process may take until it answers.
	startPatience = time.Minute
	// answerPatience is how long it may take to do what it is told.
	answerPatience = 30 * time.Second
	// glance is the time between two looks at whether a process is there.
	glance = 5 * time.Millisecond
)

// node is a node of the run: one process after the other.
type node struct {
	*run
	index int
	id    protocol.NodeID
	port  uint16
	todo  chan func() // for the node's goroutine

	// What follows belongs to the loop.
	state  sim.State
	paused bool
	lives  int             // that have ended
	cut    netmodel.RuleID // keeps a silent host from being heard; 0 if none

	// What follows belongs to the node's goroutine.
	process *process // nil if there is none

	mu      sync.Mutex
	records []protocol.Record
	asked   *admin.Client     // who is asked for counters, nil if nobody
	last    map[string]uint64 // counters of the process at the last look
	before  map[string]uint64 // of those that have ended, together
	maxRSS  uint64
}

// process is one life of a node.
type process struct {
	life   int
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	client *admin.Client
	exited chan struct{} // closed at its end
	heard  chan struct{} // closed when all its events are in; nil if nobody listens
	rules  map[netmodel.RuleID]uint64
	frozen bool
	later  []func() // to be done when it runs again
}

// over waits until the process has ended and all that it reported is in.
func (p *process) over() {
	<-p.exited
	if p.heard != nil {
		<-p.heard
	}
}

// do has the node's goroutine do something when it is done with all before.
func (n *node) do(f func()) { n.todo <- f }

// work is the node's goroutine. It does all there is to do, though nothing
// succeeds once the run has failed: others may wait for it.
func (n *node) work() {
	for f := range n.todo {
		f()
	}
}

// running is the node's process, if it runs and can be talked to.
func (n *node) running() (*process, bool) {
	p := n.process
	if p == nil || n.ctx.Err() != nil {
		return nil, false
	}
	select {
	case <-p.exited:
		return nil, false
	default:
		return p, true
	}
}

// check makes an error of a process that runs an error of the run.
func (n *node) check(what string, err error) {
	if _, runs := n.running(); err != nil && runs {
		n.fail(fmt.Errorf("node %d: %s: %w%s", n.index, what, err, n.logTail()))
	}
}

func (n *node) path(suffix string) string {
	return filepath.Join(n.dir, fmt.Sprintf("n%d%s", n.index, suffix))
}

// start starts a process and waits until it is ready. It begins now if the run
// has begun, otherwise when begin is called.
func (n *node) start(life int, seeds []int, rules []rule) {
	if n.ctx.Err() != nil {
		return
	}
	if n.process != nil { // its end is not quite over
		n.process.over()
		n.process = nil
	}
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-n.ctx.Done():
		return
	}
	p, err := n.launch(life, seeds)
	if err != nil {
		n.fail(fmt.Errorf("start node %d: %w", n.index, err))
		return
	}
	n.process = p
	ctx, cancel := context.WithTimeout(n.ctx, startPatience)
	defer cancel()
	if err := n.prepare(ctx, p, rules); err != nil {
		n.check("start", err)
		return
	}
	if epoch := n.epoch.Load(); epoch != nil {
		n.begin(*epoch)
	}
}

// begin lets the protocols run.
func (n *node) begin(epoch time.Time) {
	if p, ok := n.running(); ok {
		n.check("begin", lab.Begin(p.stdin, epoch))
	}
}

// launch starts a process, which waits with its protocols.
func (n *node) launch(life int, seeds []int) (*process, error) {
	config, err := n.configure(life, seeds)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(n.path(".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(n.realnode, "run", config, "--quiet")
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	p := &process{
		life: life, cmd: cmd, stdin: stdin, client: admin.NewClient("unix://"+n.path(".sock"), ""),
		exited: make(chan struct{}), rules: map[netmodel.RuleID]uint64{},
	}
	n.processes.Go(func() { n.await(p) })
	return p, nil
}

// environment is this process's, without what would override configurations.
func environment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "STARLING_") {
			env = append(env, entry)
		}
	}
	if os.Getenv("GOMAXPROCS") == "" { // many share the machine
		env = append(env, fmt.Sprintf("GOMAXPROCS=%d", min(2, runtime.NumCPU())))
	}
	return env
}

// await waits for the end of a process.
func (n *node) await(p *process) {
	killed := context.AfterFunc(n.ctx, func() { _ = kill(p.cmd.Process) })
	err := p.cmd.Wait()
	killed()
	n.mu.Lock()
	n.maxRSS = max(n.maxRSS, maxRSS(p.cmd.ProcessState))
	n.asked = nil
	addCounts(n.before, n.last)
	n.last = nil
	n.mu.Unlock()
	close(p.exited)
	p.client.Close()
	n.loop.post(n.ctx, func() { n.onEnd(n, p.life, err) })
}

// prepare waits until the process answers, listens to it and tells it the rules
// in force.
func (n *node) prepare(ctx context.Context, p *process, rules []rule) error {
	if err := n.until(ctx, p, func(map[string]uint64) bool { return true }); err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	p.heard = make(chan struct{})
	n.processes.Go(func() { n.listen(p) })
	if err := n.until(ctx, p, func(c map[string]uint64) bool { return c["subscribers"] > 0 }); err != nil {
		return fmt.Errorf("listen to its events: %w", err)
	}
	for _, r := range rules {
		if err := p.apply(ctx, r); err != nil {
			return err
		}
	}
	n.mu.Lock()
	n.asked = p.client
	n.mu.Unlock()
	return nil
}

// until asks the process for its counters until they are as wanted.
func (n *node) until(ctx context.Context, p *process, wanted func(map[string]uint64) bool) error {
	for {
		c, err := p.client.Counters(ctx)
		if err == nil && wanted(c) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-p.exited:
			return errors.New("it has ended")
		case <-time.After(glance):
		}
	}
}

// listen takes in what the process reports, until it ends.
func (n *node) listen(p *process) {
	defer close(p.heard)
	departed := false
	err := p.client.Events(n.ctx, nil, func(e admin.Event) error {
		if e.Name == missed {
			return fmt.Errorf("%s of its events were missed: the machine is too busy for this run", e.Text["count"])
		}
		r, err := record(e, uint32(n.index))
		if err != nil {
			return err
		}
		departed = departed || r.Event.Kind == protocol.EventNodeLeft
		n.note(r)
		return nil
	})
	select {
	case <-p.exited:
		if !departed && p.cmd.ProcessState.Success() { // what a process says last may not get out
			n.note(n.record(protocol.EventNodeLeft, 0))
		}
	case <-n.ctx.Done():
	case <-time.After(answerPatience):
		n.fail(fmt.Errorf("node %d: %w%s", n.index, err, n.logTail()))
	}
}

func (n *node) note(r protocol.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.records = append(n.records, r)
}

// record is that something happens to the node now.
func (n *node) record(kind protocol.EventKind, arg uint64) protocol.Record {
	return protocol.Record{
		Time: int64(n.since()), Node: n.id, Index: uint32(n.index), Event: protocol.Event{Kind: kind, Args: [3]uint64{arg}},
	}
}

// crash stops the process, then ends it. Of a silent host, frozen is closed when
// it has stopped, and silent waits until all others are cut off from it.
func (n *node) crash(frozen chan<- struct{}, silent func()) {
	if frozen != nil {
		defer silent() // so that nobody waits in vain
	}
	p, ok := n.running()
	if ok && !p.frozen {
		n.look(p.client, lastLook)
		n.check("stop", freeze(p.cmd.Process))
	}
	at := n.record(protocol.EventNodeCrashed, 0)
	if frozen != nil {
		close(frozen)
		silent()
	}
	if !ok {
		n.note(at) // it had left a moment ago, or never came to life
		return
	}
	n.check("kill", kill(p.cmd.Process))
	p.over()
	n.mu.Lock()
	if k := len(n.records); k > 0 {
		at.Time = max(at.Time, n.records[k-1].Time)
	}
	n.mu.Unlock()
	n.note(at)
	n.process = nil
}

func (n *node) leave() {
	p, ok := n.running()
	if !ok {
		return
	}
	n.look(p.client, lastLook)
	ctx, cancel := context.WithTimeout(n.ctx, answerPatience)
	defer cancel()
	n.check("leave", p.client.Leave(ctx))
}

func (n *node) pause() {
	p, ok := n.running()
	if !ok {
		return
	}
	n.look(p.client, lastLook)
	n.mu.Lock()
	n.asked = nil
	n.mu.Unlock()
	p.frozen = true
	n.check("stop", freeze(p.cmd.Process))
	n.note(n.record(protocol.EventNodePaused, uint64(sim.PauseFrozen)))
}

func (n *node) resume() {
	p, ok := n.running()
	if !ok || !p.frozen {
		return
	}
	n.note(n.record(protocol.EventNodeResumed, 0))
	p.frozen = false
	n.check("continue", thaw(p.cmd.Process))
	for _, do := range p.later {
		do()
	}
	p.later = nil
	n.mu.Lock()
	n.asked = p.client
	n.mu.Unlock()
}

func (n *node) command(name string, c protocol.Command, workload int) {
	p, ok := n.running()
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, answerPatience)
	defer cancel()
	// Of what the protocol refuses there is an event. Others are no answers.
	err := p.client.Command(ctx, admin.Command{Name: name, Key: c.Key, Value: c.Value, Args: c.Args, Workload: uint64(workload)})
	if ctx.Err() != nil {
		n.check("command", err)
	}
}

func (n *node) apply(r rule) {
	n.when(func(p *process) {
		ctx, cancel := context.WithTimeout(n.ctx, answerPatience)
		defer cancel()
		n.check("begin a network fault", p.apply(ctx, r))
	})
}

func (p *process) apply(ctx context.Context, r rule) error {
	text, err := json.Marshal(r.Rule)
	if err != nil {
		return fmt.Errorf("encode network rule: %w", err)
	}
	p.rules[r.id], err = p.client.Apply(ctx, text)
	return err
}

func (n *node) remove(id netmodel.RuleID) {
	n.when(func(p *process) {
		theirs, ok := p.rules[id]
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(n.ctx, answerPatience)
		defer cancel()
		n.check("end a network fault", p.client.Remove(ctx, theirs))
		delete(p.rules, id)
	})
}

// when does something to the process, if there is one; when it runs again, if it
// is frozen.
func (n *node) when(do func(p *process)) {
	p, ok := n.running()
	switch {
	case !ok:
	case p.frozen:
		p.later = append(p.later, func() { do(p) })
	default:
		do(p)
	}
}

// look asks a process for its counters, if it answers in time.
func (n *node) look(client *admin.Client, patience time.Duration) {
	ctx, cancel := context.WithTimeout(n.ctx, patience)
	defer cancel()
	c, err := client.Counters(ctx)
	if err != nil {
		return // the last ones will have to do
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = c
}

// logTail is the end of the node's log, to put behind an error.
func (n *node) logTail() string {
	const most = 2000
	text, err := os.ReadFile(n.path(".log"))
	if err != nil {
		return ""
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return ""
	}
	text = text[max(0, len(text)-most):]
	return "\nThe end of its log:\n  " + strings.ReplaceAll(string(text), "\n", "\n  ")
}
