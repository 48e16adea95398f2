package pebbledisk_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/sim"
	"github.com/starling-sim/starling/sim/pebbledisk"
)

// newImage returns an image of n pairs with values of a size.
func newImage(t testing.TB, n, size int) *sim.Image {
	t.Helper()
	var empty *sim.Image
	image, err := empty.Edit(func(s protocol.Store) error {
		for i := range n {
			var b protocol.Batch
			b.Set(binary.BigEndian.AppendUint64(nil, uint64(i)), make([]byte, size))
			if err := s.Apply(&b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// Disks that begin with an image have it, through a crash as well, and what one
// writes no other sees.
func TestDisksStartFromAnImage(t *testing.T) {
	noLeaks(t)
	disks := newDisks(t)
	image := newImage(t, 10_000, 50)
	a, b := mustOpen(t, disks, image), mustOpen(t, disks, image)
	if err := a.Crash(nil); err != nil {
		t.Fatal(err)
	}
	write(t, a, 1, 5_000, 1, 50)
	if err := a.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := a.Crash(nil); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a); n <= 10_000 {
		t.Errorf("got %d pairs, want those of the image and more", n)
	}
	if n := count(t, b); n != 10_000 {
		t.Errorf("on the other disk: got %d pairs, want 10000", n)
	}
	if written := b.Written(); written.Flushed+written.Compacted != 0 {
		t.Errorf("the other disk: got %+v written, want no tables", written)
	}
}

func TestImageThatCannotBeMade(t *testing.T) {
	why := errors.New("why")
	if image, err := newImage(t, 1, 1).Edit(func(protocol.Store) error { return why }); image != nil || !errors.Is(err, why) {
		t.Errorf("got %v, %v, want %v", image, err, why)
	}
}

// heap returns what lives in memory.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What a disk costs: empty, and open from an image of 100,000 pairs of 100 bytes
// which all share. The memory of Pebble's caches is not Go's and not in it.
func BenchmarkOpenDisks(b *testing.B) {
	for _, pairs := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("pairs=%d", pairs), func(b *testing.B) {
			var image *sim.Image
			if pairs > 0 {
				image = newImage(b, pairs, 100)
			}
			disks := newDisks(b)
			count(b, mustOpen(b, disks, image)) // loads the image
			before := heap()
			var open []*pebbledisk.Disk
			for b.Loop() {
				d := mustOpen(b, disks, image).(*pebbledisk.Disk)
				write(b, d, 1, 1, 1, 100)
				if err := d.Sync(); err != nil {
					b.Fatal(err)
				}
				open = append(open, d)
			}
			b.ReportMetric(float64(heap()-before)/float64(len(open)), "heap-B/disk")
		})
	}
}

// What a write with a sync costs, in memory and on Pebble.
func BenchmarkApplyAndSync(b *testing.B) {
	run := func(b *testing.B, s protocol.Store, size int) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			write(b, s, uint64(i), 1, 1, size)
			if err := s.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("memory/size=%d", size), func(b *testing.B) {
			var empty *sim.Image
			if _, err := empty.Edit(func(s protocol.Store) error { run(b, s, size); return nil }); err != nil {
				b.Fatal(err)
			}
		})
		b.Run(fmt.Sprintf("pebble/size=%d", size), func(b *testing.B) { run(b, mustOpen(b, newDisks(b), nil), size) })
	}
}
