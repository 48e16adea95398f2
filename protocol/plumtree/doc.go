// Package plumtree is broadcast over trees that are embedded in an overlay.
//
// Source: Leitao, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007, with
// Algorithm 1 as corrected in the technical report DI-FCUL TR-07-14 in 2019
// (Plumtree below).
//
// # What a node does
//
// Of its links, some are branches of the tree: a message goes there as it is
// (eager push, GOSSIP). To the others goes its announcement (lazy push, IHAVE),
// gathered for lazy_interval. All links begin as branches. Whoever gets a
// payload a second time takes the link it came over out of the tree, on both
// sides (PRUNE); what remains after the first message is a tree. Whoever hears
// of a message that does not come within graft_timeout asks an announcer for it,
// which makes that link a branch again (GRAFT), and the next one graft_retry
// later. When the payload comes over a path longer by optimise_threshold hops
// than an announced one, the shorter takes its place.
//
// There is one tree for all messages, or (trees = "per_root") one for each
// origin: a shared tree that one sender has formed is longer for the others.
//
// # Settled here
//
// A side that sends GRAFT or PRUNE changes its own link at once, as Algorithm 1
// demands and several implementations forget. An announcer is asked up to
// graft_tries times, by turns with the others, since datagrams get lost; a
// message that nobody sent is given up and expected again when it is announced
// again. A payload that comes a second time from the same peer is a copy made
// by the network, or the answer to a repeated GRAFT, and prunes nothing.
//
// A new link is told of the messages of the last announce_recent: what was
// broadcast while a node had no links would otherwise pass it by
// (announce_recent = "0s" is the paper's behaviour).
//
// Every memory is bounded, by count, bytes and age; see package broadcast for
// why a late announcement never brings back what was forgotten. Announcements
// are as many to a message as fit a datagram. A queue that is full sheds its
// oldest announcements and says so.
//
// # In a stack
//
// Below must be a peer sampler: an overlay (hyparview), whose active view are
// the links, or any other (swim, cyclon), of which it takes fanout peers and
// whoever takes it. Protocols above use [Node.Broadcast] and [Node.OnDeliver].
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers
// are big endian; "variable" is LEB128 in its shortest form; an id is 8 bytes
// origin and 8 bytes number.
//
//	0x0301 gossip  id, variable hops, variable length, payload
//	0x0302 ihave   variable count, then for each: id, variable hops
//	0x0303 graft   id, 1 byte 1 if the message is wanted
//	0x0304 prune   8 bytes root, zero for the shared tree
//
// testdata/messages.hex holds a vector of each.
package plumtree
