package analysis

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
	"gonum.org/v1/gonum/graph/layout"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/starling-sim/starling/protocol"
)

var (
	liveColor = color.RGBA{R: 0x22, G: 0x22, B: 0x22, A: 0xff}
	deadColor = color.RGBA{R: 0xb0, G: 0xb0, B: 0xb0, A: 0xff}

	symmetricLine  = draw.LineStyle{Color: color.RGBA{R: 0x9a, G: 0xb8, B: 0xcc, A: 0xff}, Width: 0.7}
	asymmetricLine = draw.LineStyle{Color: palette[5], Width: 1.1}
	deadLine       = draw.LineStyle{Color: palette[1], Width: 1.1, Dashes: []vg.Length{3, 1.5}}
)

// overlayPicture lays an overlay out by the forces of Eades (1984).
func overlayPicture(links []graphLink) *picture {
	g, isLive := newPictureGraph(links)
	at := g.layout()
	pic := &picture{}
	counts := map[string]int{}
	for _, kind := range []string{linkSymmetric, linkAsymmetric, linkDead} { // the rare ones on top
		line := map[string]draw.LineStyle{linkSymmetric: symmetricLine, linkAsymmetric: asymmetricLine, linkDead: deadLine}[kind]
		line.Width *= vg.Length(min(1, max(0.25, 1500/float64(len(links)))))
		for _, l := range links {
			if l.group == kind {
				counts[kind]++
				if kind != linkSymmetric || l.from < l.to {
					pic.links = append(pic.links, pictureLink{from: at[l.from], to: at[l.to], line: line})
				}
			}
		}
		if counts[kind] > 0 {
			pic.legend = append(pic.legend, legendEntry{label: fmt.Sprintf("%s (%d)", kind, counts[kind]), line: &line})
		}
	}
	live := 0
	for _, i := range g.ids {
		fill := color.Color(deadColor)
		if isLive[i] {
			fill = liveColor
			live++
		}
		pic.nodes = append(pic.nodes, pictureNode{at: at[int(i)], radius: nodeRadius(len(g.ids)), fill: fill})
	}
	pic.legend = append(pic.legend, legendEntry{label: fmt.Sprintf("live node (%d)", live), fill: liveColor})
	if dead := len(g.ids) - live; dead > 0 {
		pic.legend = append(pic.legend, legendEntry{label: fmt.Sprintf("not live (%d)", dead), fill: deadColor})
	}
	pic.notes = append(pic.notes, fmt.Sprintf("Links of the %d live nodes at the end of the run.", live))
	return pic
}

func nodeRadius(n int) vg.Length {
	switch {
	case n <= 50:
		return 4
	case n <= 120:
		return 3
	}
	return 2.2
}

// pictureGraph is a weighted undirected graph whose nodes and neighbours always
// come in the same order: the layout adds forces up in it.
type pictureGraph struct {
	ids    []int64 // ascending
	to     map[int64][]graph.Node
	weight map[[2]int64]float64
}

// tether is the weight of the invisible links that keep components, which
// repel each other, within the picture.
const tether = 0.15

func newPictureGraph(links []graphLink) (g *pictureGraph, live map[int64]bool) {
	g, live = &pictureGraph{to: map[int64][]graph.Node{}, weight: map[[2]int64]float64{}}, map[int64]bool{}
	for _, l := range links {
		for _, i := range []int64{int64(l.from), int64(l.to)} {
			if k, found := slices.BinarySearch(g.ids, i); !found {
				g.ids = slices.Insert(g.ids, k, i)
			}
		}
		if l.group == linkNode {
			live[int64(l.from)] = true
		}
	}
	for _, l := range links {
		g.join(int64(l.from), int64(l.to), 1)
	}
	components := g.components()
	for _, c := range components[1:] {
		g.join(components[0][0], c[0], tether)
	}
	return g, live
}

func (g *pictureGraph) join(a, b int64, weight float64) {
	if a == b || g.HasEdgeBetween(a, b) {
		return
	}
	g.weight[[2]int64{a, b}], g.weight[[2]int64{b, a}] = weight, weight
	g.to[a], g.to[b] = append(g.to[a], simple.Node(b)), append(g.to[b], simple.Node(a))
}

// components returns the connected components, the largest first.
func (g *pictureGraph) components() [][]int64 {
	var out [][]int64
	seen := map[int64]bool{}
	for _, start := range g.ids {
		if seen[start] {
			continue
		}
		seen[start] = true
		found := []int64{start}
		for k := 0; k < len(found); k++ {
			for _, n := range g.to[found[k]] {
				if !seen[n.ID()] {
					seen[n.ID()] = true
					found = append(found, n.ID())
				}
			}
		}
		out = append(out, found)
	}
	slices.SortStableFunc(out, func(a, b []int64) int { return len(b) - len(a) })
	return out
}

const (
	layoutSteps = 300
	firstStep   = 1e-4 // of the longest
)

// layout returns a place for every node.
func (g *pictureGraph) layout() map[int]r2.Vec {
	most := 1
	for _, i := range g.ids {
		most = max(most, len(g.to[i]))
	}
	// Steps that are too long for the forces make the whole fly apart: for those
	// on the node with most links, and at first for the repulsion between nodes
	// that start close together.
	longest := min(0.05, 0.1/float64(most))
	places := protocol.NewRand(1)
	eades := layout.EadesR2{Updates: layoutSteps, Repulsion: 1, Theta: 0.5, Src: &places}
	o := layout.NewOptimizerR2(g, eades.Update)
	for k := 1; ; k++ {
		eades.Rate = longest * math.Pow(firstStep, max(0, 1-2*float64(k)/layoutSteps))
		if !o.Update() {
			break
		}
	}
	at := map[int]r2.Vec{}
	for _, i := range g.ids {
		at[int(i)] = o.Coord2(i)
	}
	return at
}

// Node, Nodes, From, HasEdgeBetween, Edge, WeightedEdge and Weight make it a
// graph.Weighted.
func (g *pictureGraph) Node(id int64) graph.Node {
	if _, found := slices.BinarySearch(g.ids, id); !found {
		return nil
	}
	return simple.Node(id)
}

// Nodes returns all nodes, by index.
func (g *pictureGraph) Nodes() graph.Nodes {
	nodes := make([]graph.Node, len(g.ids))
	for k, i := range g.ids {
		nodes[k] = simple.Node(i)
	}
	return iterator.NewOrderedNodes(nodes)
}

// From returns the neighbours of a node.
func (g *pictureGraph) From(id int64) graph.Nodes { return iterator.NewOrderedNodes(g.to[id]) }

// HasEdgeBetween reports whether two nodes are neighbours.
func (g *pictureGraph) HasEdgeBetween(a, b int64) bool {
	_, ok := g.weight[[2]int64{a, b}]
	return ok
}

// Edge returns the edge between two nodes, nil if there is none.
func (g *pictureGraph) Edge(a, b int64) graph.Edge {
	if !g.HasEdgeBetween(a, b) {
		return nil
	}
	return g.WeightedEdge(a, b)
}

// WeightedEdge returns the edge between two nodes, nil if there is none.
func (g *pictureGraph) WeightedEdge(a, b int64) graph.WeightedEdge {
	w, ok := g.weight[[2]int64{a, b}]
	if !ok {
		return nil
	}
	return simple.WeightedEdge{F: simple.Node(a), T: simple.Node(b), W: w}
}

// Weight returns the strength with which two nodes attract each other.
func (g *pictureGraph) Weight(a, b int64) (float64, bool) {
	w, ok := g.weight[[2]int64{a, b}]
	return w, ok
}
