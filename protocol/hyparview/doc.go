// Package hyparview is a partial-view overlay: HyParView, with X-BOT.
//
// Sources: Leitao, Pereira, Rodrigues, "HyParView: A Membership Protocol for
// Reliable Gossip-Based Broadcast", DSN 2007 (the paper below); Leitao, Marques,
// Pereira, Rodrigues, "X-BOT: A Protocol for Resilient Optimization of
// Unstructured Overlays", SRDS 2009 and IEEE TPDS 2012 (X-BOT).
//
// # What a node does
//
// It keeps a small active view, its links, and a larger passive view, its
// reserve. A newcomer asks a contact to take it in (Join); the contact never
// refuses, if need be gives up a random link for it, and sends the newcomer's
// name on a random walk to each of its other neighbours (ForwardJoin). Where a
// walk ends, after active_walk hops or at a node with one neighbour, the newcomer
// gets another link; where passive_walk hops are left it enters a passive view.
// Who loses a neighbour asks random passive nodes for a link (Neighbor), one at a
// time, until one accepts. A request has high priority if the active view is
// empty, and only then; it cannot be refused. Who refuses stays in the passive
// view; after two active views of refusals, who lacks one link only waits for the
// next shuffle, unless a neighbour failed. Once a shuffle_interval a node offers a part of its views to a node at the
// end of a random walk (Shuffle) and is offered as many passive nodes in return
// (ShuffleReply); for want of space those go first that the other was offered.
//
// # Links are agreed
//
// Active views are symmetric at rest. Whoever asks for a link (Neighbor, Join)
// has it from the positive NeighborReply on, whoever accepts from its accepting.
// A request holds a place in the view until it is answered or reply_timeout is
// over. An answer that comes when nobody waits for it any more, and any message
// that belongs to a link from one who is no neighbour, is answered by Disconnect
// (not_neighbour). So each lost message costs a link at most, until the next
// keep-alive of the side that still has it. With keep_alive_interval 0s the
// shuffles have to do. The newcomer's Join is its request to all who take it in:
// each answers with its number. Every end of a link has a cause, in the
// Disconnect and in the event.
//
// # Settled here
//
// Eviction. Who was evicted and has other links asks for a new one only at its
// next shuffle, when the answer has refreshed its passive view. Newcomers evict
// many; links made at once would all be among nodes that joined at the same time,
// and the overlay's paths would be long. So a node that was evicted evicts
// nobody, unless that was its last link, and then never the one that evicted it.
//
// Isolation. A node without a link asks its passive nodes with high priority and,
// if that leads to nothing, its seeds, again and again (rejoin_interval, doubling
// to eight times, jittered). A Shuffle over a link that is gone is answered
// before it is refused.
//
// Partitions. After a partition both sides are full and content. So a node
// remembers the last eight peers that failed (not those that left), for
// reconnect_timeout, and once a reconnect_interval, jittered, asks one of them for
// a bridge: a third priority, for which a full node gives up a random link, and
// so does the one that asks, but nobody for two bridges within an interval. When a
// bridge has lasted until the next attempt, the other peers on the list get a
// Ping. Whoever is heard of again leaves the list and is a passive node like
// others, but for one that refused a bridge: it is asked again. A passive node is
// dropped only when it has left two requests in a row unanswered (a broken stream
// to it counts as one).
//
// Seeds are asked for bridges as well: 1, 2, 4, ... 128 intervals after the start
// and after a neighbour last failed, then every 128, but only until seeds have
// answered three times in a row or are all neighbours. Who knows p passive nodes
// leaves it to the others in all but 4 of p+1 cases, as if it had been answered,
// until it asks one that does not answer. Several seeds that were out
// of each other's reach at the start may each gather an overlay, and peers that
// failed are forgotten in the end; nobody but a seed leads from one to the other
// then. An overlay without failures leaves its links alone after a few intervals.
// Small islands whose bridges did not last go on: a node that lacks two links, or
// one and knows no passive node, asks a seed every four intervals. What has been
// apart for longer than reconnect_timeout, is large and has seeds of its own
// stays apart.
//
// Links that are asked for again. A request from a neighbour with a number that is
// not the link's (it has begun anew, or lost the answer) is granted, and the link
// goes on: protocols above are not told.
//
// Crowds. A full contact gives up a link for one newcomer within join_pause; the
// others get theirs from the ends of their walks.
//
// Failures. A neighbour has failed if its stream breaks and the stream that is
// then opened in its place breaks as well (idle streams are closed by whoever has
// too many); if it leaves keep_alive_misses KeepAlives unanswered; or if a
// protocol below says so (SWIM). KeepAlives go only to neighbours that were silent
// for an interval, unless X-BOT needs the round trips.
//
// Purging. With purge_before_answer a full node that gets a request of low
// priority tests its links with a KeepAlive each, and answers when one breaks
// (positively) or when half of reply_timeout is over. One test decides, with
// streams as with datagrams: a neighbour that was not heard of between has failed,
// whatever keep_alive_misses says. So a datagram that is lost may cost a link.
//
// X-BOT. Costs are measured round trips, in nanoseconds. Four parties exchange
// two links: i has o, c has d; afterwards i has c, d has o. i measures a few
// passive nodes by Ping and takes the first to answer for its candidate c if it is
// closer than its farthest neighbour o by optimise_threshold. c, if full, offers
// its farthest neighbour d for Replace; d measures its way to o and, if that is
// shorter than its way to c, asks it to Switch. o answers at once. The oldest
// links (unbiased) are left alone. Each side changes its view with the message by
// which it says so, so what is lost on the way leaves a link that one side has
// only, which the next KeepAlive ends. A node takes part in one exchange at a time.
//
// # Transports
//
// With transport "stream" all that belongs to links, and requests for them, goes
// over streams; with "datagram" nothing does. ShuffleReply, Ping, Pong and
// refusals of X-BOT go by datagram in both, if they fit one: they are answers to
// strangers, and lost ones do no harm.
//
// # In a stack
//
// A [Node] gives protocols above its active view: [Node.Neighbors],
// [Node.Sample] and [Node.OnChange]. They declare the interface they need
// themselves. A protocol below that has Sample and OnChange (package swim) is
// asked for candidates when the passive view is exhausted, and believed when it
// says that somebody is gone: links to it end, and it leaves the passive view. If
// it has a Table (package membertable) those that left are told from those that
// failed; else all are held for failed.
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers are
// big endian; "variable" is LEB128 in its shortest form; a peer is 8 bytes
// identity, variable length (at most 255) and bytes of its contact; peers are a
// variable count (at most 129) and the peers; an answer is 4 bytes number and 1
// byte, 1 if positive. Numbers are those of the request.
//
//	0x0201 join                4 bytes number
//	0x0202 forward_join        peer newcomer, 4 bytes number, 1 byte hops left
//	0x0203 neighbor            4 bytes number, 1 byte priority (0 low, 1 high,
//	                           2 bridge)
//	0x0204 neighbor_reply      answer
//	0x0205 disconnect          1 byte cause (1 evicted, 2 rotated, 3 switched,
//	                           4 full, 5 not_neighbour, 6 leaving, 7 failed)
//	0x0206 shuffle             peer origin, 4 bytes number, 1 byte hops left,
//	                           peers
//	0x0207 shuffle_reply       4 bytes number, peers
//	0x0208 keep_alive          4 bytes number
//	0x0209 keep_alive_reply    4 bytes number
//	0x020a ping                4 bytes number
//	0x020b pong                4 bytes number
//	0x020c optimization        4 bytes number, peer old
//	0x020d optimization_reply  answer
//	0x020e replace             4 bytes number, peer initiator, peer old
//	0x020f replace_reply       answer
//	0x0210 switch              4 bytes number, peer initiator
//	0x0211 switch_reply        answer
//
// testdata/messages.hex holds a vector of each.
package hyparview
