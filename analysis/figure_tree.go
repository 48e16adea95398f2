package analysis

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/gonum/spatial/r2"
	"gonum.org/v1/plot/vg/draw"
)

// hopColors run from dark to light, like the map viridis, which stays apart for
// those who see colours differently.
var hopColors = []color.RGBA{
	{R: 0x44, G: 0x01, B: 0x54, A: 0xff},
	{R: 0x41, G: 0x44, B: 0x87, A: 0xff},
	{R: 0x2a, G: 0x78, B: 0x8e, A: 0xff},
	{R: 0x22, G: 0xa8, B: 0x84, A: 0xff},
	{R: 0x7a, G: 0xd1, B: 0x51, A: 0xff},
	{R: 0xd8, G: 0xc4, B: 0x20, A: 0xff},
}

// hopColor is the colour of a hop between 0 and the last.
func hopColor(hop, last int) color.Color {
	if last == 0 {
		return hopColors[0]
	}
	at := float64(hop) / float64(last) * float64(len(hopColors)-1)
	k := min(int(at), len(hopColors)-2)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (at-float64(k))*(float64(b)-float64(a)))) }
	a, b := hopColors[k], hopColors[k+1]
	return color.RGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 0xff}
}

// treePicture draws a delivery tree: the origin in the middle, every hop on a
// circle of its own, every subtree in a sector as wide as it has leaves.
func treePicture(links []graphLink) *picture {
	t := newTreeLayout(links)
	pic := &picture{}
	last := slices.Max(t.hops)
	for hop := 1; hop <= last; hop++ {
		pic.rings = append(pic.rings, float64(hop))
	}
	line := draw.LineStyle{Color: color.RGBA{R: 0x88, G: 0x88, B: 0x88, A: 0xff}, Width: 0.8}
	radius := nodeRadius(len(t.order))
	count := make([]int, last+1)
	for k, i := range t.order {
		at := t.at[i]
		if parent := t.parents[k]; parent >= 0 {
			pic.links = append(pic.links, pictureLink{from: t.at[parent], to: at, line: line})
		}
		pic.nodes = append(pic.nodes, pictureNode{at: at, radius: radius, fill: hopColor(t.hops[k], last)})
		count[t.hops[k]]++
	}
	pic.nodes[0].radius *= 1.6
	for hop, n := range count {
		label := fmt.Sprintf("hop %d (%d)", hop, n)
		if hop == 0 {
			label = "origin"
		}
		pic.legend = append(pic.legend, legendEntry{label: label, fill: hopColor(hop, last)})
	}
	pic.notes = append(pic.notes, fmt.Sprintf("The last of the messages that got to most nodes: who of the %d that have it got it from whom, by hops.", len(t.order)))
	return pic
}

// treeLayout holds the nodes of a tree, parents before children.
type treeLayout struct {
	order, parents, hops []int
	at                   map[int]r2.Vec
	children             map[int][]int
	leaves               map[int]int
}

func newTreeLayout(links []graphLink) *treeLayout {
	t := &treeLayout{at: map[int]r2.Vec{}, children: map[int][]int{}, leaves: map[int]int{}}
	origin := links[0].from
	for _, l := range links {
		if l.from == l.to {
			origin = l.from
		}
	}
	hasParent := map[int]bool{origin: true}
	for _, l := range links {
		if !hasParent[l.to] {
			hasParent[l.to] = true
			t.children[l.from] = append(t.children[l.from], l.to)
		}
	}
	t.add(origin, -1, 0)
	for k := 0; k < len(t.order); k++ {
		i := t.order[k]
		slices.Sort(t.children[i])
		for _, child := range t.children[i] {
			t.add(child, i, t.hops[k]+1)
		}
	}
	for k := len(t.order) - 1; k >= 0; k-- {
		i := t.order[k]
		t.leaves[i] = max(t.leaves[i], 1)
		if k > 0 {
			t.leaves[t.parents[k]] += t.leaves[i]
		}
	}
	t.place(origin, 0, 2*math.Pi)
	return t
}

func (t *treeLayout) add(i, parent, hop int) {
	t.order, t.parents, t.hops = append(t.order, i), append(t.parents, parent), append(t.hops, hop)
}

// place puts the children of a node into the sector between two angles.
func (t *treeLayout) place(i int, from, to float64) {
	perLeaf := (to - from) / float64(t.leavesBelow(i))
	for _, child := range t.children[i] {
		width := perLeaf * float64(t.leaves[child])
		hop := float64(t.hops[slices.Index(t.order, child)])
		sin, cos := math.Sincos(from + width/2)
		t.at[child] = r2.Vec{X: hop * sin, Y: hop * cos}
		t.place(child, from, from+width)
		from += width
	}
}

func (t *treeLayout) leavesBelow(i int) int {
	n := 0
	for _, child := range t.children[i] {
		n += t.leaves[child]
	}
	return n
}
