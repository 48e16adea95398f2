package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
	"github.com/starling-sim/starling/protocol/mst"
)

var modes = []string{compareMST, compareMerkle, compareFull}

func drawCompare(t *rapid.T, c *Config) {
	c.Compare = rapid.SampledFrom(modes).Draw(t, "compare")
	c.MerkleDepth = rapid.SampledFrom([]int{1, 3, 10}).Draw(t, "merkle_depth")
}

func comparing(mode string, depth int) Config {
	c := still()
	c.Compare, c.MerkleDepth = mode, depth
	return c
}

// naiveLeaves sorts keys into buckets bit by bit and hashes each bucket.
func naiveLeaves(contents map[string]mst.Digest, depth int) []leaf {
	leaves := make([]leaf, 1<<depth)
	for b := range leaves {
		var keys []string
		for key := range contents {
			sum := sha256.Sum256([]byte(key))
			bits := ""
			for _, c := range sum[:4] {
				bits += fmt.Sprintf("%08b", c)
			}
			if bits[:depth] == fmt.Sprintf("%0*b", depth, b) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			d := contents[key]
			sum := sha256.Sum256(slices.Concat(leaves[b][:], []byte(key), d[:digestSize]))
			copy(leaves[b][:], sum[:])
		}
	}
	return leaves
}

// Leaves are those of a naive twin, and one change changes the leaf of its key
// and no other.
func TestLeaves(t *testing.T) {
	c := still()
	profile, err := c.profile()
	must(t, err)
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(1, 7).Draw(t, "depth")
		contents := map[string]mst.Digest{}
		tree := mst.New(profile, nil)
		for k, key := range rapid.SliceOfNDistinct(rapid.StringN(1, 8, 8), 1, 40, rapid.ID).Draw(t, "keys") {
			contents[key] = digestOf([]byte{byte(k)})
			tree = tree.Put([]byte(key), contents[key])
		}
		got := leavesOf(tree, depth)
		if !slices.Equal(got, naiveLeaves(contents, depth)) {
			t.Fatal("leaves are not those of the naive twin")
		}
		key := []byte(rapid.StringN(1, 8, 8).Draw(t, "changed"))
		var changed []int
		for b, l := range leavesOf(tree.Put(key, digestOf(key)), depth) {
			if l != got[b] {
				changed = append(changed, b)
			}
		}
		if !slices.Equal(changed, []int{int(bucketOf(key, depth))}) {
			t.Fatalf("leaves %d changed, want %d", changed, bucketOf(key, depth))
		}
	})
}

// reconciled is a session of two actors of which each has one key that it alone
// wrote, among many that both have.
func reconciled(t *testing.T, c Config, keys int) (rounds uint64, entries [2]int) {
	s := newStage(t, c, 2)
	for k := range keys {
		s.put(0, fmt.Sprint("both", k), "v")
	}
	s.meet(0, 1)
	s.put(0, "mine", "v")
	s.put(1, "theirs", "v")
	s.heard = func(from, _ int, m protocol.Message) {
		if m, ok := m.(*Entries); ok {
			entries[from] += len(m.Items)
		}
	}
	a := s.actors[0]
	a.events = nil
	s.meet(0, 1)
	if a.node.Root() != s.actors[1].node.Root() || a.node.Len() != keys+2 {
		t.Fatalf("%s: the two differ after a session, or have %d keys, want %d", c.Compare, a.node.Len(), keys+2)
	}
	for _, e := range a.events {
		if e.Kind == EventSessionEnd {
			rounds = e.Args[0]
		}
	}
	return rounds, entries
}

// What each way sends: only what differs; the buckets of what differs; all.
func TestWhatIsCompared(t *testing.T) {
	const keys = 2000
	if _, got := reconciled(t, comparing(compareMST, 1), keys); got != [2]int{1, 1} {
		t.Errorf("mst: got %d entries each way, want what differs", got)
	}
	// Each bucket has 2 of the keys, and two buckets differ.
	rounds, got := reconciled(t, comparing(compareMerkle, 10), keys)
	if got[0] < 1 || got[0] > 20 || got[1] < 1 || got[1] > 20 || rounds != 3 {
		t.Errorf("merkle: got %d entries each way in %d rounds, want some 5 in 3", got, rounds)
	}
	// The second to send has what the first sent already.
	rounds, got = reconciled(t, comparing(compareFull, 1), keys)
	if got != [2]int{keys + 1, keys + 1} || rounds != 2 {
		t.Errorf("full: got %d entries each way in %d rounds, want all %d in 2", got, rounds, keys+1)
	}
}

// Contents that are equal are not sent, but by the way that does not look.
func TestEqualContents(t *testing.T) {
	for _, mode := range modes {
		s := newStage(t, comparing(mode, 5), 2)
		s.put(0, "k", "v")
		s.meet(0, 1)
		entries, messages := 0, 0
		s.heard = func(_, _ int, m protocol.Message) {
			messages++
			if m, ok := m.(*Entries); ok {
				entries += len(m.Items)
			}
		}
		s.meet(1, 0)
		wantEntries, wantMessages := 0, 4
		if mode == compareFull {
			wantEntries, wantMessages = 2, 7
		}
		if entries != wantEntries || messages != wantMessages {
			t.Errorf("%s: got %d entries in %d messages, want %d in %d", mode, entries, messages, wantEntries, wantMessages)
		}
	}
}

// What one side deleted goes from the other, also when the deletion is forgotten
// already; what the other changed meanwhile stays.
func TestDeletionsInEachWay(t *testing.T) {
	for _, mode := range modes {
		for first := range 2 {
			s := newStage(t, comparing(mode, 2), 2)
			for _, key := range []string{"gone", "changed", "kept"} {
				s.put(0, key, "v")
			}
			s.meet(0, 1)
			s.remove(1, "gone")
			s.remove(1, "changed")
			s.pass(s.shared.cfg.TombstoneLife.Std() + 1)
			s.actors[1].node.known = s.actors[1].node.known.Merge(s.actors[1].entry("gone").Version())
			for _, key := range []string{"gone", "changed"} {
				b := s.actors[1]
				if _, err := b.node.set(b, []byte(key), b.entry(key), s.actors[0].entry("nothing")); err != nil {
					t.Fatal(err)
				}
			}
			s.put(0, "changed", "w")
			s.meet(first, 1-first)
			for i := range s.actors {
				if gone, changed, kept := s.get(i, "gone"), s.get(i, "changed"), s.get(i, "kept"); gone != "" || changed != "w" || kept != "v" {
					t.Errorf("%s, begun by %d: actor %d has %q, %q and %q, want what was deleted to be so", mode, first, i, gone, changed, kept)
				}
			}
			if s.actors[0].node.Root() != s.actors[1].node.Root() {
				t.Errorf("%s, begun by %d: the two differ", mode, first)
			}
		}
	}
}

// A message of entries that was lost does not make what was in it deleted (found
// by TestInterruptedSessionsLeaveBothSidesValid).
func TestStateLostInTheMiddle(t *testing.T) {
	for _, mode := range []string{compareMerkle, compareFull} {
		s := newStage(t, comparing(mode, 1), 2)
		s.put(0, "k", "v")
		s.meet(0, 1)
		s.put(0, "other", "v")
		s.begin(0, 1)
		s.until(is[*Entries])
		s.take(1, 0)
		s.settle()
		if s.get(0, "k") != "v" || s.actors[0].count(EventSessionBroken, BrokenMalformed) != 1 {
			t.Errorf("%s: got %q and %v, want what was there, and a session that broke", mode, s.get(0, "k"), s.actors[0].events)
		}
	}
}

// Peers that compare in other ways have no session.
func TestWaysMustAgree(t *testing.T) {
	s := newStage(t, comparing(compareMerkle, 5), 1)
	own := s.actors[0].node.profileMark()
	for _, c := range []Config{comparing(compareMST, 5), comparing(compareFull, 5), comparing(compareMerkle, 6)} {
		if newStage(t, c, 1).actors[0].node.profileMark() == own {
			t.Errorf("%s of depth %d has the mark of merkle of depth 5", c.Compare, c.MerkleDepth)
		}
	}
}

// Whoever sends what was not asked for, or twice, or out of order, or what this
// way to compare does not have, ends the session.
func TestMalformedComparisons(t *testing.T) {
	const depth = 4
	leaves := func(count int) *Leaves { return &Leaves{Leaves: make([]leaf, count)} }
	items := func(round uint64, keys ...string) *Entries {
		m := &Entries{Round: round}
		for _, key := range keys {
			m.Items = append(m.Items, Item{Key: []byte(key)})
		}
		return m
	}
	accept := func(root byte) *Accept { return &Accept{Root: mst.Hash{root}} }
	const low, high = "a", "b" // in different buckets
	for name, c := range map[string]struct {
		mode  string
		began bool
		after []protocol.Message // that are right
		wrong protocol.Message
	}{
		"leaves in a walk":         {compareMST, true, []protocol.Message{accept(1)}, leaves(1 << depth)},
		"an end in a walk":         {compareMST, true, []protocol.Message{accept(1)}, &Last{Round: 1, Sent: 1}},
		"buckets in a walk":        {compareMST, false, nil, &Buckets{Round: 1, Buckets: []uint32{0}}},
		"leaves before acceptance": {compareMerkle, true, nil, leaves(1 << depth)},
		"another number of leaves": {compareMerkle, true, []protocol.Message{accept(1)}, leaves(1 << (depth + 1))},
		"leaves out of order":      {compareMerkle, true, []protocol.Message{accept(1)}, &Leaves{First: 1, Leaves: make([]leaf, 1)}},
		"a part of leaves twice":   {compareMerkle, true, []protocol.Message{accept(1), leaves(1)}, leaves(1)},
		"an end before all leaves": {compareMerkle, true, []protocol.Message{accept(1), leaves(1)}, &Last{Round: 2, Sent: 2}},
		"leaves twice":             {compareMerkle, true, []protocol.Message{accept(1), leaves(1 << depth)}, leaves(1 << depth)},
		"entries before leaves":    {compareMerkle, true, []protocol.Message{accept(1)}, items(1, low)},
		"entries of another round": {compareMerkle, true, []protocol.Message{accept(1), leaves(1 << depth)}, items(3, low)},
		"acceptance twice":         {compareMerkle, true, []protocol.Message{accept(1)}, accept(1)},
		"a bucket not asked for":   {compareMerkle, true, []protocol.Message{accept(1), leaves(1 << depth)}, items(2, high)},
		"a bucket that is not":     {compareMerkle, false, nil, &Buckets{Round: 1, Buckets: []uint32{1 << depth}}},
		"buckets in round 0":       {compareMerkle, false, nil, &Buckets{Buckets: []uint32{0}}},
		"buckets twice":            {compareMerkle, false, []protocol.Message{&Buckets{Round: 1, Buckets: []uint32{0}}}, &Buckets{Round: 1, Buckets: []uint32{1}}},
		"a question for pages":     {compareMerkle, false, nil, &Ask{Round: 1, Wants: []mst.Want{{Form: mst.FormPage}}}},
		"a question for keys":      {compareFull, false, nil, &Fetch{Round: 1, Keys: [][]byte{[]byte(low)}}},
		"buckets where all comes":  {compareFull, false, nil, &Buckets{Round: 1, Buckets: []uint32{0}}},
		"leaves where all comes":   {compareFull, true, []protocol.Message{accept(1)}, leaves(1 << depth)},
		"entries out of order":     {compareFull, true, []protocol.Message{accept(1), items(1, "m", "n")}, items(1, "m")},
		"entries after the end":    {compareFull, true, []protocol.Message{accept(1), &Last{Round: 1, Sent: 1}}, items(1, "m")},
		"the end twice":            {compareFull, true, []protocol.Message{accept(1), &Last{Round: 1, Sent: 1}}, &Last{Round: 1, Sent: 2}},
		"an end after a gap":       {compareFull, true, []protocol.Message{accept(1)}, &Last{Round: 1, Sent: 2}},
		"pages":                    {compareFull, true, []protocol.Message{accept(1)}, &Pages{Round: 1, Pages: make([]Page, 1)}},
	} {
		s := newStage(t, comparing(c.mode, depth), 2)
		// So that nothing is sent and the session goes on.
		s.shared.cfg.PeerRate = 1
		a := s.actors[0]
		s.put(0, low, "v")
		id := uint64(7)
		if c.began {
			s.begin(0, 1)
			id = a.node.sessions[0].id
		} else {
			a.node.Receive(a, idOf(1), &Open{Session: id, Profile: a.node.profileMark(), Root: mst.Hash{1}})
		}
		for _, m := range c.after {
			a.node.Receive(a, idOf(1), ofSession(m, id))
		}
		if got := a.count(EventSessionBroken, BrokenMalformed); got > 0 || len(a.node.sessions) == 0 {
			t.Errorf("%s: the session ended before", name)
		}
		a.node.Receive(a, idOf(1), ofSession(c.wrong, id))
		if got := a.count(EventSessionBroken, BrokenMalformed); got != 1 {
			t.Errorf("%s: got %v, want the end of the session", name, a.events)
		}
	}
}

// ofSession sets a message's session.
func ofSession(m protocol.Message, id uint64) protocol.Message {
	b := m.Append(nil)
	binary.BigEndian.PutUint64(b, id)
	got, err := decodeAs(m.Kind(), b)
	if err != nil {
		panic(err)
	}
	return got
}
