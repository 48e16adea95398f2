package membertable

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// twin is the obvious member table: what a Table does is compared with it.
type twin map[protocol.NodeID]Member

func (w twin) ascending() []Member {
	ids := slices.Sorted(maps.Keys(w))
	ms := make([]Member, len(ids))
	for i, id := range ids {
		ms[i] = w[id]
	}
	return ms
}

// in returns the members in the states of set, ascending.
func (w twin) in(set StatusSet) []Member {
	return slices.DeleteFunc(w.ascending(), func(m Member) bool { return !set.Has(m.Status) })
}

// idOf is the k-th identity of a shape: as they occur (spread evenly), or such
// as never occur unless somebody wants them to, which agree in nearly all bits.
func idOf(shape, k int) protocol.NodeID {
	switch shape {
	case 0:
		return protocol.NodeID(k + 1)
	case 1:
		return protocol.NodeID(0xabcd<<48 | uint64(k)<<20)
	}
	return protocol.NodeID(protocol.Mix(uint64(k) + 1))
}

const (
	idShapes = 3
	idRange  = 400 // of a shape: few enough to meet again, many enough to split leaves
)

func drawID() *rapid.Generator[protocol.NodeID] {
	return rapid.Custom(func(t *rapid.T) protocol.NodeID {
		shape := rapid.IntRange(0, idShapes-1).Draw(t, "shape")
		return idOf(shape, rapid.IntRange(0, idRange-1).Draw(t, "k"))
	})
}

// drawCrowd draws a template and many identities that look alike.
func drawCrowd(t *rapid.T) (Member, []protocol.NodeID) {
	shape := rapid.IntRange(0, idShapes-1).Draw(t, "shape")
	from := rapid.IntRange(0, idRange-1).Draw(t, "from")
	ids := make([]protocol.NodeID, rapid.IntRange(from, idRange).Draw(t, "to")-from)
	for i := range ids {
		ids[i] = idOf(shape, from+i)
	}
	return drawMember().Draw(t, "member"), rapid.Permutation(ids).Draw(t, "ids")
}

func drawMember() *rapid.Generator[Member] {
	return rapid.Custom(func(t *rapid.T) Member {
		return Member{
			ID:          drawID().Draw(t, "id"),
			Incarnation: rapid.SampledFrom([]uint32{0, 1, 2, 127, 128, 1 << 31}).Draw(t, "incarnation"),
			Status:      Status(rapid.IntRange(int(Alive), int(Left)).Draw(t, "status")),
			Contact:     rapid.SampledFrom([]string{"", "a", "contact"}).Draw(t, "contact"),
			Metadata:    rapid.SampledFrom([]string{"", "b", "metadata"}).Draw(t, "metadata"),
		}
	})
}

// drawPool draws the pools that there are: none, one so small that it forgets
// all the time, one that forgets nothing.
func drawPool(t *rapid.T) *Pool {
	switch rapid.IntRange(0, 2).Draw(t, "pool") {
	case 0:
		return nil
	case 1:
		return NewPool(1)
	}
	return NewPool(0)
}

// edit makes one random change to both.
func edit(t *rapid.T, table Table, want twin) Table {
	switch rapid.IntRange(0, 6).Draw(t, "edit") {
	case 0:
		id := drawID().Draw(t, "id")
		delete(want, id)
		return table.Without(id)
	case 1:
		ms := rapid.SliceOfN(drawMember(), 0, 50).Draw(t, "members")
		for _, m := range ms {
			want[m.ID] = m
		}
		return table.WithAll(ms)
	case 2, 3:
		m, ids := drawCrowd(t)
		ms := make([]Member, len(ids))
		for i, id := range ids {
			m.ID = id
			ms[i] = m
			want[id] = ms[i]
		}
		return table.WithAll(ms)
	case 4:
		_, ids := drawCrowd(t)
		for _, id := range ids {
			delete(want, id)
		}
		return table.WithoutAll(ids)
	default:
		m := drawMember().Draw(t, "member")
		want[m.ID] = m
		return table.With(m)
	}
}

// drawTable draws a table with some history, and its twin.
func drawTable(t *rapid.T, pool *Pool) (Table, twin) {
	table, want := New(pool), twin{}
	for range rapid.IntRange(0, 8).Draw(t, "edits") {
		table = edit(t, table, want)
	}
	return table, want
}

// checkShape fails unless n has the one shape that its rows and level allow
// and its tally is theirs.
func checkShape(t require, n *node, level uint8) {
	if n == nil {
		return
	}
	rows := n.appendRows(nil)
	if want := newLeaf(level, rows).tally; n.tally != want {
		t.Fatalf("level %d: got tally %+v, want %+v", level, n.tally, want)
	}
	if n.level != level {
		t.Fatalf("got level %d, want %d", n.level, level)
	}
	if len(rows) == 0 || (n.kids == nil) != (len(rows) <= leafMax) || n.kids != nil && n.rows != nil {
		t.Fatalf("level %d: %d rows, kids %t: an inner node has more than %d rows", level, len(rows), n.kids != nil, leafMax)
	}
	for i := 1; i < len(rows); i++ {
		if rows[i-1].ID >= rows[i].ID {
			t.Fatalf("level %d: row %v before %v", level, rows[i-1].ID, rows[i].ID)
		}
	}
	if n.kids == nil {
		return
	}
	for d, kid := range n.kids {
		checkShape(t, kid, level+1)
		for _, r := range kid.appendRows(nil) {
			if digit(r.ID, level) != d {
				t.Fatalf("level %d: row %v below digit %x", level, r.ID, d)
			}
		}
	}
}

type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkSame(t require, table Table, want twin) {
	t.Helper()
	checkShape(t, table.root, 0)
	if got := slices.Collect(table.All()); !slices.Equal(got, want.ascending()) {
		t.Fatalf("got members %v, want %v", got, want.ascending())
	}
	if table.Len() != len(want) {
		t.Fatalf("got %d members, want %d", table.Len(), len(want))
	}
	for _, m := range want {
		if got, ok := table.Get(m.ID); !ok || got != m {
			t.Fatalf("got %v %t, want %v", got, ok, m)
		}
	}
}

func TestTableDoesWhatAMapWouldDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, want := New(drawPool(t)), twin{}
		for range rapid.IntRange(1, 8).Draw(t, "edits") {
			before, frozen := table, maps.Clone(want)
			table = edit(t, table, want)
			checkSame(t, table, want)
			checkSame(t, before, frozen)
		}
		absent := drawID().Draw(t, "absent")
		if _, ok := table.Get(absent); ok != (want[absent].ID != 0) {
			t.Fatalf("get %v: got %t", absent, ok)
		}
	})
}

func TestCountSelectAndRankCountInOrderOfID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, want := drawTable(t, drawPool(t))
		set := StatusSet(rapid.Uint8Range(0, uint8(AnyStatus)).Draw(t, "set"))
		members := want.in(set)
		if got := table.CountIn(set); got != len(members) {
			t.Fatalf("count in %04b: got %d, want %d", set, got, len(members))
		}
		for s := Unknown; s <= Left; s++ {
			if got, want := table.Count(s), len(want.in(SetOf(s))); got != want {
				t.Fatalf("count %v: got %d, want %d", s, got, want)
			}
		}
		for rank, m := range members {
			if got, ok := table.Select(set, rank); !ok || got != m {
				t.Fatalf("select %04b %d: got %v %t, want %v", set, rank, got, ok, m)
			}
			if got := table.Rank(set, m.ID); got != rank {
				t.Fatalf("rank %04b %v: got %d, want %d", set, m.ID, got, rank)
			}
		}
		for _, rank := range []int{-1, len(members)} {
			if m, ok := table.Select(set, rank); ok {
				t.Fatalf("select %04b %d of %d: got %v, want none", set, rank, len(members), m)
			}
		}
		id := drawID().Draw(t, "id")
		below := slices.IndexFunc(members, func(m Member) bool { return m.ID >= id })
		if below < 0 {
			below = len(members)
		}
		if got := table.Rank(set, id); got != below {
			t.Fatalf("rank %04b %v: got %d, want %d", set, id, got, below)
		}
	})
}

func TestDiffYieldsWhatDiffersAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := drawPool(t)
		mine, wantMine := drawTable(t, pool)
		theirs, wantTheirs := mine, maps.Clone(wantMine)
		switch rapid.IntRange(0, 2).Draw(t, "relation") {
		case 0:
			theirs, wantTheirs = drawTable(t, drawPool(t))
		case 1: // equal rows that are not the same in memory
			theirs = New(drawPool(t)).WithAll(wantMine.ascending())
		}
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			theirs = edit(t, theirs, wantTheirs)
		}
		union := maps.Clone(wantMine)
		maps.Copy(union, wantTheirs)
		var got, want [][2]Member
		for a, b := range mine.Diff(theirs) {
			got = append(got, [2]Member{a, b})
		}
		for _, m := range union.ascending() {
			if a, b := wantMine[m.ID], wantTheirs[m.ID]; a != b {
				want = append(want, [2]Member{a, b})
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got differences %v, want %v", got, want)
		}
		if mine.Equal(theirs) != (len(want) == 0) {
			t.Fatalf("equal: got %t with %d differences", mine.Equal(theirs), len(want))
		}
		stop := rapid.IntRange(0, len(want)).Draw(t, "stop")
		for range mine.Diff(theirs) {
			if stop--; stop < 0 {
				break
			}
		}
	})
}

func TestAllStopsWhenToldTo(t *testing.T) {
	table := tableOf(nil, 1000)
	seen := 0
	for range table.All() {
		if seen++; seen == 300 {
			break
		}
	}
	if seen != 300 {
		t.Errorf("got %d members, want 300", seen)
	}
}
