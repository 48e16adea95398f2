package membertable

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

// naiveRound is a round of 2^bits slots written out: it has a list of the
// slots' turns and looks at every member every time.
type naiveRound struct {
	turn map[uint64]int // by slot
	key  uint64
	rest uint
	last *place
}

type place struct {
	turn int
	at   uint64 // within the slot
}

func (p place) before(q place) bool {
	return p.turn < q.turn || p.turn == q.turn && p.at < q.at
}

func newNaiveRound(key uint64, members int) *naiveRound {
	r := NewRound(key)
	r.begin(members)
	naive := &naiveRound{turn: map[uint64]int{}, key: r.key, rest: r.rest()}
	for ; r.live; r.nextSlot() {
		naive.turn[r.slot()] = int(r.turn)
	}
	return naive
}

func (r *naiveRound) place(m *Member) place {
	slot := uint64(m.ID) >> r.rest
	return place{r.turn[slot], (uint64(m.ID) ^ protocol.Mix(r.key^protocol.Mix(slot+1))) & (1<<r.rest - 1)}
}

func (r *naiveRound) next(members []Member) (Member, bool) {
	var best *Member
	for i := range members {
		m := &members[i]
		if (r.last == nil || r.last.before(r.place(m))) && (best == nil || r.place(m).before(r.place(best))) {
			best = m
		}
	}
	if best == nil {
		return Member{}, false
	}
	at := r.place(best)
	r.last = &at
	return *best, true
}

// SWIM, section 4.3: each member is probed once in a round, in random order,
// whatever joins and leaves meanwhile.
func TestRoundVisitsWhoeverStaysExactlyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := drawPool(t)
		table, want := drawTable(t, pool)
		set := StatusSet(rapid.Uint8Range(1, uint8(AnyStatus)).Draw(t, "set"))
		self := drawID().Draw(t, "self")
		accept := func(m Member) bool { return m.ID != self }
		key := rapid.Uint64().Draw(t, "key")
		round, naive := NewRound(key), newNaiveRound(key, len(want.in(set)))

		stayed := idsOf(want.in(set), self)
		everThere := maps.Clone(stayed)
		visited := map[protocol.NodeID]bool{}
		edits := rapid.IntRange(0, 5).Draw(t, "edits")
		pause := rapid.IntRange(0, 50).Draw(t, "pause")
		for {
			m, ok := round.Next(table, set, accept)
			wantNext, wantOK := naive.next(slices.DeleteFunc(want.in(set), func(m Member) bool { return m.ID == self }))
			if m != wantNext || ok != wantOK {
				t.Fatalf("got %v %t, want %v %t", m, ok, wantNext, wantOK)
			}
			if !ok {
				break
			}
			if visited[m.ID] || !everThere[m.ID] {
				t.Fatalf("visited %v: visited before %t, was there %t", m.ID, visited[m.ID], everThere[m.ID])
			}
			visited[m.ID] = true
			if pause--; pause <= 0 && edits > 0 {
				edits--
				pause = rapid.IntRange(0, 50).Draw(t, "pause")
				table = edit(t, table, want)
				now := idsOf(want.in(set), self)
				maps.Copy(everThere, now)
				maps.DeleteFunc(stayed, func(id protocol.NodeID, _ bool) bool { return !now[id] })
			}
		}
		for id := range stayed {
			if !visited[id] {
				t.Fatalf("%v was there all the time and not visited", id)
			}
		}
		if m, ok := round.Next(table, set, nil); ok {
			t.Fatalf("got %v after the end", m)
		}
	})
}

func idsOf(ms []Member, but protocol.NodeID) map[protocol.NodeID]bool {
	ids := map[protocol.NodeID]bool{}
	for _, m := range ms {
		if m.ID != but {
			ids[m.ID] = true
		}
	}
	return ids
}

func TestEverySlotHasOneTurn(t *testing.T) {
	for bits := minSlotBits; bits < 14; bits++ {
		for key := range uint64(50) {
			members := 1<<(bits-2) - 1
			naive := newNaiveRound(key, members)
			if len(naive.turn) != 1<<bits {
				t.Fatalf("key %d, %d members: got %d slots, want %d", key, members, len(naive.turn), 1<<bits)
			}
			for slot := range naive.turn {
				if slot>>bits != 0 {
					t.Fatalf("key %d, %d members: got slot %d", key, members, slot)
				}
			}
		}
	}
}

// The last place of a slot is next to the first of another: whoever is there
// neither ends the round early nor is followed by the wrong slot.
func TestRoundGoesOnAfterTheLastPlaceOfASlot(t *testing.T) {
	for key := range uint64(20) {
		const slots = 1 << minSlotBits
		round := NewRound(key)
		round.begin(10)
		table := New(nil)
		for slot := uint64(slots - 10); slot < slots; slot++ {
			low := ^round.mask(slot) & (1<<round.rest() - 1)
			table = table.With(Member{ID: protocol.NodeID(slot<<round.rest() | low), Status: Alive})
		}
		visited := map[protocol.NodeID]int{}
		for m, ok := round.Next(table, AnyStatus, nil); ok; m, ok = round.Next(table, AnyStatus, nil) {
			visited[m.ID]++
		}
		for m := range table.All() {
			if visited[m.ID] != 1 {
				t.Errorf("key %d: %v was visited %d times, want once", key, m.ID, visited[m.ID])
			}
		}
	}
}

// Everybody is equally likely to be visited at any time of a round, whatever
// its ID and whoever else there is: for each member, its rank over many rounds
// is spread evenly over ten parts. The keys are fixed; with others, chi-square
// (9 degrees of freedom) would exceed 45 once in a million times a member.
func TestEveryRankInARoundIsEquallyLikely(t *testing.T) {
	for _, n := range []int{10, 40, 160} {
		worst := worstChiSquare(t, n)
		t.Logf("%d members: worst chi-square %.1f", n, worst)
		if worst > 45 {
			t.Errorf("%d members: got chi-square %.1f with 9 degrees of freedom, want at most 45", n, worst)
		}
	}
}

func worstChiSquare(t *testing.T, n int) float64 {
	const rounds, bins = 4000, 10
	table := tableOf(nil, n)
	counts := make(map[protocol.NodeID][bins]int, n)
	for key := range uint64(rounds) {
		round := NewRound(key)
		for rank := range n {
			m, ok := round.Next(table, AnyStatus, nil)
			if !ok {
				t.Fatalf("round %d ended after %d members, want %d", key, rank, n)
			}
			bin := counts[m.ID]
			bin[rank*bins/n]++
			counts[m.ID] = bin
		}
	}
	worst := 0.0
	for _, bin := range counts {
		chi := 0.0
		for _, got := range bin {
			d := float64(got) - rounds/bins
			chi += d * d / (rounds / bins)
		}
		worst = max(worst, chi)
	}
	return worst
}

// Who follows whom is chance as well: of all ordered pairs of 12 members, each
// makes up its share of the neighbours in 4,000 rounds (333 meetings, standard
// deviation 18).
func TestNeighboursInARoundAreMixed(t *testing.T) {
	const n, rounds = 12, 4000
	table := tableOf(nil, n)
	pairs := map[[2]protocol.NodeID]int{}
	for key := range uint64(rounds) {
		round := NewRound(key)
		before, _ := round.Next(table, AnyStatus, nil)
		for range n - 1 {
			m, _ := round.Next(table, AnyStatus, nil)
			pairs[[2]protocol.NodeID{before.ID, m.ID}]++
			before = m
		}
	}
	for pair, got := range pairs {
		if share := float64(got) / (rounds * (n - 1)) * n * (n - 1); share < 0.75 || share > 1.25 {
			t.Errorf("%v then %v: got %.2f times its share", pair[0], pair[1], share)
		}
	}
	if len(pairs) != n*(n-1) {
		t.Errorf("got %d of %d ordered pairs", len(pairs), n*(n-1))
	}
}

// A few alive among many dead are found without looking at the dead.
func TestRoundSkipsTheDeadWholesale(t *testing.T) {
	ms := membersOf(20_000)
	asked := 0
	for k := range ms {
		if k%5000 != 0 {
			ms[k].Status = Dead
		}
	}
	table := New(nil).WithAll(ms)
	round := NewRound(1)
	visited := 0
	for {
		if _, ok := round.Next(table, SetOf(Alive), func(Member) bool { asked++; return true }); !ok {
			break
		}
		visited++
	}
	if visited != 4 || asked != 4 {
		t.Errorf("got %d visited and %d asked about, want 4 and 4", visited, asked)
	}
}
