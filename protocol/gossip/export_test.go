package gossip

// Sizes returns how much a node keeps: messages and bytes in the cache, IDs and
// origins in the history, messages that it spreads.
func (n *Node) Sizes() (cached, bytes, seen, origins, hot int) {
	return n.cache.Len(), n.cache.Bytes(), n.history.Len(), n.history.Origins(), len(n.hot)
}
