package mst

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// differences are those of two twins in ascending order.
func differences(a, b twin) []Difference {
	var ds []Difference
	all := append(a.keys(), b.keys()...)
	slices.Sort(all)
	for _, k := range slices.Compact(all) {
		d := Difference{Key: []byte(k)}
		d.Mine, d.HasMine = a[k]
		d.Theirs, d.HasTheirs = b[k]
		if d.HasMine != d.HasTheirs || d.Mine != d.Theirs {
			ds = append(ds, d)
		}
	}
	return ds
}

func checkDifferences(t require, got, want []Difference) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b Difference) bool {
		return string(a.Key) == string(b.Key) && a.HasMine == b.HasMine && a.HasTheirs == b.HasTheirs &&
			a.Mine == b.Mine && a.Theirs == b.Theirs
	}) {
		t.Fatalf("got differences %+v, want %+v", got, want)
	}
}

func TestDiffIsTheSymmetricDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, wantA, b, wantB := drawPair(t, drawOptions().Draw(t, "options"))
		want := differences(wantA, wantB)
		stop := rapid.IntRange(1, 300).Draw(t, "stop")
		var got []Difference
		Diff(a, b, func(d Difference) bool {
			got = append(got, d)
			return len(got) < stop
		})
		checkDifferences(t, got, want[:min(stop, len(want))])
	})
}

// What a diff looks at are the pages above the differences.
func TestDiffSkipsWhatIsEqual(t *testing.T) {
	p := MustProfile(Options{})
	a, b := buildNo(p, nil, 20_000), buildNo(p, nil, 20_000)
	key := keyNo(77)
	b = b.Put(key, Digest{1})
	unused := 0
	each := func(pg *page, visit func(*page)) {
		var walk func(*page)
		walk = func(pg *page) {
			visit(pg)
			for _, kid := range pg.kids {
				if kid != nil {
					walk(kid)
				}
			}
		}
		walk(pg)
	}
	// A page off the path to the key that is damaged is not noticed.
	onPath := map[*page]bool{}
	for pg := a.root; pg != nil; {
		onPath[pg] = true
		i, _, found := pg.find(key)
		if found {
			break
		}
		pg = pg.kid(i)
	}
	each(a.root, func(pg *page) {
		if !onPath[pg] {
			pg.rows = nil
			unused++
		}
	})
	var got []Difference
	Diff(a, b, func(d Difference) bool { got = append(got, d); return true })
	if len(got) != 1 || string(got[0].Key) != string(key) || unused < 1000 {
		t.Errorf("got %d differences past %d unused pages", len(got), unused)
	}
}

// cut gives the canonical tree of the keys in each gap.
func TestCutPiecesAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		tree, want := drawTree(t, o)
		cuts := rapid.SliceOfDistinct(drawKey(), rapid.ID[string]).Draw(t, "cuts")
		if rapid.Bool().Draw(t, "hits") {
			cuts = append(cuts, want.keys()...)
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		keys := make([][]byte, len(cuts))
		for i, k := range cuts {
			keys[i] = []byte(k)
		}
		c := cut(tree.root, keys)
		for i := range c.pieces {
			inGap := twin{}
			for k, d := range want {
				if (i == 0 || k > cuts[i-1]) && (i == len(cuts) || k < cuts[i]) {
					inGap[k] = d
				}
			}
			piece := tree
			piece.root = seal(c.pieces[i], tree.profile, nil, &scratch{})
			checkSame(t, piece, inGap)
			if got, naive := piece.Root(), naiveRoot(o, inGap, inGap.keys()); got != naive {
				t.Fatalf("gap %d of %q: got root %v, want %v", i, cuts, got, naive)
			}
		}
		for i, k := range cuts {
			if d, ok := want[k]; ok != (c.mine[i] != nil) || ok && digestOf(c.mine[i]) != d {
				t.Fatalf("key %q: got %x, want %x %t", k, c.mine[i], d, ok)
			}
		}
		checkSame(t, tree, want)
	})
}
