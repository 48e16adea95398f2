package membertable

import "iter"

// Diff yields, in ascending order of ID, each ID's members in t and in other
// where they differ. The zero Member (ID 0) stands for one that is not there.
// It skips what is equal without looking inside: a few differences between
// large tables cost little.
func (t Table) Diff(other Table) iter.Seq2[Member, Member] {
	return func(yield func(mine, theirs Member) bool) {
		diffNodes(t.root, other.root, yield)
	}
}

// diffNodes compares two subtrees of one level and one prefix. Like all below
// it returns false if yield did.
func diffNodes(a, b *node, yield func(Member, Member) bool) bool {
	switch {
	case a == b || a != nil && b != nil && a.hash == b.hash && a.len() == b.len():
		return true
	case a == nil || a.kids == nil:
		return diffRows(rowsIn(a), b, false, yield)
	case b == nil || b.kids == nil:
		return diffRows(rowsIn(b), a, true, yield)
	}
	for d := range a.kids {
		if !diffNodes(a.kids[d], b.kids[d], yield) {
			return false
		}
	}
	return true
}

func rowsIn(leaf *node) []*record {
	if leaf == nil {
		return nil
	}
	return leaf.rows
}

// diffRows compares rows with the subtree n that has their prefix; swapped
// says that the rows are other's and n is ours.
func diffRows(rows []*record, n *node, swapped bool, yield func(Member, Member) bool) bool {
	if n == nil || n.kids == nil {
		if swapped {
			return mergeRows(rowsIn(n), rows, yield)
		}
		return mergeRows(rows, rowsIn(n), yield)
	}
	for d, kid := range n.kids {
		end := rowsOf(rows, n.level, d)
		if !diffRows(rows[:end], kid, swapped, yield) {
			return false
		}
		rows = rows[end:]
	}
	return true
}

// mergeRows compares two ascending lists of rows.
func mergeRows(a, b []*record, yield func(Member, Member) bool) bool {
	for len(a) > 0 || len(b) > 0 {
		var mine, theirs Member
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].ID < b[0].ID:
			mine, a = a[0].Member, a[1:]
		case len(a) == 0 || b[0].ID < a[0].ID:
			theirs, b = b[0].Member, b[1:]
		case a[0] == b[0] || a[0].hash == b[0].hash:
			a, b = a[1:], b[1:]
			continue
		default:
			mine, theirs = a[0].Member, b[0].Member
			a, b = a[1:], b[1:]
		}
		if !yield(mine, theirs) {
			return false
		}
	}
	return true
}
