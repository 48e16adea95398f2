package netmodel_test

import (
	"fmt"
	"time"

	"github.com/starling-sim/starling/netmodel"
)

// Two regions of Amazon Web Services, cut off from each other for a while.
func Example() {
	aws, err := netmodel.AWS2019()
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := netmodel.New(netmodel.Config{
		Seed: 1, Nodes: 10,
		Latency: netmodel.RegionMatrix{Matrix: aws},
		Regions: []netmodel.Region{{Name: "us-east-1", Nodes: 4}, {Name: "eu-west-1", Nodes: 6}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	report := func(what string) {
		var f netmodel.Fate
		m.Datagram(&netmodel.Packet{From: 0, To: 9, Size: 128}, &f)
		fmt.Println(what, time.Duration(f.Delay), f.Lost)
	}
	report("before:")
	id, err := m.Apply(netmodel.Rule{
		From: netmodel.Set{Regions: []string{"us-east-1"}},
		To:   netmodel.Set{Regions: []string{"eu-west-1"}},
		Cut:  true, Symmetric: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	report("during:")
	if err := m.Remove(id); err != nil {
		fmt.Println(err)
		return
	}
	report("after: ")
	fmt.Println("no message is faster than", time.Duration(m.MinDelay()))
	// Output:
	// before: 40ms delivered
	// during: 40ms cut
	// after:  40ms delivered
	// no message is faster than 500µs
}
