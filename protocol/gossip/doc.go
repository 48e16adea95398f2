// Package gossip is broadcast by random gossip: every contact is with fresh
// random peers of the sampler below. It is the textbook family that the theory
// and the classic papers are about, and what overlays are compared with.
//
// # Modes
//
// Messages spread in rounds, one a round_interval, in which a node contacts
// fanout random peers.
//
//   - push: a node sends what it knows, each message for active_rounds rounds or
//     as long as it is cached. Among n nodes in synchronous rounds with fanout 1
//     a message reaches all in log2 n + ln n + O(1) rounds (Pittel, SIAM J. Appl.
//     Math. 47(1), 1987).
//   - push with immediate = true: infect and forward. A node forwards a message
//     once, at once. With a fanout of ln n + c it reaches everybody with
//     probability e^-e^-c (Eugster, Guerraoui, Kermarrec, Massoulié, IEEE
//     Computer 37(5), 2004).
//   - pull: a node sends a digest of what it has; the answer is what it lacks.
//   - push-pull: the same both ways: whoever gets a digest also requests from it
//     what it lacks itself. log3 n + O(ln ln n) rounds (Karp, Schindelhauer,
//     Shenker, Vöcking, FOCS 2000). Their rule for ending is not implemented: with
//     digests, contacts cost IDs and not payloads.
//   - rumor: rumor mongering (Demers et al., "Epidemic Algorithms for Replicated
//     Database Maintenance", PODC 1987, section 1.4). A hot rumor is sent in each
//     cycle until the node loses interest, after k unnecessary contacts (stop =
//     "counter") or with probability 1/k at each (stop = "coin"). With feedback
//     the receiver says whether it knew, which counts if it was contacted in this
//     round or the one before; blind, every contact counts. With rumor_direction =
//     "pull" nodes ask and the hot ones answer, with answer_count rumors at most. As in Demers'
//     table 3, the contacts of one cycle count once: if any was useful the counter
//     is set back, if none was it grows by one. Demers' tables are matched with
//     round_phase = "aligned", counter_reset = true and same_cycle = "useful"
//     only: with same_cycle = "unnecessary" the residue of push with feedback and
//     k = 1 is 0.203, which is the solution of s = e^-2(1-s) that the paper
//     derives for small cycles, while its table has 0.18.
//
// With round_phase = "aligned" rounds are simultaneous, as in the papers: a
// message is spread in a round only if it was known when the round began, and
// what a cycle's contacts say takes effect at its end. Messages and answers must
// arrive within the round.
//
// A node of mode push or rumor (direction push) with nothing to spread has no
// timer. One that pulls always has.
//
// # Digests
//
// A digest holds the IDs of what is cached. If they do not fit a datagram it
// holds those in a random range of keys, and the answer is confined to that
// range, so that nothing known is sent again and nothing is left out for ever. A
// message is offered for half of the time that it is cached: who learned it
// earlier than the one that offers it must still list it.
//
// # In a stack
//
// Below: a peer sampler (package broadcast); over a full membership picks are
// uniform, as the theory assumes. Protocols above find [Node.Broadcast] and
// [Node.OnDeliver].
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers
// are big endian; "variable" is LEB128 in its shortest form. An id is 8 bytes
// origin (not 0) and 8 bytes number; its key is broadcast.ID.Key. Ids are their
// variable count (at most 65,536) and they themselves.
//
//	0x0501 data      id, check sum of id and payload (4 bytes, see package
//	                 broadcast), variable hops when it arrives (1 to 2^30), 1 byte 1 if
//	                 feedback is wanted, payload up to the end
//	0x0502 digest    1 byte 1 for an exchange, 8 bytes first key, 8 bytes last
//	                 key, ids by ascending key
//	0x0503 request   ids
//	0x0504 ask       nothing
//	0x0505 feedback  id, 1 byte 1 if it was known
//
// testdata/messages.hex holds a vector of each.
package gossip
