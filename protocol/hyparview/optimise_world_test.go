package hyparview_test

import (
	"testing"
	"time"

	"github.com/starling-sim/starling/netmodel"
	"github.com/starling-sim/starling/protocol/hyparview"
	"github.com/starling-sim/starling/sim"
)

// Exchanging links makes them shorter and leaves the overlay as it should be:
// symmetric, in one piece, every node with as many links as before.
func TestExchangesShortenLinksAndKeepDegrees(t *testing.T) {
	matrix, err := netmodel.AWS2019()
	must(t, err)
	var length [2]time.Duration
	for i, optimise := range []bool{false, true} {
		o := options{
			seed: 4, nodes: 120, config: hyparview.Default(),
			network: netmodel.Config{Latency: netmodel.RegionMatrix{Matrix: matrix}},
		}
		o.config.Optimise = optimise
		c := newCluster(t, o)
		c.joinAll(10*second, 0)
		c.run(10 * time.Minute)
		c.wantRest(t, o.config.ActiveSize)
		var sum time.Duration
		links, full := 0, 0
		views := c.views()
		c.at(c.world.Now(), func(w *sim.Control) {
			for a, view := range views {
				for _, b := range view {
					sum += time.Duration(w.Network().RTT(uint32(a), uint32(b)))
					links++
				}
				if len(view) == o.config.ActiveSize {
					full++
				}
			}
		})
		c.run(c.world.Now())
		length[i] = sum / time.Duration(links)
		if full < 114 {
			t.Errorf("optimise %v: %d of 120 nodes have a full view", optimise, full)
		}
	}
	if length[1] > length[0]*6/10 {
		t.Errorf("a link's round trip is %v on average with exchanges, %v without; want it much shorter", length[1], length[0])
	}
	t.Logf("a link's round trip is %v on average with exchanges, %v without", length[1], length[0])
}
