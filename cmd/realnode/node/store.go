package node

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/starling-sim/starling/protocol"
)

// watched is the node's store as its protocols see it: what fails is counted and
// reported.
type watched struct{ n *Node }

// outcome takes note of how an operation went, which may have taken its time.
func (w watched) outcome(operation string, err error) error {
	n := w.n
	n.stale = true
	if err == nil {
		if n.storeFailing {
			n.storeFailing = false
			n.count.storeError.Store(nil)
			n.cfg.Logger.Info("the store works again")
		}
		return nil
	}
	text := err.Error()
	n.count.storeErrors.Add(1)
	n.count.storeError.Store(&text)
	if !n.storeFailing {
		n.storeFailing = true
		n.cfg.Logger.Error("the store fails; the node goes on without", "operation", operation, "err", err)
	}
	n.report(protocol.Event{Kind: protocol.EventStoreFailed})
	return err
}

func (w watched) Get(key []byte) ([]byte, bool, error) {
	value, ok, err := w.n.cfg.Store.Get(key)
	return value, ok, w.outcome("get", err)
}

func (w watched) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	return w.outcome("scan", w.n.cfg.Store.Scan(start, end, visit))
}

func (w watched) Apply(b *protocol.Batch) error { return w.outcome("apply", w.n.cfg.Store.Apply(b)) }
func (w watched) Sync() error                   { return w.outcome("sync", w.n.cfg.Store.Sync()) }

// Each life of a node keeps in the store a mark that its clock has not reached,
// and the next life begins no earlier. The mark is moved on long before it is
// reached, and seldom, for that takes a sync.
const (
	markKey   = "node/time"
	markAhead = 10 * time.Minute
	markAgain = markAhead / 2
)

// begin sets the clock for this life.
func (n *Node) begin() {
	n.reading = n.cfg.Clock.Now()
	n.began = n.reading
	n.base = protocol.Time(n.cfg.Clock.Wall().UnixNano())
	if mark, err := n.readMark(); err != nil {
		n.cfg.Logger.Warn("cannot tell when the last life ended; the wall clock must do", "err", err)
	} else {
		n.base = max(n.base, mark)
	}
	n.current = n.base
	n.writeMark(n.current.Add(markAhead))
}

func (n *Node) readMark() (protocol.Time, error) {
	value, ok, err := watched{n}.Get([]byte(markKey))
	if err != nil || !ok {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("read %s: got %d bytes, want 8", markKey, len(value))
	}
	mark := protocol.Time(binary.BigEndian.Uint64(value))
	if mark < 0 {
		return 0, fmt.Errorf("read %s: got %d, want a time", markKey, mark)
	}
	return mark, nil
}

// writeMark says that the next life begins no earlier than mark. What goes wrong
// is reported like any failure of the store, and tried again.
func (n *Node) writeMark(mark protocol.Time) {
	var b protocol.Batch
	b.Set([]byte(markKey), binary.BigEndian.AppendUint64(nil, uint64(mark)))
	s := watched{n}
	if s.Apply(&b) == nil {
		_ = s.Sync()
	}
	n.markAt = n.current.Add(markAgain)
}
