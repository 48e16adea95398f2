// Package replica is a map from keys to replicated data types (package crdt)
// that all nodes hold. Writes of keys that are written often are pushed to
// everybody through a broadcast protocol; whatever else is missing is pulled, by
// anti-entropy over Merkle Search Trees (package mst).
//
// Sources: MerkleFlow for the division into hot and cold; Auvolat, Taiani,
// "Merkle Search Trees", SRDS 2019; Almeida, Shoker, Baquero, "Delta state
// replicated data types", JPDC 2018.
//
// # A write
//
// A write is an event with a name, a dot: this node, in this incarnation, and a
// counter that grows. It is merged into what is under the key, put on disk and
// synced, and then acknowledged. If the key is hot, the delta is gathered with
// others for push_min to push_max, the longer the more there is, and broadcast.
// A node that used up push_rate broadcasts only which keys changed; whoever
// lacks them begins a session. A key is hot from hot_rate of writes on, at this
// node or heard of, and cold again below cold_rate.
//
// # A session
//
// About every interval a node begins a session with a peer of the lowest sampler
// below it, the one that knows most; in half the time if sessions have changed
// something since the last, for then others lack it, too. Both nodes work
// on a snapshot, which costs nothing. A begins, B answers:
//
//	A          B
//	Open ───►            root and known of A
//	     ◄─── Entries    deletions that A does not take account of
//	     ◄─── Accept     root and known of B
//	Entries ─►           deletions that B does not take account of
//	Ask ────►            pages of B's tree, a level of it at a time
//	     ◄─── Pages
//	Fetch ──►            keys that differ, or that A lacks
//	     ◄─── Entries
//	Entries ─►           keys that B lacks, or of which A now knows more
//	Drop ───►            keys that A does not have although it takes account of them
//	     ◄─── Entries    where B knew more still
//	Commit ─►            A has seen everything
//	     ◄─── Done       B has everything on disk
//
// Equal trees need Open, Accept, Commit and Done. Messages of a session go over
// a stream and are about 64 KiB at most; a single entry, or a vector of many
// actors, may be larger. All that arrives is merged at once and is valid by itself:
// a session that breaks, anywhere, leaves nothing to clean up, and the next one
// skips what has become equal.
//
// Who chooses keys can choose such as all belong into one page of a tree without a
// salt. Pages are taken up to 65,534 entries then, which is slow and no more;
// beyond, sessions that meet the page fail. Where writers are strangers, the
// nodes share a secret tree_salt.
//
// # Other sessions
//
// Two other ways to find what differs are there to compare this one with
// (compare). Everything but the walk is the same.
//
// With "merkle", there is a flat Merkle tree over 2^merkle_depth buckets of
// keys, a key's being the first bits of its SHA-256. B sends all leaves, 16
// bytes each, and no inner nodes (512 KiB at the default depth, Cassandra's,
// which sends the whole tree as well); A names the buckets that differ, and both
// send all that is in these. Equal roots end it before. Leaves are made anew for
// each session.
//
//	Open ───►
//	     ◄─── Accept
//	     ◄─── Leaves
//	Buckets ►            that differ
//	     ◄─── Entries    of all their keys at B, in the order of keys
//	     ◄─── Last
//	Entries ─►           of all their keys at A
//	Commit ─►
//	     ◄─── Done
//
// A leaf is zeros for no keys, and takes in the keys of its bucket in their
// order: the first 16 bytes of SHA-256 of the leaf as it was, key and digest.
//
// With "full", B sends all that it has after Accept, and then A does, as in
// memberlist's push-pull.
//
// # Known
//
// A node's known is a version vector: it names, without gaps, the events that the
// node's contents take account of. A complete session makes it the join of
// both sides', once everything is on disk; pushes, which leave gaps, do not
// change it. So, of an event that known names and that is not under its key, the
// node can say: that was deleted or overwritten.
//
// # Deletions
//
// A deleted key is not in the tree. What is left of it, its causal context, is a
// tombstone: it is sent to peers whose known does not cover it, and forgotten
// when this node's known covers it and tombstone_life has passed. Nothing
// deleted comes back afterwards. A node that was away, however long, and still
// has the key meets one that does not and whose known covers it: it is told to
// drop it. If it changed the key meanwhile, that event is in nobody's known, and
// the change survives. The life of tombstones therefore is no matter of safety;
// a long one spares writes of the disk that a deletion brings twice.
//
// A tombstone outlives a member that vanished before it had a complete session
// after its last push of that key: nobody can know what it still has.
//
// # What is on disk
//
//	replica/e/<key>   the entry, a deleted one as well
//	replica/t/<key>   when a tombstone came, 8 bytes, for these only
//	replica/known     the version vector, written when a session is complete
//	replica/actor     the name that this node gives to its events
//	replica/clock     a reading of the hybrid logical clock, written when an entry
//	                  goes that had a later one than any other
//
// The tree is built from the entries when a node starts. Crashes leave a prefix
// of what was written: known comes after the entries that it speaks of, and an
// own event is synced before anybody hears of it. Where a sync fails, nothing is
// sent until one succeeds. A node whose disk cannot be read at its start tries
// again, and takes no part until then. A node that lost its disk takes another
// incarnation, and so does one that meets a peer who knows of events of its own
// that it did not bring about.
//
// # Data sets
//
// Initial keys are on all disks before nodes first start, written by an actor
// that is no node; with initial_divergence, each node has later versions of
// some of them.
//
// # Wire format
//
// In the notation of package wire: integers are big endian, "variable" is LEB128
// in its shortest form, bytes are a variable length and the bytes. A session is
// 8 bytes. Vectors are in the format of package clock, wants and answers in that
// of package mst, entries in that of package crdt.
//
//	0x0701 open     session, 8 bytes profile, 32 bytes root, vector known
//	0x0702 accept   session, 32 bytes root, vector known
//	0x0703 ask      session, variable round, variable count, wants
//	0x0704 pages    session, variable round, variable count, for each: 8 bytes
//	                page, bytes answer
//	0x0705 fetch    session, variable round, variable count, for each: bytes key
//	0x0706 entries  session, variable round (0 if nobody asked), variable count,
//	                for each: bytes key, bytes entry (none: there is none)
//	0x0707 drop     session, variable count, for each: bytes key
//	0x0708 commit   session, variable number of messages sent before it
//	0x0709 done     session, variable number of messages sent before it, variable
//	                number of keys that changed, 1 byte whether all was taken
//	0x070a abort    session, 1 byte reason
//
//	0x070b leaves   session, variable first, variable count, for each: 16 bytes
//	0x070c buckets  session, variable round, variable count, for each: variable
//	                number of buckets between the last one and it
//	0x070d last     session, variable round, variable number of messages sent
//	                before it
//
// No list is empty. Commit, done and last say how many messages went before them,
// because a stream that breaks and is opened anew loses some and not others.
//
// A broadcast begins with 0x0701, then variable count, for each: bytes key,
// bytes delta; or with 0x0702, then variable count, for each: bytes key, 16 bytes
// digest of what the key holds.
package replica
