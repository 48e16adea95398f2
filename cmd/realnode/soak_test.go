//go:build linux && soak

package main_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/starling-sim/starling/protocol"
)

var (
	soakFor  = flag.Duration("soak.for", 10*time.Minute, "how long faults go on; calm before and after comes on top")
	soakSeed = flag.Uint64("soak.seed", 0, "seed of the faults; 0: a new one")
)

const (
	soakNodes = 20
	// soakAway is how many nodes may be down or stopped at a time.
	soakAway = 5
	// calmBefore is the time until what is normal is measured.
	calmBefore = time.Minute
	// calmAfter is longer than anything is kept for later: idle connections
	// (20 s), payloads (20 s), streams without progress (10 s), and the garbage
	// collector's longest pause between two collections (2 min).
	calmAfter = 150 * time.Second
	diskSize  = 64 << 20 // of the small disks: a store wants a quarter of it free when it is opened
)

// soakConfig has the default stack with shorter intervals, so that ten minutes
// hold more of each of them, and less to keep.
const soakConfig = `
stack = ["swim", "hyparview", "plumtree"]
[observe]
pprof = true
[transport.limits]
stream_timeout = "10s"
stream_idle = "20s"
[protocol.swim]
probe_interval = "500ms"
probe_timeout = "200ms"
gossip_interval = "100ms"
push_pull_interval = "10s"
reconnect_interval = "5s"
[protocol.hyparview]
shuffle_interval = "5s"
rejoin_interval = "2s"
reconnect_interval = "5s"
[protocol.plumtree]
cache_age = "20s"
cache_bytes = "4MiB"
history_count = 4096
`

// TestSoak lets twenty processes on loopback suffer for a while everything that
// may happen to them, at random, and then wants them to be as they were: whole
// membership, broadcasts that reach all, and no more goroutines, file
// descriptors and memory than before.
//
// Steps of the clock are not here: processes of one machine have one clock. They
// are in package node, where each node has a clock of its own (ShimClock).
func TestSoak(t *testing.T) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (-soak.seed %d draws the same faults)", seed, seed)
	s := newSoak(t, seed)
	must := func(what string, err error) {
		t.Helper()
		if ctx.Err() != nil {
			t.Fatal("interrupted")
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	began := time.Now()
	for _, n := range s.nodes {
		must("start", n.start())
		_, err := until(ctx, 20*time.Second, func() error { return n.introduce(ctx) })
		must("ask a node who it is", err)
	}
	took, err := until(ctx, time.Minute, func() error { return everybody(ctx, s.processes(), s.ids(), "alive") })
	must("everybody knows everybody", err)
	s.say("all %d nodes know each other after %.1f s", soakNodes, took.Seconds())

	talk, hush := context.WithCancel(ctx)
	defer hush()
	var talking sync.WaitGroup
	talking.Go(func() { s.talk(talk) })
	talking.Go(func() { s.watch(talk) })
	pause(ctx, calmBefore-time.Since(began))
	must("figures before", s.measure(ctx, func(n *soakNode) *figures { return &n.before }))
	s.say("measured; faults begin")

	s.faults(ctx, *soakFor)
	hush()
	talking.Wait()
	s.say("faults are over; %d broadcasts were sent, %d were refused by nodes that were down", s.said.Load(), s.unsaid.Load())

	quiet := time.Now()
	took, err = until(ctx, 2*time.Minute, func() error { return everybody(ctx, s.processes(), s.ids(), "alive") })
	must("everybody lists everybody alive again", err)
	s.say("everybody lists all %d alive %.1f s after the last fault", soakNodes, took.Seconds())
	pause(ctx, calmAfter-time.Since(quiet))
	for _, from := range []int{0, 7, soakNodes - 1} {
		took, err := reaches(ctx, s.nodes[from].process, s.processes(), 20*time.Second)
		must("a broadcast reaches all", err)
		s.say("a broadcast of node %d reached all in %.0f ms", from, 1000*took.Seconds())
	}
	must("figures after", s.measure(ctx, func(n *soakNode) *figures { return &n.after }))
	must("everybody still lists everybody alive", everybody(ctx, s.processes(), s.ids(), "alive"))
	s.wholeStores(ctx)
	s.judge()
	s.leave()
}

// soak is the cluster and what is done to it.
type soak struct {
	*testing.T
	began   time.Time
	rng     *rand.Rand // of the goroutine that draws the faults
	nodes   []*soakNode
	garbage garbage
	tally
}

// soakNode is one of the processes.
type soakNode struct {
	*process
	index   int
	id      protocol.NodeID
	listen  netip.AddrPort
	disk    string // where its small disk is mounted; empty if it has none
	busy    bool   // a fault is at work; the drawing goroutine's, as away
	away    bool
	suffers [numFaults]int

	before, after figures
	peak          int64 // most memory seen, in bytes
}

// introduce asks a node for its identity, which follows from its address.
func (n *soakNode) introduce(ctx context.Context) error {
	st, err := n.status(ctx)
	if err == nil {
		n.id, err = protocol.ParseNodeID(st.ID)
	}
	return err
}

func newSoak(t *testing.T, seed uint64) *soak {
	// Not t.TempDir: the path of a socket has to be short.
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		t.Fatal(err)
	}
	l := newLauncher(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of the nodes: %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	binary := buildRealnode(t, dir)
	config := filepath.Join(dir, "soak.toml")
	if err := os.WriteFile(config, []byte(soakConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &soak{T: t, began: time.Now(), rng: rand.New(rand.NewPCG(seed, 1))}
	s.garbage.rng = rand.New(rand.NewPCG(seed, 2))
	s.garbage.frames, s.garbage.decoders = realFrames(t)
	for i, port := range freePorts(t, soakNodes) {
		n := &soakNode{index: i, listen: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)}
		data := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			n.disk = s.smallDisk(data)
		}
		n.process = &process{
			launcher: l, dir: data, log: filepath.Join(dir, fmt.Sprintf("%d.log", i)),
			command: []string{
				binary, "run", config, "--quiet", "--listen", n.listen.String(), "--data", data,
			},
		}
		s.nodes = append(s.nodes, n)
		t.Cleanup(func() {
			n.kill()
			if t.Failed() {
				for _, d := range n.deaths {
					t.Log(d)
				}
			}
		})
	}
	// The first four are everybody's seeds; they too have to find back.
	for _, n := range s.nodes {
		for _, seed := range s.nodes[:4] {
			if seed != n {
				n.command = append(n.command, "--join", seed.listen.String())
			}
		}
	}
	return s
}

// smallDisk mounts a disk that is soon full. Without the right to do so there is
// none, and the fault is left out.
func (s *soak) smallDisk(at string) string {
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", diskSize)); err != nil {
		s.Logf("no full disks in this run: mount a tmpfs: %v", err)
		return ""
	}
	s.Cleanup(func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
	return at
}

// freePorts returns ports that are free for TCP and UDP and from which the
// system does not choose: a node that is down must find its port again.
func freePorts(t *testing.T, n int) []uint16 {
	t.Helper()
	var free []uint16
	for port := 20000 + os.Getpid()%5000; len(free) < n; port++ {
		if port > 32000 {
			t.Fatal("no free ports")
		}
		at := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue
		}
		c, err := net.ListenPacket("udp", at)
		if err == nil {
			_ = c.Close()
			free = append(free, uint16(port))
		}
		_ = l.Close()
	}
	return free
}

func (s *soak) processes() []*process {
	all := make([]*process, len(s.nodes))
	for i, n := range s.nodes {
		all[i] = n.process
	}
	return all
}

func (s *soak) ids() []string {
	all := make([]string, len(s.nodes))
	for i, n := range s.nodes {
		all[i] = n.id.String()
	}
	return all
}

// say prints at once: who waits for ten minutes wants to see something.
func (s *soak) say(format string, args ...any) {
	fmt.Printf("%6.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// pause waits, if there is time left.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// talk broadcasts all the time, from here and there, short and long.
func (s *soak) talk(ctx context.Context) {
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for ctx.Err() == nil {
		payload := make([]byte, 32+rng.IntN(1000))
		if rng.IntN(20) == 0 {
			payload = make([]byte, 10_000+rng.IntN(100_000))
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		if s.nodes[rng.IntN(len(s.nodes))].broadcast(short, payload) == nil {
			s.said.Add(1)
		} else {
			s.unsaid.Add(1)
		}
		cancel()
		pause(ctx, 200*time.Millisecond)
	}
}

// watch looks at the memory of the processes, and for such that ended by
// themselves.
func (s *soak) watch(ctx context.Context) {
	for ctx.Err() == nil {
		for _, n := range s.nodes {
			if rss, err := memory(n.pid()); err == nil {
				n.peak = max(n.peak, rss)
			}
		}
		pause(ctx, 2*time.Second)
	}
}

// wholeStores wants every store to work again.
func (s *soak) wholeStores(ctx context.Context) {
	for _, n := range s.nodes {
		st, err := n.status(ctx)
		if err != nil || !st.Ready {
			s.Errorf("node %d: not well at the end: %v %v", n.index, st.Wrong, err)
		}
	}
}

// leave ends all processes in good order, and looks for what should not have been.
func (s *soak) leave() {
	var all sync.WaitGroup
	errs := make([]error, len(s.nodes))
	began := time.Now()
	for i, n := range s.nodes {
		all.Go(func() { errs[i] = n.end(syscall.SIGTERM, 30*time.Second) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.Error(err)
	}
	s.say("all have left in %.1f s", time.Since(began).Seconds())
	for _, n := range s.nodes {
		for _, d := range n.deaths {
			s.Error(d)
		}
		log, err := os.ReadFile(n.log)
		if err != nil {
			s.Error(err)
		}
		for _, bad := range []string{"panic", "fatal error", "DATA RACE"} {
			if strings.Contains(string(log), bad) {
				s.Errorf("%s: has %q", n.log, bad)
			}
		}
	}
}
