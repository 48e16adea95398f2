//go:build linux && netns

package main_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/starling-sim/starling/cmd/realnode/admin"
)

const (
	netnsNodes = 6
	netnsPort  = 7946
	// netnsPatience is how long anything is waited for: several times what the
	// default intervals make of it.
	netnsPatience = 4 * time.Minute
	// steady is how long a state is looked at that should last: longer than
	// a node may be suspected before it is declared dead.
	steady = 40 * time.Second
)

// TestNamespaces runs processes on hosts of their own, as far as their network
// is concerned: a namespace each, with a cable to a switch. There are two
// switches with a cable in between:
//
//	0   1   2         3   4   5
//	|   |   |         |   |   |
//	left switch ==== right switch
//
// Cables are unplugged and plugged in again; the processes are left alone, and
// run with the default configuration.
func TestNamespaces(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("network namespaces take root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no iproute2 here: ", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	l := newLan(ctx, t)
	l.formCluster()
	l.partition()
	l.deafPair()
	l.mute()
	l.vanish()
	l.leave()
}

// lan is the hosts, their cables, and the processes.
type lan struct {
	*testing.T
	ctx   context.Context
	began time.Time
	name  string // the namespaces' common beginning
	nodes []*process
	ids   []string
}

func newLan(ctx context.Context, t *testing.T) *lan {
	dir, err := os.MkdirTemp("", "netns") // short, for the sockets' sake
	if err != nil {
		t.Fatal(err)
	}
	launcher := newLauncher(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of the nodes: %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	binary := buildRealnode(t, dir)
	l := &lan{T: t, ctx: ctx, began: time.Now(), name: fmt.Sprintf("starling%d-", os.Getpid())}
	l.cable()
	for i := range netnsNodes {
		p := &process{
			launcher: launcher, dir: filepath.Join(dir, fmt.Sprint(i)), log: filepath.Join(dir, fmt.Sprintf("%d.log", i)),
			command: []string{
				"ip", "netns", "exec", l.host(i), binary, "run", "--quiet", "--transport", "plain", "--insecure",
				"--listen", fmt.Sprintf("%s:%d", address(i), netnsPort), "--data", filepath.Join(dir, fmt.Sprint(i)),
			},
		}
		if i > 0 {
			p.command = append(p.command, "--join", fmt.Sprintf("%s:%d", address(0), netnsPort))
		}
		l.nodes = append(l.nodes, p)
		t.Cleanup(p.kill)
	}
	return l
}

func (l *lan) host(i int) string { return l.name + fmt.Sprint(i) }
func address(i int) string       { return fmt.Sprintf("10.77.0.%d", i+1) }

// cable makes namespaces, switches and cables. The switches are in a namespace
// too: this host sees nothing of it all. It skips the test if the system will not
// have it.
func (l *lan) cable() {
	switches := l.name + "s"
	add := func(ns string) {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			l.Skipf("no network namespaces here: %v: %s", err, out)
		}
		l.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	}
	add(switches)
	for _, s := range []string{"left", "right"} {
		if out, err := exec.Command("ip", "-n", switches, "link", "add", "name", s, "type", "bridge").CombinedOutput(); err != nil {
			l.Skipf("no bridges here: %v: %s", err, out)
		}
		l.ip("-n", switches, "link", "set", s, "up")
	}
	plug := func(end, into string) {
		l.ip("-n", switches, "link", "set", end, "master", into)
		l.ip("-n", switches, "link", "set", end, "up")
	}
	l.ip("-n", switches, "link", "add", "trunk", "type", "veth", "peer", "name", "knurt")
	plug("trunk", "left")
	plug("knurt", "right")
	for i := range netnsNodes {
		add(l.host(i))
		end := fmt.Sprintf("port%d", i)
		l.ip("link", "add", "eth0", "netns", l.host(i), "type", "veth", "peer", "name", end, "netns", switches)
		plug(end, map[bool]string{true: "left", false: "right"}[i < netnsNodes/2])
		l.ip("-n", l.host(i), "addr", "add", address(i)+"/24", "dev", "eth0")
		l.ip("-n", l.host(i), "link", "set", "lo", "up")
		l.ip("-n", l.host(i), "link", "set", "eth0", "up")
	}
}

// ip runs iproute2.
func (l *lan) ip(args ...string) {
	l.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// link plugs one end of a cable at the switches in or out.
func (l *lan) link(end, state string) {
	l.Helper()
	l.ip("-n", l.name+"s", "link", "set", end, state)
}

// mutes makes what one host sends to another go to nobody, without either of
// them being told: the address that frames are sent to is nobody's.
func (l *lan) mutes(from, to int) {
	l.Helper()
	l.ip("-n", l.host(from), "neigh", "replace", address(to), "lladdr", "02:00:00:00:00:99", "nud", "permanent", "dev", "eth0")
}

func (l *lan) unmutes(from, to int) {
	l.Helper()
	l.ip("-n", l.host(from), "neigh", "del", address(to), "dev", "eth0")
}

func (l *lan) say(format string, args ...any) {
	fmt.Printf("%6.1f s  %s\n", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}

// eventually waits until something holds and says how long it took.
func (l *lan) eventually(what string, holds func() error) {
	l.Helper()
	took, err := until(l.ctx, netnsPatience, holds)
	if l.ctx.Err() != nil {
		l.Fatal("interrupted")
	}
	if err != nil {
		l.Fatalf("%s: %v", what, err)
	}
	l.say("%s, after %.1f s", what, took.Seconds())
}

// believes holds when each of some nodes holds each of others to be in a state.
func (l *lan) believes(who, whom []int, status string) error {
	var ids []string
	for _, i := range whom {
		ids = append(ids, l.ids[i])
	}
	var processes []*process
	for _, i := range who {
		processes = append(processes, l.nodes[i])
	}
	return everybody(l.ctx, processes, ids, status)
}

func others(but ...int) []int {
	var all []int
	for i := range netnsNodes {
		if !slices.Contains(but, i) {
			all = append(all, i)
		}
	}
	return all
}

// whole waits until everybody lists everybody alive, and a broadcast of each
// node reaches all.
func (l *lan) whole() {
	l.Helper()
	l.eventually("everybody lists everybody alive", func() error { return l.believes(others(), others(), "alive") })
	var slowest time.Duration
	for _, from := range []int{0, netnsNodes - 1} {
		l.eventually(fmt.Sprintf("a broadcast of node %d reaches all", from), func() error {
			took, err := reaches(l.ctx, l.nodes[from], l.nodes, 5*time.Second)
			slowest = max(slowest, took)
			return err
		})
	}
	l.say("those broadcasts took up to %.0f ms", float64(slowest.Microseconds())/1000)
}

// never looks for a while whether a belief turns up that should not, and returns
// how often it was seen.
func (l *lan) never(long time.Duration, who, whom []int, status string) int {
	seen := 0
	for end := time.Now().Add(long); time.Now().Before(end) && l.ctx.Err() == nil; time.Sleep(500 * time.Millisecond) {
		for _, i := range who {
			b, err := l.nodes[i].beliefs(l.ctx)
			if err != nil {
				l.Errorf("node %d: %v", i, err)
			}
			for _, j := range whom {
				if b[l.ids[j]] == status {
					seen++
				}
			}
		}
	}
	return seen
}

func (l *lan) formCluster() {
	for i, p := range l.nodes {
		if err := p.start(); err != nil {
			l.Fatal(err)
		}
		l.eventually(fmt.Sprintf("node %d answers", i), func() error {
			s, err := p.status(l.ctx)
			if err == nil {
				l.ids = append(l.ids, s.ID)
			}
			return err
		})
	}
	l.whole()
}

// partition unplugs the cable between the switches.
func (l *lan) partition() {
	left, right := []int{0, 1, 2}, []int{3, 4, 5}
	l.say("== partition: the cable between the switches is unplugged")
	l.link("trunk", "down")
	l.eventually("both sides hold the other for dead", func() error {
		return errors.Join(l.believes(left, right, "dead"), l.believes(right, left, "dead"))
	})
	if err := errors.Join(l.believes(left, left, "alive"), l.believes(right, right, "alive")); err != nil {
		l.Errorf("within a side: %v", err)
	}
	l.say("plugged in again")
	l.link("trunk", "up")
	l.whole()
}

// deafPair loses all that one node sends to one other.
func (l *lan) deafPair() {
	l.say("== one way: what node 1 sends to node 4 is lost, for %v", steady)
	l.mutes(1, 4)
	if n := l.never(steady, others(), others(), "dead"); n > 0 {
		l.Errorf("somebody was held for dead %d times, want never: the others could still probe for them", n)
	} else {
		l.say("nobody was held for dead")
	}
	l.unmutes(1, 4)
	l.whole()
}

// mute loses all that one node sends; it hears everything.
func (l *lan) mute() {
	l.say("== one way: all that node 2 sends is lost")
	for _, i := range others(2) {
		l.mutes(2, i)
	}
	l.eventually("all others hold node 2 for dead", func() error { return l.believes(others(2), []int{2}, "dead") })
	if n := l.never(steady, others(2), others(2), "dead"); n > 0 {
		l.Errorf("healthy nodes held each other for dead %d times, want never", n)
	} else {
		l.say("for %v more, no healthy node held another for dead", steady)
	}
	for _, i := range others(2) {
		l.unmutes(2, i)
	}
	l.say("node 2 is heard again")
	l.whole()
}

// vanish unplugs a host in the middle of its streams: nobody tells the others'
// systems that their connections have ended.
func (l *lan) vanish() {
	const gone = 5
	talk, hush := context.WithCancel(l.ctx)
	var talking sync.WaitGroup
	for _, p := range l.nodes {
		talking.Go(func() {
			for talk.Err() == nil {
				_ = p.broadcast(talk, make([]byte, 20_000)) // by stream
				pauseFor(talk, 100*time.Millisecond)
			}
		})
	}
	pauseFor(talk, 5*time.Second)
	l.say("== node %d vanishes amid broadcasts of 20 kB by all", gone)
	l.link(fmt.Sprintf("port%d", gone), "down")
	l.eventually("no other has a link to it any more", func() error {
		for _, i := range others(gone) {
			var v admin.View
			err := l.nodes[i].withClient(l.ctx, func(ctx context.Context, c *admin.Client) (err error) {
				v, err = c.View(ctx)
				return err
			})
			if err != nil {
				return err
			}
			if slices.ContainsFunc(v.Active, func(link admin.Link) bool { return link.ID == l.ids[gone] }) {
				return fmt.Errorf("node %d still has a link to it", i)
			}
		}
		return nil
	})
	l.eventually("all others hold it for dead", func() error { return l.believes(others(gone), []int{gone}, "dead") })
	hush()
	talking.Wait()
	if err := l.believes(others(gone), others(gone), "alive"); err != nil {
		l.Errorf("among the others: %v", err)
	}
	l.link(fmt.Sprintf("port%d", gone), "up")
	l.say("plugged in again")
	l.whole()
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// leave ends all in good order.
func (l *lan) leave() {
	for _, p := range l.nodes {
		if err := p.end(syscall.SIGTERM, 30*time.Second); err != nil {
			l.Error(err)
		}
		for _, d := range p.deaths {
			l.Error(d)
		}
	}
}
