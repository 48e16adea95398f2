package pebbledisk_test

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
	"github.com/starling-sim/starling/sim/pebbledisk"
)

// write applies batches of random writes, overwriting and deleting as it goes.
func write(t testing.TB, d protocol.Store, seed uint64, batches, writes, size int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	for range batches {
		var b protocol.Batch
		for range writes {
			key := binary.BigEndian.AppendUint64(nil, r.Uint64N(20_000)*0x9e3779b97f4a7c15)
			if r.IntN(10) == 0 {
				b.Delete(key)
				continue
			}
			value := make([]byte, size)
			for i := range value {
				value[i] = byte(r.Uint32())
			}
			b.Set(key, value)
		}
		if err := d.Apply(&b); err != nil {
			t.Fatal(err)
		}
	}
}

func count(t testing.TB, d protocol.Store) (pairs int) {
	t.Helper()
	if err := d.Scan(nil, nil, func(_, _ []byte) bool { pairs++; return true }); err != nil {
		t.Fatal(err)
	}
	return pairs
}

// However many writes there are, none slips through a crash: the disk foresees
// every table that Pebble writes.
func TestNothingUnsyncedSurvives(t *testing.T) {
	noLeaks(t)
	disks := newDisks(t)
	for _, shape := range []struct{ batches, writes, size int }{
		{100_000, 1, 0}, {20_000, 1, 20}, {500, 100, 0}, {3_000, 1, 1000}, {200, 1, 30_000}, {3, 10_000, 0},
	} {
		d := mustOpen(t, disks, nil)
		write(t, d, 1, shape.batches, shape.writes, shape.size)
		if written := d.Written(); written.Flushed == 0 {
			t.Errorf("%+v: no table was written", shape)
		}
		if err := d.Crash(nil); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n > 0 {
			t.Errorf("%+v: after a crash: got %d pairs, want none", shape, n)
		}
	}
}

// history writes for a while, with crashes, and returns what Pebble wrote.
func history(t testing.TB, disks *pebbledisk.Disks) sim.DiskBytes {
	d := mustOpen(t, disks, nil)
	for life := range uint64(4) {
		for part := range uint64(5) {
			write(t, d, life<<8|part, 4_000, 1, 100)
			write(t, d, life<<8|part, 20, 100, 10)
			if err := d.Sync(); err != nil {
				t.Fatal(err)
			}
			count(t, d)
		}
		write(t, d, life, 3_000, 1, 100)
		if err := d.Crash(nil); err != nil {
			t.Fatal(err)
		}
	}
	return d.Written()
}

// What Pebble writes is the same every time.
func TestWrittenIsReproducible(t *testing.T) {
	noLeaks(t)
	disks := newDisks(t)
	first := history(t, disks)
	if first.Log == 0 || first.Flushed == 0 || first.Compacted == 0 {
		t.Errorf("got %+v, want something of everything", first)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 3 {
		if again := history(t, disks); again != first {
			t.Errorf("got %+v, want %+v as the first time", again, first)
		}
		runtime.GOMAXPROCS(2)
	}
}
