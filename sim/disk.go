package sim

import (
	"bytes"
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

// disk is a node's disk: what was synced, and the batches applied since.
type disk struct {
	synced, now *treap
	unsynced    [][]protocol.Write
	survival    int // share of unsynced batches, in percent, that a crash may leave
	fault       DiskFault
	rand        protocol.Rand
}

func newDisk(seed uint64, i uint32, survival int) *disk {
	return &disk{survival: survival, rand: protocol.NewRand(protocol.Derive(seed, "disk", uint64(i)))}
}

// crash leaves what was synced and the oldest few of the batches that were
// not: a number uniform from none to the surviving share of them.
func (d *disk) crash() {
	most := len(d.unsynced) * d.survival / 100
	survivors := 0
	if most > 0 {
		survivors = d.rand.IntN(most + 1)
	}
	d.now = d.synced
	for _, writes := range d.unsynced[:survivors] {
		d.now = d.now.apply(writes)
	}
	d.synced, d.unsynced = d.now, nil
}

func (d *disk) sync() { d.synced, d.unsynced = d.now, nil }

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

// disk returns the disk of the context's node, made if need be.
func (c *env) disk() *disk {
	cold := c.w.coldOf(c.idx)
	if cold.disk == nil {
		cold.disk = newDisk(c.w.cfg.Seed, c.idx, c.w.cfg.UnsyncedSurvival)
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

func (s diskEnv) Get(key []byte) ([]byte, bool, error) {
	if err := s.check("get"); err != nil {
		return nil, false, err
	}
	v, ok := s.d.now.get(key)
	return bytes.Clone(v), ok, nil
}

func (s diskEnv) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	if err := s.check("scan"); err != nil {
		return err
	}
	s.d.now.scan(start, end, visit)
	return nil
}

func (s diskEnv) Apply(b *protocol.Batch) error {
	s.delay()
	if err := s.check("apply"); err != nil {
		return err
	}
	writes := make([]protocol.Write, len(b.Writes()))
	for i, w := range b.Writes() {
		if s.d.fault.Full && !w.Delete {
			return s.failed("apply", ErrDiskFull)
		}
		writes[i] = protocol.Write{Key: bytes.Clone(w.Key), Value: bytes.Clone(w.Value), Delete: w.Delete}
	}
	s.d.now = s.d.now.apply(writes)
	if s.d.survival > 0 { // else a protocol that never syncs would pile them up
		s.d.unsynced = append(s.d.unsynced, writes)
	}
	return nil
}

func (s diskEnv) Sync() error {
	s.delay()
	if err := s.check("sync"); err != nil {
		return err
	}
	s.d.sync()
	return nil
}
