package plumtree_test

import (
	"slices"
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol/plumtree"
	"github.com/starling-sim/starling/sim"
)

// Over a bare sampler, nodes that join one by one while messages are broadcast have
// twice fanout links each in the end, not one for everybody whom they ever picked;
// the two sides of each agree, and every message reaches all who are there.
func TestLinksStayFewWhileMembersCome(t *testing.T) {
	const nodes, joined, fanout = 100, 100 * second, 4
	for _, transport := range []string{"stream", "datagram"} {
		config := plumtree.Default()
		config.Fanout, config.Transport = fanout, transport
		c := newCluster(t, options{
			seed: 1, nodes: nodes, stack: stacks[0], configs: map[string]any{"plumtree": &config},
			network: netmodel.Config{Latency: netmodel.Uniform{Min: time.Millisecond, Max: 60 * time.Millisecond}},
		})
		for i := range nodes {
			c.world.At(time.Duration(i)*second, func(w *sim.Control) { must(t, w.Join(i, []int{0})) })
		}
		for at := 10 * second; at < joined+2*time.Minute; at += 500 * time.Millisecond {
			c.world.At(at, func(w *sim.Control) { must(t, c.send(w, int(at/second)%10, []byte("x"))) })
		}
		c.run(joined + 30*second)
		early := len(c.order)
		c.run(joined + 3*time.Minute)
		for _, key := range c.order[early:] {
			if i := slices.IndexFunc(c.delivered[key], func(n int) bool { return n != 1 }); i >= 0 {
				t.Fatalf("%s: a message came to node %d %d times", transport, i, c.delivered[key][i])
			}
		}
		links, oneSided := 0, 0
		for i := range nodes {
			for _, peer := range c.node(i).Links() {
				links++
				if k, ok := c.world.Index(peer); !ok || !slices.Contains(c.node(k).Links(), c.world.ID(i)) {
					oneSided++
				}
			}
		}
		t.Logf("%s: %d links of %d nodes, %d of one side only", transport, links, nodes, oneSided)
		if links > 5*fanout*nodes/2 || oneSided > links/100 {
			t.Errorf("%s: got %d links of %d nodes, %d of one side only, want about %d, both sides agreeing", transport, links, nodes, oneSided, 2*fanout*nodes)
		}
	}
}
