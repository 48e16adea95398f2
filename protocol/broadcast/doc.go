// Package broadcast is what protocols that broadcast have in common: names for
// messages, memories of them that are bounded, and the peers to send to.
//
// # Names
//
// A message's [ID] is its origin and a number that only grows at the origin:
// the reading of its clock, or one more than the last. It survives restarts
// as long as the clock is not set back to before the last message.
//
// # Memory
//
// A [History] remembers that a message was seen, a [Cache] keeps its payload
// for peers that ask for it. Both are bounded by count and age, the cache by
// bytes as well, and drop what came first. What a history has dropped stays
// seen: of every origin it keeps the highest number that it dropped, and
// takes everything up to there for seen. Otherwise the late announcement of a
// message that everybody has forgotten would bring it back. It does so for
// sixteen ages more: IDs are nobody's signature, and a forged one with a high number
// should not silence its origin for ever. The price is that
// a message which is late by more than a whole history is not delivered.
//
// # Peers
//
// [Links] are the peers of a broadcast protocol: the active view of an
// [Overlay] below it (HyParView), or as many picks of a [Sampler] as it wants
// (SWIM, Cyclon), which are replaced when they fail, and the peers that picked this
// node. Over a bare sampler both sides agree on links: who picks a peer greets it,
// and who gives one up, because a newcomer took its place or there are too many, tells
// it; what the peer sent before it knew does not bring the link back. So a node has
// about twice as many peers as it picks. Peers that picked this node and vanished
// without a word (datagrams) give way to others once they were silent for a minute.
//
// # Wire format
//
// [ID.Append] writes 8 bytes origin and 8 bytes number, [AppendCheck] 4 bytes
// CRC-32C of those and the payload; big endian.
package broadcast
