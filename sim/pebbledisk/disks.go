package pebbledisk

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/pebblestore"
	"github.com/starling-sim/starling/sim"
)

// What all disks of a world have in common, whatever their number.
const (
	cacheBytes = 32 << 20
	openFiles  = 1 << 14
)

// Disks are the disks of one world, which nothing is needed for until they are
// opened.
type Disks struct {
	mu     sync.Mutex
	cache  *pebble.Cache // nil until the first disk is opened
	files  *pebble.FileCache
	images map[*sim.Image]*loaded
}

// loaded is an image on a file system, from which disks start.
type loaded struct {
	once  sync.Once
	files *files
	err   error
}

var _ sim.Disks = (*Disks)(nil)

// New returns the disks of a world, none of them open.
func New() *Disks {
	return &Disks{images: map[*sim.Image]*loaded{}}
}

// Close implements [sim.Disks].
func (d *Disks) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cache != nil {
		d.files.Unref()
		d.cache.Unref()
		d.files, d.cache = nil, nil
	}
	return nil
}

// Open implements [sim.Disks]. Disks that start from the same image share the
// tables that it is in.
func (d *Disks) Open(_ int, image *sim.Image) (sim.Disk, error) {
	l := d.share(image)
	if image == nil {
		return &Disk{all: d, files: newFiles()}, nil
	}
	l.once.Do(func() { l.files, l.err = d.load(image) })
	if l.err != nil {
		return nil, fmt.Errorf("load the image of a disk: %w", l.err)
	}
	return &Disk{all: d, files: l.files.crashed()}, nil
}

// share makes what disks have in common, if need be, and returns the place of an
// image.
func (d *Disks) share(image *sim.Image) *loaded {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cache == nil {
		d.cache = pebble.NewCache(cacheBytes)
		d.files = pebble.NewFileCache(pebblestore.FileCacheShards, openFiles)
	}
	l, ok := d.images[image]
	if !ok {
		l = &loaded{}
		d.images[image] = l
	}
	return l
}

// loadBytes is about how much of an image is written at a time.
const loadBytes = 64 << 10

// load writes an image to a file system.
func (d *Disks) load(image *sim.Image) (*files, error) {
	disk := &Disk{all: d, files: newFiles()}
	var b protocol.Batch
	var size int
	var err error
	image.Scan(func(key, value []byte) bool {
		b.Set(key, value)
		if size += len(key) + len(value); size >= loadBytes {
			err = disk.Apply(&b)
			b.Reset()
			size = 0
		}
		return err == nil
	})
	if err == nil {
		err = disk.Apply(&b)
	}
	if err == nil {
		err = disk.flush() // so that those who open it have no log to go through
	}
	if err == nil {
		err = disk.Close()
	}
	return disk.files, err
}
