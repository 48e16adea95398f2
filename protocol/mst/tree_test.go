package mst

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

func TestTreeDoesWhatAMapWouldDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		tree, want := New(MustProfile(o), drawPool(t)), twin{}
		for range rapid.IntRange(1, 5).Draw(t, "commits") {
			before, frozen := tree, maps.Clone(want)
			tree = mutate(t, o, tree, want)
			checkSame(t, tree, want)
			checkSame(t, before, frozen)
		}
		key := drawKey().Draw(t, "key")
		d, ok := tree.Get([]byte(key))
		if wantD, wantOK := want[key]; ok != wantOK || d != wantD {
			t.Fatalf("get %q: got %t %x, want %t %x", key, ok, d, wantOK, wantD)
		}
	})
}

func TestRootIsThatOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		tree, want := drawTree(t, o)
		if got, naive := tree.Root(), naiveRoot(o, want, want.keys()); got != naive {
			t.Fatalf("got root %v, want %v for %q", got, naive, want.keys())
		}
		if built := build(t, o, want); built.Root() != tree.Root() || built.Len() != tree.Len() {
			t.Fatalf("the builder got root %v, want %v", built.Root(), tree.Root())
		}
		for _, k := range want.keys() {
			if got, naive := tree.profile.Level([]byte(k)), naiveLevel(o, k); got != naive {
				t.Fatalf("got level %d of %q, want %d", got, k, naive)
			}
		}
	})
}

func TestRootDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		tree, want := drawTree(t, o)
		extra := rapid.SliceOf(drawKey()).Draw(t, "extra")
		again := New(MustProfile(o), drawPool(t))
		keys := want.keys()
		for _, k := range rapid.Permutation(append(keys, extra...)).Draw(t, "order") {
			again = again.Put([]byte(k), want[k])
		}
		for _, k := range rapid.Permutation(extra).Draw(t, "removal") {
			if _, ok := want[k]; !ok {
				again = again.Delete([]byte(k))
			}
		}
		if again.Root() != tree.Root() {
			t.Fatalf("got root %v, want %v for %q", again.Root(), tree.Root(), want.keys())
		}
		checkSame(t, again, want)
	})
}

func TestEqualRootsMeanEqualContents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		a, wantA, b, wantB := drawPair(t, o)
		if (a.Root() == b.Root()) != maps.Equal(wantA, wantB) {
			t.Fatalf("got roots %v and %v of %q and %q", a.Root(), b.Root(), wantA.keys(), wantB.keys())
		}
	})
}

func TestRangeVisitsWhatIsInIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, want := drawTree(t, drawOptions().Draw(t, "options"))
		start := []byte(drawKey().Draw(t, "start"))
		var end []byte
		if rapid.Bool().Draw(t, "bounded") {
			end = []byte(drawKey().Draw(t, "end"))
		}
		stop := rapid.IntRange(1, 50).Draw(t, "stop")
		var wants, got []string
		for _, k := range want.keys() {
			if k >= string(start) && (end == nil || k < string(end)) && len(wants) < stop {
				wants = append(wants, k)
			}
		}
		tree.Range(start, end, func(key []byte, d Digest) bool {
			got = append(got, string(key))
			return len(got) < stop
		})
		if !slices.Equal(got, wants) {
			t.Fatalf("from %q to %q: got %q, want %q", start, end, got, wants)
		}
	})
}

func TestProfilesDoNotShareRoots(t *testing.T) {
	seen := map[Hash]Options{}
	for _, o := range []Options{{}, {Base: 4}, {DigestSize: 16}, {HashSize: 16}} {
		tree := New(MustProfile(o), nil).Put([]byte("key"), Digest{1})
		if other, ok := seen[tree.Root()]; ok {
			t.Errorf("%+v and %+v have the root %v", o, other, tree.Root())
		}
		seen[tree.Root()] = o
	}
}

// Without lengths a key could end in what looks like the next entry or a
// child's hash.
func TestKeysThatLookLikeEntries(t *testing.T) {
	o := Options{Base: 256, DigestSize: 8, HashSize: 16}
	p := MustProfile(o)
	one := New(p, nil).Put([]byte("a"), Digest{1}).Put([]byte("b"), Digest{2})
	encoded, _ := p.appendPage(nil, one.root, nil)
	for n := range len(encoded) {
		for m := n; m <= len(encoded); m++ {
			other := New(p, nil).Put(encoded[n:m], Digest{2})
			if other.Root() == one.Root() {
				t.Fatalf("key %x gives the root of two keys", encoded[n:m])
			}
		}
	}
}

func TestPutOfWhatIsThereChangesNothing(t *testing.T) {
	tree := New(MustProfile(Options{Base: 4}), nil)
	for k := range 200 {
		tree = tree.Put(keyNo(k), Digest{byte(k)})
	}
	if again := tree.Put(keyNo(7), Digest{7}); again.root != tree.root {
		t.Errorf("a put of what is there copied the tree")
	}
	if again := tree.Delete(keyNo(200)); again.root != tree.root {
		t.Errorf("a delete of what is not there copied the tree")
	}
}

// A key above or below all others that makes a new root leaves the old one as
// it is.
func TestSplitCopiesOnlyWhatIsCut(t *testing.T) {
	p := MustProfile(Options{Base: 4})
	tree := buildNo(p, nil, 200)
	lowest, highest := make([]byte, 8), bytes.Repeat([]byte{255}, 40)
	for p.Level(lowest) <= int(tree.root.level) {
		lowest[7]++
		if lowest[7] == 0 {
			lowest[6]++
		}
	}
	for p.Level(highest) <= int(tree.root.level) {
		highest = append(highest, 255)
	}
	if got := tree.Put(lowest, Digest{}).root; got.kid(0) != nil || got.kid(1) != tree.root {
		t.Errorf("the tree above a lowest key was copied")
	}
	if got := tree.Put(highest, Digest{}).root; got.kid(0) != tree.root || got.kid(1) != nil {
		t.Errorf("the tree below a highest key was copied")
	}
}

func TestPutRefusesLongKeys(t *testing.T) {
	p := MustProfile(Options{MaxKey: 5})
	if err := NewBuilder(p, nil).Add([]byte("123456"), Digest{}); err == nil {
		t.Errorf("the builder took a key of 6 bytes")
	}
	defer func() {
		if recover() == nil {
			t.Errorf("put took a key of 6 bytes")
		}
	}()
	New(p, nil).Put([]byte("123456"), Digest{})
}

func TestBuilderRefusesDisorder(t *testing.T) {
	for _, second := range []string{"a", "b", ""} {
		b := NewBuilder(MustProfile(Options{}), nil)
		if err := b.Add([]byte("b"), Digest{}); err != nil {
			t.Fatal(err)
		}
		if err := b.Add([]byte(second), Digest{}); err == nil || !strings.Contains(err.Error(), "ascending") {
			t.Errorf("got %v for %q after b", err, second)
		}
	}
}

func TestProfileRefusesWrongOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"base 3":                 {Base: 3},
		"base 512":               {Base: 512},
		"base -16":               {Base: -16},
		"hash size of 15":        {HashSize: 15},
		"hash size of 33":        {HashSize: 33},
		"digest size of 7":       {DigestSize: 7},
		"digest size of 33":      {DigestSize: 33},
		"longest key of 65537":   {MaxKey: 65537},
		"a salt of 15 bytes":     {Salt: make([]byte, 15)},
		"a salt of 33 bytes":     {Salt: make([]byte, 33)},
		"longest key of -1 byte": {MaxKey: -1},
	} {
		if _, err := NewProfile(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// keyNo is the k-th of many keys of 16 bytes, spread evenly.
func keyNo(k int) []byte {
	b := make([]byte, 0, 16)
	for i := range uint64(2) {
		x := protocol.Mix(2*uint64(k) + i + 1)
		for s := 56; s >= 0; s -= 8 {
			b = append(b, byte(x>>s))
		}
	}
	return b
}

// buildNo returns the tree of keys 0 to n-1.
func buildNo(p *Profile, pool *Pool, n int) Tree {
	keys := make([][]byte, n)
	for k := range keys {
		keys[k] = keyNo(k)
	}
	slices.SortFunc(keys, bytes.Compare)
	b := NewBuilder(p, pool)
	for _, k := range keys {
		if err := b.Add(k, digestFor(k, 0)); err != nil {
			panic(err)
		}
	}
	return b.Finish()
}

// digestFor is the digest of a version of a key's value.
func digestFor(key []byte, version byte) (d Digest) {
	copy(d[:], key)
	d[0] ^= version
	return d
}
