package sim

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim/storetest"
)

// bareDisk is a disk without a world around it.
type bareDisk struct {
	*disk
	survived int
}

func (b *bareDisk) Store() protocol.Store { return diskEnv{d: b.disk} }
func (b *bareDisk) Survived() int         { return b.survived }

func (b *bareDisk) Crash() {
	survived, err := b.crash()
	broken("crash", err)
	b.survived = survived
}

// bareMemory returns an empty disk in memory.
func bareMemory(seed uint64, share int) *bareDisk {
	return &bareDisk{disk: newDisk(&memoryDisk{}, seed, 0, share)}
}

func TestDiskIsAStore(t *testing.T) {
	for _, share := range []int{0, 50, 100} {
		seed := uint64(0)
		storetest.Run(t, func(*testing.T) storetest.Disk {
			seed++
			return bareMemory(seed, share)
		})
	}
}

// By default a crash leaves exactly what was synced; with survival, sometimes
// more.
func TestCrashLosesWhatWasNotSynced(t *testing.T) {
	survived := map[int]int{}
	for _, share := range []int{0, 50, 100} {
		for seed := range uint64(100) {
			d := bareMemory(seed, share)
			for i := range byte(4) {
				var b protocol.Batch
				b.Set([]byte{i}, nil)
				if err := d.Store().Apply(&b); err != nil {
					t.Fatal(err)
				}
			}
			d.Crash()
			n := 0
			_ = d.Store().Scan(nil, nil, func(_, _ []byte) bool { n++; return true })
			if most := 4 * share / 100; n > most {
				t.Fatalf("survival %d %%: %d of 4 batches survived", share, n)
			}
			survived[share] += n
		}
	}
	// Uniform from 0 to 2, and from 0 to 4.
	if survived[0] != 0 || survived[50] < 70 || survived[50] > 130 || survived[100] < 150 || survived[100] > 250 {
		t.Errorf("got %v batches survived, want 0, about 100 and about 200", survived)
	}
}

// What no crash can bring back is not kept.
func TestDiskForgetsWhatNoCrashLeaves(t *testing.T) {
	d := bareMemory(1, 0)
	for range 100 {
		var b protocol.Batch
		b.Set([]byte("k"), []byte("v"))
		if err := d.Store().Apply(&b); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.unsynced); n != 0 {
		t.Errorf("got %d batches in memory, want none", n)
	}
}

// The tables of receivers are maps, whatever their form.
func TestPairsAreMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		worldSize := rapid.SampledFrom([]int{1, 2, 3, 50, 300, 5_000, MaxNodes}).Draw(t, "nodes")
		nodes := make([]node, 3)
		naive := make([]map[uint32]uint32, len(nodes))
		for i := range naive {
			naive[i] = map[uint32]uint32{}
		}
		arena := &pairArena{}
		random := protocol.NewRand(rapid.Uint64().Draw(t, "seed"))
		spread := uint64(min(worldSize, rapid.IntRange(1, 4000).Draw(t, "spread")))
		for range rapid.IntRange(0, 5000).Draw(t, "messages") {
			i := random.IntN(len(nodes))
			dst := uint32(random.Uint64N(spread)) * uint32(uint64(worldSize)/spread)
			arena.touch(&nodes[i], dst)
			if got, want := arena.countPair(&nodes[i], dst, worldSize), naive[i][dst]; got != want {
				t.Fatalf("node %d, receiver %d of %d: got %d, want %d", i, dst, worldSize, got, want)
			}
			naive[i][dst]++
			if random.IntN(1000) == 0 { // the world is divided anew
				other := &pairArena{}
				for j := range nodes {
					if nodes[j].pairLog > 0 {
						arena.carry(&nodes[j], other)
					}
				}
				arena = other
			}
		}
	})
}

// A table larger than a page of the arena gets pages of its own.
func TestPairsOfManyReceivers(t *testing.T) {
	const receivers = 40_000
	arena, n, small := &pairArena{}, &node{}, &node{}
	for round := range uint32(3) {
		for dst := range uint32(receivers) {
			if got := arena.countPair(n, dst*7, MaxNodes); got != round {
				t.Fatalf("round %d, receiver %d: got %d", round, dst, got)
			}
		}
		for dst := range uint32(10) {
			if got := arena.countPair(small, dst, MaxNodes); got != round {
				t.Fatalf("round %d, small table, receiver %d: got %d", round, dst, got)
			}
		}
	}
}
