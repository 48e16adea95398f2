package replica_test

import (
	"fmt"
	"testing"

	"github.com/starling-sim/starling/protocol/mst"
	"github.com/starling-sim/starling/protocol/replica"
	"github.com/starling-sim/starling/sim"
)

// A write reaches everybody by anti-entropy alone, a deletion as well, and then
// nothing of it is left.
func TestPull(t *testing.T) {
	c := newCluster(t, options{seed: 1, nodes: 8, config: func() replica.Config {
		r := quick()
		r.Push = "none"
		return r
	}()})
	c.run(2 * second)
	c.do(3, replica.CommandPut, "fruit", "apple")
	c.run(14 * second)
	for i := range 8 {
		if !c.has(i, "fruit") {
			t.Errorf("node %d has not heard of the key", i)
		}
	}
	c.do(5, replica.CommandDelete, "fruit", "")
	c.run(28 * second)
	for i := range 8 {
		if c.has(i, "fruit") {
			t.Errorf("node %d still has the key", i)
		}
	}
	c.run(60 * second)
	c.now(func(w *sim.Control) {
		for i := range 8 {
			if n := node(w, i).Tombstones(); n != 0 {
				t.Errorf("node %d remembers %d deletions", i, n)
			}
		}
	})
	if c.count[replica.EventVanish]+c.broken[replica.BrokenMalformed]+c.count[replica.EventRefused] > 0 {
		t.Errorf("got %v, broken sessions %v", c.count, c.broken)
	}
}

// A key that is written often is pushed.
func TestPush(t *testing.T) {
	r := quick()
	r.Interval *= 1000
	c := newCluster(t, options{seed: 1, nodes: 8, config: r})
	c.run(5 * second)
	for k := range 40 {
		c.do(2, replica.CommandPut, "hot", string(rune('a'+k%26)))
		c.run(c.world.Now() + second/4)
	}
	c.run(c.world.Now() + second)
	if err := c.same(); err != nil {
		t.Error(err)
	}
	if c.count[replica.EventHot] == 0 || c.count[replica.EventPush] == 0 {
		t.Errorf("got events %v, want a hot key and pushes", c.count)
	}
}

// Whoever chooses keys can choose a thousand that belong into one page. Replicas
// agree all the same.
func TestKeysOfOnePage(t *testing.T) {
	r := quick()
	r.Push = "none"
	c := newCluster(t, options{seed: 1, nodes: 3, config: r})
	c.run(5 * second)
	p := mst.MustProfile(mst.Options{})
	var keys []string
	for i := 0; len(keys) < 1000; i++ {
		if key := fmt.Sprintf("a%08d", i); p.Level([]byte(key)) == 0 {
			keys = append(keys, key)
		}
	}
	c.now(func(w *sim.Control) {
		for _, key := range keys {
			command(w, 0, replica.CommandPut, key, "v")
		}
	})
	c.run(20 * second)
	for i := range 3 {
		c.do(i, replica.CommandPut, keys[5+i], "w")
	}
	c.do(2, replica.CommandPut, "unrelated", "x")
	c.run(40 * second)
	if err := c.same(); err != nil || c.count[replica.EventSessionBroken] > 0 {
		t.Errorf("broken sessions %v: %v", c.broken, err)
	}
}

// Without a life of their own, tombstones go as soon as they are not needed.
func TestTombstonesWithoutALife(t *testing.T) {
	r := quick()
	r.TombstoneLife = 0
	c := newCluster(t, options{seed: 1, nodes: 3, config: r})
	c.run(5 * second)
	c.do(0, replica.CommandPut, "k", "v")
	c.run(20 * second)
	c.do(0, replica.CommandDelete, "k", "")
	c.run(60 * second)
	c.now(func(w *sim.Control) {
		for i := range 3 {
			if n := node(w, i).Tombstones(); n > 0 {
				t.Errorf("node %d remembers %d deletions", i, n)
			}
		}
	})
}
