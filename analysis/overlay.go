package analysis

import (
	"math"
	"slices"
	"strconv"

	"github.com/starling-sim/starling/protocol"
)

// overlay follows the links between nodes: each node's view as the topmost
// protocol of the stack that has one tells it. Memory: four bytes for each link
// and about forty for each node.
type overlay struct {
	c     *Collector
	views [][]uint32 // by node, in no order

	changed bool
	last    overlayNumbers // of when it last changed
	forest  []int32        // union-find, kept between samples
}

// overlayNumbers are what is cheap enough to be looked at often.
type overlayNumbers struct {
	live, components, largest, isolated int
	links, asymmetric, dead             int // of live nodes
}

const (
	// overlaySeriesLimit is the number of nodes up to which the overlay is
	// looked at during the run.
	overlaySeriesLimit = 100_000
	// maxDegreeShare is the largest degree that has a share of its own.
	maxDegreeShare = 100
)

// newOverlayOf returns nil if no protocol has an overlay. Specs stand in the
// order of the stack, bottom first.
func newOverlayOf(c *Collector, events []protocol.EventSpec) *overlay {
	var topmost uint8
	found := false
	for _, spec := range events {
		if spec.Role == protocol.RoleLinkUp {
			topmost, found = spec.Kind.Protocol(), true
		}
	}
	if !found {
		return nil
	}
	o := &overlay{c: c, views: make([][]uint32, c.cfg.Nodes), changed: true}
	for _, spec := range events {
		if spec.Kind.Protocol() != topmost {
			continue
		}
		switch spec.Role {
		case protocol.RoleLinkUp:
			c.also(spec.Name, func(r *protocol.Record, peer int) { o.up(int(r.Index), peer) })
		case protocol.RoleLinkDown:
			c.also(spec.Name, func(r *protocol.Record, peer int) { o.down(int(r.Index), peer) })
		}
	}
	return o
}

func (o *overlay) up(node, peer int) {
	if peer < 0 || peer == node || slices.Contains(o.views[node], uint32(peer)) {
		return
	}
	o.views[node] = append(o.views[node], uint32(peer))
	o.changed = true
}

func (o *overlay) down(node, peer int) {
	if peer < 0 {
		return
	}
	view := o.views[node]
	if k := slices.Index(view, uint32(peer)); k >= 0 {
		view[k] = view[len(view)-1]
		o.views[node] = view[:len(view)-1]
		o.changed = true
	}
}

// ended: a view goes with its process.
func (o *overlay) ended(node int) {
	o.views[node] = nil
	o.changed = true
}

// moved: a node has become live or ceased to be.
func (o *overlay) moved() { o.changed = true }

func (o *overlay) live(i int) bool { return o.c.truth.members[i].status == live }

func (o *overlay) sample() {
	if o.c.cfg.Nodes > overlaySeriesLimit {
		return
	}
	n := o.numbers()
	if n.live == 0 {
		return
	}
	add := func(name string, v float64) { o.c.series.add("overlay."+name, "", seconds(o.c.now), v) }
	add("components", float64(n.components))
	add("largest_component_share", float64(n.largest)/float64(n.live))
	add("isolated", float64(n.isolated))
	add("asymmetric_links", float64(n.asymmetric))
	add("dead_links", float64(n.dead))
	add("mean_degree", float64(n.links)/float64(n.live))
}

func (o *overlay) numbers() overlayNumbers {
	if o.changed {
		o.last, o.changed = o.count(), false
	}
	return o.last
}

func (o *overlay) count() overlayNumbers {
	if o.forest == nil {
		o.forest = make([]int32, len(o.views))
	}
	forest := o.forest // the size of a tree at its root, negative; else the parent
	for i := range forest {
		forest[i] = -1
	}
	root := func(i int32) int32 {
		for forest[i] >= 0 {
			if up := forest[i]; forest[up] >= 0 {
				forest[i] = forest[up]
			}
			i = forest[i]
		}
		return i
	}
	var n overlayNumbers
	for i, view := range o.views {
		if !o.live(i) {
			continue
		}
		n.links += len(view)
		for _, peer := range view {
			if !o.live(int(peer)) {
				n.dead++
				continue
			}
			if !slices.Contains(o.views[peer], uint32(i)) {
				n.asymmetric++
			}
			a, b := root(int32(i)), root(int32(peer))
			if a == b {
				continue
			}
			if forest[a] > forest[b] {
				a, b = b, a
			}
			forest[a] += forest[b]
			forest[b] = a
		}
	}
	for i := range forest {
		if !o.live(i) {
			continue
		}
		n.live++
		if size := -int(forest[i]); size > 0 {
			n.components++
			n.largest = max(n.largest, size)
			if size == 1 {
				n.isolated++
			}
		}
	}
	return n
}

func (o *overlay) finish(out *results) {
	n := o.numbers()
	if n.live == 0 {
		return
	}
	out.count("overlay.components", int64(n.components))
	out.share("overlay.largest_component_share", int64(n.largest), int64(n.live))
	out.count("overlay.isolated", int64(n.isolated))
	out.count("overlay.asymmetric_links", int64(n.asymmetric))
	out.count("overlay.dead_links", int64(n.dead))
	out.share("overlay.mean_degree", int64(n.links), int64(n.live))
	o.degrees(out)

	g := o.graph()
	out.metrics["overlay.clustering"] = g.clustering()
	out.metrics["overlay.path_length"], out.metrics["overlay.diameter"] = math.NaN(), math.NaN()
	if d := g.distances(); d.pairs > 0 {
		out.metrics["overlay.path_length"] = float64(d.sum) / float64(d.pairs)
		out.count("overlay.diameter", d.longest)
	}
	if o.c.cfg.Nodes <= pictureLimit {
		o.links(out)
	}
}

// degrees reports how many links nodes have, and how many others have to them.
func (o *overlay) degrees(out *results) {
	in := make([]int, len(o.views))
	for i, view := range o.views {
		if o.live(i) {
			for _, peer := range view {
				in[peer]++
			}
		}
	}
	var outs, ins []float64
	var sumOut, sumIn float64
	var shares [maxDegreeShare + 1]int64
	for i, view := range o.views {
		if !o.live(i) {
			continue
		}
		outs, ins = append(outs, float64(len(view))), append(ins, float64(in[i]))
		sumOut += float64(len(view))
		sumIn += float64(in[i])
		if len(view) <= maxDegreeShare {
			shares[len(view)]++
		}
	}
	n, at := float64(len(outs)), seconds(o.c.now)
	for _, d := range []struct {
		name   string
		values exact
	}{
		{"overlay.out_degree", exact{sorted: outs, mean: sumOut / n}},
		{"overlay.in_degree", exact{sorted: ins, mean: sumIn / n}},
	} {
		out.nodes(d.name, at, d.values)
		out.minimum(d.name, d.values)
	}
	most := int(min(exact{sorted: outs}.Quantile(1), maxDegreeShare))
	for d, count := range shares[:most+1] {
		out.share("overlay.out_degree_share."+strconv.Itoa(d), count, int64(len(outs)))
	}
}

// Groups of overlay.links.
const (
	linkNode       = "node" // no link: a live node, from itself to itself
	linkSymmetric  = "symmetric"
	linkAsymmetric = "asymmetric"
	linkDead       = "dead"
)

// links leaves behind the graph for its picture.
func (o *overlay) links(out *results) {
	add := func(kind string, from, to int) { out.series.add("overlay.links", kind, float64(from), float64(to)) }
	for i, view := range o.views {
		if !o.live(i) {
			continue
		}
		add(linkNode, i, i)
		for _, peer := range slices.Sorted(slices.Values(view)) {
			switch to := int(peer); {
			case !o.live(to):
				add(linkDead, i, to)
			case slices.Contains(o.views[to], uint32(i)):
				if i < to { // once
					add(linkSymmetric, i, to)
				}
			default:
				add(linkAsymmetric, i, to)
			}
		}
	}
}
