package membertable_test

import (
	"fmt"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/membertable"
)

func Example() {
	pool := membertable.NewPool(0)
	table := membertable.New(pool).WithAll([]membertable.Member{
		{ID: 1, Incarnation: 1, Status: membertable.Alive},
		{ID: 2, Incarnation: 1, Status: membertable.Alive},
		{ID: 3, Incarnation: 4, Status: membertable.Suspect},
	})
	snapshot := table // whatever happens to table, this stays

	table = table.With(membertable.Member{ID: 3, Incarnation: 5, Status: membertable.Alive})
	table = table.Without(2)

	fmt.Println(table.Count(membertable.Alive), "alive, encoded in", table.EncodedSize(), "bytes")
	for now, then := range table.Diff(snapshot) {
		fmt.Printf("was %v %v, is %v %v\n", then.ID, then.Status, now.ID, now.Status)
	}
	// Output:
	// 2 alive, encoded in 25 bytes
	// was 0000000000000002 alive, is 0000000000000000 unknown
	// was 0000000000000003 suspect, is 0000000000000003 alive
}

func ExampleRound() {
	table := membertable.New(nil)
	for k := range protocol.NodeID(5) {
		table = table.With(membertable.Member{ID: (k + 1) << 60, Status: membertable.Alive})
	}
	round := membertable.NewRound(7) // in a protocol: the key comes from Env.Rand
	visited := 0
	for {
		if _, ok := round.Next(table, membertable.SetOf(membertable.Alive, membertable.Suspect), nil); !ok {
			break // the next round takes a new key
		}
		visited++
	}
	fmt.Println("probed", visited, "of", table.Len())
	// Output: probed 5 of 5
}
