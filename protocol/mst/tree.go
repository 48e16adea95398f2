package mst

// Tree is a set of keys, each with a digest. It never changes: operations
// return new trees that share what is equal, so a snapshot is the value
// itself. All pages of a Tree have their hashes, so that it can be read by
// several goroutines at once.
type Tree struct {
	root    *page
	profile *Profile
	pool    *Pool
}

// New returns the empty tree. Trees of one pool share equal pages; the pool
// may be nil and must serve only trees of this profile.
func New(profile *Profile, pool *Pool) Tree { return Tree{profile: profile, pool: pool} }

// Profile returns the tree's profile.
func (t Tree) Profile() *Profile { return t.profile }

// Root returns the hash that stands for the contents: two trees of one
// profile have equal roots if and only if they have equal contents.
func (t Tree) Root() Hash {
	if t.root == nil {
		return Hash{}
	}
	return t.root.hash
}

// Len returns the number of keys.
func (t Tree) Len() int {
	if t.root == nil {
		return 0
	}
	return t.root.size
}

// Height returns the number of pages on the longest possible path: the root's
// level + 1, 0 if the tree is empty.
func (t Tree) Height() int {
	if t.root == nil {
		return 0
	}
	return int(t.root.level) + 1
}

// Get returns the digest of key; ok is false if it is not there.
func (t Tree) Get(key []byte) (digest Digest, ok bool) {
	d := t.root.get(key)
	return digestOf(d), d != nil
}

// Put returns the tree with the digest of key set. It panics if the key is
// refused by [Profile.CheckKey]. For many changes at once see [Tree.Edit].
func (t Tree) Put(key []byte, digest Digest) Tree {
	e := t.Edit()
	e.Put(key, digest)
	return e.Commit()
}

// Delete returns the tree without key.
func (t Tree) Delete(key []byte) Tree {
	e := t.Edit()
	e.Delete(key)
	return e.Commit()
}

// Range calls visit for each key with start <= key < end in ascending order
// until it returns false. A nil end means no end. The key must not be written
// to; who keeps it keeps its page.
func (t Tree) Range(start, end []byte, visit func(key []byte, digest Digest) bool) {
	t.root.each(start, end, func(key, digest []byte) bool { return visit(key, digestOf(digest)) })
}
