package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/starling-sim/starling/cmd/realnode/node"
	"github.com/starling-sim/starling/protocol"
)

var errFull = errors.New("no space left")

// brittle is a store whose writes fail after some.
type brittle struct {
	node.Memory
	left, synced int
}

func (b *brittle) Apply(batch *protocol.Batch) error {
	if b.left == 0 {
		return errFull
	}
	b.left--
	return b.Memory.Apply(batch)
}

func (b *brittle) Sync() error {
	b.synced++
	return nil
}

func contents(t *testing.T, s protocol.Store) string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Scan([]byte("x/"), []byte("x0"), func(key, value []byte) bool {
		fmt.Fprintf(&out, "%s=%s ", key, value)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func write(s protocol.Store, key, value string) error {
	var b protocol.Batch
	b.Set([]byte(key), []byte(value))
	return s.Apply(&b)
}

// dataSet writes two keys that all have and changes one of them.
func dataSet() protocol.Initial {
	return protocol.Initial{
		Shared: func(s protocol.Store) error { return errors.Join(write(s, "x/a", "all"), write(s, "x/b", "all")) },
		Own: func(s protocol.Store, seed uint64, id protocol.NodeID) error {
			return write(s, "x/b", fmt.Sprintf("%d of %v", seed, id))
		},
	}
}

const filled = "x/a=all x/b=7 of 000000000000002a "

// A store is filled once, wherever the process that did it was killed, and never
// if there is something on it.
func TestStoresAreFilledOnce(t *testing.T) {
	for most := range 6 {
		s := &brittle{left: most}
		err := node.Fill(s, dataSet(), 7, 42)
		if whole := most >= 5; whole != (err == nil) || !whole && !errors.Is(err, errFull) {
			t.Fatalf("after %d writes: got %v", most, err)
		}
		s.left, s.synced = 100, 0
		if err := node.Fill(s, dataSet(), 7, 42); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, s); got != filled {
			t.Errorf("filled after %d writes: got %s, want %s", most, got, filled)
		}
		if most < 5 && s.synced == 0 {
			t.Errorf("filled after %d writes: it was not synced", most)
		}
		if err := errors.Join(write(s, "x/a", "mine"), node.Fill(s, dataSet(), 7, 42)); err != nil {
			t.Fatal(err)
		}
		if got, want := contents(t, s), "x/a=mine x/b=7 of 000000000000002a "; got != want {
			t.Errorf("filled again: got %s, want %s", got, want)
		}
	}
}

func TestStoresThatHaveSomethingAreNotFilled(t *testing.T) {
	var s node.Memory
	if err := errors.Join(write(&s, "node/time", "12345678"), node.Fill(&s, dataSet(), 7, 42)); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, &s); got != "" {
		t.Errorf("got %s in a store that was in use", got)
	}
}

// Who has nothing to write leaves no mark: a node may be given a data set as
// long as its store is empty.
func TestNothingIsFilledWithNothing(t *testing.T) {
	s := &brittle{}
	if err := node.Fill(s, protocol.Initial{}, 7, 42); err != nil {
		t.Error(err)
	}
}
