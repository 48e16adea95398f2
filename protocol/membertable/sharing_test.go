package membertable

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// memberOf is the k-th member as scenarios have them: the ID spread evenly,
// six bytes of contact.
func memberOf(k int) Member {
	id := protocol.Mix(uint64(k) + 1)
	contact := []byte{byte(k >> 24), byte(k >> 16), byte(k >> 8), byte(k), 0x1f, 0x90}
	return Member{ID: protocol.NodeID(id), Incarnation: 1, Status: Alive, Contact: string(contact)}
}

func membersOf(n int) []Member {
	ms := make([]Member, n)
	for k := range ms {
		ms[k] = memberOf(k)
	}
	return ms
}

func tableOf(pool *Pool, n int) Table { return New(pool).WithAll(membersOf(n)) }

// sameShape reports whether two subtrees are equal node by node.
func sameShape(a, b *node) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.tally != b.tally || a.level != b.level || (a.kids == nil) != (b.kids == nil) {
		return false
	}
	if a.kids == nil {
		return slices.EqualFunc(a.rows, b.rows, func(a, b *record) bool { return *a == *b })
	}
	for d := range a.kids {
		if !sameShape(a.kids[d], b.kids[d]) {
			return false
		}
	}
	return true
}

func TestSameMembersGiveTheSameTableWhateverTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := drawPool(t)
		table, want := drawTable(t, pool)
		members := rapid.Permutation(want.ascending()).Draw(t, "order")
		again := New(pool)
		for _, m := range members {
			again = again.With(m)
		}
		if again.Hash() != table.Hash() || !again.Equal(table) {
			t.Fatalf("got hash %v, want %v", again.Hash(), table.Hash())
		}
		if !sameShape(again.root, table.root) {
			t.Fatalf("the shape depends on the history")
		}
		if pool != nil && pool.nodes.limit > 1 && again.root != table.root {
			t.Fatalf("the pool did not share the table")
		}
	})
}

func TestEveryFieldReachesTheHash(t *testing.T) {
	base := Member{ID: 1, Incarnation: 1, Status: Alive, Contact: "c", Metadata: "m"}
	seen := map[Hash]Member{New(nil).Hash(): {}}
	for _, m := range []Member{
		base,
		{2, 1, Alive, "c", "m"},
		{1, 2, Alive, "c", "m"},
		{1, 1, Suspect, "c", "m"},
		{1, 1, Alive, "d", "m"},
		{1, 1, Alive, "c", "n"},
		{1, 1, Alive, "cm", ""},
		{1, 1, Alive, "", "cm"},
	} {
		h := New(nil).With(m).Hash()
		if other, ok := seen[h]; ok {
			t.Errorf("%v and %v have the same hash", m, other)
		}
		seen[h] = m
	}
}

func TestNewsThatIsNoneChangesNothing(t *testing.T) {
	table := tableOf(nil, 100)
	if table.With(memberOf(7)).root != table.root || table.Without(memberOf(100).ID).root != table.root {
		t.Errorf("a table was copied that did not change")
	}
}

func TestStringsOfAMemberAreKeptOnce(t *testing.T) {
	table := tableOf(nil, 10)
	m, _ := table.Select(AnyStatus, 3)
	later := m
	later.Status, later.Contact = Suspect, string([]byte(m.Contact))
	if got := testing.AllocsPerRun(10, func() { table.With(later) }); got > 4 {
		t.Errorf("got %v allocations for one update, want at most 4", got)
	}
	got, _ := table.With(later).Get(m.ID)
	if stringData(got.Contact) != stringData(m.Contact) {
		t.Errorf("the contact was copied")
	}
}

func TestAnUpdateThatOthersHaveMadeCostsNoMemory(t *testing.T) {
	table := tableOf(NewPool(0), 10_000)
	m := memberOf(77)
	m.Status = Suspect
	want := table.With(m)
	if got := testing.AllocsPerRun(100, func() {
		if table.With(m).root != want.root {
			t.Fatal("not shared")
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// A newcomer that learns nearly everything from one peer shares the peer's
// table, pool or no pool.
func TestWhatComesFromATableSharesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		donor, _ := drawTable(t, drawPool(t))
		table, want := drawTable(t, drawPool(t))
		var ms []Member
		for mine, theirs := range table.Diff(donor) {
			if theirs.ID != 0 && (mine.ID == 0 || rapid.Bool().Draw(t, "take")) {
				ms = append(ms, theirs)
				want[theirs.ID] = theirs
			}
		}
		got := table.WithAllFrom(donor, ms)
		checkSame(t, got, want)
		if len(ms) > 0 && got.Equal(donor) && got.root != donor.root {
			t.Fatalf("equal and not shared")
		}
		for _, m := range ms {
			if got.root.get(m.ID) != donor.root.get(m.ID) && got.pool == nil {
				t.Fatalf("%v was copied", m.ID)
			}
		}
	})
}

func TestPoolStaysWithinItsCapacity(t *testing.T) {
	const capacity = 1024
	pool := NewPool(capacity)
	table := New(pool)
	for k := range 20_000 {
		table = table.With(memberOf(k))
	}
	if s := pool.Stats(); s.Parts > capacity || s.Rows > capacity || s.Parts < capacity/4 {
		t.Errorf("got %+v, want about %d parts and rows", s, capacity)
	}
	if want := tableOf(nil, 20_000); !sameShape(table.root, want.root) {
		t.Errorf("what the pool forgot changed the table")
	}
}

func TestWithRefusesWhatIsNoMember(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "check member 0000000000000007: got status 0") {
			t.Errorf("got %q, want a panic that says what is wrong", got)
		}
	}()
	New(nil).With(Member{ID: 7})
}

// Workers of one world use one pool; run with -race.
func TestPoolServesManyWorkers(t *testing.T) {
	for _, capacity := range []int{0, 256} {
		const workers, n = 4, 1500
		pool := NewPool(capacity)
		tables := make([]Table, workers)
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				rnd := protocol.NewRand(uint64(w))
				ms := membersOf(n)
				rnd.Shuffle(n, func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
				table := New(pool)
				for _, m := range ms {
					table = table.With(m)
				}
				for k := 0; k < n; k += 10 {
					table = table.Without(memberOf(k).ID)
				}
				tables[w] = table
			})
		}
		wg.Wait()
		for w, table := range tables {
			checkShape(t, table.root, 0)
			if table.Len() != n-n/10 || !sameShape(table.root, tables[0].root) {
				t.Errorf("capacity %d: worker %d got another table than worker 0", capacity, w)
			}
			if capacity == 0 && table.root != tables[0].root {
				t.Errorf("worker %d did not share worker 0's table", w)
			}
		}
	}
}
