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
// than an announced one, the shorter takes its place, if that is wanted.
//
// There is one tree for all messages, or (trees = "per_root") one for each
// origin: a shared tree that one sender has formed is longer for the others.
//
// # Settled here
//
// Several messages on their way at once. As published, the algorithm is for one
// at a time. If a second follows before the first has shaped the tree, it may
// come first by other links; a node then prunes all of them, and waits for
// graft_timeout. Each node that was cut off asks somebody else, which makes
// circles, which are pruned at several places at once, and so on for as long as
// messages come quickly. So here:
// a node prunes the second link only if the one by which the message came first is
// still a branch; a link by which a message came first within the last graft_retry
// is not given up because the other side prunes it, but claimed back by a GRAFT;
// timer 1 runs half as long to one and a half times, so that few ask and the others
// get the message from them; and a branch is asked before a link that is none.
// In scenario targets/duplication (200 nodes, ten origins, five messages a second)
// that took the payloads sent for each delivery from 1.41 to 1.16. Claims within less
// than graft_retry (0.5 s) are no better: with 0.2 s it is 1.17, with 0.1 s 1.18, and at
// twenty messages a second 1.36 and 1.37 instead of 1.35. Well above ten
// messages a second at once, one tree for each root is the better choice.
//
// A side that sends GRAFT or PRUNE changes its own link at once, as Algorithm 1
// demands and several implementations forget. Payloads and places in memory are
// for those who have a link: strangers get no answer, one peer's announcements
// take up a quarter of the messages that are waited for at most, and trees are
// made for origins of which a message has come. A peer that asks for the same message
// again gets it after a quarter of graft_retry, then after twice as long each time: an
// honest one waits longer, and 17 bytes over and over do not bring a payload each. An announcer is asked up to
// graft_tries times, by turns with the others, since datagrams get lost; a
// message that nobody sent is given up and expected again when it is announced
// again. A payload that comes a second time from the same peer is a copy made
// by the network, or the answer to a repeated GRAFT, and prunes nothing.
//
// A new link is told of the messages of the last announce_recent: what was
// broadcast while a node had no links would otherwise pass it by
// (announce_recent = "0s" is the paper's behaviour).
//
// Datagrams get lost, payloads and announcements alike; a node with one lazy link
// would miss every message of which both are. So over datagrams each message is
// announced to all peers once more, up to announce_again later.
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
// whoever takes it: GRAFT with number 0 and the sender as origin says so, UNLINK that
// the link is given up (package broadcast), both over a stream, so that neither is lost
// or overtakes the other. Protocols above use [Node.Broadcast] and
// [Node.OnDeliver].
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers
// are big endian; "variable" is LEB128 in its shortest form; an id is 8 bytes
// origin and 8 bytes number.
//
//	0x0301 gossip  id, variable hops, variable length, payload, check sum of id
//	               and payload (4 bytes, see package broadcast)
//	0x0302 ihave   variable count, then for each: id, variable hops
//	0x0303 graft   id, 1 byte 1 if the message is wanted
//	0x0304 prune   8 bytes root, zero for the shared tree
//	0x0305 unlink  nothing
//
// testdata/messages.hex holds a vector of each.
package plumtree
