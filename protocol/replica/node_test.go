package replica_test

import (
	"testing"

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
