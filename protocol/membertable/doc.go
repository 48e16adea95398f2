// Package membertable is the table of members in which a membership protocol
// keeps its view of the world, built so that very many nodes with very large
// tables fit one process.
//
// # Why
//
// With full membership n nodes keep n tables of n rows: 10,000 nodes keep
// 10^8 rows, at some hundred bytes each more than a machine has. But most of
// the time most of the nodes believe the same of most of the members. A
// [Table] is therefore immutable and canonical, and what equals is stored
// once.
//
// # What
//
// A table is a trie over the bits of the NodeID, most significant first, 16
// children to an inner node; a subtree of at most 64 members is a leaf, an
// array of references to rows. The shape depends on the members only, never on
// the order in which they came. An update copies the path to one leaf; the
// rest is shared with the table before, so that a snapshot costs nothing: a
// push-pull message simply holds a Table.
//
// Every subtree knows the sums over its rows: how many are in each state, how
// many bytes they take on the wire, and a 128-bit hash (the sum of a hash of
// each row). So counting, choosing the k-th live member ([Table.Select]),
// the size of the encoded table and the comparison of two tables need not look
// at the rows, and [Table.Diff] looks only where two tables differ.
//
// Since the sums of a subtree after an update follow from the sums before and
// the update, it is known what the subtree will be before it is built. A
// [Pool], shared by the tables of a world, is asked for it first. When 10,000
// nodes make the same update to the same table, one builds a path and the
// others find its root. Nodes that learn the same things in different orders
// meet again at every subtree in which they have learned the same, and at the
// root when they have converged.
//
// [Round] is SWIM's randomised round-robin order of probing without a list of
// members.
//
// # Sharing is not visible
//
// No operation tells whether two tables share a part. A part that is found
// in the pool, or in the table that an update came from, has the hash of the
// part that would have been built, thus the same rows and the same shape.
// What the pool holds depends on timing when several threads use it, and it
// forgets what has not been used for long; either changes memory and speed
// only. The property tests run everything without a pool, with a pool that
// forgets at once and with one that forgets nothing, and compare with a map.
//
// All this rests on different rows having different hashes (XXH3, 128 bits,
// summed). By accident they do. On purpose somebody could construct rows that
// collide, which would hide a difference between two tables from Diff until
// one of them changes; a protocol that has such enemies must not take a row
// from a stranger unsigned anyway.
//
// # Figures
//
// Measured with the benchmarks beside the code (amd64, 10,000 members, six
// bytes of contact): an update that somebody else has made before takes 150 ns
// and no memory; a new one 1.4 us and 950 bytes, 0.75 us without a pool; Get
// takes 18 ns, Select 120 ns, Round.Next 0.8 us, Diff of two tables 8 ns if
// they are equal, 0.35 us with one difference and 12 us with 100.
//
// A table that shares nothing takes 11 to 14 bytes a member (the rows
// themselves are stored once, 64 bytes and their strings). 10,000 tables that
// have made the same 100 updates take 26 bytes each, everything included; while
// these updates are on their way, each node making them in an order of its own,
// all tables together and the pool take 14 MiB.
//
// The worst case is nodes that learn everybody one by one in random orders,
// because no two tables are equal then until they are complete: 2,000 nodes
// learning 2,000 members take 55 MiB at the peak and 1.5 us an update; 5,000
// by 5,000 take 275 MiB. Use [Table.WithAll] for what arrives together and
// [Table.WithAllFrom] for what comes from another table; they build only the
// final table, 90 ns a member.
//
// # On the wire
//
// [Table.AppendEntries] writes the number of members as a variable-length
// integer and then, in strictly ascending order of ID, for each:
//
//	8 bytes     NodeID, big endian
//	1-5 bytes   incarnation, variable length
//	1 byte      status: 1 alive, 2 suspect, 3 dead, 4 left
//	1-2 bytes   length of the contact, at most 255; the contact
//	1-2 bytes   length of the metadata, at most 512; the metadata
//
// [ReadEntries] accepts exactly that.
package membertable
