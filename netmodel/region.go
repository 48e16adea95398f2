package netmodel

// Regions are the names of the regions, in order.
func (m *Model) Regions() []string { return nil }

// RegionIndex finds a region by its name.
func (m *Model) RegionIndex(name string) (int, bool) { return 0, false }

// RegionOf is the index of a node's region, -1 if there are no regions.
func (m *Model) RegionOf(node uint32) int { return -1 }

// RegionNodes lists the nodes of a region in ascending order.
func (m *Model) RegionNodes(region int) []uint32 { return nil }
