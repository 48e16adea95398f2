package analysis_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/path"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
	"pgregory.net/rapid"

	"github.com/starling-sim/starling/analysis"
	"github.com/starling-sim/starling/protocol"
)

func TestAnOverlayIsMeasured(t *testing.T) {
	s := newStory(t, 6, casting(time.Second)).start(6)
	link := func(a, b int) { s.emit(evLinkUp, a, b) }
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 0}, {2, 3}} { // a triangle with a tail
		link(pair[0], pair[1])
		link(pair[1], pair[0])
	}
	link(3, 4) // 4 does not have 3
	link(0, 5)
	s.at(2).world(protocol.EventNodeCrashed, 5)
	r := s.at(3).finish()
	want(t, r, map[string]float64{
		"overlay.components": 1, "overlay.largest_component_share": 1, "overlay.isolated": 0, "overlay.asymmetric_links": 1,
		"overlay.dead_links": 1, "overlay.mean_degree": 2, "overlay.diameter": 3,
		"overlay.clustering":     (1 + 1 + 1.0/3) / 5,
		"overlay.path_length":    (1 + 1 + 2 + 3 + 1 + 2 + 3 + 1 + 2 + 1) / 10.0,
		"overlay.out_degree.max": 3, "overlay.out_degree.min": 0, "overlay.in_degree.max": 3, "overlay.in_degree.min": 1,
		"overlay.out_degree_share.0": 0.2, "overlay.out_degree_share.3": 0.4,
	})
	dead := seriesOf(t, r, "overlay.dead_links")
	if dead[1] != 0 || dead[3] != 1 {
		t.Errorf("dead links over time: got %v, want none before the crash and one after", dead)
	}
}

// The overlay is that of the topmost protocol that has one.
func TestTheTopmostOverlayCounts(t *testing.T) {
	const below protocol.EventKind = 0x0501
	s := newStory(t, 2, func(c *analysis.Config) {
		c.Events = append([]protocol.EventSpec{{Kind: below, Name: "members.up", Role: protocol.RoleLinkUp}}, castSpecs()...)
	}).start(2)
	s.emit(below, 0, 1)
	want(t, s.at(1).finish(), map[string]float64{"overlay.components": 2, "overlay.mean_degree": 0})
}

// overlayTwin keeps links in a map and asks a library of graphs.
type overlayTwin struct {
	n     int
	live  []bool
	links map[[2]int]bool
}

func (w *overlayTwin) expected() map[string]float64 {
	g := simple.NewUndirectedGraph()
	live, dead, asymmetric, degree := 0, 0, 0, 0
	shares := map[int]int{}
	for i, is := range w.live {
		if !is {
			continue
		}
		live++
		g.AddNode(simple.Node(i))
		own := 0
		for j := range w.n {
			if w.links[[2]int{i, j}] {
				own++
				switch {
				case !w.live[j]:
					dead++
				case !w.links[[2]int{j, i}]:
					asymmetric++
				}
			}
		}
		degree += own
		shares[own]++
	}
	for l := range w.links {
		if w.live[l[0]] && w.live[l[1]] {
			g.SetEdge(simple.Edge{F: simple.Node(l[0]), T: simple.Node(l[1])})
		}
	}
	out := map[string]float64{}
	if live == 0 {
		return out
	}
	largest, isolated := 0, 0
	components := topo.ConnectedComponents(g)
	for _, c := range components {
		largest = max(largest, len(c))
		if len(c) == 1 {
			isolated++
		}
	}
	out["overlay.components"], out["overlay.isolated"] = float64(len(components)), float64(isolated)
	out["overlay.largest_component_share"] = float64(largest) / float64(live)
	out["overlay.asymmetric_links"], out["overlay.dead_links"] = float64(asymmetric), float64(dead)
	out["overlay.mean_degree"], out["overlay.out_degree.mean"] = float64(degree)/float64(live), float64(degree)/float64(live)
	for d, count := range shares {
		out["overlay.out_degree_share."+strconv.Itoa(d)] = float64(count) / float64(live)
	}
	clustering := 0.0
	for _, v := range graph.NodesOf(g.Nodes()) {
		near := graph.NodesOf(g.From(v.ID()))
		pairs, joined := 0, 0
		for a := range near {
			for b := range a {
				pairs++
				if g.HasEdgeBetween(near[a].ID(), near[b].ID()) {
					joined++
				}
			}
		}
		if pairs > 0 {
			clustering += float64(joined) / float64(pairs)
		}
	}
	out["overlay.clustering"] = clustering / float64(live)
	shortest := path.DijkstraAllPaths(g)
	sum, pairs, longest := 0.0, 0, 0.0
	for i := range w.n {
		for j := range w.n {
			if d := shortest.Weight(int64(i), int64(j)); i != j && w.live[i] && w.live[j] && !math.IsInf(d, 1) {
				sum += d
				pairs++
				longest = math.Max(longest, d)
			}
		}
	}
	out["overlay.path_length"], out["overlay.diameter"] = math.NaN(), math.NaN()
	if pairs > 0 {
		out["overlay.path_length"], out["overlay.diameter"] = sum/float64(pairs), longest
	}
	return out
}

func TestOverlaysAreTheirNaiveTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 90).Draw(t, "n") // more than one batch of searches
		w := &overlayTwin{n: n, live: make([]bool, n), links: map[[2]int]bool{}}
		c, err := analysis.NewCollector(analysis.Config{Nodes: n, NodeID: nodeID, Events: castSpecs()})
		if err != nil {
			t.Fatal(err)
		}
		observe := func(kind protocol.EventKind, node, peer int) {
			r := protocol.Record{Node: nodeID(node), Index: uint32(node), Event: protocol.Event{Kind: kind}}
			if peer >= 0 {
				r.Event.Peer = nodeID(peer)
			}
			c.Observe(r)
		}
		for i := range n {
			observe(protocol.EventNodeStarted, i, -1)
			w.live[i] = true
		}
		for range rapid.IntRange(0, 4*n).Draw(t, "steps") {
			i, j := rapid.IntRange(0, n-1).Draw(t, "node"), rapid.IntRange(0, n-1).Draw(t, "peer")
			switch k := rapid.IntRange(0, 20).Draw(t, "what"); {
			case k == 0 && w.live[i]:
				observe(protocol.EventNodeCrashed, i, -1)
				w.live[i] = false
				for x := range n {
					delete(w.links, [2]int{i, x})
				}
			case k == 1 && !w.live[i]:
				observe(protocol.EventNodeRestarted, i, -1)
				w.live[i] = true
			case k < 4 && w.live[i]:
				observe(evLinkDown, i, j)
				delete(w.links, [2]int{i, j})
			case w.live[i] && i != j:
				observe(evLinkUp, i, j)
				w.links[[2]int{i, j}] = true
				if k%2 == 0 && w.live[j] {
					observe(evLinkUp, j, i)
					w.links[[2]int{j, i}] = true
				}
			}
		}
		got, err := c.Finish(time.Second, analysis.Counters{})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range w.expected() {
			if g, ok := got.Metrics[name]; !ok || math.Abs(g-v) > 1e-9 || math.IsNaN(g) != math.IsNaN(v) {
				t.Errorf("%s: got %v (measured: %v), want %v", name, g, ok, v)
			}
		}
	})
}

// ring starts nodes each of which has links to the next few, both ways.
func ring(tb testing.TB, n, each int) *analysis.Collector {
	tb.Helper()
	c, err := analysis.NewCollector(analysis.Config{
		Nodes: n, NodeID: nodeID, Events: castSpecs(),
		Index: func(id protocol.NodeID) (int, bool) { return int(id) - 1000, int(id) < 1000+n },
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		c.Observe(protocol.Record{Index: uint32(i), Event: protocol.Event{Kind: protocol.EventNodeStarted}})
	}
	r := protocol.NewRand(1)
	for i := range n {
		for k := range each {
			j := (i + 1) % n
			if k > 0 {
				j = r.IntN(n)
			}
			for _, l := range [][2]int{{i, j}, {j, i}} {
				c.Observe(protocol.Record{Index: uint32(l[0]), Event: protocol.Event{Kind: evLinkUp, Peer: nodeID(l[1])}})
			}
		}
	}
	return c
}

// Above the bound only some nodes are sources, and the numbers hardly differ.
func TestLargeOverlaysAreSampled(t *testing.T) {
	exact, err := ring(t, 10_000, 3).Finish(0, analysis.Counters{})
	if err != nil {
		t.Fatal(err)
	}
	sampled, err := ring(t, 10_050, 3).Finish(0, analysis.Counters{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := exact.Metrics["overlay.path_length"], sampled.Metrics["overlay.path_length"]
	if math.Abs(a-b) > 0.01*a {
		t.Errorf("path length: got %v from all of 10,000 nodes, %v from some of 10,050", a, b)
	}
}

func BenchmarkOverlayAtTheEnd(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				c := ring(b, n, 3)
				b.StartTimer()
				if _, err := c.Finish(0, analysis.Counters{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
