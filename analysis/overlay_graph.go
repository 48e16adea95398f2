package analysis

import (
	"math/bits"
	"slices"
)

// flatGraph is an undirected graph without loops and multiple edges: the
// neighbours of node i are to[from[i]:from[i+1]], ascending. Libraries of
// graphs keep maps of maps, which at a million nodes is all the memory there
// is; the tests hold this one against such a library.
type flatGraph struct {
	from []int
	to   []uint32
}

func (g *flatGraph) nodes() int { return len(g.from) - 1 }

func (g *flatGraph) neighbours(i int) []uint32 { return g.to[g.from[i]:g.from[i+1]] }

// graph returns the graph of the live nodes, numbered anew in their order, in
// which two are neighbours if either has a link to the other.
func (o *overlay) graph() *flatGraph {
	number := make([]int32, len(o.views))
	live := 0
	for i := range number {
		number[i] = -1
		if o.live(i) {
			number[i] = int32(live)
			live++
		}
	}
	g := &flatGraph{from: make([]int, live+1)}
	each := func(visit func(a, b int32)) {
		for i, view := range o.views {
			for _, peer := range view {
				if number[i] >= 0 && number[peer] >= 0 {
					visit(number[i], number[peer])
				}
			}
		}
	}
	each(func(a, b int32) {
		g.from[a+1]++
		g.from[b+1]++
	})
	for i := range live {
		g.from[i+1] += g.from[i]
	}
	g.to = make([]uint32, g.from[live])
	at := slices.Clone(g.from)
	each(func(a, b int32) {
		g.to[at[a]], g.to[at[b]] = uint32(b), uint32(a)
		at[a]++
		at[b]++
	})
	g.compact()
	return g
}

// compact sorts the neighbours of every node and drops those that stand twice.
func (g *flatGraph) compact() {
	end := 0
	for i := range g.nodes() {
		begin := end
		row := g.neighbours(i)
		slices.Sort(row)
		end += copy(g.to[begin:], slices.Compact(row))
		g.from[i] = begin
	}
	g.from[g.nodes()] = end
	g.to = g.to[:end]
}

// Bounds up to which everything is computed from every node; above, from
// evenly chosen ones.
const (
	clusteringLimit   = 100_000
	clusteringSources = 10_000
	pathLimit         = 10_000
	pathSources       = 500
)

// chosen returns up to count of n nodes, evenly spread over their numbers.
func chosen(n, limit, count int) []int {
	if n <= limit {
		count = n
	}
	out := make([]int, count)
	for k := range out {
		out[k] = int(int64(k) * int64(n) / int64(count))
	}
	return out
}

// clustering returns the mean local clustering coefficient; a node with fewer
// than two neighbours has 0.
func (g *flatGraph) clustering() float64 {
	near := make([]int32, g.nodes()) // the last node (plus 1) whose neighbour it was
	sources := chosen(g.nodes(), clusteringLimit, clusteringSources)
	sum := 0.0
	for _, i := range sources {
		row := g.neighbours(i)
		if len(row) < 2 {
			continue
		}
		for _, j := range row {
			near[j] = int32(i) + 1
		}
		ends := 0 // of the links between neighbours
		for _, j := range row {
			for _, k := range g.neighbours(int(j)) {
				if near[k] == int32(i)+1 {
					ends++
				}
			}
		}
		sum += float64(ends) / float64(len(row)*(len(row)-1))
	}
	return sum / float64(len(sources))
}

// distances are those between pairs of nodes that are connected.
type distances struct {
	sum, pairs, longest int64
}

// distances measures the shortest paths from the chosen nodes to all others, by
// breadth-first search from 64 of them at once (Then et al., VLDB 2014): a bit
// of a word for each.
func (g *flatGraph) distances() distances {
	var d distances
	sources := chosen(g.nodes(), pathLimit, pathSources)
	seen, now, next := make([]uint64, g.nodes()), make([]uint64, g.nodes()), make([]uint64, g.nodes())
	for batch := range slices.Chunk(sources, 64) {
		clear(seen)
		clear(now)
		for k, i := range batch {
			seen[i] |= 1 << k
			now[i] |= 1 << k
		}
		for hop := int64(1); ; hop++ {
			found := g.step(seen, now, next)
			if found == 0 {
				break
			}
			d.pairs += found
			d.sum += found * hop
			d.longest = max(d.longest, hop)
			now, next = next, now
		}
	}
	return d
}

// step moves each search on by a hop and returns how many nodes were found.
func (g *flatGraph) step(seen, now, next []uint64) int64 {
	clear(next)
	for i, searches := range now {
		if searches != 0 {
			for _, j := range g.neighbours(i) {
				next[j] |= searches
			}
		}
	}
	found := 0
	for i := range next {
		next[i] &^= seen[i]
		seen[i] |= next[i]
		found += bits.OnesCount64(next[i])
	}
	return int64(found)
}
