// Package cyclon is a peer sampler: partial views that are shuffled for ever,
// after Cyclon.
//
// Source: Voulgaris, Gavidia, van Steen, "CYCLON: Inexpensive Membership
// Management for Unstructured P2P Overlays", Journal of Network and Systems
// Management 13(2), 2005 (section numbers below). The defaults are those with
// which Leitao, Pereira, Rodrigues, "HyParView", DSN 2007, compare: views of 35,
// shuffles of 14, walks of 5 steps.
//
// # What a node does
//
// Its view holds at most view_size entries: a node and the entry's age in cycles.
// Once a cycle all entries get older and the oldest is the partner of a shuffle
// (section 3.2, enhanced shuffling). It leaves the view; it is sent a fresh entry
// of this node and shuffle_length - 1 random others, and answers with up to
// shuffle_length of its own. Each side takes what it got into free slots, then
// into the slots of what it sent, and drops entries of itself and of whom it
// knows. So a link is turned round, the others change owners, and in-degrees stay
// close together. A partner that does not answer within reply_timeout has been
// taken out already: this is how the dead vanish.
//
// A newcomer asks a seed (section 3.4), which starts view_size random walks of
// join_walk steps. Where a walk ends, the newcomer takes the place of a random
// entry, and gets that entry.
//
// Transport "stream" sends everything over streams, and a break removes the peer
// at once: the HyParView paper's "Cyclon with acks". Streams that protocols above
// have with a peer count as well, with either transport. A membership protocol
// below (SWIM) is believed if it says that a peer is gone. Nothing is said on
// leaving: entries of one that left grow old as those of one that crashed.
//
// # Settled here
//
// Free slots. The paper's views are full. In one that is not, the end of a walk
// gives the newcomer a copy of an entry and keeps its own; a node that has less
// than shuffle_length entries to give adds a fresh one of its own to its answer.
// Otherwise the first nodes would not get to know each other, and two nodes that
// know only each other would forget each other with the first shuffle. An answer
// does not contain the asker, which has no use for it.
//
// Walks of newcomers that reach a node whose only entry is away for a shuffle go
// on to that partner, who most likely lives. Otherwise a seed in that state would
// keep the newcomers to itself, and be all that they and the others have in
// common until its entry has been the oldest everywhere.
//
// Lost messages. Shuffles are numbered; an answer that is late or comes twice is
// ignored. If the partner is silent but sends something else meanwhile (its own
// shuffle, say), only the exchange is lost, and nobody is told that it failed.
// If it is silent and has come back into the view from somebody else, it is
// removed again.
//
// Alone. A node whose view is empty asks a random seed after rejoin_interval,
// then at doubling intervals. As long as the view holds anybody the node does not
// ask: an island that keeps itself alive does not notice that it is one.
//
// # What is not promised
//
// The dead vanish because there are younger entries beside theirs. In a view of
// one or two, whoever asks takes the entry of a dead node along before its
// holder's turn to try it. Two or three nodes that lose shuffles can lose each
// other altogether and need a seed that runs.
//
// Partitions do not heal. A partner on the other side does not answer, so each
// side forgets the other within about twice view_size cycles, as it forgets the
// dead; from then on no entry leads across, and no rule of the protocol ever
// looks for somebody whom no view holds. A partition that is shorter heals by
// itself, as entries of the other side are left. For the same reason nodes
// that start at the same moment from different seeds may form islands. What
// heals has to come from elsewhere: SWIM with its reconnection, or a restart.
//
// # Measured
//
// 10,000 nodes that joined one after the other through one contact, all within a
// twentieth of a cycle, then 50 cycles; one seed, no loss, links taken in both
// directions: clustering coefficient 0.006844, average shortest path 2.60443 (from
// 1,000 of the nodes to all). The HyParView paper has 0.006836 and 2.60426.
//
// # In a stack
//
// Protocols above find in a [Node] a sampler ([Node.Sample]) and word of failures
// ([Node.OnChange], which never reports anybody present). They declare the
// interface that they need themselves. The view changes all the time, and a link
// means nothing to the other end: this is no overlay of agreed links.
//
// The events cyclon.neighbor_up and cyclon.neighbor_down tell of every entry that
// enters and leaves the view. A swap of two entries is one of each.
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers are
// big endian; a byte string is its variable length (LEB128 in its shortest form)
// and its bytes.
//
//	0x0601 join           byte string contact of the sender
//	0x0602 join_walk      8 bytes newcomer, byte string its contact, 1 byte
//	                      steps left
//	0x0603 join_reply     entry
//	0x0604 shuffle        4 bytes number, entries
//	0x0605 shuffle_reply  4 bytes number, entries
//
//	entry    8 bytes node (not zero), 2 bytes age in cycles, byte string
//	         contact (at most 255)
//	entries  variable count (at most 256), then the entries
//
// testdata/messages.hex holds vectors of each.
package cyclon
