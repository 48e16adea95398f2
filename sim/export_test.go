package sim

// Parcels is the number of messages and segments that the world holds.
func (w *World) Parcels() int {
	n := 0
	for _, sh := range w.shards {
		n += sh.parcels.used() + sh.segments.used()
	}
	return n
}

// SeedLists is the number of lists of seeds that the world has room for.
func (w *World) SeedLists() int { return len(w.seedLists.lists) }

// Age makes all nodes look as if they had created n events in this life.
func (w *World) Age(n uint32) {
	for i := range w.nodes {
		w.nodes[i].seq += n
	}
}

// Divide divides the nodes of a world of one worker among n.
func (w *World) Divide(n int) { w.divide(n) }
