package sim

import "bytes"

// treap is an ordered map from byte strings to byte strings that never changes:
// an update makes a new one that shares what it can with the old, so that
// keeping an old state costs nothing. A tree by key and a heap by a hash of the
// key (Seidel, Aragon 1996), its shape depends on the keys alone.
type treap struct {
	key, value  []byte
	priority    uint64
	left, right *treap
}

// priorityOf is FNV-1a with a final mix.
func priorityOf(key []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range key {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return fold(h^mix0, mix1)
}

func (t *treap) get(key []byte) ([]byte, bool) {
	for t != nil {
		switch d := bytes.Compare(key, t.key); {
		case d < 0:
			t = t.left
		case d > 0:
			t = t.right
		default:
			return t.value, true
		}
	}
	return nil, false
}

// above tells whether t belongs above u: by priority, then by key.
func (t *treap) above(u *treap) bool {
	return t.priority > u.priority || (t.priority == u.priority && bytes.Compare(t.key, u.key) < 0)
}

// set returns t with a value under n's key; n becomes part of it.
func (t *treap) set(n *treap) *treap {
	if t == nil {
		return n
	}
	d := bytes.Compare(n.key, t.key)
	c := *t
	switch {
	case d == 0:
		c.value = n.value
	case d < 0:
		c.left = t.left.set(n)
		if l := c.left; l.above(&c) {
			// l is part of the path that was just made anew.
			c.left, l.right = l.right, &c
			return l
		}
	default:
		c.right = t.right.set(n)
		if r := c.right; r.above(&c) {
			c.right, r.left = r.left, &c
			return r
		}
	}
	return &c
}

// remove returns t without a key.
func (t *treap) remove(key []byte) *treap {
	if t == nil {
		return nil
	}
	d := bytes.Compare(key, t.key)
	if d == 0 {
		return join(t.left, t.right)
	}
	c := *t
	if d < 0 {
		c.left = t.left.remove(key)
	} else {
		c.right = t.right.remove(key)
	}
	return &c
}

// join returns the treap of two, all keys of l being before those of r.
func join(l, r *treap) *treap {
	switch {
	case l == nil:
		return r
	case r == nil:
		return l
	case l.above(r):
		c := *l
		c.right = join(l.right, r)
		return &c
	}
	c := *r
	c.left = join(l, r.left)
	return &c
}

// scan visits the keys in [start, end) in order until visit returns false; it
// returns whether it went through.
func (t *treap) scan(start, end []byte, visit func(key, value []byte) bool) bool {
	if t == nil {
		return true
	}
	if bytes.Compare(t.key, start) < 0 {
		return t.right.scan(start, end, visit)
	}
	if !t.left.scan(start, end, visit) {
		return false
	}
	if end != nil && bytes.Compare(t.key, end) >= 0 {
		return true
	}
	return visit(t.key, t.value) && t.right.scan(start, end, visit)
}
