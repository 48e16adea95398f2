// Package mst is a persistent Merkle Search Tree (Auvolat and Taiani, "Merkle
// Search Trees: Efficient State-Based CRDTs in Open Networks", SRDS 2019): a
// map from byte keys to digests whose root hash stands for its contents, and by
// which two replicas find where they differ without sending what is equal.
//
// # The tree
//
// The level of a key is the number of zero digits that its hash begins with,
// in base B. A page is a maximal run of keys of one level that no key of a
// higher level interrupts; in the gap before, between and after them are the
// pages of the keys of lower levels. So the keys alone decide the shape,
// whatever the order in which they came and went: equal contents have equal
// roots, and two trees that differ in a few keys share all pages off the paths
// to these. N keys give about N/B pages.
//
// A [Tree] never changes: an update copies the path, a snapshot is the value
// itself. [Tree.Edit] makes many updates with one hashing at the end,
// [Builder] loads sorted keys. A page has its hash from before it can be seen
// by anybody else, and nothing is written to it afterwards (there is no lazily
// filled cache), so nodes that run on different threads may share trees. With a
// [Pool] trees that become equal share all their memory, wherever they came
// from; no operation tells whether they do.
//
// # Settled here
//
//   - Levels are those of a keyed hash if the profile has a salt, as it should
//     in a closed group: who can choose keys and knows the level function picks
//     keys of high levels, which deepen the tree, or of level 0 alone, which
//     makes one page hold everything. Without a salt only the cap on a page's
//     entries ([Profile.MaxCount]) protects the readers of such pages.
//   - A child may be more than one level below its parent; there are no empty
//     pages in between.
//   - The tree holds a digest for each key, not the value. It must cover a
//     canonical encoding of value and version.
//   - The entries of a page are hashed as a binary tree, four slots a leaf, not
//     in one piece: a proof of one key shows a few entries of each page on the
//     path. See the figures.
//
// # Hashes
//
// A slot is the gap before an entry and the entry; the last gap of a page is a
// slot without entry. Its encoding:
//
//	1 byte    1 if there is a page in the gap, else 0
//	h bytes   its hash, if there is
//	1-3 bytes length of the key, variable; the key      } not in
//	d bytes   digest                                    } the last slot
//
// h and d are Options.HashSize and DigestSize; hashes are SHA-256 cut to h
// bytes. A group is four slots, the last one what is left:
//
//	group   H(1, slots)
//	inner   H(2, left, right), with the split of RFC 6962
//	page    H(3, version 1, log2 B, h, d, level, 4 bytes number of entries, root of the groups)
//
// The root of the empty tree is zeros. Lengths, flags and the count make the
// encoding injective: no two sets of keys and digests have one.
//
// The level is counted in SHA-256 of the key, or with a salt of: 1 byte its
// length, the salt filled up with zeros to 32 bytes, the key.
//
// # Finding differences
//
// [Diff] compares two trees in one process. [Puller] compares a tree here with
// one at the other end of a network, which answers with [Tree.Answer] from a
// snapshot and keeps no state. Both find exactly the keys that one side lacks
// or that have different digests; one walk tells the puller everything for both
// directions. Nobody has to trust anybody: a page is taken only if it has the
// hash that leads to the root and is what a right tree could have in that gap.
//
// A want ([Want.Append]):
//
//	1 byte    form: 1 page, 2 summary, 3 slots
//	8 bytes   the page's hash, its first bytes
//	1-3 bytes 0, or 1 + length of the key before the page, variable; the key
//	          form 3: number of slots, variable, and for each its index less
//	          that of the last one less 1 (the first: its index), variable
//
// An answer is 1 byte form and then
//
//	page      version 1, level, number of entries (variable), all slots
//	summary   level, number of entries (variable), 8 bytes for each slot: the
//	          first of SHA-256 of (4, 16 bytes of the page's hash, the slot)
//	slots     number (variable), slots
//
// # Proofs
//
// [Tree.ProveKey] and [Tree.ProveRange] prove what is in the tree, or is not,
// to somebody who has the root and the profile: [Profile.VerifyKey] and
// [Profile.VerifyRange]. A proof is 1 byte version and then, for each page whose
// interval meets the range, parents before children and from left to right:
//
//	1 byte    level
//	          number of entries, index of the first group shown, number of
//	          groups shown, all variable
//	          the slots of these groups
//	          h bytes for each largest subtree over groups not shown, from left
//	          to right
//
// Shown are exactly the groups with a key of the range, or a gap where one
// might be, and the keys beside these gaps; so each gap in the range is
// expanded or visibly empty, and there is one proof of a thing.
//
// # Figures
//
// 1 M keys of 16 bytes, digests of 16 bytes, B = 16, h = 32, by the benchmarks
// beside the code; processor time of one thread on a busy amd64 machine:
//
//	bulk load from sorted keys, with hashes   0.55 s
//	insert in random order, then root         1.7 s and 0.16 s (Rust, in place: 1.04 s and 0.18 s)
//	10,000 updates, then root                 21 ms and 40 ms (Rust: root 13 ms)
//	one update with its root                  32 us (indigo: 46 us without)
//	look-up                                   1.2 us
//	diff with 10,000 differences              19 ms
//	walk with 10,000 differences, both ends   0.18 s
//	memory                                    42 bytes a key, its 32 included (indigo: 231)
//	100 replicas of 100,000 keys, one Pool    19 MiB in all with 500 updates each, of 1,000, in
//	                                          different orders; 10 MiB when they are equal again
//	proof of one key                          1.8 kB, made in 25 us, checked in 10 us
//
// Slots a group in the page hash: with 1, a proof takes 1.3 kB, the root 0.37 s
// and that after 10,000 updates 100 ms; with no groups at all 7.8 kB, 0.10 s and
// 17 ms.
//
// A walk with 10,000 random differences, requests included, next to the sizes
// estimated beforehand for full pages:
//
//	B = 4                   8.5 MB  11 rounds   6.5 MB
//	B = 16                 12.1 MB   6 rounds  10.6 MB
//	B = 64                 22.2 MB   4 rounds  20.6 MB
//	B = 16, contiguous      0.39 MB  6 rounds   0.35 MB
//	B = 16, h = 16         11.2 MB   6 rounds
//	B = 16, 1 summary level 6.7 MB   7 rounds   3.8 MB estimated
//	B = 16, 2               4.2 MB   8 rounds
//	B = 16, h = 16, 2       4.0 MB   8 rounds
//	B = 4, 3                4.9 MB  14 rounds
//	B = 32, 2               5.0 MB   7 rounds
//
// Keys and digests of the differences alone are 0.32 MB.
package mst
