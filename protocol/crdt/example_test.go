package crdt_test

import (
	"fmt"
	"slices"

	"github.com/starling-sim/starling/protocol/clock"
	"github.com/starling-sim/starling/protocol/crdt"
)

// Two replicas of one key: each changes its entry, and sends the other the
// delta.
func Example() {
	alice, bob := clock.Actor{Node: 0xa}, clock.Actor{Node: 0xb}
	stamp := func(a clock.Actor, n uint64) crdt.Stamp {
		return crdt.Stamp{Dot: clock.Dot{Actor: a, Counter: n}, Time: clock.Timestamp{Wall: int64(n), Node: a.Node}}
	}
	var atAlice, atBob crdt.Entry

	s := stamp(alice, 1)
	_, d, _ := atAlice.ORSet().Add(s.Dot, "tea")
	atAlice, delta, _ := atAlice.Put(s, d)
	atBob = atBob.Merge(delta)

	// Bob deletes the key. Alice, who does not know yet, adds to it.
	atBob, deletion, _ := atBob.Delete(stamp(bob, 1))
	s = stamp(alice, 2)
	_, d, _ = atAlice.ORSet().Add(s.Dot, "milk")
	atAlice, delta, _ = atAlice.Put(s, d)

	atAlice, atBob = atAlice.Merge(deletion), atBob.Merge(delta)
	fmt.Println(slices.Collect(atAlice.ORSet().All()), atAlice.Digest() == atBob.Digest())
	// Output: [milk] true
}
