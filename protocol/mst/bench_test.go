package mst

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/starling-sim/starling/protocol"
)

// The setting of the yardsticks: 1 M keys of 16 bytes with digests of 16 bytes.
//
// Yardsticks, on a machine like the one the figures in the package
// documentation are from: domodwyer/merkle-search-tree (Rust, in place, 128-bit
// SipHash): insert of 1 M keys 1.04 s in all, root 179 ms, root again after
// 10 k updates 13 ms. bluesky-social/indigo (Go): 46 us a key and 22.5 s for
// the root at 1 M keys, 231 bytes a key.
const million = 1_000_000

var bigProfile = Options{DigestSize: 16}

// manyKeys returns keys 0 to n-1 in that order, thus at random places.
var manyKeys = sync.OnceValue(func() [][]byte {
	keys := make([][]byte, million)
	for k := range keys {
		keys[k] = keyNo(k)
	}
	return keys
})

var sortedKeys = sync.OnceValue(func() [][]byte {
	keys := slices.Clone(manyKeys())
	slices.SortFunc(keys, bytes.Compare)
	return keys
})

func bigTree(b *testing.B, o Options) Tree {
	b.Helper()
	builder := NewBuilder(MustProfile(o), nil)
	for _, k := range sortedKeys() {
		if err := builder.Add(k, digestFor(k, 0)); err != nil {
			b.Fatal(err)
		}
	}
	return builder.Finish()
}

// updates returns the tree with n keys changed: at random, or a run of
// neighbours.
func updates(t Tree, n int, contiguous bool) Tree {
	e := t.Edit()
	for k := range n {
		key := manyKeys()[k*(million/n)]
		if contiguous {
			key = sortedKeys()[million/2+k]
		}
		e.Put(key, digestFor(key, 1))
	}
	return e.Commit()
}

// BenchmarkBulkLoad: from sorted keys, hashes included.
func BenchmarkBulkLoad(b *testing.B) {
	for _, salt := range []int{0, 32} {
		b.Run(fmt.Sprintf("salt=%d", salt), func(b *testing.B) {
			o := bigProfile
			o.Salt = make([]byte, salt)
			sortedKeys()
			b.ReportAllocs()
			for b.Loop() {
				bigTree(b, o)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/million, "ns/key")
		})
	}
}

// BenchmarkInsert: 1 M keys at random places with one Editor; "put" is the
// editing, "root" the one Commit. Yardstick: 1.04 s and 179 ms.
func BenchmarkInsert(b *testing.B) {
	keys := manyKeys()
	var put, root int64
	b.ReportAllocs()
	for b.Loop() {
		from := b.Elapsed()
		e := New(MustProfile(bigProfile), nil).Edit()
		for _, k := range keys {
			e.Put(k, digestFor(k, 0))
		}
		between := b.Elapsed()
		e.Commit()
		put += (between - from).Nanoseconds()
		root += (b.Elapsed() - between).Nanoseconds()
	}
	b.ReportMetric(float64(put)/float64(b.N)/1e6, "put-ms")
	b.ReportMetric(float64(root)/float64(b.N)/1e6, "root-ms")
}

// BenchmarkPut: one key and a new root, on a tree of 1 M keys.
func BenchmarkPut(b *testing.B) {
	for _, with := range []string{"nil", "pool"} {
		b.Run("pool="+with, func(b *testing.B) {
			tree, keys := bigTree(b, bigProfile), manyKeys()
			if with == "pool" {
				tree.pool = NewPool(0)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k := keys[i%million]
				tree.Put(k, digestFor(k, 1))
			}
		})
	}
}

// BenchmarkRerootAfter10k: 10,000 updates and one Commit. Yardstick: 13 ms for
// the root alone.
func BenchmarkRerootAfter10k(b *testing.B) {
	tree, keys := bigTree(b, bigProfile), manyKeys()
	var root int64
	b.ReportAllocs()
	for b.Loop() {
		e := tree.Edit()
		for k := range 10_000 {
			e.Put(keys[k*100], digestFor(keys[k*100], 1))
		}
		from := b.Elapsed()
		e.Commit()
		root += (b.Elapsed() - from).Nanoseconds()
	}
	b.ReportMetric(float64(root)/float64(b.N)/1e6, "root-ms")
}

func BenchmarkGet(b *testing.B) {
	tree, keys := bigTree(b, bigProfile), manyKeys()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := tree.Get(keys[i%million]); !ok {
			b.Fatal("a key is gone")
		}
	}
}

// BenchmarkDiff: two local trees of 1 M keys with 10,000 differences.
func BenchmarkDiff(b *testing.B) {
	for _, shared := range []bool{true, false} {
		b.Run(fmt.Sprintf("shared=%t", shared), func(b *testing.B) {
			mine := bigTree(b, bigProfile)
			theirs := mine
			if !shared {
				theirs = bigTree(b, bigProfile)
			}
			theirs = updates(theirs, 10_000, false)
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				Diff(mine, theirs, func(Difference) bool { found++; return true })
				if found != 10_000 {
					b.Fatalf("got %d differences, want 10000", found)
				}
			}
		})
	}
}

// BenchmarkMemory: what a tree of 1 M keys takes; the keys' and digests' own
// 32 bytes are included. Yardstick: 231 bytes a key.
func BenchmarkMemory(b *testing.B) {
	for _, base := range []int{4, 16, 64} {
		b.Run(fmt.Sprintf("B=%d", base), func(b *testing.B) {
			o := bigProfile
			o.Base = base
			sortedKeys()
			for b.Loop() {
				before := heap()
				tree := bigTree(b, o)
				b.ReportMetric(float64(heap()-before)/million, "B/key")
				runtime.KeepAlive(tree)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkHundredReplicas: 100 replicas of 100,000 keys that each commit 1,000
// updates of their own order in batches of 10, with one pool; "apart" is the
// memory of all when each has made half of them, "B/replica" when they have
// become equal.
func BenchmarkHundredReplicas(b *testing.B) {
	const replicas, n, changed = 100, 100_000, 1000
	keys := manyKeys()
	for b.Loop() {
		before := heap()
		pool := NewPool(0)
		base := buildNo(MustProfile(bigProfile), pool, n)
		trees := make([]Tree, replicas)
		apart := int64(0)
		for half := range 2 {
			for r := range trees {
				if half == 0 {
					trees[r] = base
				}
				order := make([]int, changed)
				for k := range order {
					order[k] = k
				}
				rnd := protocol.NewRand(uint64(r))
				rnd.Shuffle(changed, func(i, j int) { order[i], order[j] = order[j], order[i] })
				for batch := range slices.Chunk(order[half*changed/2:(half+1)*changed/2], 10) {
					e := trees[r].Edit()
					for _, k := range batch {
						e.Put(keys[k*100], digestFor(keys[k*100], 1))
					}
					trees[r] = e.Commit()
				}
			}
			if half == 0 {
				apart = heap() - before
			}
		}
		b.ReportMetric(float64(apart)/(1<<20), "apart-MiB")
		pool = nil
		for r := range trees {
			if trees[r].root != trees[0].root {
				b.Fatalf("replica %d does not share the tree", r)
			}
		}
		b.ReportMetric(float64(heap()-before)/replicas, "B/replica")
		runtime.KeepAlive(trees)
	}
}
