package netmodel

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRegionsByCountsAndWeights(t *testing.T) {
	for name, c := range map[string]struct {
		regions []Region
		want    []int
	}{
		"counts":            {[]Region{{Name: "a", Nodes: 7}, {Name: "b"}, {Name: "c", Nodes: 3}}, []int{7, 0, 3}},
		"weights":           {[]Region{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}}, []int{8, 2}}, // 7.5 and 2.5: the earlier one
		"equal":             {[]Region{{Name: "a"}, {Name: "b"}, {Name: "c"}}, []int{4, 3, 3}},
		"largest remainder": {[]Region{{Name: "a", Weight: 44}, {Name: "b", Weight: 28}, {Name: "c", Weight: 28}}, []int{4, 3, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			m := mustNew(t, Config{Nodes: 10, Latency: Constant{}, Regions: c.regions})
			next := uint32(0)
			for i, want := range c.want {
				nodes := m.RegionNodes(i)
				if len(nodes) != want {
					t.Errorf("region %d: got %d nodes, want %d", i, len(nodes), want)
				}
				for _, node := range nodes {
					if node != next || m.RegionOf(node) != i {
						t.Errorf("region %d: got node %d in region %d, want node %d", i, node, m.RegionOf(node), next)
					}
					next++
				}
			}
		})
	}
}

func TestShuffledRegionsHaveTheSameSizes(t *testing.T) {
	cfg := Config{Seed: 3, Nodes: 1000, Latency: Constant{}, Regions: []Region{{Name: "a", Weight: 1}, {Name: "b", Weight: 3}}}
	blocks := mustNew(t, cfg)
	cfg.Placement = PlaceShuffled
	shuffled := mustNew(t, cfg)
	for r := range 2 {
		if a, b := len(blocks.RegionNodes(r)), len(shuffled.RegionNodes(r)); a != b {
			t.Errorf("region %d: got %d nodes, want %d", r, b, a)
		}
	}
	first := 0
	for node := range uint32(250) {
		if shuffled.RegionOf(node) == 0 {
			first++
		}
	}
	if first < 35 || first > 90 { // 62.5 +- 4 standard deviations
		t.Errorf("got %d of the first 250 nodes in the first region, want about a quarter", first)
	}
}

func TestNoRegions(t *testing.T) {
	m := mustNew(t, Config{Nodes: 2, Latency: Constant{}})
	if len(m.Regions()) != 0 || m.RegionOf(0) != -1 || m.RegionNodes(0) != nil {
		t.Error("got a region, want none")
	}
	if _, ok := m.RegionIndex("x"); ok {
		t.Error("found a region, want none")
	}
}

func TestMatrixGivesTheRegions(t *testing.T) {
	m := mustNew(t, Config{Nodes: 11326, Latency: RegionMatrix{Matrix: must[*Matrix](t)(LibP2P8())}})
	if got := m.Regions(); !slices.Equal(got, []string{"australia", "europe", "east_asia", "west_asia", "na_east", "na_west", "south_africa", "south_america"}) {
		t.Errorf("got regions %v", got)
	}
	i, _ := m.RegionIndex("south_america")
	if n := len(m.RegionNodes(i)); n != 36 {
		t.Errorf("got %d nodes in South America, want 36", n)
	}
}

func TestApportionmentIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Uint64Range(0, MaxWeight), 1, 20).Draw(t, "weights")
		n := rapid.IntRange(0, MaxNodes).Draw(t, "n")
		var total, given float64
		for _, w := range weights {
			total += float64(w)
		}
		for i, s := range apportion(weights, n) {
			given += float64(s)
			// The quota rule: nobody is a whole seat away from the exact part.
			if exact := float64(weights[i]) / total * float64(n); total > 0 && (float64(s) < exact-1.001 || float64(s) > exact+1.001) {
				t.Fatalf("weight %d: got %d seats, want %.3f", weights[i], s, exact)
			}
		}
		if given != float64(n) {
			t.Fatalf("got %.0f seats in all, want %d", given, n)
		}
	})
}

// Set semantics against the obvious.
func TestMembers(t *testing.T) {
	m := mustNew(t, Config{Seed: 1, Nodes: 10, Latency: Constant{}, Regions: []Region{{Name: "a", Nodes: 4}, {Name: "b", Nodes: 6}}})
	for name, c := range map[string]struct {
		set  Set
		want []uint32
	}{
		"all":               {Set{}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"none":              {Set{Not: true}, nil},
		"list":              {Set{Nodes: []uint32{7, 2, 7}}, []uint32{2, 7}},
		"empty list":        {Set{Nodes: []uint32{}}, nil},
		"region":            {Set{Regions: []string{"a"}}, []uint32{0, 1, 2, 3}},
		"region and list":   {Set{Regions: []string{"a"}, Nodes: []uint32{3, 9}}, []uint32{0, 1, 2, 3, 9}},
		"all but a region":  {Set{Regions: []string{"b"}, Not: true}, []uint32{0, 1, 2, 3}},
		"all of a region":   {Set{Regions: []string{"a"}, Share: Always}, []uint32{0, 1, 2, 3}},
		"too small a share": {Set{Share: 1}, nil},
	} {
		if got := must[[]uint32](t)(m.Members(c.set)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestSharesAreExactNestedAndComplemented(t *testing.T) {
	m := mustNew(t, Config{Seed: 5, Nodes: 997, Latency: Constant{}})
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Float64Range(0.01, 1).Draw(t, "small")
		large := rapid.Float64Range(small, 1).Draw(t, "large")
		salt := rapid.Uint64().Draw(t, "salt")
		members := func(s Set) []uint32 { return must[[]uint32](t)(m.Members(s)) }
		a := members(Set{Share: probability(small), Salt: salt})
		b := members(Set{Share: probability(large), Salt: salt})
		rest := members(Set{Share: probability(large), Salt: salt, Not: true})
		if d := float64(len(a)) - small*997; d < -0.5001 || d > 0.5001 {
			t.Fatalf("got %d nodes, want %.1f %% of 997", len(a), 100*small)
		}
		for _, node := range a {
			if !slices.Contains(b, node) {
				t.Fatalf("node %d is in the smaller share only", node)
			}
		}
		if all := append(b, rest...); len(all) != 997 || len(slices.Compact(slices.Sorted(slices.Values(all)))) != 997 {
			t.Fatalf("a share and its complement have %d nodes, want 997", len(all))
		}
	})
}

func TestSharesDependOnSeedAndSalt(t *testing.T) {
	pick := func(seed, salt uint64) []uint32 {
		m := mustNew(t, Config{Seed: seed, Nodes: 1000, Latency: Constant{}})
		return must[[]uint32](t)(m.Members(Set{Share: probability(0.5), Salt: salt}))
	}
	common := func(a, b []uint32) (n int) {
		for _, x := range a {
			if slices.Contains(b, x) {
				n++
			}
		}
		return n
	}
	base := pick(1, 1)
	for name, other := range map[string][]uint32{"seed": pick(2, 1), "salt": pick(1, 2)} {
		// Hypergeometric: 250 +- 4 * 7.9.
		if n := common(base, other); n < 218 || n > 282 {
			t.Errorf("another %s: got %d common nodes, want about 250", name, n)
		}
	}
	if !slices.Equal(base, pick(1, 1)) {
		t.Error("the same seed and salt gave other nodes")
	}
}
