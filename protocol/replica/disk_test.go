package replica

import (
	"bytes"
	"errors"
	"slices"
	"sort"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/mst"
)

// disk is a store that forgets at a crash what was not synced.
type disk struct {
	values map[string][]byte
	sorted []string // the keys, if not nil
	undo   [][]undo // of the batches that were not synced
	fails  int      // so many operations from now on
	synced func()
	root   mst.Hash // of the node when it synced last
}

type undo struct {
	key    string
	before []byte // nil if there was nothing
}

var errDisk = errors.New("the test's disk")

func newDisk() *disk { return &disk{values: map[string][]byte{}, synced: func() {}} }

func (d *disk) check() error {
	if d.fails > 0 {
		d.fails--
		return errDisk
	}
	return nil
}

func (d *disk) Get(key []byte) ([]byte, bool, error) {
	if err := d.check(); err != nil {
		return nil, false, err
	}
	v, ok := d.values[string(key)]
	return bytes.Clone(v), ok, nil
}

func (d *disk) Scan(start, end []byte, visit func(key, value []byte) bool) error {
	if err := d.check(); err != nil {
		return err
	}
	if d.sorted == nil {
		for key := range d.values {
			d.sorted = append(d.sorted, key)
		}
		slices.Sort(d.sorted)
	}
	keys := d.sorted
	for _, key := range keys[sort.SearchStrings(keys, string(start)):] {
		if end != nil && key >= string(end) || !visit([]byte(key), d.values[key]) {
			break
		}
	}
	return nil
}

func (d *disk) Apply(b *protocol.Batch) error {
	if err := d.check(); err != nil {
		return err
	}
	var back []undo
	for _, w := range b.Writes() {
		key := string(w.Key)
		before, had := d.values[key]
		back = append(back, undo{key, before})
		d.change(key, append([]byte{}, w.Value...), had, w.Delete)
	}
	d.undo = append(d.undo, back)
	return nil
}

func (d *disk) change(key string, value []byte, had, remove bool) {
	if had == remove {
		d.sorted = nil
	}
	if remove {
		delete(d.values, key)
	} else {
		d.values[key] = value
	}
}

func (d *disk) Sync() error {
	if err := d.check(); err != nil {
		return err
	}
	d.undo = nil
	d.synced()
	return nil
}

// crash leaves the first few of the batches that were not synced.
func (d *disk) crash(survivors int) {
	for len(d.undo) > survivors {
		for _, u := range slices.Backward(d.undo[len(d.undo)-1]) {
			_, had := d.values[u.key]
			d.change(u.key, u.before, had, u.before == nil)
		}
		d.undo = d.undo[:len(d.undo)-1]
	}
	d.undo, d.sorted, d.fails = nil, nil, 0
}
