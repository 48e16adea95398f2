package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

func TestForEachDoesEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "n")
		workers := rapid.IntRange(1, 9).Draw(t, "workers")
		done := make([]atomic.Int32, n)
		var running, most atomic.Int32
		err := forEach(context.Background(), workers, n, func(_ context.Context, i int) error {
			now := running.Add(1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			done[i].Add(1)
			running.Add(-1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range done {
			if got := done[i].Load(); got != 1 {
				t.Fatalf("%d was done %d times", i, got)
			}
		}
		if int(most.Load()) > workers {
			t.Fatalf("%d at once, want at most %d", most.Load(), workers)
		}
	})
}

func TestForEachStopsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100).Draw(t, "n")
		workers := rapid.IntRange(1, 5).Draw(t, "workers")
		bad := rapid.IntRange(0, n-1).Draw(t, "bad")
		err := forEach(context.Background(), workers, n, func(ctx context.Context, i int) error {
			if i == bad {
				return broken
			}
			return nil
		})
		if !errors.Is(err, broken) {
			t.Fatalf("got %v, want %v", err, broken)
		}
	})
}

func TestForEachStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var done []int
	err := forEach(ctx, 1, 100, func(ctx context.Context, i int) error {
		mu.Lock()
		defer mu.Unlock()
		done = append(done, i)
		if i == 4 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	// One more may have been on its way to the worker.
	if len(done) > 6 || !slices.Equal(done[:5], []int{0, 1, 2, 3, 4}) {
		t.Fatalf("done: %v, want nothing after the end of the context", done)
	}
}

func TestPointStoreHoldsWholeRunsOnly(t *testing.T) {
	s := pointStore{dir: filepath.Join(t.TempDir(), pointsDir)}
	broken := errors.New("disk full")
	err := s.put("a", func(dir string) error {
		mustWrite(t, filepath.Join(dir, summaryFile), "half")
		return broken
	})
	if !errors.Is(err, broken) || s.has("a") {
		t.Fatalf("an unfinished run: got %v, stored %v", err, s.has("a"))
	}
	for i, key := range []string{"b", "a", "b"} { // b twice: two processes did the same
		err := s.put(key, func(dir string) error {
			mustWrite(t, filepath.Join(dir, summaryFile), fmt.Sprint(i))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	keys, err := s.keys()
	if err != nil || !slices.Equal(keys, []string{"a", "b"}) {
		t.Fatalf("keys: got %v, %v", keys, err)
	}
	if got := mustRead(t, filepath.Join(s.path("b"), summaryFile)); got != "0" {
		t.Errorf("the run stored first was replaced by %q", got)
	}
	if left := entries(t, s.dir); len(left) != 2 {
		t.Errorf("left in the store: %v", left)
	}
}
