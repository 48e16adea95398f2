package sim

import (
	"bytes"
	"fmt"

	"github.com/starling-sim/starling/protocol"
)

// memoryDisk is a disk in memory, what was synced and what is visible. Neither
// tree ever changes, so disks that began with the same image share what they
// have not written.
type memoryDisk struct {
	synced, now *treap
}

func (d *memoryDisk) Get(key []byte) ([]byte, bool, error) {
	v, ok := d.now.get(key)
	return bytes.Clone(v), ok, nil
}

func (d *memoryDisk) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	d.now.scan(start, end, visit)
	return nil
}

func (d *memoryDisk) Apply(b *protocol.Batch) error {
	d.now = d.now.apply(copyWrites(b.Writes()))
	return nil
}

func (d *memoryDisk) Sync() error {
	d.synced = d.now
	return nil
}

func (d *memoryDisk) Crash(survivors [][]protocol.Write) error {
	d.now = d.synced
	for _, writes := range survivors {
		d.now = d.now.apply(writes)
	}
	return d.Sync()
}

func (d *memoryDisk) Close() error { return d.Sync() }

func (d *memoryDisk) Written() DiskBytes { return DiskBytes{} }

// apply returns t after the writes, which it keeps.
func (t *treap) apply(writes []protocol.Write) *treap {
	for _, w := range writes {
		if w.Delete {
			t = t.remove(w.Key)
		} else {
			t = t.set(&treap{key: w.Key, value: w.Value, priority: priorityOf(w.Key)})
		}
	}
	return t
}

// copyWrites copies writes with all that they hold. An empty value is none that
// is nil: what a store returns must not tell one store from another.
func copyWrites(writes []protocol.Write) []protocol.Write {
	copies := make([]protocol.Write, len(writes))
	for i, w := range writes {
		copies[i] = protocol.Write{Key: bytes.Clone(w.Key), Value: append([]byte{}, w.Value...), Delete: w.Delete}
	}
	return copies
}

// Image is the contents of a disk, prepared once, from which any number of nodes
// can start. It never changes; disks in memory share it. Nil is the empty image.
type Image struct {
	root *treap
}

// Edit returns the image with what write does to it. What write keeps of the
// store must not be used afterwards.
func (im *Image) Edit(write func(protocol.Store) error) (*Image, error) {
	d := im.disk()
	if err := write(d); err != nil {
		return nil, fmt.Errorf("prepare a disk image: %w", err)
	}
	return &Image{root: d.now}, nil
}

// Scan calls visit for each pair in the order of keys until it returns false.
// The slices may be kept and must not be changed.
func (im *Image) Scan(visit func(key, value []byte) bool) { im.disk().now.scan(nil, nil, visit) }

func (im *Image) disk() *memoryDisk {
	if im == nil {
		return &memoryDisk{}
	}
	return &memoryDisk{synced: im.root, now: im.root}
}

// openDisk opens a node's disk, at its first use.
func (w *World) openDisk(i uint32) Disk {
	var image *Image
	if w.cfg.Image != nil {
		image = w.cfg.Image(int(i))
	}
	if w.cfg.Disks == nil {
		return image.disk()
	}
	d, err := w.cfg.Disks.Open(int(i), image)
	broken("open", err)
	return d
}
