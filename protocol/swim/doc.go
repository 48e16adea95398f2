// Package swim is membership and failure detection: SWIM with Lifeguard.
//
// Sources: Das, Gupta, Motivala, "SWIM: Scalable Weakly-consistent
// Infection-style Process Group Membership Protocol", DSN 2002 (SWIM below);
// Dadgar, Phillips, Currey, "Lifeguard: SWIM-ing with Situational Awareness",
// 2017 (Lifeguard); hashicorp/memberlist v0.7.0, whose LAN profile the defaults
// are.
//
// # What a node does
//
// Once a protocol period it probes a member (SWIM 3.1): a ping; after the
// time-out the same by k others on its behalf and by a stream, in parallel; at
// the end of the period a probe that nobody answered is a failure. Members are
// visited in a random order, each once a round (SWIM 4.3). A member that fails
// is suspected (SWIM 4.2). The suspicion spreads, the accused refutes it with a
// higher incarnation number, and who is still suspected when the suspicion's
// time is over is dead. News travel on probes and their answers (SWIM 4.1) and,
// as in memberlist, in gossip messages of their own while there are any; now and
// then two members exchange their tables over a stream.
//
// Lifeguard's three parts are switches. LocalHealth (LHA-Probe): a node that
// misses answers, misses nacks or has to refute accusations thinks that the
// trouble may be its own, and probes slower. Confirmations (LHA-Suspicion): a
// suspicion begins with a long time-out, which shrinks with each independent
// accuser. Buddy: who probes a suspected member tells it, so that it can refute
// with the very answer.
//
// # News and their order
//
// A node's belief is a table of members ([membertable.Table]); nodes of one
// world share equal parts of it. News of a member supersede each other by
// incarnation and then alive < suspect < dead < left, always: memberlist does
// not raise the incarnation of a dead member, so that old news can bring it
// back; here they cannot. Only the member itself raises its incarnation, and
// only it says that it left. Who is not known is not taken in as suspect or
// dead: it may have been forgotten, and would otherwise circulate for ever.
//
// # Settled here
//
// Healed partitions. Every dead member is tried by somebody, by an exchange over
// a stream, once a reconnect_interval, as in Serf, but each in its turn. In an
// exchange nobody dies: whom the other side holds for suspect or dead, and this
// side for present, is suspected here and told so, and nobody else; only if that
// leads to nothing is it accused in public. A member that lives answers with a
// higher incarnation, which overrules its death on the other side as well. One
// exchange over the former border is enough to begin with. And who is held for
// dead here but sends a ping is told so in the answer. Where two sides have
// forgotten each other, or never met, seeds that are not known are tried.
//
// Storms of news. After a burst of joins, or when a partition has healed, there
// is so much news that some of it misses somebody. A node that has seen a sixteenth
// of the members (of few, four, of very few, a quarter) come or go since its last
// exchange therefore makes the next push_pull_start later, and then at doubling
// intervals until it is back at the usual one. And how often news are passed on is
// decided when they are, not when they come: a newcomer does not know yet how many
// there are.
//
// Gray failures. A node that hears well but is hardly heard fails its probes of
// healthy members. Most of its suspicions get out, spread and are refuted. But
// now and then (0.8^16 = 3 % at 80 % loss and 16 transmissions) a suspicion is
// lost altogether while the declaration of death that follows gets out, and
// memberlist's members believe it at once: the accused dies everywhere without
// having had the chance to refute. The remedy is refutation_grace. Another's
// word that a member is dead counts only once the member has been suspected here
// for that share of the shortest suspicion time-out; otherwise the word counts as
// an accusation, which spreads and which the accused can refute, and makes the
// suspicion here end with the grace. A death that was preceded by a suspicion,
// as that of a member that is really gone, is believed at once as before: the
// suspicion has been here for longer than the grace. Half of the shortest
// time-out is several times what a rumour needs to reach everybody and a
// refutation to come back, and both grow with log n. Deaths learned in an
// exchange never counted here (see above).
//
// That leaves refutations that miss somebody: among a thousand members with
// thousands of refutations, one or another node goes on suspecting alone until
// the time is over. So a suspected member has a last word: a node pings it with
// the suspicion, a probe_timeout before it would declare it dead. And a node
// that hears something wrong of itself tells who said it, although it has
// refuted that long ago. Measured, ten of 1,000 members with 80 % loss of what
// they send, 12 minutes, LAN defaults: without the remedy (refutation_grace =
// "0%") two or three healthy members are declared dead, each by nearly all of the
// others, and the sick ones again and again; with it nobody is, while the time
// from a crash to its first detection stays as it was.
//
// Nacks come at 80 % of the time-out, as Lifeguard says, or of what the period
// leaves if that is less; memberlist's come so late that every prober of a dead
// member thinks worse of itself (nack_after = "100%" imitates it).
//
// # In a stack
//
// Protocols above find in a [Node] a sampler of present members ([Node.Sample]),
// word of who comes and goes ([Node.OnChange]), their number ([Node.Members])
// and the view itself ([Node.Table]). They declare the interface that they need
// themselves, for instance
//
//	type membership interface {
//		Sample(env protocol.Env, count int, skip func(protocol.NodeID) bool) []protocol.NodeID
//		OnChange(f func(env protocol.Env, member protocol.NodeID, present bool))
//	}
//
// and look for it among the protocols below them when they are built.
//
// # Wire format
//
// The body of a message, after the frame (see protocol.AppendFrame). Integers
// are big endian; "variable" is LEB128 in its shortest form; a byte string is
// its variable length and its bytes.
//
//	0x0101 ping         4 bytes number, updates
//	0x0102 ack          4 bytes number, updates
//	0x0103 ping_req     4 bytes number, 8 bytes target, byte string contact of
//	                    the target, 1 byte 1 if a nack is wanted, updates
//	0x0104 nack         4 bytes number
//	0x0105 gossip       updates
//	0x0106 push_pull    1 byte 1 if it is a reply, table (see membertable)
//	0x0107 stream_ping  4 bytes number
//	0x0108 stream_ack   4 bytes number
//
//	updates  variable count, then for each
//	         1 byte status (1 alive, 2 suspect, 3 dead, 4 left), 8 bytes
//	         subject, variable incarnation (at most 2^32-2); alive: byte strings
//	         contact (at most 255) and metadata (at most 512); suspect and
//	         dead: 8 bytes accuser
//
// testdata/messages.hex holds a vector of each.
//
// Dependencies: zeebo/xxh3 for the hash by which metadata is named in events.
package swim
