// Package flood is broadcast by flooding: whoever gets a message for the first
// time sends it over each of its links but the one that it came by.
//
// Over HyParView it is the broadcast that the HyParView paper measures (Leitão,
// Pereira, Rodrigues, "HyParView: a membership protocol for reliable gossip-based
// broadcast", DSN 2007, section 4.1): every broadcast tests the whole active
// view, as a stream to a peer that is gone breaks. It is also what Plumtree and
// gossip are compared with: no delay is shorter, no redundancy is higher.
//
// # Links
//
// Over an overlay the links are the overlay's. Over a bare sampler a node picks
// fanout peers and tells them by flood.link, so that links are symmetric and the
// graph of them is connected with near certainty (every node has at least fanout
// of them); otherwise a node that nobody picks gets nothing. A pick that gives way to
// a newcomer is told by flood.unlink, and both sides drop the link (package
// broadcast); over an overlay neither is sent. Where the sampler has
// too few, it is asked again a second later, then at doubling intervals up to
// 30 s.
//
// # In a stack
//
// Below: a peer sampler or an overlay (package broadcast). Protocols above find
// [Node.Broadcast] and [Node.OnDeliver].
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers
// are big endian; "variable" is LEB128 in its shortest form.
//
//	0x0401 data  8 bytes origin (not 0), 8 bytes number, check sum of both and the
//	             payload (4 bytes, see package broadcast), variable hops when it
//	             arrives (1 to 2^30), payload up to the end
//	0x0402 link  nothing
//	0x0403 unlink  nothing
//
// testdata/messages.hex holds a vector of each.
package flood
