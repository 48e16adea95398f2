package netmodel

import (
	"fmt"
	"slices"
	"strings"
)

// Set names nodes. The zero Set is all nodes.
type Set struct {
	// Nodes and Regions name candidates; a node that either names is one. If
	// both are nil, every node is a candidate; a list that is empty but not
	// nil names nobody.
	Nodes   []uint32
	Regions []string
	// Share, if not 0, keeps that share of the candidates, out of 2^64 and
	// rounded to the nearest whole number, chosen by the model's seed and
	// Salt. The same Salt chooses the same nodes again, and of a smaller
	// share's nodes all are among those of a larger one.
	Share uint64
	Salt  uint64
	// Not takes all other nodes instead.
	Not bool
}

// Members lists the nodes of a set in ascending order.
func (m *Model) Members(s Set) ([]uint32, error) {
	in, err := m.resolve("Set", s)
	if err != nil {
		return nil, fmt.Errorf("list nodes of a set: %w", err)
	}
	var out []uint32
	for i, member := range in {
		if member {
			out = append(out, uint32(i))
		}
	}
	return out, nil
}

// resolve tells of each node whether it is in a set; field is what an error
// calls it.
func (m *Model) resolve(field string, s Set) ([]bool, error) {
	in := make([]bool, m.nodes)
	if s.Nodes == nil && s.Regions == nil {
		for i := range in {
			in[i] = true
		}
	}
	for i, node := range s.Nodes {
		if uint64(node) >= uint64(m.nodes) {
			return nil, fmt.Errorf("%s.Nodes[%d]: got %d, want below %d", field, i, node, m.nodes)
		}
		in[node] = true
	}
	for i, name := range s.Regions {
		region, ok := m.RegionIndex(name)
		if !ok {
			return nil, fmt.Errorf("%s.Regions[%d]: got %q, want one of: %s", field, i, name, m.regionList())
		}
		for node, r := range m.regionOf {
			if int(r) == region {
				in[node] = true
			}
		}
	}
	if s.Share != 0 {
		m.thin(in, s.Share, s.Salt)
	}
	if s.Not {
		for i := range in {
			in[i] = !in[i]
		}
	}
	return in, nil
}

// thin keeps a share of the members.
func (m *Model) thin(in []bool, share, salt uint64) {
	members := make([]uint32, 0, m.nodes)
	for i, member := range in {
		if member {
			members = append(members, uint32(i))
		}
	}
	clear(in)
	keep := part(len(members), share)
	shufflePrefix(members, keep, mix(m.seed^keySets)+mix(salt))
	for _, node := range members[:keep] {
		in[node] = true
	}
}

func (m *Model) regionList() string {
	if len(m.regionNames) == 0 {
		return "(no regions)"
	}
	return strings.Join(slices.Sorted(slices.Values(m.regionNames)), ", ")
}
