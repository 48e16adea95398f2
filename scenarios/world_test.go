package scenarios_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/scenarios"
	"github.com/starling-sim/starling/sim"
)

const second = int64(time.Second)

// at returns "time node" of the records of one kind.
func (s *story) at(kind protocol.EventKind) []string {
	var out []string
	for _, r := range s.of(kind) {
		out = append(out, fmt.Sprintf("%v n%d", time.Duration(r.Time), r.Index))
	}
	return out
}

func (s *story) want(what string, kind protocol.EventKind, want ...string) {
	s.t.Helper()
	if got := s.at(kind); !slices.Equal(got, want) {
		s.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestNodeFaultsHappenToWhomAndWhenTheyShould(t *testing.T) {
	s := play(t, beacons+`
fault = [
  { at = "1s", kind = "crash", nodes = [3, 5] },
  { at = "2s", kind = "restart", nodes = [3] },
  { at = "3s", kind = "leave", nodes = [7] },
  { at = "4s", kind = "pause", nodes = [1], for = "500ms" },
]`)
	s.want("crashes", protocol.EventNodeCrashed, "1s n3", "1s n5")
	s.want("restarts", protocol.EventNodeRestarted, "2s n3")
	s.want("leaves", protocol.EventNodeLeaving, "3s n7")
	s.want("pauses", protocol.EventNodePaused, "4s n1")
	s.want("resumptions", protocol.EventNodeResumed, "4.5s n1")
	if got := len(s.of(protocol.EventNodeStarted)); got != 10 {
		t.Errorf("started: got %d, want 10", got)
	}
}

func TestFaultsRepeat(t *testing.T) {
	s := play(t, beacons+`fault = [{ at = "1s", kind = "crash", count = 1, every = "2s", times = 3 }]`)
	var times []int64
	who := map[uint32]bool{}
	for _, r := range s.of(protocol.EventNodeCrashed) {
		times = append(times, r.Time)
		who[r.Index] = true
	}
	if !slices.Equal(times, []int64{second, 3 * second, 5 * second}) || len(who) != 3 {
		t.Errorf("got %v of %v, want three nodes at 1 s, 3 s and 5 s", times, who)
	}
	if s = play(t, beacons+`fault = [{ at = "1s", kind = "crash", count = 1, every = "2s" }]`); len(s.of(protocol.EventNodeCrashed)) != 5 {
		t.Errorf("without times: got %d, want 5, until the end", len(s.of(protocol.EventNodeCrashed)))
	}
}

func TestSpareNodesJoin(t *testing.T) {
	s := play(t, `
name = "test"
duration = "3s"
stack = ["beacon"]
nodes = { count = 4, spare = 2 }
fault = [{ at = "1s", kind = "join", count = 1, every = "1s", times = 2 }]`)
	var late []int64
	for _, r := range s.of(protocol.EventNodeStarted)[4:] {
		late = append(late, r.Time)
		if r.Index < 4 {
			t.Errorf("node %d started twice", r.Index)
		}
	}
	if !slices.Equal(late, []int64{second, 2 * second}) {
		t.Errorf("late joins: got %v, want 1 s and 2 s", late)
	}
}

func TestStaggeredNodesEnterOneAfterTheOther(t *testing.T) {
	s := play(t, `
name = "test"
duration = "10s"
stack = ["beacon"]
nodes = { count = 5, join = { mode = "staggered", over = "5s" } }`)
	s.want("starts", protocol.EventNodeStarted, "0s n0", "1s n1", "2s n2", "3s n3", "4s n4")
}

func TestAnomaliesAlternate(t *testing.T) {
	s := play(t, beacons+`fault = [{ at = "1s", kind = "anomaly", nodes = [2, 4], for = "2s", run = "500ms", until = "6s" }]`)
	s.want("stops", protocol.EventNodePaused, "1s n2", "1s n4", "3.5s n2", "3.5s n4")
	s.want("goings on", protocol.EventNodeResumed, "3s n2", "3s n4", "5.5s n2", "5.5s n4")
}

func TestLossHasADirection(t *testing.T) {
	count := func(times []int64) (during, otherwise int) {
		for _, at := range times {
			if at > 3*second+second/10 && at <= 5*second {
				during++
			} else {
				otherwise++
			}
		}
		return during, otherwise
	}
	for _, c := range []struct {
		direction                     string
		fromSick, toSick, amongOthers bool // heard during the fault
	}{{"egress", false, true, true}, {"ingress", true, false, true}, {"both", false, false, true}} {
		s := play(t, beacons+fmt.Sprintf(
			`fault = [{ at = "3s", kind = "loss", probability = "100%%", nodes = [0], direction = %q, for = "2s" }]`, c.direction))
		for _, link := range []struct {
			from, to int
			want     bool
		}{{0, 1, c.fromSick}, {1, 0, c.toSick}, {1, 2, c.amongOthers}} {
			during, otherwise := count(s.heard(link.from, link.to))
			if (during > 0) != link.want || otherwise < 70 {
				t.Errorf("%s, %d to %d: heard %d during and %d otherwise", c.direction, link.from, link.to, during, otherwise)
			}
		}
		if f := s.begun[0]; !slices.Equal(f.Impaired, []int{0}) || f.Cut != nil {
			t.Errorf("%s: got effect %+v, want node 0 impaired", c.direction, f)
		}
	}
}

func TestPartitionsCutAndHeal(t *testing.T) {
	s := play(t, beacons+`fault = [{ at = "2s", kind = "partition", nodes = [0, 1, 2], for = "3s" }]`)
	cut := s.begun[0].Cut
	for a := range 10 {
		for b := range 10 {
			if a == b {
				continue
			}
			across := (a < 3) != (b < 3)
			if cut(a, b) != across {
				t.Fatalf("cut(%d, %d): got %v", a, b, cut(a, b))
			}
			during, after := 0, 0
			for _, at := range s.heard(a, b) {
				if at > 2*second+second/10 && at < 5*second {
					during++
				} else if at >= 5*second {
					after++
				}
			}
			if (during == 0) != across || after == 0 {
				t.Errorf("%d to %d: heard %d during the partition, %d after", a, b, during, after)
			}
		}
	}
	changes := s.of(protocol.EventNetworkChanged)
	if len(changes) != 2 || changes[0].Time != 2*second || changes[1].Time != 5*second || changes[1].Event.Args[1] != 0 {
		t.Errorf("changes of the network: got %v", changes)
	}
}

func TestPartitionsOfRegionsAndShares(t *testing.T) {
	s := play(t, `
name = "test"
duration = "3s"
stack = ["beacon"]
nodes = { count = 20 }
network = { latency = { model = "regions", data = "libp2p-8" } }
region = [{ name = "europe", weight = 1 }, { name = "na_east", weight = 1 }]
fault = [
  { at = "1s", kind = "partition", region = ["europe"], direction = "egress" },
  { at = "1s", kind = "delay", delay = "1s", share = "30%" },
]`)
	if cut := s.begun[0].Cut; !cut(0, 19) || cut(0, 9) || cut(10, 19) {
		t.Error("want the first ten, the first region, cut off from the last ten")
	}
	if got := len(s.begun[1].Impaired); got != 6 {
		t.Errorf("30 %% of 20: got %d", got)
	}
	toOthers, back := 0, 0
	for _, at := range s.heard(0, 19) {
		if at > 2*second {
			toOthers++
		}
	}
	for _, at := range s.heard(19, 0) {
		if at > 2*second {
			back++
		}
	}
	if toOthers > 0 || back == 0 {
		t.Errorf("one-way: got %d from the region, %d to it", toOthers, back)
	}
}

func TestDelayDuplicationAndReordering(t *testing.T) {
	s := play(t, beacons+`
fault = [
  { at = "0s", kind = "delay", delay = "2s", nodes = [0], direction = "egress" },
  { at = "0s", kind = "duplicate", probability = "100%", nodes = [1], direction = "egress" },
  { at = "0s", kind = "corrupt", probability = "100%", nodes = [2], direction = "egress" },
  { at = "0s", kind = "bandwidth", rate = "1kbit/s", nodes = [3], direction = "egress" },
]`)
	if first := s.heard(0, 9)[0]; first != 2*second+110*int64(time.Millisecond) {
		t.Errorf("delayed: first heard at %v, want 2.11s", time.Duration(first))
	}
	if got := len(s.heard(1, 9)); got < 180 {
		t.Errorf("duplicated: heard %d, want twice 99", got)
	}
	if got := len(s.heard(3, 9)); got > 50 || got == 0 {
		t.Errorf("1 kbit/s: heard %d, want a few", got)
	}
	// Every datagram of node 2 is damaged: the frame's check or the decoder
	// refuses it, or its one number is another.
	if got := len(s.heard(2, 9)); got > 99 {
		t.Errorf("damaged: heard %d", got)
	}
	if s.world.Counters().SentDatagrams == 0 {
		t.Error("nobody says anything")
	}
}

func TestClocks(t *testing.T) {
	offset := func(s *story, node uint32, at time.Duration) time.Duration {
		for _, r := range s.of(beaconTick) {
			if r.Index == node && r.Time >= int64(at) {
				return time.Duration(int64(r.Event.Args[0]) - r.Time)
			}
		}
		t.Fatalf("no tick of node %d after %v", node, at)
		return 0
	}
	s := play(t, beacons+`
fault = [
  { at = "2s", kind = "clock", nodes = [0], step = "1h" },
  { at = "2s", kind = "clock", nodes = [1], step = "1s", back = true },
  { at = "2s", kind = "clock", nodes = [2], drift_ppm = 1000 },
]`)
	for node, want := range []time.Duration{time.Hour, -time.Second, 7 * time.Millisecond, 0} {
		if got := offset(s, uint32(node), 9*time.Second); (got - want).Abs() > 200*time.Microsecond {
			t.Errorf("node %d: off by %v, want %v", node, got, want)
		}
	}
	s = play(t, `
name = "test"
duration = "2s"
stack = ["beacon"]
nodes = { count = 50, clock = { skew = "1s", drift_ppm = 100 } }`)
	var before, after int
	for i := range uint32(50) {
		got := offset(s, i, time.Second)
		if got.Abs() > time.Second+time.Millisecond {
			t.Errorf("node %d: off by %v, want at most 1s", i, got)
		}
		if got < -100*time.Millisecond {
			before++
		} else if got > 100*time.Millisecond {
			after++
		}
	}
	if before < 10 || after < 10 {
		t.Errorf("%d clocks are slow and %d fast, want about half and half", before, after)
	}
}

func TestDisks(t *testing.T) {
	s := play(t, beacons+`fault = [{ at = "2s", kind = "disk", nodes = [4], full = true, for = "3s" }]`)
	for _, r := range s.of(beaconTick) {
		sick := r.Index == 4 && r.Time >= 2*second && r.Time < 5*second
		if failed := r.Event.Args[1] == 1; failed != sick {
			t.Errorf("node %d at %v: write failed is %v", r.Index, time.Duration(r.Time), failed)
		}
	}
}

// What disks are does not show, but in what is written to them.
func TestDisksOnPebble(t *testing.T) {
	source := `fault = [
	{ at = "2s", kind = "disk", nodes = [3], probability = "50%" },
	{ at = "3s", kind = "crash", nodes = [1, 2] },
	{ at = "4s", kind = "restart", nodes = [1] },
	{ at = "5s", kind = "leave", nodes = [4] },
]`
	want := play(t, beacons+source).world
	for _, workers := range []int{1, 2, 4} {
		for _, wire := range []string{"values", "encode"} {
			s := parse(t, "store = \"pebble\"\nwire = \""+wire+"\"\n"+beacons+source)
			w := playScenario(t, s, workers).world
			if got := w.TraceHash(); got != want.TraceHash() {
				t.Errorf("%d workers, %s: got another trace hash", workers, wire)
			}
			on, off := w.DiskCounters(), want.DiskCounters()
			if on.Written.Log <= on.Applied || off.Written.Total() != 0 {
				t.Errorf("%d workers, %s: got %+v, and in memory %+v, want a log of more than was applied on Pebble only", workers, wire, on, off)
			}
			if on.Written, off.Written = (sim.DiskBytes{}), (sim.DiskBytes{}); on != off {
				t.Errorf("%d workers, %s: got %+v, want %+v as in memory", workers, wire, on, off)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestWorkloads(t *testing.T) {
	s := play(t, beacons+`
workload = [
  { command = "beacon.tell", rate = "5/s", arrival = "regular", size = "100B", senders = 2, from = "1s", until = "3s" },
  { command = "beacon.tell", rate = "100/s", size = "7B", from = "4s" },
]`)
	var regular []int64
	senders := map[uint32]bool{}
	random := 0
	for _, r := range s.of(beaconTold) {
		switch r.Event.Args[0] {
		case 100:
			regular = append(regular, r.Time)
			senders[r.Index] = true
		case 7:
			random++
		default:
			t.Errorf("got a value of %d bytes", r.Event.Args[0])
		}
	}
	if len(regular) != 9 || regular[0] != second+second/5 || regular[8] != second+9*second/5 || len(senders) > 2 {
		t.Errorf("5/s from 1 s to 3 s by two: got %v by %v", regular, senders)
	}
	// 600 expected; a Poisson process is within four standard deviations.
	if math.Abs(float64(random)-600) > 4*math.Sqrt(600) {
		t.Errorf("100/s for 6 s: got %d", random)
	}
	for _, r := range s.of(protocol.EventCommand) {
		if r.Event.Args[2] != 0 {
			t.Fatalf("refused: %+v", r)
		}
	}
}

const churning = `
name = "test"
duration = "10m"
stack = ["beacon"]
nodes = { count = 200 }
protocol = { beacon = { interval = "1h" } }
`

func TestChurnHasItsRate(t *testing.T) {
	s := play(t, churning+`churn = { share = "10%", period = "1m", departure = "mixed", downtime = { model = "constant", mean = "30s" } }`)
	crashed, left := len(s.of(protocol.EventNodeCrashed)), len(s.of(protocol.EventNodeLeaving))
	// 20 a minute: 200 expected, half of them each way.
	if n := float64(crashed + left); math.Abs(n-200) > 4*math.Sqrt(200) {
		t.Errorf("got %v departures, want about 200", n)
	}
	if math.Abs(float64(crashed-left)) > 4*math.Sqrt(200) {
		t.Errorf("got %d crashes and %d goodbyes, want about as many", crashed, left)
	}
	back := len(s.of(protocol.EventNodeRestarted))
	if missing := crashed + left - back; missing < 1 || missing > 30 {
		t.Errorf("%d departed and %d came back, want about 10 on their way", crashed+left, back)
	}
}

func TestSessionsAndDowntimes(t *testing.T) {
	s := play(t, churning+`churn = { session = { model = "constant", mean = "2m" }, downtime = { model = "constant", mean = "1m" }, from = "1m", until = "8m" }`)
	var ends, returns []time.Duration
	for _, r := range s.records {
		if r.Index != 17 {
			continue
		}
		switch r.Event.Kind {
		case protocol.EventNodeCrashed:
			ends = append(ends, time.Duration(r.Time))
		case protocol.EventNodeRestarted:
			returns = append(returns, time.Duration(r.Time))
		}
	}
	if !slices.Equal(ends, []time.Duration{3 * time.Minute, 6 * time.Minute}) || !slices.Equal(returns, []time.Duration{4 * time.Minute, 7 * time.Minute}) {
		t.Errorf("got ends %v and returns %v, want 3m, 6m and 4m, 7m", ends, returns)
	}
}

func TestChurnTraces(t *testing.T) {
	dir := t.TempDir()
	trace := "time_s,node,event\n1,2,crash\n1.5,n3,leave\n4,2,join\n5,0,join\n"
	if err := os.WriteFile(filepath.Join(dir, "trace.csv"), []byte(trace), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Parse(filepath.Join(dir, "test.toml"), []byte(beacons+`churn = { trace = "trace.csv" }`), beaconEnvironment(t))
	if err != nil {
		t.Fatal(err)
	}
	told := playScenario(t, s, 1)
	told.want("crashes", protocol.EventNodeCrashed, "1s n2")
	told.want("goodbyes", protocol.EventNodeLeaving, "1.5s n3")
	told.want("returns", protocol.EventNodeRestarted, "4s n2") // node 0 was there
}

// Who crashes and when depends neither on the protocol's configuration nor on
// other faults: variants are compared under common random numbers.
func TestChanceIsCommonToVariants(t *testing.T) {
	const tail = `fault = [{ at = "1s", kind = "crash", share = "20%" }]
churn = { share = "50%", period = "10s", downtime = { model = "exponential", mean = "1s" } }
`
	one := play(t, beacons+tail)
	other := play(t, beacons+tail+"[protocol.beacon]\ninterval = \"33ms\"\n")
	if a, b := one.at(protocol.EventNodeCrashed), other.at(protocol.EventNodeCrashed); !slices.Equal(a, b) || len(a) < 4 {
		t.Errorf("got crashes %v and %v", a, b)
	}
	s := parse(t, beacons+tail)
	if err := s.Set(scenarios.Assignment{"seed", "2"}); err != nil {
		t.Fatal(err)
	}
	if a, b := one.at(protocol.EventNodeCrashed), playScenario(t, s, 1).at(protocol.EventNodeCrashed); slices.Equal(a, b) {
		t.Errorf("another seed crashes the same nodes at the same times: %v", a)
	}
}

// Whatever happens, the run goes through, and with the same trace hash however
// it is executed, from its filled-in form, and with messages as bytes.
func TestRunsOfGeneratedScenarios(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := generate(t)
		run := func(s *scenarios.Scenario, workers int) string {
			w, err := s.World(scenarios.WorldOptions{Workers: workers})
			if err != nil {
				t.Fatalf("%v\n%s", err, source)
			}
			if err := w.Run(t.Context(), s.Duration.Std()); err != nil {
				t.Fatalf("%v\n%s", err, source)
			}
			return w.TraceHash()
		}
		load := func(text []byte) *scenarios.Scenario {
			s, err := scenarios.Parse("generated.toml", text, beaconEnvironment(t))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			return s
		}
		s := load([]byte(source))
		want := run(s, 1)
		if got := run(s, 2); got != want {
			t.Errorf("two workers: got %s, want %s\n%s", got, want, source)
		}
		filled, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got := run(load(filled), 1); got != want {
			t.Errorf("filled in: got %s, want %s\n%s", got, want, filled)
		}
		if err := s.Set(scenarios.Assignment{"wire", "encode"}); err != nil {
			t.Fatal(err)
		}
		if got := run(s, 1); got != want {
			t.Errorf("as bytes: got %s, want %s\n%s", got, want, source)
		}
	})
}
