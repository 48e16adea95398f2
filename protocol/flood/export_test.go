package flood

// Sizes returns how much a node remembers: IDs and origins.
func (n *Node) Sizes() (seen, origins int) { return n.history.Len(), n.history.Origins() }
