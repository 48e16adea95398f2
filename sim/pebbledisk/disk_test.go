package pebbledisk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
	"github.com/starling-sim/starling/sim/pebbledisk"
	"github.com/starling-sim/starling/sim/storetest"
)

// noLeaks fails a test that leaves goroutines behind.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// newDisks returns disks that are closed after the test.
func newDisks(t testing.TB) *pebbledisk.Disks {
	d := pebbledisk.New()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func mustOpen(t testing.TB, d *pebbledisk.Disks, image *sim.Image) sim.Disk {
	t.Helper()
	disk, err := d.Open(0, image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// choosing does what a world does with a disk: it decides what survives.
type choosing struct {
	sim.Disk
	t        *testing.T
	share    int
	rand     *rand.Rand
	unsynced [][]protocol.Write
	survived int
}

func (c *choosing) Store() protocol.Store { return c }
func (c *choosing) Survived() int         { return c.survived }

func (c *choosing) Apply(b *protocol.Batch) error {
	c.unsynced = append(c.unsynced, slices.Clone(b.Writes()))
	return c.Disk.Apply(b)
}

func (c *choosing) Sync() error {
	c.unsynced = nil
	return c.Disk.Sync()
}

func (c *choosing) Crash() {
	c.survived = c.rand.IntN(len(c.unsynced)*c.share/100 + 1)
	if err := c.Disk.Crash(c.unsynced[:c.survived]); err != nil {
		c.t.Fatal(err)
	}
	c.unsynced = nil
}

func TestDiskThroughCrashes(t *testing.T) {
	noLeaks(t)
	for _, share := range []int{0, 50, 100} {
		t.Run(fmt.Sprintf("%d %% survive", share), func(t *testing.T) { storetest.Run(t, opener(t, share)) })
	}
}

// Pebble writes tables, of what was not synced as well.
func TestDiskThroughCrashesWithTables(t *testing.T) {
	noLeaks(t)
	storetest.RunLarge(t, opener(t, 50))
}

func opener(t *testing.T, share int) func(t *testing.T) storetest.Disk {
	disks := newDisks(t)
	random := rand.New(rand.NewPCG(1, uint64(share)))
	return func(t *testing.T) storetest.Disk {
		return &choosing{Disk: mustOpen(t, disks, nil), t: t, share: share, rand: random}
	}
}
