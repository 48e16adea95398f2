package scenarios_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// numbers returns the numbers of the keys that were written, in order.
func (s *story) numbers() (numbers []uint64) {
	for _, r := range s.of(beaconPut) {
		numbers = append(numbers, r.Event.Args[2])
	}
	return numbers
}

// byFrequency returns how often each key was written, the most frequent first.
func byFrequency(numbers []uint64) []int {
	counts := map[uint64]int{}
	for _, n := range numbers {
		counts[n]++
	}
	var out []int
	for _, n := range counts {
		out = append(out, n)
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

func TestKeysFollowTheirModel(t *testing.T) {
	for _, c := range []struct {
		keys string
		// The share of the commands that the two most frequent keys get, in per
		// cent, within 3 points: more than four standard deviations of 4999 draws.
		share int
	}{
		{`{ count = 4 }`, 50},
		{`{ count = 1 }`, 100},
		{`{ count = 100, model = "zipf", exponent = 1.0 }`, 29}, // 1.5 / H(100), which is 5.187
		{`{ count = 100, model = "hotspot", hot = "2%", share = "90%" }`, 90},
	} {
		s := play(t, beacons+`workload = [{ command = "beacon.write", rate = "500/s", arrival = "regular", keys = `+c.keys+` }]`)
		often := byFrequency(s.numbers())
		got := often[0]
		if len(often) > 1 {
			got += often[1]
		}
		if n := len(s.numbers()); n != 4999 || got < n*(c.share-3)/100 || got > n*(c.share+3)/100 {
			t.Errorf("%s: the two most frequent keys got %d of %d, want %d %%", c.keys, got, n, c.share)
		}
	}
}

func TestKeysHaveAFixedWidth(t *testing.T) {
	s := play(t, beacons+`workload = [{ command = "beacon.write", rate = "10/s", count = 1, keys = { count = 1, prefix = "user" } }]`)
	put := s.of(beaconPut)
	if len(put) != 1 || put[0].Event.Args[0] != hashOf([]byte("user00000000")) {
		t.Errorf("got %v, want one write of user00000000", put)
	}
}

// Workloads with the same keys have the same hot ones, whatever their commands,
// and another seed has others.
func TestWorkloadsShareTheirHotKeys(t *testing.T) {
	hottest := func(seed int) (writes, reads uint64) {
		s := play(t, beacons+fmt.Sprintf(`
seed = %d
workload = [
  { command = "beacon.write", rate = "100/s", keys = { count = 1000, model = "hotspot", hot = "0.1%%", share = "99%%" } },
  { command = "beacon.read", rate = "100/s", keys = { count = 1000, model = "zipf", exponent = 6.0 } },
]`, seed))
		most := func(kind protocol.EventKind) uint64 {
			counts := map[uint64]int{}
			best := uint64(0)
			for _, r := range s.of(kind) {
				if counts[r.Event.Args[0]]++; counts[r.Event.Args[0]] > counts[best] {
					best = r.Event.Args[0]
				}
			}
			return best
		}
		return most(beaconPut), most(beaconGot)
	}
	writes, reads := hottest(1)
	if writes != reads {
		t.Errorf("most writes are to %#x, most reads of %#x, want the same", writes, reads)
	}
	if other, _ := hottest(2); other == writes {
		t.Errorf("seeds 1 and 2 have the same hot key")
	}
}

func TestWritersOfARegionHaveKeys(t *testing.T) {
	s := play(t, beacons+`
region = [{ name = "here", nodes = 4 }, { name = "there", nodes = 6 }]
workload = [
  { command = "beacon.write", rate = "50/s", region = ["here"], keys = { count = 100, prefix = "h" } },
  { command = "beacon.write", rate = "50/s", region = ["there"], keys = { count = 100, prefix = "t" } },
]`)
	for _, r := range s.of(beaconPut) {
		prefix := "h"
		if r.Index >= 4 {
			prefix = "t"
		}
		if want := hashOf(fmt.Appendf(nil, "%s%08d", prefix, r.Event.Args[2])); r.Event.Args[0] != want {
			t.Fatalf("node %d wrote key %d with another prefix than %q", r.Index, r.Event.Args[2], prefix)
		}
	}
}

// Every write that was carried out is looked for, by who is to, when it is to.
func TestReadsFollowWrites(t *testing.T) {
	for _, at := range []string{"", `, read_at = "other"`, `, read_at = "same"`} {
		for _, senders := range []string{"", ", nodes = [2, 5, 7]"} {
			s := play(t, beacons+`workload = [{ command = "beacon.write", rate = "20/s", until = "8s", keys = { count = 50, model = "zipf" },
				read = "beacon.read", read_after = "1500ms"`+at+senders+` }]`)
			writes, reads := s.of(beaconPut), s.of(beaconGot)
			if len(writes) == 0 || len(writes) != len(reads) {
				t.Fatalf("%s%s: got %d reads of %d writes", at, senders, len(reads), len(writes))
			}
			readers := map[uint32]bool{}
			for i, w := range writes {
				r := reads[i]
				if r.Event.Args[0] != w.Event.Args[0] || r.Time != w.Time+1_500_000_000 || (r.Index == w.Index) != (at == `, read_at = "same"`) {
					t.Fatalf("%s%s: write %v is followed by read %v", at, senders, w, r)
				}
				readers[r.Index] = true
				if senders != "" && r.Index != 2 && r.Index != 5 && r.Index != 7 {
					t.Fatalf("n%d reads and is no sender", r.Index)
				}
			}
			if len(readers) < 3 {
				t.Errorf("%s%s: only %d nodes read", at, senders, len(readers))
			}
		}
	}
}

func TestWhatIsNotWrittenIsNotRead(t *testing.T) {
	s := play(t, beacons+`workload = [{ command = "beacon.refuse", rate = "20/s", keys = { count = 5 }, read = "beacon.read", read_after = "1s" }]`)
	if n := len(s.of(beaconGot)); n != 0 {
		t.Errorf("got %d reads of writes that were refused", n)
	}
	s = play(t, beacons+`
workload = [{ command = "beacon.write", rate = "20/s", nodes = [3], until = "5s", keys = { count = 5 }, read = "beacon.read", read_after = "1s", read_at = "same" }]
fault = [{ at = "5500ms", kind = "crash", nodes = [3] }]`)
	writes, reads := s.of(beaconPut), s.of(beaconGot)
	before := 0
	for _, w := range writes {
		if time.Duration(w.Time) < 4500*time.Millisecond {
			before++
		}
	}
	if before == 0 || len(reads) != before {
		t.Errorf("got %d reads, want %d: a writer that has crashed does not read", len(reads), before)
	}
	s = play(t, beacons+`workload = [{ command = "beacon.write", rate = "20/s", nodes = [3], keys = { count = 5 }, read = "beacon.read", read_after = "1s" }]`)
	if n := len(s.of(beaconGot)); n != 0 {
		t.Errorf("got %d reads by other senders, of whom there are none", n)
	}
}

// Who writes what when does not depend on the reads.
func TestKeysHaveTheirOwnChance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const keys = `keys = { count = 1000, model = "zipf", exponent = 1.1 }`
		one := play(t, beacons+`workload = [{ command = "beacon.write", rate = "20/s", `+keys+` }]`)
		more := fmt.Sprintf(`, read_after = "%dms", read_at = %q`,
			rapid.IntRange(0, 3000).Draw(rt, "after"), rapid.SampledFrom([]string{"same", "other"}).Draw(rt, "at"))
		two := play(t, beacons+`workload = [{ command = "beacon.write", rate = "20/s", read = "beacon.read", `+keys+more+` }]`)
		a, b := one.of(beaconPut), two.of(beaconPut)
		if len(a) != len(b) {
			rt.Fatalf("got %d writes, want %d", len(b), len(a))
		}
		for i := range a {
			if a[i].Time != b[i].Time || a[i].Index != b[i].Index || a[i].Event.Args[0] != b[i].Event.Args[0] {
				rt.Fatalf("write %d: got %v, want %v", i, b[i], a[i])
			}
		}
	})
}
