package netmodel

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Regions are the names of the regions, in order.
func (m *Model) Regions() []string { return slices.Clone(m.regionNames) }

// RegionIndex finds a region by its name.
func (m *Model) RegionIndex(name string) (int, bool) {
	i := slices.Index(m.regionNames, name)
	return i, i >= 0
}

// RegionOf is the index of a node's region, -1 if there are no regions or no
// such node.
func (m *Model) RegionOf(node uint32) int {
	if uint64(node) >= uint64(len(m.regionOf)) {
		return -1
	}
	return int(m.regionOf[node])
}

// RegionNodes lists the nodes of a region in ascending order, none if there is
// no such region.
func (m *Model) RegionNodes(region int) []uint32 {
	var out []uint32
	for i, r := range m.regionOf {
		if int(r) == region {
			out = append(out, uint32(i))
		}
	}
	return out
}

// placeRegions decides which node is in which region.
func (m *Model) placeRegions(cfg *Config) error {
	regions := cfg.Regions
	if x, ok := cfg.Latency.(RegionMatrix); ok && len(regions) == 0 {
		if err := x.Matrix.check(); err != nil {
			return err
		}
		if x.Matrix.Names == nil {
			return fmt.Errorf("Latency.Matrix.Names: got none, want a name for each row of a RegionMatrix")
		}
		for i, name := range x.Matrix.Names {
			r := Region{Name: name, Weight: 1}
			if x.Matrix.Weights != nil {
				r.Weight = x.Matrix.Weights[i]
			}
			regions = append(regions, r)
		}
	}
	if cfg.Placement > PlaceShuffled {
		return fmt.Errorf("Placement: got %d, want PlaceBlocks or PlaceShuffled", cfg.Placement)
	}
	if len(regions) == 0 {
		return nil
	}
	counts, err := regionCounts(regions, cfg.Nodes)
	if err != nil {
		return err
	}
	order := indices(cfg.Nodes)
	if cfg.Placement == PlaceShuffled {
		shufflePrefix(order, len(order), mix(cfg.Seed^keyRegions))
	}
	m.regionOf = make([]uint16, cfg.Nodes)
	for r, n := range counts {
		m.regionNames = append(m.regionNames, regions[r].Name)
		for _, node := range order[:n] {
			m.regionOf[node] = uint16(r)
		}
		order = order[n:]
	}
	return nil
}

// regionCounts is how many nodes each region has.
func regionCounts(regions []Region, nodes int) ([]int, error) {
	if len(regions) > MaxPlaces {
		return nil, fmt.Errorf("Regions: got %d, want at most %d", len(regions), MaxPlaces)
	}
	counts := make([]int, len(regions))
	weights := make([]uint64, len(regions))
	seen := make(map[string]bool, len(regions))
	var given, weighted int64
	for i, r := range regions {
		field := fmt.Sprintf("Regions[%d]", i)
		switch {
		case r.Name == "" || seen[r.Name]:
			return nil, fmt.Errorf("%s.Name: got %q, want a name of its own", field, r.Name)
		case r.Nodes < 0 || r.Nodes > nodes:
			return nil, fmt.Errorf("%s.Nodes: got %d, want 0 to %d", field, r.Nodes, nodes)
		case r.Weight > MaxWeight:
			return nil, fmt.Errorf("%s.Weight: got %d, want at most %d", field, r.Weight, uint64(MaxWeight))
		}
		seen[r.Name] = true
		counts[i], weights[i] = r.Nodes, r.Weight
		given += int64(r.Nodes)
		weighted += int64(min(r.Weight, 1))
	}
	switch {
	case given > 0 && weighted > 0:
		return nil, fmt.Errorf("Regions: got both Nodes and Weight, want one of them in all regions")
	case given == int64(nodes):
		return counts, nil
	case given > 0:
		return nil, fmt.Errorf("Regions: got %d nodes in all regions together, want Config.Nodes (%d)", given, nodes)
	}
	return apportion(weights, nodes), nil
}

// apportion gives n seats out by largest remainder (Hamilton's method); equal
// remainders go to the earlier one. All weights zero count as all equal.
func apportion(weights []uint64, n int) []int {
	var total uint64
	for _, w := range weights {
		total += w
	}
	if total == 0 {
		weights = slices.Repeat([]uint64{1}, len(weights))
		total = uint64(len(weights))
	}
	seats := make([]int, len(weights))
	rest := make([]uint64, len(weights))
	order := make([]int, len(weights))
	left := n
	for i, w := range weights {
		hi, lo := bits.Mul64(w, uint64(n))
		q, r := bits.Div64(hi, lo, total)
		seats[i], rest[i], order[i] = int(q), r, i
		left -= int(q)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:left] {
		seats[i]++
	}
	return seats
}

// newRegionLatency makes the delays between the regions ready.
func (m *Model) newRegionLatency(c RegionMatrix) (least int64, err error) {
	if err := c.Matrix.check(); err != nil {
		return 0, err
	}
	rows := make([]int, len(m.regionNames))
	for i, name := range m.regionNames {
		if rows[i] = slices.Index(c.Matrix.Names, name); rows[i] < 0 {
			return 0, fmt.Errorf("Regions[%d].Name: got %q, want a row of the matrix (%v)", i, name, c.Matrix.Names)
		}
	}
	m.latency = latency{
		kind: latencyMatrix, place: m.regionOf, places: uint64(len(rows)),
		oneWay: c.Matrix.pick(rows), jitter: c.Jitter,
	}
	return m.latency.leastOfMatrix(), nil
}

// newPairLatency puts the nodes at sites and makes the delays ready.
func (m *Model) newPairLatency(c PairMatrix) (least int64, err error) {
	if err := c.Matrix.check(); err != nil {
		return 0, err
	}
	n := len(c.Matrix.OneWay)
	sites := indices(n)
	shufflePrefix(sites, n, mix(m.seed^keySites))
	place := make([]uint16, m.nodes)
	for i := range place {
		place[i] = uint16(sites[i%n])
	}
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	m.latency = latency{
		kind: latencyMatrix, place: place, places: uint64(n),
		oneWay: c.Matrix.pick(rows), jitter: c.Jitter,
	}
	return m.latency.leastOfMatrix(), nil
}

// leastOfMatrix is the least delay between two nodes: between places that are
// both inhabited, or within a place of two nodes or more. A single node has
// nobody to send to, and gets the largest.
func (l *latency) leastOfMatrix() int64 {
	inhabitants := make([]int, l.places)
	for _, p := range l.place {
		inhabitants[p]++
	}
	least := int64(MaxMatrixDelay)
	for i, a := range inhabitants {
		for j, b := range inhabitants {
			if a > 0 && b > 0 && (i != j || a > 1) {
				least = min(least, int64(l.oneWay[i*int(l.places)+j]))
			}
		}
	}
	return least
}
