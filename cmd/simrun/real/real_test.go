package real_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/cmd/realnode/admin"
	"github.com/starling-sim/starling/cmd/realnode/lab"
	"github.com/starling-sim/starling/cmd/simrun/real"
	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
	"github.com/starling-sim/starling/protocol/stack"
	"github.com/starling-sim/starling/protocol/swim"
	"github.com/starling-sim/starling/scenarios"
)

// realnode is the program, built for these tests; empty with -short.
var realnode string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		if !testing.Short() {
			dir, err := os.MkdirTemp("", "realnode-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			realnode = filepath.Join(dir, "realnode")
			build := exec.Command("go", "build", "-o", realnode, "github.com/starling-sim/starling/cmd/realnode")
			if out, err := build.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "build realnode: %v\n%s", err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

func parse(t *testing.T, text string) *scenarios.Scenario {
	t.Helper()
	registry, err := stack.Default()
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Parse("test.toml", []byte(text), scenarios.Environment{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const head = "name = \"test\"\nduration = \"3s\"\nstack = [\"swim\"]\n"

func TestWhatProcessesCannotDoIsRefused(t *testing.T) {
	for _, c := range []struct{ text, key string }{
		{"[nodes]\ncount = 250\nspare = 7\n", "nodes.count"},
		{"[nodes]\ncount = 3\nclock = { skew = \"1s\", drift_ppm = 0 }\n", "nodes.clock.skew"},
		{"[nodes]\ncount = 3\nclock = { skew = \"0s\", drift_ppm = 10 }\n", "nodes.clock.drift_ppm"},
		{"wire = \"encode\"\n[nodes]\ncount = 3\n", "wire"},
		{"[nodes]\ncount = 3\n[network]\nmtu = \"9kB\"\n", "network.mtu"},
		{"[nodes]\ncount = 3\n[network]\nstream_timeout = \"25h\"\n", "network.stream_timeout"},
		{"[nodes]\ncount = 3\n[network]\nstream_idle = \"25h\"\n", "network.stream_idle"},
		{"[nodes]\ncount = 3\n[[fault]]\nat = \"1s\"\nkind = \"clock\"\ncount = 1\nstep = \"1s\"\n", "fault[0].kind"},
		{"[nodes]\ncount = 3\n[[fault]]\nat = \"1s\"\nkind = \"disk\"\ncount = 1\nfull = true\n", "fault[0].kind"},
		{"[nodes]\ncount = 3\n[[fault]]\nat = \"1s\"\nkind = \"pause\"\ncount = 1\nmodel = \"blocked-io\"\nfor = \"1s\"\n", "fault[0].model"},
		{"[nodes]\ncount = 3\n[[fault]]\nat = \"1s\"\nkind = \"anomaly\"\ncount = 1\nmodel = \"slow\"\nservice_time = \"1ms\"\nfor = \"1s\"\nrun = \"1s\"\n", "fault[0].model"},
	} {
		var wrong *scenarios.Error
		err := real.Check(parse(t, head+c.text))
		if !errors.As(err, &wrong) || len(wrong.Problems) != 1 || wrong.Problems[0].Key != c.key {
			t.Errorf("%q: got %v, want one problem with %s", c.text, err, c.key)
		}
	}
	if err := real.Check(parse(t, head+timeline)); err != nil {
		t.Errorf("got %v of what can be done", err)
	}
}

func TestAllProblemsAreListed(t *testing.T) {
	err := real.Check(parse(t, head+"[nodes]\ncount = 300\nclock = { skew = \"1s\", drift_ppm = 5 }\n"))
	var wrong *scenarios.Error
	if !errors.As(err, &wrong) || len(wrong.Problems) != 3 {
		t.Errorf("got %v, want three problems", err)
	}
}

// timeline has something of everything.
const timeline = `
[nodes]
count = 5
spare = 1

[protocol.swim]
probe_interval = "200ms"
probe_timeout = "50ms"

[network]
latency = { model = "uniform", min = "1ms", max = "5ms" }

[[fault]]
at = "300ms"
kind = "partition"
nodes = [4]
for = "200ms"

[[fault]]
at = "500ms"
kind = "crash"
nodes = [1]

[[fault]]
at = "600ms"
kind = "crash"
mode = "process"
nodes = [2]

[[fault]]
at = "700ms"
kind = "pause"
nodes = [3]
for = "500ms"

[[fault]]
at = "800ms"
kind = "join"
nodes = [5]

[[fault]]
at = "1200ms"
kind = "restart"
nodes = [1, 2]

[[fault]]
at = "1300ms"
kind = "leave"
nodes = [4]

[[workload]]
command = "swim.set_metadata"
rate = "10/s"
size = "8B"
nodes = [0]
until = "2s"

[measure]
sample_interval = "500ms"
`

func TestATimelineIsPlayed(t *testing.T) {
	needsRealnode(t)
	defer goleak.VerifyNone(t)
	s := parse(t, head+timeline)
	dir := short(t)
	recording, err := real.Run(t.Context(), s, real.Options{Realnode: realnode, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
	if !slices.IsSortedFunc(recording.Records, func(a, b protocol.Record) int { return int(a.Time - b.Time) }) {
		t.Error("records are not in order of time")
	}
	// Each of what the world reports stands there as often as it happened.
	got := map[string]int{}
	names := map[protocol.EventKind]string{}
	for _, e := range protocol.WorldEvents() {
		names[e.Kind] = e.Name
	}
	for _, r := range recording.Records {
		name, ofWorld := names[r.Event.Kind]
		if r.Node != 0 && r.Node != recording.IDs[r.Index] {
			t.Fatalf("record %+v: want node %v", r, recording.IDs[r.Index])
		}
		if r.Event.Kind == swim.EventAlive && r.Index < 5 && r.Event.Args[1] == uint64(membertable.Unknown) && r.Time < 300e6 {
			t.Errorf("node %d learns of %v at %d ns; want it to know all from the start", r.Index, r.Event.Peer, r.Time)
		}
		if ofWorld {
			got[fmt.Sprintf("%s %d", name, r.Index)]++
		}
	}
	want := map[string]int{
		"world.started 0": 1, "world.started 1": 1, "world.started 2": 1, "world.started 3": 1, "world.started 4": 1, "world.started 5": 1,
		"world.crashed 1": 1, "world.crashed 2": 1, "world.restarted 1": 1, "world.restarted 2": 1,
		"world.paused 3": 1, "world.resumed 3": 1, "world.leaving 4": 1, "world.left 4": 1,
	}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%s: got %d, want %d", what, got[what], n)
		}
	}
	if n := got["world.network 0"]; n != 2 {
		t.Errorf("world.network: got %d, want 2", n)
	}
	if n := got["world.command 0"]; n < 5 {
		t.Errorf("world.command: got %d, want more", n)
	}
	if cut := recording.NextFault(0).Cut; cut == nil || !cut(4, 0) || cut(0, 1) {
		t.Error("the partition cuts node 4 from the others, and nobody else")
	}
	last := recording.Samples[len(recording.Samples)-1]
	if last.Time != s.Duration.Std() || last.Datagrams == 0 || last.Delivered == 0 || last.Bytes == 0 || last.Timers == 0 {
		t.Errorf("got last sample %+v, want something of everything at %v", last, s.Duration)
	}
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	needsRealnode(t)
	defer goleak.VerifyNone(t)
	dir := short(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := parse(t, strings.Replace(head, "3s", "1h", 1)+"[nodes]\ncount = 3\n")
	_, err := real.Run(ctx, s, real.Options{Realnode: realnode, Dir: dir, Advance: func(time.Duration, uint64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
}

func TestAProcessThatEndsByItselfFailsTheRun(t *testing.T) {
	needsRealnode(t)
	defer goleak.VerifyNone(t)
	dir := short(t)
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho something is wrong\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := real.Run(t.Context(), parse(t, head+"[nodes]\ncount = 2\n"), real.Options{Realnode: program, Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "ended by itself: exit status 3") || !strings.Contains(err.Error(), "something is wrong") {
		t.Errorf("got %v, want the exit status and the log", err)
	}
}

// Where the kernel does not see to it, a process finds out by itself that its
// orchestrator has gone.
func TestAProcessEndsWithItsOrchestrator(t *testing.T) {
	needsRealnode(t)
	dir := short(t)
	world := &lab.World{
		Network: lab.Network{Nodes: 1, Latency: netmodel.Constant{Delay: time.Millisecond}}, Nodes: []protocol.NodeID{7}, Held: true,
	}
	if err := world.Write(filepath.Join(dir, "world")); err != nil {
		t.Fatal(err)
	}
	config := "stack = [\"swim\"]\n[node]\nid = \"0000000000000007\"\n[transport]\nkind = \"plain\"\nlisten = \"127.0.0.1:0\"\n" +
		"[admin]\nlisten = \"unix://" + filepath.Join(dir, "socket") + "\"\n[lab]\nenabled = true\nworld = \"world\"\n"
	if err := os.WriteFile(filepath.Join(dir, "node.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, begun := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, realnode, "run", filepath.Join(dir, "node.toml"), "--quiet")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		client := admin.NewClient("unix://"+filepath.Join(dir, "socket"), "")
		defer client.Close()
		for ctx.Err() == nil {
			if _, err := client.Counters(ctx); err == nil {
				break
			}
		}
		if begun {
			if err := lab.Begin(stdin, time.Now()); err != nil {
				t.Error(err)
			}
			if _, err := client.Members(ctx); err != nil {
				t.Errorf("ask a node that has begun: %v", err)
			}
		}
		if err := stdin.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil || ctx.Err() != nil {
			t.Errorf("begun %v: got %v, %v, want it to fail soon", begun, err, ctx.Err())
		}
	}
}

func needsRealnode(t *testing.T) {
	if realnode == "" {
		t.Skip("needs processes")
	}
}

// short is a directory with a name that leaves room for those of sockets.
func short(t *testing.T) string {
	dir, err := os.MkdirTemp("", "real")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
