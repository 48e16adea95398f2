package analysis

// What is said here once, for the definitions of broadcast.*: a message is
// measured if it was broadcast after the warm-up. It is watched for the
// broadcast window (measure.broadcast_window), or to the end of the run if that
// comes first; what happens to it later is no part of its measures. A payload
// reception is a delivery or a duplicate. The origin counts as a node that has
// the message, at 0 hops, but not as a delivery.

const (
	plumtreePaper  = "Leitão, Pereira, Rodrigues, SRDS 2007 (Plumtree)"
	hyparviewPaper = "Leitão, Pereira, Rodrigues, DSN 2007 (HyParView)"
)

var quantilesAndMin = []string{"mean", "min", "p50", "p90", "p99", "max"}

func broadcastMetrics() []Metric {
	const (
		watched = "; a message is watched for the broadcast window or to the end of the run; as a series, by the time of the broadcast"
		rmr     = "payload receptions over the nodes that got the message other than its origin, less 1; 0 is a spanning tree"
		live    = "the nodes, the origin included, that were live from the broadcast to the end of its window"
		after   = ", of the k-th message after the last crash (k is the group, 1 to 20)"
	)
	return []Metric{
		{
			Name: "broadcast.messages", Label: "messages broadcast", Unit: "count", Scalar: true, Source: plumtreePaper,
			Definition: "messages broadcast after the warm-up: those that are measured",
		},
		{
			Name: "broadcast.windows_cut", Label: "messages watched for less than the window", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "measured messages whose window was not over when the run ended; they are measured as far as they got",
		},
		{
			Name: "broadcast.deliveries", Label: "deliveries", Unit: "count", Scalar: true, Source: plumtreePaper,
			Definition: "deliveries of measured messages within their windows, at nodes other than the origin",
		},
		{
			Name: "broadcast.late_deliveries", Label: "deliveries after the window", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "deliveries of measured messages after their windows; for all other measures they did not happen",
		},
		{
			Name: "broadcast.duplicates", Label: "duplicates", Unit: "count", Scalar: true, Source: plumtreePaper,
			Definition: "payloads of measured messages that came, within their windows, to a node that had them",
		},
		{
			Name: "broadcast.double_deliveries", Label: "double deliveries", Unit: "count", Scalar: true, Source: "Starling: exactly once to the application",
			Definition: "deliveries of a message to a node whose process had delivered or broadcast it already; must be 0",
		},
		{
			Name: "broadcast.reliability", Label: "reliability", Unit: "share", Suffixes: quantilesAndMin, Series: true, Samples: true, Source: hyparviewPaper,
			Definition: "per message: share that has it of " + live + watched,
		},
		{
			Name: "broadcast.residue", Label: "residue", Unit: "share", Suffixes: quantilesAndMin, Samples: true, Source: "Demers et al., PODC 1987, section 1.4",
			Definition: "per message: share without it of " + live + watched,
		},
		{
			Name: "broadcast.traffic", Label: "traffic", Unit: "score", Suffixes: quantilesAndMin, Samples: true, Source: "Demers et al., PODC 1987, section 1.4",
			Definition: "per message: payload receptions over the number of " + live + watched,
		},
		{
			Name: "broadcast.missed", Label: "deliveries missed", Unit: "count", Scalar: true, Source: "Starling",
			Definition: "pairs of a message and a node without it, of " + live,
		},
		{
			Name: "broadcast.complete_share", Label: "messages that reached all", Unit: "share", Scalar: true, Source: "Starling",
			Definition: "share of the messages that no node missed (broadcast.missed)",
		},
		{
			Name: "broadcast.rmr", Label: "relative message redundancy (RMR)", Unit: "score", Suffixes: quantiles, Series: true, Samples: true, Source: plumtreePaper,
			Definition: "per message: " + rmr + watched,
		},
		{
			Name: "broadcast.last_hop", Label: "last delivery hop (LDH)", Unit: "count", Suffixes: quantiles, Series: true, Samples: true, Source: plumtreePaper,
			Definition: "per message: hops of its last delivery in time",
		},
		{
			Name: "broadcast.max_hop", Label: "most hops", Unit: "count", Suffixes: quantiles, Series: true, Samples: true, Source: plumtreePaper,
			Definition: "per message: hops of the delivery with most of them",
		},
		{
			Name: "broadcast.hops", Label: "hops", Unit: "count", Suffixes: quantiles, Samples: true, Source: hyparviewPaper,
			Definition: "hops per delivery, 1 for a node that got the message from its origin; as samples, 1,001 evenly spaced quantiles",
		},
		{
			Name: "broadcast.latency_s", Label: "delivery latency", Unit: "s", Suffixes: quantiles, Samples: true, Source: "Starling",
			Definition: "time from broadcast to delivery, per delivery; quantiles by a histogram with three significant digits; as samples, 1,001 evenly spaced quantiles",
		},
		{
			Name: "broadcast.last_delivery_s", Label: "time to the last delivery", Unit: "s", Suffixes: quantiles, Series: true, Samples: true, Source: "Starling",
			Definition: "per message: time from broadcast to its last delivery" + watched,
		},
		{
			Name: "broadcast.rmr_after_crash", Label: "RMR after crashes", Unit: "score", Grouped: true, Source: plumtreePaper,
			Definition: rmr + after,
		},
		{
			Name: "broadcast.reliability_after_crash", Label: "reliability after crashes", Unit: "share", Grouped: true, Source: hyparviewPaper,
			Definition: "share that has the message of " + live + after,
		},
		{
			Name: "broadcast.last_hop_after_crash", Label: "last delivery hop after crashes", Unit: "count", Grouped: true, Source: plumtreePaper,
			Definition: "hops of the last delivery in time" + after,
		},
		{
			Name: "broadcast.load", Label: "copies forwarded per message", Unit: "count", Suffixes: quantiles, Samples: true, Source: "Starling",
			Definition: "per node: payload receptions that others had from it, per message broadcast while it was live; over nodes that were live at a broadcast (copies that were lost do not show)",
		},
		{
			Name: "broadcast.tree_links", Label: "delivery tree", Unit: "count", Links: true, Source: "Starling",
			Definition: "who got it from whom, of the message that got to most nodes (of several, the last): x is the parent, y the child, by index, the group the hops of the child; the origin is a link to itself at hop 0; with up to 300 nodes",
		},
		{
			Name: "broadcast.duplication_factor", Label: "payloads sent per delivery", Unit: "score", Scalar: true, Source: "MerkleFlow's target: below 1.5",
			Definition: "messages with payload sent per delivery, of any message, after the warm-up; 1 is the optimal tree",
		},
		{
			Name: "broadcast.payload_bytes", Label: "payload traffic", Unit: "B", Scalar: true, Source: "engine",
			Definition: "bytes sent in messages that carry payload, headers included",
		},
		{
			Name: "broadcast.control_bytes", Label: "control traffic", Unit: "B", Scalar: true, Source: "engine",
			Definition: "bytes sent in messages without payload of the protocols that broadcast",
		},
		{
			Name: "broadcast.overlay_bytes", Label: "traffic of other protocols", Unit: "B", Scalar: true, Source: "engine",
			Definition: "bytes sent in messages without payload of all other protocols: the overlay's, the membership's",
		},
		{
			Name: "broadcast.payload_bytes_per_delivery", Label: "payload traffic per delivery", Unit: "B", Scalar: true, Source: "engine",
			Definition: "broadcast.payload_bytes per delivery, of any message, after the warm-up",
		},
		{
			Name: "broadcast.control_bytes_per_delivery", Label: "control traffic per delivery", Unit: "B", Scalar: true, Source: "engine",
			Definition: "broadcast.control_bytes per delivery, of any message, after the warm-up",
		},
	}
}

// overlayMetrics are about the views that the topmost protocol with an overlay
// gives to those above it: a node has a link to each node in its view. A link to
// a node that is not live (crashed, leaving, left) is dead; views of ended
// processes are empty.
func overlayMetrics() []Metric {
	const (
		series     = "; as a value, at the end (over time only with up to 100,000 nodes)"
		undirected = "at the end, in the undirected graph of live nodes in which two are neighbours if either has a link to the other"
		sources    = "; from every node with up to 10,000 live ones, above that from 500 evenly chosen by index"
	)
	return []Metric{
		{
			Name: "overlay.components", Label: "connected components", Unit: "count", Scalar: true, Series: true, Source: hyparviewPaper + ": connectivity",
			Definition: "weakly connected components of the live nodes and the links between them" + series,
		},
		{
			Name: "overlay.largest_component_share", Label: "largest component", Unit: "share", Scalar: true, Series: true, Source: hyparviewPaper + ": connectivity",
			Definition: "share of the live nodes that are in the largest weakly connected component" + series,
		},
		{
			Name: "overlay.isolated", Label: "isolated nodes", Unit: "count", Scalar: true, Series: true, Source: hyparviewPaper + ": connectivity",
			Definition: "live nodes without a link to or from a live node" + series,
		},
		{
			Name: "overlay.asymmetric_links", Label: "asymmetric links", Unit: "count", Scalar: true, Series: true, Source: hyparviewPaper + ": active views are symmetric",
			Definition: "links between live nodes without their counterpart" + series,
		},
		{
			Name: "overlay.dead_links", Label: "dead links", Unit: "count", Scalar: true, Series: true, Source: hyparviewPaper + ": accuracy",
			Definition: "links of live nodes to nodes that are not live" + series,
		},
		{
			Name: "overlay.mean_degree", Label: "mean degree", Unit: "count", Scalar: true, Series: true, Source: hyparviewPaper + ": degree distribution",
			Definition: "links per live node, dead ones included: the mean size of views" + series,
		},
		{
			Name: "overlay.clustering", Label: "clustering coefficient", Unit: "score", Scalar: true, Source: hyparviewPaper + ": clustering coefficient",
			Definition: "mean over nodes of the share of the pairs of a node’s neighbours that are neighbours themselves, 0 for a node with fewer than two; " + undirected + "; over every node with up to 100,000 live ones, above that over 10,000 evenly chosen by index",
		},
		{
			Name: "overlay.path_length", Label: "average shortest path", Unit: "count", Scalar: true, Source: hyparviewPaper + ": average path length",
			Definition: "mean length of the shortest path between two nodes that are connected; " + undirected + sources,
		},
		{
			Name: "overlay.diameter", Label: "diameter", Unit: "count", Scalar: true, Source: hyparviewPaper,
			Definition: "longest of the shortest paths of overlay.path_length; " + undirected + sources + ", where it is a lower bound",
		},
		{
			Name: "overlay.out_degree", Label: "out-degree", Unit: "count", Suffixes: quantilesAndMin, Samples: true, Source: hyparviewPaper + ": degree distribution",
			Definition: "links per live node at the end, dead ones included: the size of its view",
		},
		{
			Name: "overlay.in_degree", Label: "in-degree", Unit: "count", Suffixes: quantilesAndMin, Samples: true, Source: hyparviewPaper + ": degree distribution",
			Definition: "live nodes that have a link to a live node, at the end",
		},
		{
			Name: "overlay.out_degree_share", Label: "nodes by out-degree", Unit: "share", Grouped: true, Source: hyparviewPaper + ": degree distribution",
			Definition: "share of the live nodes whose out-degree is the group, at the end; from 0 to the largest there is, at most 100",
		},
		{
			Name: "overlay.links", Label: "links", Unit: "count", Links: true, Source: "Starling",
			Definition: "links of live nodes at the end: x is who has it, y to whom, by index; the group is symmetric (listed once), asymmetric or dead, or node for a live node itself; with up to 300 nodes",
		},
	}
}
