package analysis

import (
	"math"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

// regularLinks joins every node to as many others, as an overlay does.
func regularLinks(n, each int) []graphLink {
	var links []graphLink
	mates := make([]int, n)
	for i := range n {
		mates[i] = i
		links = append(links, graphLink{i, i, linkNode})
	}
	r := protocol.NewRand(uint64(n))
	for range each {
		r.Shuffle(n, func(i, j int) { mates[i], mates[j] = mates[j], mates[i] })
		for i := 0; i+1 < n; i += 2 {
			links = append(links, graphLink{mates[i], mates[i+1], linkSymmetric})
		}
	}
	return links
}

// Steps that are too long for the forces shake a graph into a line, or throw
// parts of it far away.
func TestLayoutsFillThePlane(t *testing.T) {
	for _, n := range []int{20, 90, 200} {
		for _, each := range []int{3, 5, 20, 40} {
			g, _ := newPictureGraph(regularLinks(n, each))
			at := g.layout()
			var mx, my, xx, xy, yy, farthest float64
			for i := range n { // not over the map: sums depend on their order
				mx, my = mx+at[i].X/float64(n), my+at[i].Y/float64(n)
			}
			for i := range n {
				x, y := at[i].X-mx, at[i].Y-my
				xx, xy, yy = xx+x*x/float64(n), xy+x*y/float64(n), yy+y*y/float64(n)
				farthest = math.Max(farthest, math.Hypot(x, y))
			}
			half, root := (xx+yy)/2, math.Sqrt((xx-yy)*(xx-yy)/4+xy*xy)
			wide, narrow := math.Sqrt(half+root), math.Sqrt(max(0, half-root))
			if !(narrow > 0.5*wide) || farthest > 4*wide {
				t.Errorf("%d nodes with %d links each: got a spread of %.2f by %.2f and a node %.2f away, want it to be round", n, each, wide, narrow, farthest)
			}
		}
	}
}
