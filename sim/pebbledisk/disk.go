package pebbledisk

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/pebblestore"
	"github.com/starling-sim/starling/sim"
)

// directoryName is that of a node's disk.
const directoryName = "node"

// Disk is one node's disk. Pebble has it open between its first use and a Crash
// or Close, and again after the next use.
type Disk struct {
	all   *Disks
	files *files
	db    pebblestore.Store // its DB is nil while the disk is closed
	sched *scheduler

	// survivors are what a crash left beyond what was synced.
	survivors [][]protocol.Write
	// unsynced tells that there is something that a crash may take away, and
	// base is what it then leaves, if Pebble has made some of that durable.
	unsynced bool
	base     *files

	memory   int // bytes that fit into memory before a table is written
	inMemory int // bytes that are in it, about

	before sim.DiskBytes // what earlier lives wrote
}

var _ sim.Disk = (*Disk)(nil)

// open opens the disk, if it is not.
func (d *Disk) open() error {
	if d.db.DB != nil {
		return nil
	}
	d.sched = newScheduler()
	o := pebblestore.Options()
	o.FS, o.Logger, o.Cache, o.FileCache = d.files, logger{}, d.all.cache, d.all.files
	o.MemTableStopWritesThreshold = 2 // Pebble keeps as many old logs; tables are written before one more is needed
	o.Experimental.CompactionScheduler = d.sched
	o.Experimental.ReadSamplingMultiplier = -1 // none
	db, err := pebble.Open(directoryName, o)
	if err != nil {
		return fmt.Errorf("open a disk: %w", err)
	}
	d.db.DB = db
	d.settle()
	if len(d.survivors) == 0 {
		return nil
	}
	for _, writes := range d.survivors {
		if err := d.Apply(batchOf(writes)); err != nil {
			return err
		}
	}
	d.survivors = nil
	return d.Sync()
}

func batchOf(writes []protocol.Write) *protocol.Batch {
	var b protocol.Batch
	for _, w := range writes {
		if w.Delete {
			b.Delete(w.Key)
		} else {
			b.Set(w.Key, w.Value)
		}
	}
	return &b
}

// settle has Pebble do the work that it would do in the background, after which
// its memory is empty.
func (d *Disk) settle() {
	d.sched.compact()
	d.inMemory = 0
	d.memory = int(d.db.DB.Metrics().MemTable.Size)
}

// flush writes what is in memory to tables.
func (d *Disk) flush() error {
	if err := d.open(); err != nil {
		return err
	}
	d.keep()
	if err := d.db.DB.Flush(); err != nil {
		return err
	}
	d.settle()
	return nil
}

// keep sets aside what a crash leaves, before Pebble makes more durable than it
// was told to.
func (d *Disk) keep() {
	if d.unsynced && d.base == nil {
		d.base = d.files.crashed()
	}
}

// What a write takes in Pebble's memory besides its bytes: on average, and at
// most. Pebble's skip list has towers of random height.
const (
	writeOverhead    = 44
	maxWriteOverhead = 200
	// largeBatch is a little below the size of batches that Pebble writes to a
	// table of their own: half of its memory.
	largeBatch = pebblestore.MemTableSize/2 - 4096
)

// Get implements [protocol.Store].
func (d *Disk) Get(key []byte) (value []byte, ok bool, err error) {
	if err := d.open(); err != nil {
		return nil, false, err
	}
	return d.db.Get(key)
}

// Scan implements [protocol.Store].
func (d *Disk) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	if err := d.open(); err != nil {
		return err
	}
	return d.db.Scan(start, end, visit)
}

// Apply implements [protocol.Store].
func (d *Disk) Apply(b *protocol.Batch) error {
	if err := d.open(); err != nil {
		return err
	}
	size, most := 0, 0
	for _, w := range b.Writes() {
		n := len(w.Key) + len(w.Value)
		size += n + writeOverhead
		most += n + maxWriteOverhead
	}
	// Pebble writes tables when a batch may not fit; be there first.
	fits := func() bool { return d.inMemory+most <= d.memory-d.memory/16 && most < largeBatch }
	if !fits() && d.inMemory > 0 {
		if err := d.flush(); err != nil {
			return err
		}
	}
	large := !fits() // even if there is nothing else: it goes to a table of its own
	d.unsynced = true
	if large {
		d.keep()
	}
	if err := d.db.Apply(b); err != nil {
		return err
	}
	d.inMemory += size
	if large {
		return d.flush()
	}
	return nil
}

// Sync implements [protocol.Store].
func (d *Disk) Sync() error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.db.Sync(); err != nil {
		return err
	}
	d.unsynced, d.base = false, nil
	return nil
}

// Crash implements [sim.Disk].
func (d *Disk) Crash(survivors [][]protocol.Write) error {
	if d.db.DB == nil {
		return nil // nothing happened since the last time
	}
	left := d.base
	if left == nil {
		left = d.files.crashed()
	}
	d.survivors = survivors
	err := d.shut() // on the old files, for Pebble's goroutines
	d.files = left
	return err
}

// Close implements [sim.Disk].
func (d *Disk) Close() error {
	if d.db.DB == nil {
		return nil
	}
	if err := d.Sync(); err != nil {
		return err
	}
	return d.shut()
}

func (d *Disk) shut() error {
	d.before = d.Written()
	err := d.db.DB.Close()
	d.db.DB, d.sched, d.unsynced, d.base = nil, nil, false, nil
	if err != nil {
		return fmt.Errorf("close a disk: %w", err)
	}
	return nil
}

// Written implements [sim.Disk]. The log counts with what Pebble adds to each
// record; the list of tables, which is small, does not count.
func (d *Disk) Written() sim.DiskBytes {
	written := d.before
	if d.db.DB == nil {
		return written
	}
	m := d.db.DB.Metrics()
	written.Log += m.WAL.BytesWritten
	for i := range m.Levels {
		written.Flushed += m.Levels[i].TableBytesFlushed + m.Levels[i].BlobBytesFlushed
		written.Compacted += m.Levels[i].TableBytesCompacted + m.Levels[i].BlobBytesCompacted
	}
	return written
}

// logger says nothing but what should never happen.
type logger struct{}

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

func (logger) Fatalf(format string, args ...any) {
	panic("pebbledisk: Pebble gave up: " + fmt.Sprintf(format, args...))
}
