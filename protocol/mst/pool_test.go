package mst

import (
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/starling-sim/starling/protocol"
)

func TestPoolSharesEqualTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions().Draw(t, "options")
		p, pool := MustProfile(o), NewPool(0)
		want := twin{}
		one := mutate(t, o, New(p, pool), want)
		two := New(p, pool)
		for _, k := range rapid.Permutation(want.keys()).Draw(t, "order") {
			two = two.Put([]byte(k), want[k])
		}
		if one.root != two.root {
			t.Fatalf("equal trees of one pool have different pages")
		}
	})
}

// The pool itself keeps nothing alive, and what trees hold it never forgets.
func TestPoolForgetsWhatNobodyHolds(t *testing.T) {
	p, pool := MustProfile(Options{Base: 4}), NewPool(0)
	held := buildNo(p, pool, 2000)
	for n := range 20 {
		tree := held
		for k := range 200 {
			tree = tree.Put(keyNo(2000+200*n+k), Digest{})
		}
		runtime.GC()
	}
	if s := pool.Stats(); s.Pages > 10_000 || s.Misses < 20_000 {
		t.Errorf("got %+v, want few pages left", s)
	}
	if again := buildNo(p, pool, 2000); again.root != held.root {
		t.Errorf("a tree that is held was not shared")
	}
	runtime.KeepAlive(held)
}

// Workers of one world use one pool and read each other's trees; run with
// -race.
func TestPoolServesManyWorkers(t *testing.T) {
	const workers, n = 4, 1000
	p, pool := MustProfile(Options{}), NewPool(0)
	base := buildNo(p, pool, n)
	trees := make([]Tree, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			order := make([]int, n)
			for k := range order {
				order[k] = k
			}
			rnd := protocol.NewRand(uint64(w))
			rnd.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
			tree := base
			for _, k := range order {
				tree = tree.Put(keyNo(k), digestFor(keyNo(k), 1))
			}
			found := 0
			Diff(base, tree, func(Difference) bool { found++; return true })
			if found != n {
				t.Errorf("worker %d: got %d differences, want %d", w, found, n)
			}
			trees[w] = tree
		})
	}
	wg.Wait()
	for w := range trees {
		if trees[w].Root() != trees[0].Root() || trees[w].root != trees[0].root {
			t.Errorf("worker %d did not end with worker 0's tree", w)
		}
	}
}
