package scenarios_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// told returns the senders and the sizes of the values of a run's commands.
func (s *story) told() (senders []int, sizes []int) {
	for _, r := range s.of(beaconTold) {
		senders = append(senders, int(r.Index))
		sizes = append(sizes, int(r.Event.Args[0]))
	}
	return senders, sizes
}

func TestWorkloadEndsAfterItsCount(t *testing.T) {
	s := play(t, beacons+`workload = [{ command = "beacon.tell", rate = "10/s", count = 7 }]`)
	if senders, _ := s.told(); len(senders) != 7 {
		t.Errorf("got %d commands, want 7", len(senders))
	}
}

// What nobody could carry out does not count.
func TestWorkloadWaitsForItsSenders(t *testing.T) {
	s := play(t, beacons+`
workload = [{ command = "beacon.tell", rate = "10/s", arrival = "regular", count = 7, nodes = [4, 2, 4] }]
fault = [
  { at = "500ms", kind = "crash", nodes = [2] },
  { at = "600ms", kind = "pause", nodes = [4], for = "1s" },
  { at = "1650ms", kind = "crash", nodes = [4] },
  { at = "5s", kind = "restart", nodes = [2] },
]`)
	senders, _ := s.told()
	at := s.at(beaconTold)
	// At 0.5 s and 0.6 s the faults come first: they are earlier in the file.
	if len(senders) != 7 || slices.ContainsFunc(senders, func(i int) bool { return i != 2 && i != 4 }) ||
		senders[4] != 4 || at[4] != "500ms n4" || at[5] != "1.6s n4" && at[5] != "5s n2" {
		t.Errorf("got %q, want 7 commands to n2 and n4 while they run", at)
	}
}

func TestWorkloadOfARegion(t *testing.T) {
	regions := beacons + `
region = [{ name = "here", nodes = 4 }, { name = "there", nodes = 6 }]
workload = [{ command = "beacon.tell", rate = "20/s", region = ["there"]%s }]`
	for _, c := range []struct {
		more string
		most int
	}{{"", 6}, {", senders = 2", 2}, {", senders = 10", 6}} {
		senders, _ := play(t, fmt.Sprintf(regions, c.more)).told()
		slices.Sort(senders)
		senders = slices.Compact(senders)
		if len(senders) != c.most || senders[0] < 4 {
			t.Errorf("there%s: got %v, want %d nodes from 4 to 9", c.more, senders, c.most)
		}
	}
}

func TestSizesOfWorkloads(t *testing.T) {
	draw := func(distribution string) []int {
		_, sizes := play(t, beacons+`workload = [{ command = "beacon.tell", rate = "500/s", arrival = "regular", sizes = `+distribution+` }]`).told()
		if len(sizes) != 4999 {
			t.Fatalf("%s: got %d commands", distribution, len(sizes))
		}
		slices.Sort(sizes)
		return sizes
	}
	// The share of values in a range, within five standard deviations, which
	// are 35 of 4999 at most.
	share := func(distribution string, sizes []int, low, high, percent int) {
		t.Helper()
		n := 0
		for _, size := range sizes {
			if size >= low && size <= high {
				n++
			}
		}
		if want := 4999 * percent / 100; n < want-177 || n > want+177 {
			t.Errorf("%s: %d of %d are from %d to %d, want %d %%", distribution, n, len(sizes), low, high, percent)
		}
	}
	if x := draw(`{ model = "constant", size = "0B" }`); x[0] != 0 || x[4998] != 0 {
		t.Errorf("constant: got %d to %d", x[0], x[4998])
	}
	x := draw(`{ model = "uniform", min = "10B", max = "29B" }`)
	if x[0] != 10 || x[4998] != 29 {
		t.Errorf("uniform: got %d to %d, want 10 to 29", x[0], x[4998])
	}
	share("uniform", x, 10, 14, 25)
	x = draw(`{ model = "choice", of = ["5B", "0B", "7B"], weights = [2, 1, 1] }`)
	share("choice", x, 5, 5, 50)
	share("choice", x, 0, 0, 25)
	x = draw(`{ model = "choice", of = ["5B", "7B"] }`)
	share("choice of equals", x, 5, 5, 50)
	x = draw(`{ model = "lognormal", median = "100B", p90 = "400B", min = "20B" }`)
	share("lognormal", x, 0, 100, 50)
	share("lognormal", x, 401, 1<<20, 10)
	share("lognormal", x, 25, 1<<20, 90) // 100 / 4, cut
	if x[0] != 20 || x[4998] > 1<<20 {
		t.Errorf("lognormal: got %d to %d, want 20 to at most 1 MiB", x[0], x[4998])
	}
}

// When the commands come and to whom does not depend on other workloads.
func TestWorkloadsDoNotDisturbEachOther(t *testing.T) {
	one := `{ command = "beacon.tell", rate = "20/s", sizes = { model = "lognormal", median = "1B", p90 = "9B", max = "99B" } }`
	rapid.Check(t, func(rt *rapid.T) {
		other := fmt.Sprintf(`{ command = "beacon.tell", rate = "%d/s", size = "%dB", count = %d }`,
			rapid.IntRange(1, 20).Draw(rt, "rate"), rapid.IntRange(100, 200).Draw(rt, "size"), rapid.IntRange(1, 50).Draw(rt, "count"))
		alone, both := play(t, beacons+"workload = ["+one+"]"), play(t, beacons+"workload = ["+one+", "+other+"]")
		strip := func(s *story) (out []protocol.Record) {
			for _, r := range s.of(beaconTold) {
				if r.Event.Args[0] < 100 {
					out = append(out, r)
				}
			}
			return out
		}
		if a, b := strip(alone), strip(both); !slices.Equal(a, b) {
			rt.Fatalf("alone %d commands, with another workload %d or others", len(a), len(b))
		}
	})
}

// A node finds its seeds and a workload its senders without a look at all nodes.
func TestManyJoinOneAfterTheOther(t *testing.T) {
	s := play(t, `
name = "test"
duration = "11s"
stack = ["beacon"]
nodes = { count = 10000, join = { mode = "staggered", over = "10s" } }
protocol = { beacon = { interval = "1h" } }
workload = [{ command = "beacon.tell", rate = "100/s" }]
fault = [{ at = "5s", kind = "crash", nodes = [0, 1, 2] }]`)
	if started := len(s.of(protocol.EventNodeStarted)); started != 10000 {
		t.Errorf("got %d nodes that joined, want 10000", started)
	}
	if last := s.of(protocol.EventNodeStarted)[9999].Time; time.Duration(last) >= 10*time.Second {
		t.Errorf("the last joined at %v", time.Duration(last))
	}
}
