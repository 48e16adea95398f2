package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// Errors of disk operations.
var (
	// ErrDisk is wrapped by the error of an operation that a DiskFault failed.
	ErrDisk = errors.New("disk error")
	// ErrDiskFull is wrapped by the error of a write to a full disk.
	ErrDiskFull = errors.New("disk full")

	errClosed = errors.New("the world is closed")
)

// DiskFault describes what is wrong with a disk. The zero value is a healthy
// disk.
type DiskFault struct {
	// ErrorRate is the probability, in 2^-64, with which an operation (Get,
	// Scan, Apply, Sync) fails without effect.
	ErrorRate uint64
	// Full makes every Apply of a batch with a Set fail; deleting goes on.
	Full bool
	// Delay is what every Apply and Sync takes. The process waits for it: what
	// it does afterwards in the same call (its clock, what it sends, its
	// timers) is later by that much, and other events wait for it to be done.
	// Records of that call keep the time at which the call began.
	Delay time.Duration
}

// Disks are the disks of a world's nodes.
type Disks interface {
	// Open opens node i's disk, at its first use, with image on it (nil for an
	// empty one). It may be called from several goroutines at a time.
	Open(i int, image *Image) (Disk, error)
	// Close is called once, when the disks are closed.
	Close() error
}

// Disk is what keeps a node's writes. A world asks it one thing at a time; an
// error of it, other than those of a DiskFault, is an error of Run. What it
// answers must be a function of what was written, or the trace is none.
type Disk interface {
	protocol.Store
	// Crash leaves what was synced and, on top of it, the batches that are
	// given: the oldest few of those applied since. What is left is as if it
	// had been synced.
	Crash(survivors [][]protocol.Write) error
	// Close leaves everything, as a process that ends in good order does. What
	// is asked afterwards opens the disk again.
	Close() error
	// Written returns how much has been written so far, on all lives of the
	// node.
	Written() DiskBytes
}

// DiskBytes counts bytes that a Disk wrote to files. One in memory has none.
type DiskBytes struct {
	// Log is what went to the write-ahead log, Flushed what was written from
	// memory to tables, and Compacted what was written from tables to tables.
	Log, Flushed, Compacted uint64
}

// Total is the sum.
func (b DiskBytes) Total() uint64 { return b.Log + b.Flushed + b.Compacted }

// DiskCounters counts what was written to disks since the world began. What was
// on a disk at the beginning (Config.Image) is not in it.
type DiskCounters struct {
	// Applied is what nodes wrote: the bytes of keys, also of those deleted,
	// and values.
	Applied uint64
	// Batches and Syncs count what had an effect.
	Batches, Syncs uint64
	// Written is what that made of it; over Applied, the write amplification.
	Written DiskBytes
}

// disk is a node's disk with what the world knows of it.
type disk struct {
	Disk
	unsynced [][]protocol.Write // kept only if some of it may survive
	survival int                // share of unsynced batches, in percent, that a crash may leave
	fault    DiskFault
	rand     protocol.Rand
	counted  DiskCounters // but for Written
}

func newDisk(d Disk, seed uint64, i uint32, survival int) *disk {
	return &disk{Disk: d, survival: survival, rand: protocol.NewRand(protocol.Derive(seed, "disk", uint64(i)))}
}

// crash leaves what was synced and the oldest few of the batches that were
// not: a number uniform from none to the surviving share of them.
func (d *disk) crash() (survivors int, err error) {
	most := len(d.unsynced) * d.survival / 100
	if most > 0 {
		survivors = d.rand.IntN(most + 1)
	}
	kept := d.unsynced[:survivors]
	d.unsynced = nil
	return survivors, d.Crash(kept)
}

func (d *disk) close() error {
	d.unsynced = nil
	return d.Close()
}

// applied notes a batch that was applied.
func (d *disk) applied(b *protocol.Batch) {
	d.counted.Batches++
	for _, w := range b.Writes() {
		d.counted.Applied += uint64(len(w.Key) + len(w.Value))
	}
	if d.survival > 0 { // else a protocol that never syncs would pile them up
		d.unsynced = append(d.unsynced, copyWrites(b.Writes()))
	}
}

// DiskCounters returns what was written so far.
func (w *World) DiskCounters() DiskCounters {
	var sum DiskCounters
	for _, cold := range w.cold {
		if cold == nil || cold.disk == nil {
			continue
		}
		c, written := cold.disk.counted, cold.disk.Written()
		sum.Applied += c.Applied
		sum.Batches += c.Batches
		sum.Syncs += c.Syncs
		sum.Written.Log += written.Log
		sum.Written.Flushed += written.Flushed
		sum.Written.Compacted += written.Compacted
	}
	return sum
}

// Close closes the nodes' disks, once. It is needed if Config.Disks is not nil;
// the world cannot run afterwards.
func (w *World) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	var errs []error
	for i, cold := range w.cold {
		if cold != nil && cold.disk != nil {
			if err := cold.disk.close(); err != nil {
				errs = append(errs, fmt.Errorf("close the disk of node %d: %w", i, err))
			}
		}
	}
	if w.cfg.Disks != nil {
		errs = append(errs, w.cfg.Disks.Close())
	}
	if w.err == nil {
		w.err = errClosed
	}
	return errors.Join(errs...)
}

// disk returns the disk of the context's node, made if need be.
func (c *env) disk() *disk {
	cold := c.w.coldOf(c.idx)
	if cold.disk == nil {
		cold.disk = newDisk(c.w.openDisk(c.idx), c.w.cfg.Seed, c.idx, c.w.cfg.UnsyncedSurvival)
	}
	return cold.disk
}

// diskEnv is a node's disk as its protocol sees it. A protocol may keep it for
// the length of one call, like the Env it came from.
type diskEnv struct {
	c *env
	d *disk
}

// check makes an operation fail that is to fail.
func (s diskEnv) check(operation string) error {
	if s.d.fault.ErrorRate > 0 && s.d.rand.Below(s.d.fault.ErrorRate) {
		return s.failed(operation, ErrDisk)
	}
	return nil
}

func (s diskEnv) failed(operation string, why error) error {
	s.c.report(protocol.Event{Kind: protocol.EventStoreFailed})
	return fmt.Errorf("%s: %w", operation, why)
}

func (s diskEnv) delay() {
	if d := int64(s.d.fault.Delay); d > 0 {
		s.c.wait(d)
	}
}

// broken stops the world if a disk failed that was not to.
func broken(operation string, err error) {
	if err != nil {
		panic(fmt.Sprintf("sim: the disk failed to %s: %v", operation, err)) // becomes an error of Run
	}
}

func (s diskEnv) Get(key []byte) ([]byte, bool, error) {
	if err := s.check("get"); err != nil {
		return nil, false, err
	}
	v, ok, err := s.d.Get(key)
	broken("get", err)
	return v, ok, nil
}

func (s diskEnv) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	if err := s.check("scan"); err != nil {
		return err
	}
	broken("scan", s.d.Scan(start, end, visit))
	return nil
}

func (s diskEnv) Apply(b *protocol.Batch) error {
	s.delay()
	if err := s.check("apply"); err != nil {
		return err
	}
	for _, w := range b.Writes() {
		if s.d.fault.Full && !w.Delete {
			return s.failed("apply", ErrDiskFull)
		}
	}
	broken("apply", s.d.Apply(b))
	s.d.applied(b)
	return nil
}

func (s diskEnv) Sync() error {
	s.delay()
	if err := s.check("sync"); err != nil {
		return err
	}
	broken("sync", s.d.Sync())
	s.d.unsynced = nil
	s.d.counted.Syncs++
	return nil
}
